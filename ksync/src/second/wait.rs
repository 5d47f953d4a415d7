// SPDX-License-Identifier: GPL-2.0-only
//! Waiting, and how an execution ends.
//!
//! An await whose condition is false parks its task for the rest of the execution. Waking it on a write would need
//! a primitive of loom that synchronizes, and would hide a missing acquire. Nothing is lost: the executions in
//! which the await comes after the write are explored as well, and it succeeds at once there. So when nobody can
//! run any more, and the newest value satisfies some waiter, this execution is given up (*pruned*); if it satisfies
//! none, the tasks are stuck for good.

use super::run::{self, Code, Doing, Ending, Failure, Quit, Run, Stop, Waiting, enter_task, in_loom, with};
use super::words::Memory;
use crate::current::Current;
use crate::explore::quiet;
use crate::op::CellId;
use crate::place::Place;
use crate::verdict::Verdict;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Runs a task of the setup on a thread of loom.
pub(super) fn run_task(me: usize, body: impl FnOnce(&Current)) {
    enter_task(me);
    let end = catch_unwind(AssertUnwindSafe(|| {
        body(&with(|run| Current::new(&run.task_name(me), me, run.cpu(me))));
        end_task(me);
    }));
    let end = end.or_else(sort_out).and_then(|()| catch_unwind(pass_on).or_else(sort_out));
    if let Err(stop) = end {
        resume_unwind(stop);
    }
}

/// Why a task unwinds: its execution is over, the check is, or it panicked.
fn sort_out(payload: Box<dyn Any + Send>) -> Result<(), Box<dyn Any + Send>> {
    if payload.is::<Quit>() {
        return Ok(());
    }
    if payload.is::<Stop>() {
        return Err(payload);
    }
    let verdict = panicked(run::panicked_in(), &*payload);
    with(|run| run.failure = Some(Failure::Verdict(verdict)));
    Err(Box::new(Stop))
}

/// The verdict on a panic in this code.
pub(super) fn panicked(code: Code, payload: &(dyn Any + Send)) -> Verdict {
    let message = quiet::message(payload);
    match code {
        Code::Task => Verdict::Violated { property: message },
        Code::Access(cell) if message.starts_with("Causality violation") => {
            Verdict::Race { word: with(|run| run.name(cell)) }
        }
        _ if message.starts_with("Model exceeded maximum number of branches") => {
            Verdict::Unknown { bound: format!("branches {}", super::MAX_BRANCHES) }
        }
        _ => Verdict::Unknown { bound: format!("loom: {message}") },
    }
}

/// The task waits, in this execution for ever.
pub(super) fn block(me: usize, waiting: Waiting) -> ! {
    with(|run| run.now.tasks[me].doing = Doing::Waits(waiting));
    look_around(me);
    park(me);
    resume_unwind(Box::new(Quit))
}

/// The task is about to take a lock.
pub(super) fn before_lock(me: usize, cell: CellId, place: Place) {
    with(|run| run.now.tasks[me].doing = Doing::Locks(cell, place));
    if with(|run| run.sought.is_none() && run.locks_in_a_circle(me)) {
        run::fail(Failure::Stuck); // Others may be able to run, but these are not.
    }
    look_around(me);
    if with(|run| run.now.ending) != Ending::Not {
        resume_unwind(Box::new(Quit));
    }
}

/// The task has nothing more to do.
fn end_task(me: usize) {
    with(|run| run.now.tasks[me].doing = Doing::Ended);
    look_around(me);
    // The final check must know all that this task knows: see `pass_on`.
    if with(|run| run.made.setup.finally.is_some()) {
        park(me);
    }
}

/// Waits until somebody decides how the execution ends.
fn park(me: usize) {
    while with(|run| run.now.ending) == Ending::Not {
        with(|run| run.now.tasks[me].parked = Some(loom::thread::current()));
        in_loom(None, loom::thread::park);
    }
    with(|run| run.now.tasks[me].parked = None);
}

/// If nobody can run, decides how the execution ends.
fn look_around(me: usize) {
    let all_stuck = |run: &mut Run| (0..run.now.tasks.len()).all(|task| run.stuck(task));
    if with(|run| run.now.ending != Ending::Not || !all_stuck(run)) {
        return;
    }
    if !ready(false) {
        if with(|run| (0..run.now.tasks.len()).all(|task| run.done(task))) {
            with(|run| run.now.ending = Ending::Done);
            return;
        }
        // The value that was written last need not be the newest in loom's order of modifications. So ask loom; it
        // costs a scheduling point, but hardly ever comes to this in a model that holds.
        if !ready(true) && with(|run| run.sought.is_none()) {
            run::fail(Failure::Stuck);
        }
    }
    prune(me);
}

/// Whether the newest value satisfies somebody who waits.
fn ready(ask_loom: bool) -> bool {
    let waiting: Vec<Waiting> = with(|run| {
        let all = run.now.tasks.iter();
        all.filter_map(|task| if let Doing::Waits(waiting) = &task.doing { Some(waiting.clone()) } else { None })
            .collect()
    });
    waiting.into_iter().any(|Waiting { cell, cond, .. }| {
        let (known, objects) = with(|run| (run.now.newest[cell as usize], run.now.objects.clone()));
        let newest = match &objects.words[cell as usize].memory {
            Memory::Atomic(bits) if ask_loom => in_loom(Some(cell), || bits.newest(known)),
            _ => known,
        };
        cond.holds(newest)
    })
}

/// Gives the execution up: everybody unwinds.
fn prune(me: usize) {
    let (parked, held) = with(|run| {
        run.now.ending = Ending::Pruned;
        let all = run.now.tasks.iter().enumerate().filter(|(task, _)| *task != me);
        let parked: Vec<_> = all.filter_map(|(_, task)| task.parked.clone()).collect();
        (parked, std::mem::take(&mut run.now.held))
    });
    // Who waits for a lock gets it, sees that all is over, and lets it go.
    in_loom(None, || drop(held));
    for thread in parked {
        thread.unpark();
    }
}

/// At a good end: hands what this task knows about memory to the next one that is parked, and the last one runs the
/// final check.
///
/// `unpark()` makes the woken task know all that its waker knows, and is no scheduling point; so the last one
/// knows everything. A `join()` of all tasks would do the same, but doubles the number of executions and more.
fn pass_on() {
    if with(|run| run.now.ending) != Ending::Done {
        return;
    }
    let next = with(|run| run.now.tasks.iter_mut().find_map(|task| task.parked.take()));
    if let Some(next) = next {
        return next.unpark();
    }
    if let Some(check) = with(|run| run.made.setup.finally.clone()) {
        let number = with(|run| run.now.tasks.len() - 1);
        enter_task(number);
        with(|run| {
            run.now.tasks[number].doing = Doing::Runs;
            run.now.ending = Ending::Not; // The check itself may still get stuck.
        });
        check(&Current::new("finally", usize::MAX, 0));
    }
    let held = with(|run| {
        run.now.ending = Ending::Done;
        std::mem::take(&mut run.now.held)
    });
    in_loom(None, || drop(held));
}
