// SPDX-License-Identifier: GPL-2.0-only
//! Judges a litmus test by the kernel's model itself: every execution is a graph of events, and the model's axioms
//! say which graphs are possible.
//!
//! The facade's engines perform operations one after the other, in program order. So they show no load buffering, and
//! running Rust carries no dependencies. This is the other way round: a graph has no order of execution, a read may
//! return what is written later, dependencies are edges, and there is nothing that an engine would have to undo. What
//! it costs is that all graphs of a test are looked at: it is for tests, not for ports. It shares no code with the
//! engines, so that it can judge them.
//!
//! 1. Each process is unfolded into all its *traces*: a read may return any value that somebody writes there.
//! 2. One trace of each process gives a *skeleton*; whatever does not depend on who reads from whom is computed here.
//! 3. For each address, all orders of its writes and all sources of its reads that are coherent.
//! 4. Each combination of those is an execution, if the axioms hold.

mod coherence;
mod event;
mod fences;
mod model;
mod plain;
mod rcu;
mod relation;
mod skeleton;
mod unfold;
mod viable;

pub use model::{Parts, WHOLE};

use super::code::{Program, address, variable};
use super::outcome::{Final, Outcomes, condition_holds, filtered_out};
use coherence::Choice;
use event::Trace;
use model::{Communication, Given};
use relation::{Rel, Set};
use skeleton::Skeleton;
use std::collections::{BTreeMap, BTreeSet};
use unfold::{Values, unfold};

/// How many graphs of a test are looked at.
const MAX_GRAPHS: usize = 3_000_000;

/// Every final state that the model allows.
pub fn judge(program: &Program, parts: Parts) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let mut traces = traces(program, &mut outcomes.bounded);
    viable::retain(&mut traces, |at| initial(program, at));
    let pairs = Pairs::new(program, &traces);
    let mut judge = Judge { program, parts, traces: &traces, pairs, outcomes, graphs: 0 };
    judge.combine(&mut Vec::new(), 0, 0);
    judge.outcomes
}

fn initial(program: &Program, at: i64) -> i64 {
    variable(at, program.variables.len()).map_or(0, |variable| program.variables[variable].1)
}

/// Unfolds the processes until they write no value that they have not been given to read. A value that comes about
/// at all comes about in as many rounds as there are writes, one after the other.
fn traces(program: &Program, bounded: &mut Option<String>) -> Vec<Vec<Trace>> {
    let mut values: Values = program
        .variables
        .iter()
        .enumerate()
        .map(|(at, (_, value))| (address(at), BTreeSet::from([*value])))
        .collect();
    let mut round = 0;
    loop {
        *bounded = None;
        let mut all = Vec::new();
        let (mut longest, mut news) = (0, false);
        let mut next = values.clone();
        for code in &program.processes {
            let unfolded = unfold(code, &values);
            *bounded = bounded.take().or(unfolded.bounded);
            let writes = |trace: &Trace| trace.events.iter().filter(|event| event.kind.writes()).count();
            longest += unfolded.traces.iter().map(writes).max().unwrap_or(0);
            for event in unfolded.traces.iter().flat_map(|trace| &trace.events) {
                if event.kind.writes() {
                    let known = next.entry(event.at).or_insert_with(|| BTreeSet::from([0]));
                    news |= known.insert(event.value);
                }
            }
            all.push(unfolded.traces);
        }
        if !news || round >= longest {
            return all;
        }
        (values, round) = (next, round + 1);
    }
}

/// Address and value of reads and writes, to see early that nobody writes what is to be read.
struct Pairs {
    /// By process and trace: what its reads need, and what its writes give.
    needs_and_gives: Vec<Vec<(Set, Set)>>,
    /// What the processes from this one on could give.
    possible: Vec<Set>,
    initial: Set,
}

