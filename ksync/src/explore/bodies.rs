// SPDX-License-Identifier: GPL-2.0-only
//! Bodies of waiting loops: where they have to be interleaved with what others do.
//!
//! A loop that waits goes through its body all the time. The explorer lets it do so once in an instant. If nobody on
//! another CPU can tell when, the end of the instant is as good a time as any, and the loops go one after the other.
//! Where a body shares a word with another CPU, it also starts when a task there is about to access that word, and
//! where it may not come to its end, when a task is about to end the wait: what comes before that commutes with the
//! whole body. Which words that are is known only when all was explored: so a search that ends well is made anew if it
//! has shown more of them than it knew. For 15 loops that touch 15 watchdogs this is 15 steps in an instant; 2^15 states
//! are left for an instant in which all their waits end.
//!
//! What the loop's own CPU does in an instant, as its handlers, comes before the body. The turn in the instant before
//! stands for one that would come first.

use super::machine::Machine;
use super::memory::Memory;
use super::state::State;
use super::task::{Asked, At, Nondeterminism, Tree};
use super::time::turns;
use crate::op::CellId;
use crate::request::Request;
use std::collections::HashMap;

/// Words, and whether they are written.
pub(super) type Words = HashMap<CellId, bool>;

impl Machine {
    /// Whether bodies of waiting loops ask for words and for what is their CPU's own; all else would have to be
    /// interleaved, too.
    pub(super) fn audit_bodies(&self) -> Result<(), Nondeterminism> {
        let may_ask = |asked: &&Asked| {
            use Request::{Cpu, Distil, Distilled, IrqReturn, IrqsOff, Mem, Now, PreemptOff};
            let own = matches!(asked.request, PreemptOff(_) | IrqsOff(_) | IrqReturn(_) | Cpu | Now);
            own || matches!(asked.request, Mem(_) | Distil | Distilled { .. })
        };
        let mut asked = self.trees.iter().flat_map(Tree::all_asked).filter(|asked| asked.in_body);
        asked.find(|asked| !may_ask(asked)).map_or(Ok(()), |asked| {
            let (place, request) = (asked.place, &asked.request);
            Err(Nondeterminism(format!(
                "{place}: {request:?} in the body of a waiting loop, which is not interleaved"
            )))
        })
    }

    /// Finds the words that the bodies of waiting loops share with other CPUs. True if there are new ones.
    pub(super) fn entangle(&mut self) -> bool {
        let all: Vec<Words> = self.trees.iter().map(|tree| words(tree.all_asked())).collect();
        let in_bodies = self.trees.iter().map(|tree| words(tree.all_asked().filter(|asked| asked.in_body)));
        let in_bodies: Vec<Words> = in_bodies.collect();
        let shared = |task: usize| -> Option<Words> {
            let others: Vec<usize> = (0..self.tree_of.len()).filter(|&other| self.apart(task, other)).collect();
            let conflicts = |(cell, writes): &(&CellId, &bool)| {
                let theirs = others.iter().filter_map(|&other| all[self.tree_of[other]].get(*cell));
                theirs.into_iter().any(|theirs| **writes || *theirs)
            };
            let mine = &in_bodies[self.tree_of[task]];
            let words = mine.iter().filter(conflicts).map(|(cell, writes)| (*cell, *writes)).collect();
            (!mine.is_empty()).then_some(words)
        };
        let found: Vec<Option<Words>> = (0..self.tree_of.len()).map(shared).collect();
        let new = found != self.entangled && found.iter().any(Option::is_some);
        self.entangled = found;
        new
    }

    /// Whether two tasks may be on two CPUs.
    fn apart(&self, task: usize, other: usize) -> bool {
        let (task, other) = (&self.setup.tasks[task], &self.setup.tasks[other]);
        task.cpu != other.cpu || task.migrates || other.migrates
    }

    /// Whether some task on another CPU is about to do what makes it matter when the loop of this one turns.
    pub(super) fn is_looked_at<M: Memory>(&self, state: &State<M>, task: usize) -> bool {
        (0..state.tasks.len()).any(|other| self.looks_at(state, other, task))
    }

    /// Whether the task's next step makes it matter when some loop turns.
    pub(super) fn looks<M: Memory>(&self, state: &State<M>, task: usize) -> bool {
        (0..self.entangled.len()).any(|other| self.looks_at(state, task, other) && turns(self, state, other))
    }

    fn looks_at<M: Memory>(&self, state: &State<M>, task: usize, other: usize) -> bool {
        let Some(Some(words)) = self.entangled.get(other) else { return false };
        let next = |task: usize| match self.at(task, state.tasks[task].node) {
            At::Asks(asked) => access(asked),
            _ => None,
        };
        let Some((cell, writes)) = next(task).filter(|_| self.apart(task, other)) else { return false };
        let ends_the_wait = writes && next(other).is_some_and(|(awaited, _)| awaited == cell);
        ends_the_wait || words.get(&cell).is_some_and(|theirs| *theirs || writes)
    }
}

fn access(asked: &Asked) -> Option<(CellId, bool)> {
    match &asked.request {
        Request::Mem(op) => Some((op.cell()?, op.writes())),
        Request::Sleep { cell, .. } => Some((*cell, false)),
        _ => None,
    }
}

fn words<'a>(asked: impl Iterator<Item = &'a Asked>) -> Words {
    let mut words = Words::new();
    for (cell, writes) in asked.filter_map(access) {
        *words.entry(cell).or_default() |= writes;
    }
    words
}
