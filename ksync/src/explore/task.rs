// SPDX-License-Identifier: GPL-2.0-only
//! A task as the search sees it: a tree of what it asks, by what it was told so far.
//!
//! The body of a task is ordinary Rust in a coroutine. It is a deterministic function of the replies to its
//! requests, so each history of replies leads to one next request, and that is remembered in a tree. The search
//! moves over the tree as over data; the coroutine runs only where the tree has no answer yet. Then it is the one
//! that stands there already, or a new one that is fed the recorded replies.

use super::distilled::Distilled;
use crate::backend::world::{self, Phase};
use crate::current::Current;
use crate::op::{CellId, IrqId, MemOp, Request};
use crate::place::Place;
use crate::setup::Body;
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
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
}

enum End {
    Done,
    Panicked(String),
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
    children: Vec<(Reply, NodeId)>,
    /// Plain accesses since the last operation that others could order themselves by.
    pub(super) tail: Rc<[(CellId, bool)]>,
}

pub(super) enum At {
    Asks(Rc<Asked>),
    Done,
    Panicked(String),
}

type Routine = Coroutine<Reply, Asked, End, DefaultStack>;

/// What a task's coroutine needs to know of its task.
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) cpu: u32,
    pub(super) migrates: bool,
    pub(super) body: Body,
    pub(super) handlers: Rc<[Body]>,
}

/// All known histories of a task, or of several identical ones.
pub(super) struct Tree {
    nodes: Vec<Node>,
    identity: Rc<Identity>,
    live: Option<(Routine, NodeId)>,
    /// Where the task stands after a block of which only the result is kept.
    distilled: HashMap<Distilled, NodeId>,
}

/// A body that asks differently after the same replies.
#[derive(Debug)]
pub(super) struct Nondeterminism(pub(super) String);

const STACK_BYTES: usize = 128 * 1024;

/// About how many histories of a task an audit runs again.
const AUDITED: usize = 1000;

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
    /// The port of the coroutine that runs now.
    static PORT: Cell<*const Port> = const { Cell::new(std::ptr::null()) };
}

struct Port {
    yielder: *const Yielder<Reply, Asked>,
    current: *const Current,
    identity: Rc<Identity>,
}

/// A facade call of the running task; a wait may have a body that its loop runs through while it waits.
pub(crate) fn request(mut request: Request, place: Place, body: Option<&dyn Fn()>) -> u64 {
    if std::thread::panicking() {
        return 0; // The task failed; its guards go without a trace.
    }
    let port_at = PORT.get();
    // SAFETY: a facade call in phase `Explorer` comes from a coroutine, and `PORT` points to its port, which lives
    // on its stack as long as it does: `start` sets it first and the line after `suspend` sets it again.
    let port = unsafe { &*port_at };
    if let Request::Distilled { preempt_count, irqs_off, .. } = &mut request {
        // SAFETY: `current` lives beside the port.
        let current = unsafe { &*port.current };
        (*preempt_count, *irqs_off) = (current.preempt_count(), current.irqs_disabled());
    }
    let ask = |request: Request| {
        // SAFETY: as above; the yielder belongs to this coroutine.
        let reply = unsafe { &*port.yielder }.suspend(Asked { request, place, body: body.is_some() });
        PORT.set(port_at);
        reply
    };
    if port.identity.handlers.is_empty() && body.is_none() {
        return match ask(request) {
            Reply::Value(value) => value,
            Reply::Irq(_) | Reply::Body => unreachable!("no interrupt was declared, and there is no body"),
        };
    }
    loop {
        match ask(request.clone()) {
            Reply::Value(value) => return value,
            Reply::Irq(irq) => {
                // SAFETY: as above; `current` lives beside the port.
                let current = unsafe { &*port.current };
                let irqs_off = current.enter_interrupt();
                (port.identity.handlers[usize::from(irq)])(current);
                current.leave_interrupt(irqs_off);
                ask(Request::IrqReturn(irqs_off));
            }
            Reply::Body => body.expect("only a wait with a body is answered so")(),
        }
    }
}

/// Whether the running task may change its CPU.
pub(crate) fn task_migrates() -> bool {
    // SAFETY: as in `request`.
    unsafe { &*PORT.get() }.identity.migrates
}

