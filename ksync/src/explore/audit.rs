// SPDX-License-Identifier: GPL-2.0-only
//! A history run again: it must lead to the same request, or the task is no function of the replies.
//!
//! Identical tasks have one tree, grown by the first of them. If that one asks which of them it is, its histories are
//! run again on all others, and must lead to the same requests there: conditions too, on each value that they were
//! ever asked about. Who does not ask cannot differ.

use super::coroutine::{Identity, Routine, resume, start, stop};
use super::machine::Machine;
use super::task::{Asked, At, NodeId, Nondeterminism, ROOT, Reply, Tree};
use crate::op::Cond;
use crate::request::Request;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// About how many histories of a task an audit runs again.
const AUDITED: usize = 1000;

/// A condition, and the values that it was asked about.
#[derive(Clone)]
pub(super) struct Watched {
    cond: Cond,
    values: Rc<RefCell<BTreeSet<u64>>>,
}

/// Has the conditions of a request note what they are asked about.
pub(super) fn watch(request: &mut Request) -> Vec<Watched> {
    let watch = |cond: &mut Cond| {
        let watched = Watched { cond: cond.clone(), values: Rc::default() };
        let noting = watched.clone();
        *cond = Cond(Rc::new(move |value| {
            noting.values.borrow_mut().insert(value);
            noting.cond.holds(value)
        }));
        watched
    };
    request.conditions().map(watch).collect()
}

impl Machine {
    /// Whether each task is a function of what it is told, those of a group are the same one, and all was explored.
    pub(super) fn audit(&self) -> Result<(), Nondeterminism> {
        self.trees.iter().try_for_each(Tree::audit)?;
        self.audit_bodies()?;
        for group in &self.groups {
            let tree = &self.trees[self.tree_of[group[0]]];
            let first = &tree.identity;
            for &other in group[1..].iter().filter(|_| first.asked_which.get()) {
                let other = Identity::new(&self.setup.tasks[other], other, true, first.handlers.clone());
                tree.audit_like(&Rc::new(other))?;
            }
        }
        Ok(())
    }
}

impl Tree {
    /// Runs known histories again, each in a coroutine of its own, and compares what is asked.
    ///
    /// A body that shares anything outside of cells finds it in another state than when the tree was made.
    fn audit(&self) -> Result<(), Nondeterminism> {
        let ends = self.ends();
        for &end in ends.iter().step_by(ends.len() / AUDITED + 1) {
            stop(self.replay(end)?);
        }
        Ok(())
    }

    /// Runs all known histories on another task that is said to be the same.
    fn audit_like(&self, other: &Rc<Identity>) -> Result<(), Nondeterminism> {
        for end in self.ends() {
            stop(self.replay_on(other, end).map_err(|[theirs, ours]| {
                let (first, other) = (&self.identity.name, &other.name);
                Nondeterminism(format!(
                    "{other} is not like {first}: after the same replies it asks {theirs}, {first} asks {ours}; \
                     tasks that differ are not identical_tasks(): declare them one by one with Setup::task()"
                ))
            })?);
        }
        Ok(())
    }

    /// The nodes that no other one is reached through.
    fn ends(&self) -> Vec<NodeId> {
        let mut is_end = vec![true; self.nodes.len()];
        self.nodes.iter().skip(1).for_each(|node| is_end[node.parent as usize] = false);
        (0..self.nodes.len() as NodeId).filter(|&id| is_end[id as usize]).collect()
    }

    /// A new coroutine at this node.
    pub(super) fn replay(&self, to: NodeId) -> Result<Routine, Nondeterminism> {
        self.replay_on(&self.identity, to).map_err(|[now, before]| {
            let name = &self.identity.name;
            Nondeterminism(format!(
                "{name} is not deterministic: after the same replies it asks {now}, before it asked {before}; \
                 shared data must live in cells"
            ))
        })
    }

    /// The same of a task that may be another one: what it asks, and what was asked before, where they differ.
    fn replay_on(&self, identity: &Rc<Identity>, to: NodeId) -> Result<Routine, [String; 2]> {
        let mut path = vec![];
        let mut id = to;
        while id != ROOT {
            path.push(id);
            id = self.node(id).parent;
        }
        path.push(ROOT);
        let mut routine = start(identity.clone());
        for id in path.into_iter().rev() {
            let node = self.node(id);
            let reply = if id == ROOT { Reply::Value(0) } else { node.reply };
            let at = resume(&mut routine, reply);
            let condition = if same(&at, &node.at) { another_condition(&at, &node.at) } else { Some("") };
            if let Some(condition) = condition {
                stop(routine);
                return Err([shown(&at) + condition, shown(&node.at)]);
            }
        }
        Ok(routine)
    }
}

/// Whether a replayed task asks what it asked before, up to its conditions.
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

/// Says so if it would have waited for something else than before.
fn another_condition(now: &At, before: &At) -> Option<&'static str> {
    let (At::Asks(now), At::Asks(before)) = (now, before) else { return None };
    let differ = |(now, before): (&mut Cond, &Watched)| {
        let values = before.values.borrow();
        values.iter().any(|&value| now.holds(value) != before.cond.holds(value))
    };
    let mut request = now.request.clone();
    let Asked { watched, .. } = &**before;
    request.conditions().zip(watched).any(differ).then_some(" with another condition")
}

fn shown(at: &At) -> String {
    match at {
        At::Asks(asked) => format!("{:?} at {}", asked.request, asked.place),
        At::Done => "nothing more".to_owned(),
        At::Panicked(message) => format!("nothing, and panics: {message}"),
    }
}
