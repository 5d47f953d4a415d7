// SPDX-License-Identifier: GPL-2.0-only
//! C: `stop_machine_park()`, `stop_machine_unpark()`, `cpu_stop_park()`, `kernel/stop_machine.c`; `kthread_park()`.
//!
//! ```text
//! migration/N, the last step of take_cpu_down()    a queuer
//! enabled = false, without the lock                lock; enabled is true; append; unlock
//! back in cpu_stopper_thread(): flushes
//!   what is queued, under the lock                 lock: after a flush that found nothing
//! parks                                            enabled is false: refuses
//! ```
//!
//! Property: what a queuer was told is queued runs before the stopper parks.

use crate::list::list_empty;
use crate::machine::Ctx;
use crate::schedule::schedule;
use crate::task::{__set_current_state, TASK_PARKED, TASK_RUNNING, set_current_state};
use crate::ttwu::try_to_wake_up;
use ksync::Relaxed;

/// A revision of the park.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Where the stopper stops to accept works.
    pub disable: Disable,
}

/// Where the stopper stops to accept works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disable {
    /// In `stop_machine_park()`, before the last flush.
    BeforeFlush,
    /// In the park callback, after it.
    InParkCallback,
}

/// 233e7f267e58 "Ensure that a queued callback will be called before cpu_stop_park()".
pub const MAINLINE: Rev = Rev { disable: Disable::BeforeFlush };

/// `stop_machine_park()`: "Lockless. cpu_stopper_thread() will take stopper->lock and flush the pending works before
/// it parks, until then it is fine to queue the new works."
pub fn stop_machine_park(ctx: &Ctx, cpu: u32) {
    let stopper = ctx.machine.cpu_stopper(cpu);
    if ctx.machine.kernel.park.disable == Disable::BeforeFlush {
        stopper.enabled.store(false, Relaxed);
    }
    // kthread_park(): called by the thread itself it only leaves the request.
    stopper.should_park.store(true, Relaxed);
}

/// `stop_machine_unpark()`.
pub fn stop_machine_unpark(ctx: &Ctx, cpu: u32) {
    let stopper = ctx.machine.cpu_stopper(cpu);
    stopper.enabled.store(true, Relaxed);
    kthread_unpark(ctx, cpu);
}

fn kthread_unpark(ctx: &Ctx, cpu: u32) {
    let stopper = ctx.machine.cpu_stopper(cpu);
    stopper.should_park.store(false, Relaxed);
    // "__kthread_parkme() will either see !SHOULD_PARK or get the wakeup."
    try_to_wake_up(ctx, stopper.thread, TASK_PARKED);
}

/// The park callback, and `__kthread_parkme()`.
pub(crate) fn kthread_parkme(ctx: &Ctx, cpu: u32) {
    cpu_stop_park(ctx, cpu);
    loop {
        // DEVIATION: C uses set_special_state(), under pi_lock; no other state store competes with this one.
        set_current_state(ctx, TASK_PARKED);
        if !ctx.machine.cpu_stopper(cpu).should_park.load(Relaxed) {
            break;
        }
        schedule(ctx);
    }
    __set_current_state(ctx, TASK_RUNNING);
}

/// `cpu_stop_park()`.
fn cpu_stop_park(ctx: &Ctx, cpu: u32) {
    let stopper = ctx.machine.cpu_stopper(cpu);
    if ctx.machine.kernel.park.disable == Disable::InParkCallback {
        stopper.enabled.store(false, Relaxed);
    }
    // C's WARN_ON(!list_empty()), under the lock, so that it is no race by itself.
    let guard = stopper.lock.lock_irqsave(ctx.current);
    let empty = list_empty(&stopper.works);
    guard.unlock();
    assert!(empty, "cpu_stop_park(): WARN_ON(!list_empty(&stopper->works))");
}
