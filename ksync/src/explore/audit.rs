// SPDX-License-Identifier: GPL-2.0-only
//! A history run again: it must lead to the same request, or the task is no function of the replies.

use super::coroutine::{Routine, resume, start, stop};
use super::task::{At, NodeId, Nondeterminism, ROOT, Reply, Tree};

/// About how many histories of a task an audit runs again.
const AUDITED: usize = 1000;

impl Tree {
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

    /// A new coroutine at this node.
    pub(super) fn replay(&self, to: NodeId) -> Result<Routine, Nondeterminism> {
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
            let at = resume(&mut routine, reply);
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
