// SPDX-License-Identifier: GPL-2.0-only
//! The counterexample that people read: fewest context switches, then fewest steps.
//!
//! A search of its own, cheapest first, over states and the task that ran last. It uses no reduction, since a
//! reduction may keep a longer run and drop the shortest one.

use super::blame;
use super::machine::Machine;
use super::memory::Memory;
use super::state::State;
use super::step::{Move, Next, Stepping, moves};
use super::task::Nondeterminism;
use crate::verdict::Verdict;
use rustc_hash::FxHashSet;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

struct Reached<M> {
    before: usize,
    happens: Option<Move>,
    last: Option<u8>,
    next: Option<Next<M>>,
}

/// The cheapest moves that end in a verdict of this kind; `None` if more than `bound` states would have to be seen.
pub(super) fn shortest<M: Memory>(
    machine: &mut Machine,
    stepping: Stepping,
    kind: &str,
    bound: usize,
) -> Result<Option<Vec<Move>>, Nondeterminism> {
    let first = machine.start::<M>();
    let mut reached = vec![Reached { before: 0, happens: None, last: None, next: Some(first) }];
    let mut queue = BinaryHeap::from([Reverse((0usize, 0usize, 0usize))]);
    let mut seen: FxHashSet<(u128, Option<u8>)> = FxHashSet::default();
    while let Some(Reverse((switches, steps, at))) = queue.pop() {
        let last = reached[at].last;
        let state: State<M> = match reached[at].next.take().expect("each is taken once") {
            Next::To(state) => state,
            Next::Fails(verdict) if verdict.kind() == kind => return Ok(Some(path(&reached, at))),
            Next::Fails(_) => continue,
        };
        if !seen.insert((state.key(), last)) {
            continue;
        }
        if seen.len() > bound {
            return Ok(None);
        }
        let successors = moves(machine, stepping, &state)?;
        if successors.is_empty() {
            let verdict = blame::at_the_end(machine, &state)?;
            if verdict.as_ref().map(Verdict::kind) == Some(kind) {
                return Ok(Some(path(&reached, at)));
            }
        }
        for (happens, next) in successors {
            let runs = happens.task().or(last);
            let switches = switches + usize::from(last.is_some() && runs != last);
            queue.push(Reverse((switches, steps + 1, reached.len())));
            reached.push(Reached { before: at, happens: Some(happens), last: runs, next: Some(next) });
        }
    }
    Ok(None)
}

fn path<M>(reached: &[Reached<M>], mut at: usize) -> Vec<Move> {
    let mut path = Vec::new();
    while let Some(happens) = reached[at].happens {
        path.push(happens);
        at = reached[at].before;
    }
    path.reverse();
    path
}
