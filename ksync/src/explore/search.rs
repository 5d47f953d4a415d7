// SPDX-License-Identifier: GPL-2.0-only
//! The exhaustive search: every state once, depth first.

use super::blame;
use super::machine::Machine;
use super::memory::Memory;
use super::state::State;
use super::step::{Move, Moves, Next, Stepping, moves, run_ahead};
use super::symmetry;
use super::task::Nondeterminism;
use crate::report::{Options, Progress};
use crate::verdict::Verdict;
use rustc_hash::{FxHashMap, FxHashSet};

/// What a search came to.
pub(super) struct Found {
    pub(super) verdict: Verdict,
    pub(super) states: u64,
    pub(super) paths: u64,
    pub(super) steps: u64,
    pub(super) depth: usize,
    /// Bytes of the keys seen and of the states on the longest path.
    pub(super) memory: u64,
    /// The moves that lead to a failure.
    pub(super) path: Vec<Move>,
}

/// States already seen, by key; whole ones beside them where keys are checked.
enum Seen<M> {
    Keys(FxHashSet<u128>),
    Whole(FxHashMap<u128, State<M>>),
}

impl<M: Memory> Seen<M> {
    fn len(&self) -> u64 {
        match self {
            Seen::Keys(keys) => keys.len() as u64,
            Seen::Whole(states) => states.len() as u64,
        }
    }

    /// Bytes that the set takes; a table has a byte of its own for each place.
    fn bytes(&self) -> u64 {
        let (places, each) = match self {
            Seen::Keys(keys) => (keys.capacity(), size_of::<u128>()),
            Seen::Whole(states) => (states.capacity(), size_of::<(u128, State<M>)>()),
        };
        (places * (each + 1)) as u64
    }

    /// Whether the state is new; then it is not any more.
    fn insert(&mut self, state: &State<M>) -> bool {
        let key = state.key();
        match self {
            Seen::Keys(keys) => keys.insert(key),
            Seen::Whole(states) => {
                let mut new = false;
                let known = states.entry(key).or_insert_with(|| {
                    new = true;
                    state.clone()
                });
                assert!(known == state, "two states have one key: the verdict would be worth nothing");
                new
            }
        }
    }
}

/// Explores everything, up to the first failure.
pub(super) fn search<M: Memory>(
    machine: &mut Machine,
    stepping: Stepping,
    options: &Options,
) -> Result<Found, Nondeterminism> {
    let mut seen: Seen<M> =
        if options.whole_keys { Seen::Whole(FxHashMap::default()) } else { Seen::Keys(FxHashSet::default()) };
    let mut found =
        Found { verdict: Verdict::Holds, states: 0, paths: 0, steps: 0, depth: 0, memory: 0, path: Vec::new() };
    let first = run_ahead(machine, stepping, machine.start::<M>(), |_, _| {})?;
    let mut stack: Vec<std::vec::IntoIter<(Move, Next<M>)>> = Vec::new();
    let mut todo: Option<(Option<Move>, Next<M>)> = Some((None, first));
    loop {
        let Some((happens, next)) = todo.take().or_else(|| stack.last_mut()?.next().map(|(m, n)| (Some(m), n)))
        else {
            stack.pop();
            found.path.pop();
            if stack.is_empty() {
                break;
            }
            continue;
        };
        found.path.extend(happens);
        let mut ahead = 0;
        let next = run_ahead(machine, stepping, next, |_, _| ahead += 1)?;
        found.steps += 1 + ahead;
        let mut state = match next {
            Next::To(state) => state,
            Next::Fails(verdict) => {
                found.verdict = verdict;
                break;
            }
        };
        if !options.naive {
            symmetry::canonical(machine, &mut state);
        }
        if !seen.insert(&state) {
            found.path.pop();
            continue;
        }
        found.states = seen.len();
        if let Some(bound) = bound_hit(options, found.states, stack.len()) {
            found.verdict = Verdict::Unknown { bound };
            break;
        }
        report_progress(options, found.states, stack.len());
        let successors: Moves<M> = moves(machine, stepping, &state)?;
        if successors.is_empty() {
            found.paths += 1;
            if let Some(verdict) = blame::at_the_end(machine, &state)? {
                found.verdict = verdict;
                break;
            }
        }
        stack.push(successors.into_iter());
        found.depth = found.depth.max(stack.len());
    }
    found.memory = seen.bytes() + (found.depth * size_of::<State<M>>()) as u64;
    Ok(found)
}

fn bound_hit(options: &Options, states: u64, depth: usize) -> Option<String> {
    if states > options.max_states {
        return Some(format!("max_states {}", options.max_states));
    }
    (depth > options.max_depth).then(|| format!("max_depth {}", options.max_depth))
}

fn report_progress(options: &Options, states: u64, depth: usize) {
    if states.is_multiple_of(8192)
        && let Some(report) = &options.on_progress
    {
        report(Progress { states, depth });
    }
}
