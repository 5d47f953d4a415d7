// SPDX-License-Identifier: GPL-2.0-only
//! C: `affine_move_task()`, `migration_cpu_stop()`, `kernel/sched/core.c`, v5.12 to v6.7: a task must leave its CPU,
//! and that CPU's stopper moves it.
//!
//! ```text
//! CPU0: affine_move_task(p on CPU1)          CPU1 goes away
//! rq1 locked: online; request made; unlock
//! preempted by its own stopper, which acks   take_cpu_down(): enabled = false
//! stop_one_cpu_nowait(1): refused, ignored
//! waits for the request for ever
//! ```
//!
//! Property: a request ends, and its work is queued once.

use crate::cpu_stopper::CpuStopWork;
use crate::machine::{Ctx, MIGRATION_CPU_STOP};
use crate::queue_work::stop_one_cpu_nowait;
use crate::task::TaskStruct;
use ksync::{Completion, Id, Plain, Relaxed};

/// A revision of `affine_move_task()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What keeps a second caller from queueing the work again.
    pub again: Again,
    /// Whether the caller can be preempted before it has queued the work.
    pub queueing: Queueing,
}

/// What keeps a second caller from queueing the work that is queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Nothing.
    Queued,
    /// `stop_pending`, under the runqueue's lock.
    StopPending,
}

/// Whether the caller can be preempted between the unlock and the queueing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queueing {
    /// Yes.
    Preemptible,
    /// No: then a CPU that was online under the lock still accepts the work.
    PreemptOff,
}

/// Two callers queue one work.
pub const ORIGIN: Rev = Rev { again: Again::Queued, queueing: Queueing::Preemptible };
/// 9e81889c7648: the second one relies on the first.
pub const STOP_PENDING: Rev = Rev { again: Again::StopPending, ..ORIGIN };
/// f0498d2a54e7 "Fix stop_one_cpu_nowait() vs hotplug".
pub const MAINLINE: Rev = Rev { queueing: Queueing::PreemptOff, ..STOP_PENDING };

/// `struct set_affinity_pending`.
///
/// DEVIATION: it lives as long as the machine, where C has it on the first caller's stack and counts references.
#[derive(Debug)]
pub struct SetAffinityPending {
    /// The stopper has it queued.
    pub stop_pending: Plain<bool>,
    /// Fires when the task has moved.
    pub done: Completion,
    /// What the stopper runs.
    pub stop_work: Id<CpuStopWork>,
}

/// `affine_move_task()`, for a task on a CPU that it has to leave; returns when it has left.
pub fn affine_move_task(ctx: &Ctx, p: Id<TaskStruct>, my_pending: Id<SetAffinityPending>) {
    let (machine, current) = (ctx.machine, ctx.current);
    let Rev { again, queueing } = machine.kernel.set_affinity;
    let task = machine.task(p);
    let rq = machine.rq(task.cpu.load(Relaxed));
    let guard = rq.lock.lock_irqsave(current);
    if !rq.online.get() {
        // DEVIATION: C finds the task elsewhere then; the CPU that went away has pushed it.
        guard.unlock();
        return;
    }
    let pending = task.migration_pending.get().unwrap_or(my_pending);
    task.migration_pending.set(Some(pending));
    let pending = machine.pending(pending);
    let stop_pending = again == Again::StopPending && pending.stop_pending.get();
    pending.stop_pending.set(true);
    if queueing == Queueing::PreemptOff {
        current.preempt_disable();
    }
    guard.unlock();
    if !stop_pending {
        stop_one_cpu_nowait(ctx, rq.cpu, MIGRATION_CPU_STOP, p.index() as u32, pending.stop_work);
    }
    if queueing == Queueing::PreemptOff {
        current.preempt_enable();
    }
    pending.done.wait_for_completion(current);
}

/// `migration_cpu_stop()`: runs on the stopper of the task's CPU.
///
/// DEVIATION: where the task goes is C's business; that it is dequeued and its request ends is what counts here.
pub fn migration_cpu_stop(ctx: &Ctx, p: u32) -> i32 {
    let task = ctx.machine.task(Id::new(p));
    let rq = ctx.machine.rq(ctx.current.cpu());
    let guard = rq.lock.lock_irq(ctx.current);
    let pending = task.migration_pending.get().map(|pending| ctx.machine.pending(pending));
    if let Some(pending) = pending {
        pending.stop_pending.set(false);
        task.migration_pending.set(None);
        task.se.set(1);
    }
    guard.unlock();
    if let Some(pending) = pending {
        pending.done.complete_all();
    }
    0
}
