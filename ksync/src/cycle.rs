// SPDX-License-Identifier: GPL-2.0-only
//! Tasks that wait for each other: the cycle, and how it would show on a machine. Both engines report with it.

use crate::verdict::{Lockup, Severity, Wait, WaitsFor};

/// A task that waits.
pub(crate) struct Waiting {
    /// Its number.
    pub(crate) task: usize,
    /// What it waits for.
    pub(crate) wait: Wait,
    /// The task that could end the wait.
    pub(crate) blocker: Option<usize>,
}

/// The lockup of the tasks in `stuck`, the cycle first. `all` may have more: a daemon that sleeps well may still be
/// the one that somebody waits for.
pub(crate) fn lockup(all: &[Waiting], stuck: &[usize]) -> Lockup {
    let cycle = find_cycle(all, stuck);
    let others = stuck.iter().filter(|task| !cycle.contains(task));
    let of = |task: &usize| all.iter().find(|waiting| waiting.task == *task).map(|waiting| waiting.wait.clone());
    let waits: Vec<Wait> = cycle.iter().chain(others).filter_map(of).collect();
    let involved = if cycle.is_empty() { waits.len() } else { cycle.len() };
    let severity = waits[..involved].iter().map(severity).max().unwrap_or(Severity::Sleep);
    Lockup { severity, waits, cycle: cycle.len() }
}

/// How one wait would show.
pub(crate) fn severity(wait: &Wait) -> Severity {
    match wait.what {
        WaitsFor::Lock(_) | WaitsFor::Word(_) if wait.irqs_off => Severity::Hard,
        WaitsFor::Lock(_) | WaitsFor::Word(_) => Severity::Soft,
        WaitsFor::Sleep(_) | WaitsFor::Cpu(_) => Severity::Sleep,
    }
}

/// The tasks of a cycle of waits, in its order; empty if there is none.
fn find_cycle(all: &[Waiting], from: &[usize]) -> Vec<usize> {
    let next = |task: usize| all.iter().find(|waiting| waiting.task == task).and_then(|waiting| waiting.blocker);
    for &start in from {
        let mut path = vec![start];
        while let Some(after) = next(path[path.len() - 1]) {
            if after == start {
                return path;
            }
            if path.contains(&after) {
                break;
            }
            path.push(after);
        }
    }
    Vec::new()
}
