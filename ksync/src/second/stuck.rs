// SPDX-License-Identifier: GPL-2.0-only
//! Nobody can run any more: who waits for whom?

use super::run::{Doing, Run};
use crate::cycle::{Waiting, lockup};
use crate::op::CellId;
use crate::place::function_at;
use crate::verdict::{Holder, Verdict, Wait, WaitsFor};

/// The verdict on an execution in which nobody can run.
pub(super) fn verdict(run: &Run) -> Verdict {
    let waiting: Vec<usize> = (0..run.now.tasks.len()).filter(|&task| waits(run, task)).collect();
    let lost: Vec<usize> = waiting.iter().copied().filter(|&task| run.lost(task)).collect();
    let sleeps = |task: &usize| matches!(&run.now.tasks[*task].doing, Doing::Waits(waiting) if waiting.sleeps());
    if !lost.is_empty() && waiting.iter().all(sleeps) {
        return Verdict::LostWakeup { waits: lost.into_iter().map(|task| wait(run, task)).collect() };
    }
    let blocked =
        |&task: &usize| Waiting { task, wait: wait(run, task), blocker: blocker(run, task).map(|(other, _)| other) };
    let all: Vec<Waiting> = waiting.iter().map(blocked).collect();
    let stuck: Vec<usize> = waiting.into_iter().filter(|&task| !run.done(task)).collect();
    Verdict::Lockup(lockup(&all, &stuck))
}

/// The words that somebody waits for, and who; without locks, whose holders are known.
pub(super) fn awaited(run: &Run) -> Vec<(CellId, usize)> {
    let tasks = run.now.tasks.iter().enumerate();
    let words = tasks.filter_map(|(number, task)| match &task.doing {
        Doing::Waits(waiting) => Some((waiting.cell, number)),
        _ => None,
    });
    words.collect()
}

/// Whether some other task is known to write this word; `None` if none is.
pub(super) fn writer(run: &Run, cell: CellId, waiter: usize) -> Option<(usize, String)> {
    let waits = |task: usize| waits(run, task);
    let writers = run.writers[cell as usize].iter().filter(|(task, _)| *task != waiter);
    writers.max_by_key(|(task, _)| waits(*task)).map(|(task, place)| (*task, function_at(place)))
}

fn waits(run: &Run, task: usize) -> bool {
    run.stuck(task) && !matches!(run.now.tasks[task].doing, Doing::Ended)
}

/// The task that could end the wait of this one, and the function that would or should have.
fn blocker(run: &Run, task: usize) -> Option<(usize, String)> {
    match &run.now.tasks[task].doing {
        Doing::Locks(cell, _) => {
            let (holder, place) = run.now.holders[*cell as usize]?;
            Some((holder, function_at(place)))
        }
        Doing::Waits(waiting) => writer(run, waiting.cell, task),
        Doing::Runs | Doing::Ended => None,
    }
}

fn wait(run: &Run, task: usize) -> Wait {
    let (what, place) = match &run.now.tasks[task].doing {
        Doing::Locks(cell, place) => (WaitsFor::Lock(run.name(*cell)), place),
        Doing::Waits(waiting) if waiting.sleeps() => (WaitsFor::Sleep(run.name(waiting.cell)), &waiting.place),
        Doing::Waits(waiting) => (WaitsFor::Word(run.name(waiting.cell)), &waiting.place),
        Doing::Runs | Doing::Ended => unreachable!("it does not wait"),
    };
    Wait {
        task: run.task_name(task),
        cpu: run.cpu(task),
        irqs_off: run.now.tasks[task].irqs_off,
        what,
        function: function_at(place),
        holder: blocker(run, task).map(|(holder, function)| Holder {
            task: run.task_name(holder),
            cpu: run.cpu(holder),
            function,
        }),
    }
}
