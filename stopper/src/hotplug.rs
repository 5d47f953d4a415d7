// SPDX-License-Identifier: GPL-2.0-only
//! C: `balance_push()`, `kernel/sched/core.c`, v5.11: a dying CPU pushes its tasks away, one with every `schedule()`.
//!
//! The work is a per-CPU variable and nothing guards it: it relies on the stopper to run before the next
//! `schedule()` of its CPU (009836b4fa52):
//!
//! ```text
//! CPU0: stop_two_cpus(0, 1)                  CPU1, dying
//! append to 0 and 1
//! migration/1 is on CPU0's wake_q
//!                                            schedule(): push_work appended
//!                                            wake_q_add(migration/1) fails: nothing is woken
//!                                            schedule(): migration/1 is not on the runqueue
//!                                            push_work appended again -> list corruption
//! ```
//!
//! Property: a work is on at most one list, at most once.

use crate::machine::{BALANCE_PUSH_CPU_STOP, Ctx};
use crate::queue_work::stop_one_cpu_nowait;
use crate::rq::Rq;
use ksync::SpinGuard;

/// A revision of `balance_push()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Whose runqueue it pushes from.
    pub of: Of,
}

/// Whose runqueue `balance_push()` pushes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Any, with the work of the CPU that it runs on.
    AnyCpu,
    /// Only that of the CPU that it runs on.
    ThisCpu,
}

/// 2558aacff858: whoever runs a runqueue's callbacks pushes.
pub const ORIGIN: Rev = Rev { of: Of::AnyCpu };
/// 868ad33bfa3b: bails out where the runqueue is another CPU's.
pub const MAINLINE: Rev = Rev { of: Of::ThisCpu };

/// `balance_push()`: called by `__schedule()` with the runqueue locked; drops the lock and takes it again.
pub(crate) fn balance_push<'a>(ctx: &Ctx<'a>, rq: &'a Rq, guard: SpinGuard<'a>) -> SpinGuard<'a> {
    if !rq.balance_push || ctx.task().stop_class {
        return guard;
    }
    let this_rq = ctx.machine.rq(ctx.current.cpu());
    if ctx.machine.kernel.balance_push.of == Of::ThisCpu && rq.cpu != this_rq.cpu {
        return guard;
    }
    // "Temporarily drop rq->lock such that we can wake-up the stop task. Both preemption and IRQs are still disabled."
    ctx.current.preempt_disable();
    guard.unlock();
    stop_one_cpu_nowait(ctx, rq.cpu, BALANCE_PUSH_CPU_STOP, rq.cpu, this_rq.push_work);
    ctx.current.preempt_enable();
    // "At this point need_resched() is true and we'll take the loop in schedule()."
    rq.lock.lock(ctx.current)
}

/// The end of a critical section of another CPU's runqueue: C runs its callbacks there.
pub fn balance_callbacks(ctx: &Ctx, cpu: u32) {
    let rq = ctx.machine.rq(cpu);
    let flags = ctx.current.local_irq_save();
    let guard = rq.lock.lock(ctx.current);
    balance_push(ctx, rq, guard).unlock();
    ctx.current.local_irq_restore(flags);
}

/// `__balance_push_cpu_stop()`.
///
/// DEVIATION: where the task goes is C's select_fallback_rq(); that the work left the list is what counts here.
pub(crate) fn __balance_push_cpu_stop(ctx: &Ctx, cpu: u32) -> i32 {
    let rq = ctx.machine.rq(cpu);
    let guard = rq.lock.lock_irq(ctx.current);
    guard.unlock();
    0
}