impl Pairs {
    fn new(program: &Program, traces: &[Vec<Trace>]) -> Pairs {
        let mut numbers: BTreeMap<(i64, i64), usize> = BTreeMap::new();
        let mut initially = 0;
        let mut needs_and_gives = Vec::new();
        for of_process in traces {
            let mut sets = Vec::new();
            for trace in of_process {
                let (mut needs, mut gives) = (0, 0);
                for event in &trace.events {
                    let next = numbers.len();
                    let number = *numbers.entry((event.at, event.value)).or_insert(next);
                    // More pairs than bits: the late ones share one, and are seen to be missing later on.
                    let bit: Set = 1 << number.min(Set::BITS as usize - 1);
                    if event.kind.reads() {
                        needs |= bit;
                    } else if event.kind.writes() {
                        gives |= bit;
                    }
                    if event.value == initial(program, event.at) {
                        initially |= bit;
                    }
                }
                sets.push((needs, gives));
            }
            needs_and_gives.push(sets);
        }
        let mut possible = vec![0; traces.len() + 1];
        for process in (0..traces.len()).rev() {
            possible[process] =
                needs_and_gives[process].iter().fold(possible[process + 1], |all, (_, gives)| all | gives);
        }
        Pairs { needs_and_gives, possible, initial: initially }
    }
}

struct Judge<'a> {
    program: &'a Program,
    parts: Parts,
    traces: &'a [Vec<Trace>],
    pairs: Pairs,
    outcomes: Outcomes,
    graphs: usize,
}

impl<'a> Judge<'a> {
    /// Chooses a trace for each process that has none yet.
    fn combine(&mut self, chosen: &mut Vec<&'a Trace>, needs: Set, gives: Set) {
        let process = chosen.len();
        let Some(of_process) = self.traces.get(process) else {
            self.executions(chosen);
            return;
        };
        let later = self.pairs.initial | self.pairs.possible[process + 1];
        for (at, trace) in of_process.iter().enumerate() {
            let (more_needs, more_gives) = self.pairs.needs_and_gives[process][at];
            let (needs, gives) = (needs | more_needs, gives | more_gives);
            if needs & !(gives | later) == 0 && self.graphs < MAX_GRAPHS {
                chosen.push(trace);
                self.combine(chosen, needs, gives);
                chosen.pop();
            }
        }
    }

    fn executions(&mut self, chosen: &[&Trace]) {
        let program = self.program;
        let Some(skeleton) = Skeleton::new(chosen, |at| initial(program, at)) else {
            self.outcomes.bounded = Some(format!("{} events", relation::MAX_EVENTS));
            return;
        };
        if !skeleton.locks_are_matched() {
            return;
        }
        let mut ways = Vec::new();
        for (at, writes) in &skeleton.writes {
            ways.push(coherence::choices(&skeleton, writes, &skeleton.reads[at]));
            if ways.last().is_some_and(Vec::is_empty) {
                return;
            }
        }
        let given = Given::new(&skeleton);
        self.choose(&given, chosen, &ways, &mut Vec::new());
    }

    /// Chooses a way for each address that has none yet.
    fn choose<'w>(
        &mut self,
        given: &Given<'_>,
        chosen: &[&Trace],
        ways: &'w [Vec<Choice>],
        taken: &mut Vec<&'w Choice>,
    ) {
        let Some(of_address) = ways.get(taken.len()) else {
            self.execution(given, chosen, taken);
            return;
        };
        for choice in of_address {
            taken.push(choice);
            self.choose(given, chosen, ways, taken);
            taken.pop();
        }
    }

    fn execution(&mut self, given: &Given<'_>, chosen: &[&Trace], taken: &[&Choice]) {
        self.graphs += 1;
        if self.graphs >= MAX_GRAPHS {
            self.outcomes.bounded = Some(format!("{MAX_GRAPHS} executions"));
            return;
        }
        let events = &given.skeleton.events;
        let mut shared: Vec<i64> = self.program.variables.iter().map(|(_, value)| *value).collect();
        let (mut rf, mut co) = (Rel::none(events.len()), Rel::none(events.len()));
        for choice in taken {
            for (at, &write) in choice.order.iter().enumerate() {
                choice.order[at + 1..].iter().for_each(|&later| co.add(write, later));
                if let Some(variable) = variable(events[write].at, shared.len()) {
                    shared[variable] = events[write].value;
                }
            }
            choice.rf.iter().for_each(|&(read, from)| rf.add(from, read));
        }
        let state = Final { regs: chosen.iter().map(|trace| trace.regs.clone()).collect(), shared };
        if filtered_out(self.program, &state) {
            return;
        }
        let Some(flags) = given.allows(&Communication { rf, co }, self.parts) else { return };
        self.outcomes.data_race |= flags.data_race;
        self.outcomes.mixed_accesses |= flags.mixed_accesses;
        let holds = condition_holds(self.program, &state);
        self.outcomes.add(self.program, &state, holds);
    }
}
