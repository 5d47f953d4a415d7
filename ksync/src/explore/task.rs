// SPDX-License-Identifier: GPL-2.0-only
//! A task as the search sees it: a tree of what it asks, by what it was told so far.
//!
//! The body of a task is ordinary Rust in a coroutine. It is a deterministic function of the replies to its
//! requests, so each history of replies leads to one next request, and that is remembered in a tree. The search
//! moves over the tree as over data; the coroutine runs only where the tree has no answer yet. Then it is the one
//! that stands there already, or a new one that is fed the recorded replies.

use super::audit::Watched;
use super::coroutine::{Identity, Routine, resume, start, stop};
use super::distilled::Distilled;
use crate::op::{CellId, MemOp};
use crate::place::Place;
use crate::request::{IrqId, Request};
use std::collections::HashMap;
use std::rc::Rc;

/// What a task's request is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// The request was performed.
    Value(u64),
    /// It was not: first this interrupt's handler runs on the task.
    Irq(IrqId),
    /// It was not: the task goes once through the body of its waiting loop.
    Body,
}

/// A request and where it was made.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) place: Place,
    /// The wait is a loop with a body.
    pub(super) body: bool,
    /// It is asked in the body of a waiting loop.
    pub(super) in_body: bool,
    /// Its conditions, if another task may have other ones.
    pub(super) watched: Vec<Watched>,
}

/// A point in a task's history.
pub(super) type NodeId = u32;

/// The start of every task.
pub(super) const ROOT: NodeId = 0;

pub(super) struct Node {
    pub(super) parent: NodeId,
    /// The reply that led here.
    pub(super) reply: Reply,
    pub(super) at: At,
    pub(super) children: Vec<(Reply, NodeId)>,
    /// Plain accesses since the last operation that others could order themselves by.
    pub(super) tail: Rc<[(CellId, bool)]>,
}

pub(super) enum At {
    Asks(Rc<Asked>),
    Done,
    Panicked(String),
}

/// All known histories of a task, or of several identical ones.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) identity: Rc<Identity>,
    live: Option<(Routine, NodeId)>,
    /// Where the task stands after a block of which only the result is kept.
    distilled: HashMap<Distilled, NodeId>,
}

/// A body that asks differently after the same replies, or asks for what is not explored there.
#[derive(Debug)]
pub(super) struct Nondeterminism(pub(super) String);

impl Tree {
    pub(super) fn new(identity: Identity) -> Tree {
        let mut tree = Tree { nodes: Vec::new(), identity: Rc::new(identity), live: None, distilled: HashMap::new() };
        let mut routine = start(tree.identity.clone());
        let at = resume(&mut routine, Reply::Value(0));
        tree.nodes.push(Node { parent: ROOT, reply: Reply::Value(0), at, children: Vec::new(), tail: Rc::new([]) });
        tree.live = Some((routine, ROOT));
        tree
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// Where the task stands after this reply.
    pub(super) fn child(&mut self, from: NodeId, reply: Reply) -> Result<NodeId, Nondeterminism> {
        let known = self.node(from).children.iter().find(|(to, _)| *to == reply);
        if let Some((_, id)) = known {
            return Ok(*id);
        }
        let distilled = self.distilled_by(from);
        if let Some(&id) = distilled.as_ref().and_then(|key| self.distilled.get(key)) {
            self.nodes[from as usize].children.push((reply, id));
            return Ok(id);
        }
        let mut routine = match self.live.take() {
            Some((routine, at)) if at == from => routine,
            other => {
                if let Some((routine, _)) = other {
                    stop(routine);
                }
                self.replay(from)?
            }
        };
        let at = resume(&mut routine, reply);
        let id = NodeId::try_from(self.nodes.len()).expect("fewer than 2^32 histories");
        let tail = self.tail_after(from);
        self.nodes.push(Node { parent: from, reply, at, children: Vec::new(), tail });
        self.nodes[from as usize].children.push((reply, id));
        self.distilled.extend(distilled.map(|key| (key, id)));
        self.live = Some((routine, id));
        Ok(id)
    }

    /// The plain accesses that are still open after the request of this node was performed.
    pub(super) fn tail_after(&self, from: NodeId) -> Rc<[(CellId, bool)]> {
        let node = self.node(from);
        let At::Asks(asked) = &node.at else { return Rc::new([]) };
        let touched = match &asked.request {
            Request::Mem(MemOp::Read { cell }) => (*cell, false),
            Request::Mem(MemOp::Write { cell, .. }) => (*cell, true),
            // Under sc a barrier is performed at once, so others may still come between the access and it.
            Request::Mem(MemOp::Fence(_)) => return node.tail.clone(),
            Request::Mem(_) | Request::Sleep { .. } => return Rc::new([]),
            _ => return node.tail.clone(),
        };
        if node.tail.contains(&touched) {
            return node.tail.clone();
        }
        node.tail.iter().copied().chain([touched]).collect()
    }

    /// All requests that the task was ever seen to make.
    pub(super) fn all_asked(&self) -> impl DoubleEndedIterator<Item = &Asked> {
        self.nodes.iter().filter_map(|node| match &node.at {
            At::Asks(asked) => Some(&**asked),
            _ => None,
        })
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some((routine, _)) = self.live.take() {
            stop(routine);
        }
    }
}
