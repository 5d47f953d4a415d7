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

use crate::cpu_stopper::{CpuStopper, cpu_stop_signal_done};
use crate::list::{list_empty, list_pop};
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
    /// Where it accepts them again.
    pub enable: Enable,
}

/// Where the stopper stops to accept works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disable {
    /// In the park callback, which signals what is still queued without running it.
    InParkCallbackDrains,
    /// In the park callback, after the last flush.
    InParkCallback,
    /// In `stop_machine_park()`, before the last flush.
    BeforeFlush,
}

/// Where the stopper accepts works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enable {
    /// In the unpark callback, when its thread runs for the first time.
    InUnparkCallback,
    /// Before its thread is woken.
    BeforeWake,
}

/// 14e568e78f6f: both in the thread's callbacks.
pub const ORIGIN: Rev = Rev { disable: Disable::InParkCallbackDrains, enable: Enable::InUnparkCallback };
/// 46c498c2cdee: enabled before the unpark.
pub const PRE_UNPARK: Rev = Rev { enable: Enable::BeforeWake, ..ORIGIN };
/// 233e7f267e58 "Ensure that a queued callback will be called before cpu_stop_park()".
pub const MAINLINE: Rev = Rev { disable: Disable::BeforeFlush, ..PRE_UNPARK };

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
    if ctx.machine.kernel.park.enable == Enable::BeforeWake {
        ctx.machine.cpu_stopper(cpu).enabled.store(true, Relaxed);
    }
    kthread_unpark(ctx, cpu);
}

fn kthread_unpark(ctx: &Ctx, cpu: u32) {
    let stopper = ctx.machine.cpu_stopper(cpu);
    stopper.should_park.store(false, Relaxed);
    // "__kthread_parkme() will either see !SHOULD_PARK or get the wakeup."
    try_to_wake_up(ctx, stopper.thread, TASK_PARKED);
}

/// The park callback, `kthread_parkme()`, and the unpark callback.
pub(crate) fn kthread_parkme(ctx: &Ctx, cpu: u32) {
    cpu_stop_park(ctx, cpu);
    __kthread_parkme(ctx, cpu);
}

/// `__kthread_parkme()`, and the unpark callback.
pub(crate) fn __kthread_parkme(ctx: &Ctx, cpu: u32) {
    loop {
        // DEVIATION: C uses set_special_state(), under pi_lock; no other state store competes with this one.
        set_current_state(ctx, TASK_PARKED);
        if !ctx.machine.cpu_stopper(cpu).should_park.load(Relaxed) {
            break;
        }
        schedule(ctx);
    }
    __set_current_state(ctx, TASK_RUNNING);
    if ctx.machine.kernel.park.enable == Enable::InUnparkCallback {
        ctx.machine.cpu_stopper(cpu).enabled.store(true, Relaxed);
    }
}

/// `cpu_stop_park()`.
fn cpu_stop_park(ctx: &Ctx, cpu: u32) {
    let stopper = ctx.machine.cpu_stopper(cpu);
    let disable = ctx.machine.kernel.park.disable;
    if disable != Disable::BeforeFlush {
        stopper.enabled.store(false, Relaxed);
    }
    if disable == Disable::InParkCallbackDrains {
        drain(ctx, stopper);
    }
    // C's WARN_ON(!list_empty()), under the lock, so that it is no race by itself.
    let guard = stopper.lock.lock_irqsave(ctx.current);
    let empty = list_empty(&stopper.works);
    guard.unlock();
    assert!(empty, "cpu_stop_park(): WARN_ON(!list_empty(&stopper->works))");
}

/// Up to 233e7f267e58: whoever waits for a queued work is told that it is done.
fn drain(ctx: &Ctx, stopper: &CpuStopper) {
    let guard = stopper.lock.lock_irqsave(ctx.current);
    while let Some(work) = list_pop(ctx.machine, &stopper.works) {
        if let Some(done) = ctx.machine.work(work).done.get() {
            cpu_stop_signal_done(ctx, done);
        }
    }
    guard.unlock();
}
