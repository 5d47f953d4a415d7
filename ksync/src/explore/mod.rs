// SPDX-License-Identifier: GPL-2.0-only
//! The explorer: every behaviour of a scenario, exactly, and why a machine locked up.
//!
//! Tasks are coroutines, and every facade call is a request. The search goes depth first over states; a state is
//! the memory, where each task is in its history, and who runs on each CPU. A task is a deterministic function of
//! the replies to its requests, so equal states have equal futures, and each is visited once.
//!
//! What keeps a state a state:
//! 1. *All* shared data lives in cells, also what a lock guards.
//! 2. Every request has an entry in the history, also one that returns nothing.
//! 3. No addresses in cells: a pointer is an id.
//! 4. Objects are made in the setup, in an order that does not depend on the run.
//! 5. Facade calls do nothing while an abandoned coroutine is torn down.

mod audit;
mod blame;
mod bodies;
mod compute;
mod control;
mod coroutine;
mod distilled;
mod machine;
pub mod memory;
mod minimal;
pub(crate) mod quiet;
mod replay;
mod schedule;
mod search;
mod state;
mod step;
mod symmetry;
mod task;
mod time;
mod walk;

pub(crate) use coroutine::{asks_which_it_is, request, task_migrates};
pub use memory::CellKind;
pub use replay::{Replayed, replay};

use crate::model::Model;
use crate::report::{Explain, Options, Report, Trace};
use crate::setup::Scenario;
use crate::verdict::Verdict;
use crate::weaken::{self, Weaken};
use machine::Machine;
use memory::{Lkmm, Memory, Rc11, Sc};
use search::Found;
use std::time::Instant;
use step::{Move, Next, Stepping};
use task::Nondeterminism;

/// States that the search for the shortest counterexample may look at.
const SHORTEST_BOUND: usize = 400_000;

/// Explores a scenario.
///
/// # Panics
/// If the scenario is nondeterministic, or a mutant in `options.weaken` names an operation that is never performed:
/// then no verdict would mean anything.
pub fn check(scenario: &Scenario, options: &Options) -> Report {
    quiet::install();
    let started = Instant::now();
    weaken::activate(&options.weaken);
    let report = run(scenario, options);
    let idle = weaken::idle();
    weaken::activate(&[]);
    let mut report = report.unwrap_or_else(|Nondeterminism(what)| panic!("{what}"));
    if let (Some(mutant), Verdict::Holds) = (idle, &report.verdict) {
        panic!("the mutant {mutant:?} changes nothing: no such operation was performed");
    }
    report.seconds = started.elapsed().as_secs_f64();
    report
}

/// Every ordering that the scenario performs: what a test of its orderings has to take away, one by one.
///
/// # Panics
/// Like [`check`].
pub fn orderings(scenario: &Scenario, options: &Options) -> Vec<Weaken> {
    quiet::install();
    weaken::start_recording();
    run(scenario, options).unwrap_or_else(|Nondeterminism(what)| panic!("{what}"));
    weaken::recorded().into_iter().collect()
}

fn run(scenario: &Scenario, options: &Options) -> Result<Report, Nondeterminism> {
    match options.model {
        Model::Sc => check_with::<Sc>(scenario, options),
        Model::Rc11 => check_with::<Rc11>(scenario, options),
        Model::Lkmm => check_with::<Lkmm>(scenario, options),
    }
}

fn check_with<M: Memory>(scenario: &Scenario, options: &Options) -> Result<Report, Nondeterminism> {
    let mut machine = Machine::new(scenario);
    let stepping = Stepping { eager: !options.naive, footprints: options.model == Model::Sc, turns: options.naive };
    let found = loop {
        let found = search::search::<M>(&mut machine, stepping, options)?;
        // A failure is one, whatever else the loops could do.
        if found.verdict != Verdict::Holds || !machine.entangle() {
            break found;
        }
    };
    machine.audit()?;
    let Found { mut verdict, path, states, paths, steps, depth, memory } = found;
    let mut trace = None;
    if options.explain != Explain::Nothing && !matches!(verdict, Verdict::Holds | Verdict::Unknown { .. }) {
        (verdict, trace) = explain::<M>(&mut machine, stepping, options, verdict, path)?;
    }
    Ok(Report {
        exhausted: verdict == Verdict::Holds,
        verdict,
        states,
        executions: paths,
        steps,
        depth,
        memory,
        bounds: format!(
            "max_states {}, max_depth {}; took {} KiB",
            options.max_states,
            options.max_depth,
            memory.div_ceil(1024)
        ),
        seconds: 0.0,
        cpus: machine.cpus.len(),
        tasks: machine.setup.tasks.len(),
        trace,
    })
}

/// The same verdict with a run that leads to it: the shortest if it is wanted and in reach.
fn explain<M: Memory>(
    machine: &mut Machine,
    stepping: Stepping,
    options: &Options,
    verdict: Verdict,
    found: Vec<Move>,
) -> Result<(Verdict, Option<Trace>), Nondeterminism> {
    let plain = Stepping { eager: false, ..stepping };
    // Interchangeable tasks swap names from state to state, and a path to show must keep them. So what was found first
    // is no such path, and what another search finds first may be another failure.
    let swapped = !machine.groups.is_empty();
    let shortest = if options.explain == Explain::Shortest || swapped {
        minimal::shortest::<M>(machine, plain, verdict.kind(), SHORTEST_BOUND)?
    } else {
        None
    };
    let (how, path) = match &shortest {
        Some(path) => (plain, path.clone()),
        None if swapped => {
            machine.groups.clear();
            let again = search::search::<M>(machine, stepping, options)?;
            if again.verdict.kind() != verdict.kind() {
                return Ok((verdict, None));
            }
            (stepping, again.path)
        }
        None => (stepping, found),
    };
    let walk = walk::walk::<M>(machine, how, &path)?;
    let mut verdict = match &walk.end {
        Next::To(state) => blame::stuck(machine, state, &walk.held).unwrap_or(verdict),
        Next::Fails(verdict) => verdict.clone(),
    };
    if let Verdict::Unbounded { pump, .. } = &mut verdict {
        *pump = walk::pump(&walk.steps);
    }
    Ok((verdict, Some(Trace { steps: walk.steps, minimal: shortest.is_some() })))
}
