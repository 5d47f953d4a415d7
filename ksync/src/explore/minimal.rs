// SPDX-License-Identifier: GPL-2.0-only
//! The counterexample that people read: fewest context switches, then fewest steps.
//!
//! A search of its own, cheapest first, over states and the task that ran last. It uses no reduction, since a
//! reduction may keep a longer run and drop the shortest one.

use super::blame;
use super::machine::Machine;
use super::memory::Memory;
use super::state::State;
use super::step::{Move, Next, Stepping, moves, run_ahead};
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
        let next = reached[at].next.take().expect("each is taken once");
        let state: Box<State<M>> = match run_ahead(machine, stepping, next, |_, _| {})? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::memory::Sc;
    use crate::{Atomic, Relaxed, Setup, SpinLock};
    use std::sync::Arc;

    const PLAIN: Stepping = Stepping { eager: false, footprints: true, turns: false };

    /// The cheapest failure below a state, by looking at every run: no visited states, no queue.
    fn by_hand(machine: &mut Machine, next: Next<Sc>, last: Option<u8>, kind: &str) -> Option<(usize, usize)> {
        let state = match next {
            Next::To(state) => state,
            Next::Fails(verdict) => return (verdict.kind() == kind).then_some((0, 0)),
        };
        let successors = moves(machine, PLAIN, &state).unwrap();
        if successors.is_empty() {
            let verdict = blame::at_the_end(machine, &state).unwrap();
            return (verdict.as_ref().map(Verdict::kind) == Some(kind)).then_some((0, 0));
        }
        let costs = successors.into_iter().filter_map(|(happens, next)| {
            let runs = happens.task().or(last);
            let (switches, steps) = by_hand(machine, next, runs, kind)?;
            Some((switches + usize::from(last.is_some() && runs != last), steps + 1))
        });
        costs.min()
    }

    fn cost(machine: &Machine, path: &[Move]) -> (usize, usize) {
        let runs: Vec<_> = path.iter().filter_map(|happens| happens.task()).collect();
        assert_eq!(machine.setup.irqs.len(), 0, "the clock is nobody's move");
        (runs.windows(2).filter(|pair| pair[0] != pair[1]).count(), path.len())
    }

    fn compare(kind: &str, scenario: impl Fn(&mut Setup) + Send + Sync + 'static) {
        let mut machine = Machine::new(&scenario);
        let start = machine.start();
        let cheapest = by_hand(&mut machine, start, None, kind).expect("some run fails");
        let path = shortest::<Sc>(&mut machine, PLAIN, kind, usize::MAX).unwrap().expect("some run fails");
        assert_eq!(cost(&machine, &path), cheapest);
    }

    #[test]
    fn the_search_finds_what_looking_at_every_run_finds() {
        for noise in 0..3 {
            compare("Lockup", move |setup| {
                let (a, b) = (SpinLock::named(format_args!("A")), SpinLock::named(format_args!("B")));
                let shared = Arc::new((a, b, Atomic::named(0u32, format_args!("word"))));
                for cpu in 0..2 {
                    let shared = shared.clone();
                    setup.task(format!("T{cpu}"), cpu, move |current| {
                        let (first, second) = if cpu == 0 { (&shared.0, &shared.1) } else { (&shared.1, &shared.0) };
                        (0..noise * cpu).for_each(|_| shared.2.inc());
                        let outer = first.lock(current);
                        second.lock_nested(&outer).unlock();
                    });
                }
            });
        }
        // A lost update that needs two switches, beside a task that only adds runs.
        compare("Violated", |setup| {
            let word = Arc::new(Atomic::named(0u32, format_args!("word")));
            for cpu in 0..3 {
                let word = word.clone();
                setup.task(format!("T{cpu}"), cpu, move |_| {
                    let seen = word.load(Relaxed);
                    word.store(seen + 1, Relaxed);
                });
            }
            setup.finally(move |_| assert_eq!(word.load(Relaxed), 3));
        });
    }
}
