// SPDX-License-Identifier: GPL-2.0-only
//! C: `stop_machine()`, `stop_machine_from_inactive_cpu()`, `kernel/stop_machine.c`, v6.18.
//!
//! What the last stopper to finish still touches, and what the waiter must not free before it:
//!
//! ```text
//! a stopper, done with EXIT                 stop_machine_from_inactive_cpu(): msdata, done on its stack
//! returns from multi_cpu_stop()
//! --done.nr_todo: 0; complete():
//!   lock done.wait.lock; done = 1
//!                                           completion_done(): done is 1
//!                                             lock done.wait.lock: waits
//!   unlock done.wait.lock
//!                                             unlock: yes; returns
//! ```
//!
//! Property: when the function returns, nobody touches its stack any more, and it has run once.

use crate::cpu_stopper::CpuStopDone;
use crate::machine::{Ctx, StopCall};
use crate::multi_cpu_stop::multi_cpu_stop;
use crate::stop_cpus::{queue_stop_cpus_work, stop_cpus};

/// A revision of `stop_machine_from_inactive_cpu()`. All kernels have the same; wrong patches differ.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How many threads step through the states.
    pub threads: Threads,
    /// Which works the completion counts.
    pub signals: Threads,
    /// What it waits for before it returns.
    pub waits: Waits,
}

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The active CPUs.
    Active,
    /// The active CPUs and this one.
    ActiveAndLocal,
}

/// What it waits for before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// For `completion_done()`, which takes and releases the wait lock before it says yes.
    CompletionDone,
    /// For the count alone.
    DoneWithoutLock,
    /// For nothing: it has gone through all states itself.
    Nothing,
}

/// As it stands in v6.18.
pub const MAINLINE: Rev =
    Rev { threads: Threads::ActiveAndLocal, signals: Threads::Active, waits: Waits::CompletionDone };

impl Threads {
    /// How many that are, with so many active CPUs.
    pub(crate) fn count(self, active: u32) -> u32 {
        match self {
            Threads::Active => active,
            Threads::ActiveAndLocal => active + 1,
        }
    }
}

/// `stop_machine()`: runs the function of the call while all CPUs do nothing else.
///
/// DEVIATION: without `cpus_read_lock()`, so this is `stop_machine_cpuslocked()` as well: a scenario has either hotplug
/// or other callers.
///
/// # Errors
/// As `stop_cpus()`.
pub fn stop_machine(ctx: &Ctx, call: &StopCall) -> Result<(), i32> {
    stop_cpus(ctx, call)
}

/// `stop_machine_from_inactive_cpu()`: the same from a CPU that has no stopper yet. All CPUs of the machine are
/// active; this one is none of them.
///
/// # Errors
/// What the function returned, if not 0.
pub fn stop_machine_from_inactive_cpu(ctx: &Ctx, call: &StopCall) -> Result<(), i32> {
    let machine = ctx.machine;
    assert!(!machine.cpus().contains(&ctx.current.cpu()), "this CPU has a stopper");
    call.frame.enter();
    // No task yet, so nothing here can sleep.
    if machine.kernel.stop_cpus.one_at_a_time {
        machine.stop_cpus_mutex.spin_try_lock();
    }
    queue_stop_cpus_work(ctx, call);
    let ret = multi_cpu_stop(ctx, call.msdata.expect("the call of a multi-CPU request"));
    let done = machine.done(call.done);
    match machine.kernel.from_inactive.waits {
        Waits::CompletionDone => completion_done(ctx, done),
        Waits::DoneWithoutLock => done.completion.spin_until_done(),
        Waits::Nothing => {}
    }
    if machine.kernel.stop_cpus.one_at_a_time {
        machine.stop_cpus_mutex.unlock();
    }
    let ret = if ret == 0 { done.ret.get() } else { ret };
    call.frame.leave();
    if ret == 0 { Ok(()) } else { Err(ret) }
}

/// `while (!completion_done(x)) cpu_relax();`.
///
/// Who completes may still hold the wait lock, which is gone when the caller returns; so C takes and releases it.
fn completion_done(ctx: &Ctx, done: &CpuStopDone) {
    done.completion.spin_until_done();
    if let Some(wait_lock) = &done.wait_lock {
        wait_lock.lock_irqsave(ctx.current).unlock();
    }
}
