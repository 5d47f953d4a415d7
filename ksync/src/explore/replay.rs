// SPDX-License-Identifier: GPL-2.0-only
//! A counterexample, run again: on the same scenario, or on another revision of it.
//!
//! A step is looked for as the nth operation of its kind on its word by its task. So a schedule survives every edit
//! that does not touch its operations; what an edit added is performed on the way, what it took away is left out.

use super::blame;
use super::machine::Machine;
use super::memory::{Lkmm, Memory, Rc11, Sc};
use super::quiet;
use super::state::State;
use super::step::{Move, Next, Stepping, moves, run_ahead};
use super::task::{At, Nondeterminism};
use super::walk::WAITS_ON;
use crate::model::Model;
use crate::report::{Options, Trace};
use crate::setup::Scenario;
use crate::verdict::Verdict;
use crate::weaken;
use std::collections::HashMap;

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Steps of the schedule that were found and made, in their order.
    pub matched: usize,
    /// Steps of the schedule.
    pub steps: usize,
    /// How the run ends: `Holds` says only that this one run does.
    pub verdict: Verdict,
}

/// Runs the schedule of a counterexample on a scenario, then goes on in any order to an end.
///
/// # Panics
/// Like [`check`](super::check).
pub fn replay(scenario: &Scenario, options: &Options, trace: &Trace) -> Replayed {
    quiet::install();
    weaken::activate(&options.weaken);
    let replayed = match options.model {
        Model::Sc => replay_with::<Sc>(scenario, true, trace),
        Model::Rc11 => replay_with::<Rc11>(scenario, false, trace),
        Model::Lkmm => replay_with::<Lkmm>(scenario, false, trace),
    };
    weaken::activate(&[]);
    replayed.unwrap_or_else(|Nondeterminism(what)| panic!("{what}"))
}

/// A step to look for: the task, the operation, and how many of that kind the task made before.
type Wanted = (String, usize);

struct Replay<M> {
    machine: Machine,
    stepping: Stepping,
    next: Next<M>,
    /// How often each task made each operation so far.
    made: HashMap<(usize, String), usize>,
}

fn replay_with<M: Memory>(scenario: &Scenario, footprints: bool, trace: &Trace) -> Result<Replayed, Nondeterminism> {
    let machine = Machine::new(scenario);
    let next = machine.start::<M>();
    let turns = trace.steps.iter().any(|step| step.operation == WAITS_ON);
    let stepping = Stepping { eager: false, footprints, turns };
    let mut replay = Replay { machine, stepping, next, made: HashMap::new() };
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    let wanted: Vec<(usize, Wanted, u16)> = trace
        .steps
        .iter()
        .filter_map(|step| {
            let count = counts.entry((&step.task, &step.operation)).or_default();
            *count += 1;
            let task = replay.machine.setup.tasks.iter().position(|task| task.name == step.task)?;
            Some((task, (step.operation.clone(), *count - 1), step.way))
        })
        .collect();
    let mut matched = 0;
    for (n, (task, step, way)) in wanted.iter().enumerate() {
        let later: Vec<&Wanted> =
            wanted[n + 1..].iter().filter(|(t, ..)| t == task).map(|(_, step, _)| step).collect();
        matched += usize::from(replay.run_to(*task, step, *way, &later)?);
    }
    let verdict = replay.run_out()?;
    Ok(Replayed { matched, steps: trace.steps.len(), verdict })
}

impl<M: Memory> Replay<M> {
    /// Lets the task make this step, and before it what the schedule does not know. False if it cannot come to it.
    fn run_to(&mut self, task: usize, step: &Wanted, way: u16, later: &[&Wanted]) -> Result<bool, Nondeterminism> {
        loop {
            self.run_ahead()?;
            let Next::To(state) = &self.next else { return Ok(false) };
            let mut possible = moves(&mut self.machine, self.stepping, state)?;
            possible.retain(|(happens, _)| happens.task() == Some(task as u8));
            let offers: Vec<Wanted> = possible.iter().map(|(happens, _)| self.offer(state, task, *happens)).collect();
            let is = |n: &usize| offers[*n] == *step;
            let same_way = |n: &usize| matches!(possible[*n].0, Move::Step { way: w, .. } if w == way);
            let all = 0..possible.len();
            let found = all.clone().filter(is).find(same_way).or_else(|| all.clone().find(is));
            // What stands in the schedule further on is not performed early.
            let new = || all.clone().find(|n| !later.contains(&&offers[*n]) && offers[*n].0 != step.0);
            let Some(chosen) = found.or_else(new) else { return Ok(false) };
            *self.made.entry((task, offers[chosen].0.clone())).or_default() += 1;
            self.next = possible.swap_remove(chosen).1;
            if found.is_some() {
                return Ok(true);
            }
        }
    }

    fn offer(&self, state: &State<M>, task: usize, happens: Move) -> Wanted {
        let At::Asks(asked) = self.machine.at(task, state.tasks[task].node) else { unreachable!("it can move") };
        let operation = self.machine.operation(&asked.request, happens);
        let made = self.made.get(&(task, operation.clone())).copied().unwrap_or_default();
        (operation, made)
    }

    /// Performs what is no event.
    fn run_ahead(&mut self) -> Result<(), Nondeterminism> {
        let next = std::mem::replace(&mut self.next, Next::Fails(Verdict::Holds));
        self.next = run_ahead(&mut self.machine, self.stepping, next, |_, _| {})?;
        Ok(())
    }

    /// Goes on with the first possible move until there is none.
    fn run_out(&mut self) -> Result<Verdict, Nondeterminism> {
        loop {
            self.run_ahead()?;
            let state = match &self.next {
                Next::To(state) => state,
                Next::Fails(verdict) => return Ok(verdict.clone()),
            };
            let possible = moves(&mut self.machine, self.stepping, state)?;
            let Some((_, next)) = possible.into_iter().next() else {
                return Ok(blame::at_the_end(&mut self.machine, state)?.unwrap_or(Verdict::Holds));
            };
            self.next = next;
        }
    }
}
