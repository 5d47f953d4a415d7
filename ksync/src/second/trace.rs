// SPDX-License-Identifier: GPL-2.0-only
//! The execution that failed, as a run that people can read.

use super::run::Run;
use crate::describe::{describe, describe_wait, operation};
use crate::op::{CellId, MemOp};
use crate::place::{Place, function_at};
use crate::report::{Trace, TraceStep};
use crate::request::Request;

/// What happened in the execution that just failed; at the end, what its tasks wait for.
pub(super) fn trace(run: &Run) -> Trace {
    let name = |cell: CellId| run.name(cell);
    let mut held: Vec<(usize, CellId)> = Vec::new();
    let mut irqs_off = vec![false; run.now.tasks.len()];
    let mut steps = Vec::new();
    let step = |(task, place, request): (usize, Place, &Request),
                action,
                held: &[(usize, CellId)],
                irqs_off: &[bool]| TraceStep {
        task: run.task_name(task),
        cpu: run.cpu(task),
        function: function_at(place),
        place: format!("{}:{}", place.file(), place.line()),
        operation: operation(request, &name),
        way: 0,
        action,
        holds: held.iter().filter(|(holder, _)| *holder == task).map(|(_, cell)| name(*cell)).collect(),
        irqs_off: irqs_off[task],
    };
    for event in &run.now.events {
        match event.request {
            Request::Mem(MemOp::Lock { cell, .. }) => held.push((event.task, cell)),
            Request::Mem(MemOp::TryLock { cell, .. }) if event.value != 0 => held.push((event.task, cell)),
            Request::Mem(MemOp::Unlock { cell }) => held.retain(|(_, other)| *other != cell),
            Request::IrqsOff(off) => irqs_off[event.task] = off,
            _ => {}
        }
        let action = describe(&event.request, event.value, &name);
        steps.push(step((event.task, event.place, &event.request), action, &held, &irqs_off));
    }
    for task in 0..run.now.tasks.len() {
        if let Some((request, place)) = run.waits_in(task) {
            steps.push(step((task, place, &request), describe_wait(&request, &name), &held, &irqs_off));
        }
    }
    Trace { steps, minimal: false }
}