fn start(identity: Rc<Identity>) -> Routine {
    let stack = STACKS.with_borrow_mut(Vec::pop);
    let stack = stack.unwrap_or_else(|| DefaultStack::new(STACK_BYTES).expect("no memory for a coroutine's stack"));
    Coroutine::with_stack(stack, move |yielder: &Yielder<Reply, Asked>, _| {
        let current = Current::new(&identity.name, identity.number, identity.cpu);
        let port = Port { yielder, current: &raw const current, identity };
        PORT.set(&raw const port);
        match catch_unwind(AssertUnwindSafe(|| (port.identity.body)(&current))) {
            Ok(()) => End::Done,
            Err(payload) if world::phase() == Phase::Torn => resume_unwind(payload),
            Err(payload) => End::Panicked(super::quiet::message(payload.as_ref())),
        }
    })
}

fn stop(mut routine: Routine) {
    if !routine.done() {
        let before = world::enter(Phase::Torn);
        routine.force_unwind();
        world::enter(before);
    }
    STACKS.with_borrow_mut(|stacks| stacks.push(routine.into_stack()));
}

impl Tree {
    pub(super) fn new(identity: Identity) -> Tree {
        let mut tree = Tree { nodes: Vec::new(), identity: Rc::new(identity), live: None, distilled: HashMap::new() };
        let mut routine = start(tree.identity.clone());
        let at = Self::resume(&mut routine, Reply::Value(0));
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
        let at = Self::resume(&mut routine, reply);
        let id = NodeId::try_from(self.nodes.len()).expect("fewer than 2^32 histories");
        let tail = self.tail_after(from);
        self.nodes.push(Node { parent: from, reply, at, children: Vec::new(), tail });
        self.nodes[from as usize].children.push((reply, id));
        self.distilled.extend(distilled.map(|key| (key, id)));
        self.live = Some((routine, id));
        Ok(id)
    }

    /// Runs known histories again, each in a coroutine of its own, and compares what is asked.
    ///
    /// A body that shares anything outside of cells finds it in another state than when the tree was made.
    pub(super) fn audit(&self) -> Result<(), Nondeterminism> {
        let leaves: Vec<usize> = (0..self.nodes.len()).filter(|&id| self.nodes[id].children.is_empty()).collect();
        for leaf in leaves.iter().step_by(leaves.len() / AUDITED + 1) {
            stop(self.replay(*leaf as NodeId)?);
        }
        Ok(())
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

    /// A new coroutine at this node.
    fn replay(&self, to: NodeId) -> Result<Routine, Nondeterminism> {
        let mut path = vec![];
        let mut id = to;
        while id != ROOT {
            path.push(id);
            id = self.node(id).parent;
        }
        path.push(ROOT);
        let mut routine = start(self.identity.clone());
        for id in path.into_iter().rev() {
            let node = self.node(id);
            let reply = if id == ROOT { Reply::Value(0) } else { node.reply };
            let at = Self::resume(&mut routine, reply);
            if !same(&at, &node.at) {
                stop(routine);
                let name = &self.identity.name;
                return Err(Nondeterminism(format!(
                    "{name} is not deterministic: after the same replies it asks {}, before it asked {}; \
                     shared data must live in cells",
                    shown(&at),
                    shown(&node.at)
                )));
            }
        }
        Ok(routine)
    }

    fn resume(routine: &mut Routine, reply: Reply) -> At {
        let before = world::enter(Phase::Explorer);
        let result = routine.resume(reply);
        world::enter(before);
        match result {
            CoroutineResult::Yield(asked) => At::Asks(Rc::new(asked)),
            CoroutineResult::Return(End::Done) => At::Done,
            CoroutineResult::Return(End::Panicked(message)) => At::Panicked(message),
        }
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

/// Whether a replayed task asks what it asked before. Conditions cannot be compared; their words can.
fn same(a: &At, b: &At) -> bool {
    match (a, b) {
        (At::Asks(a), At::Asks(b)) => {
            std::ptr::eq(a.place, b.place)
                && a.body == b.body
                && format!("{:?}", a.request) == format!("{:?}", b.request)
        }
        (At::Done, At::Done) => true,
        (At::Panicked(a), At::Panicked(b)) => a == b,
        _ => false,
    }
}

fn shown(at: &At) -> String {
    match at {
        At::Asks(asked) => format!("{:?} at {}", asked.request, asked.place),
        At::Done => "nothing more".to_owned(),
        At::Panicked(message) => format!("nothing, and panics: {message}"),
    }
}
