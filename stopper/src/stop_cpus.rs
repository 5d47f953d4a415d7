// SPDX-License-Identifier: GPL-2.0-only
//! C: `stop_cpus()`, `queue_stop_cpus_work()`, `kernel/stop_machine.c`.
//!
//! ```text
//! A: stop_cpus({0, 1})         B: stop_two_cpus(0, 1)
//! append all to 0
//!                              append two to 0, append two to 1
//! append all to 1
//! migration/0 runs all, and waits for CPU1; migration/1 runs two, and waits for CPU0
//! ```
//!
//! Property: a request for all CPUs and one for two stand in the same order on every FIFO.

use crate::machine::{Ctx, MULTI_CPU_STOP, StopCall};
use crate::patience;
use crate::queue_work::cpu_stop_queue_work;
use crate::two_works::{Done, ENOENT};
use ksync::Relaxed;

/// A revision of `queue_stop_cpus_work()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How it keeps out those who queue two works.
    pub exclude: Exclude,
    /// `stop_cpus_mutex` keeps other callers out: there is one static work for each CPU.
    pub one_at_a_time: bool,
    /// Whose works signal the completion: all, or that of the CPU that runs the function.
    pub done: Done,
}

/// How `queue_stop_cpus_work()` keeps out those who queue two works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclude {
    /// Not at all.
    Nobody,
    /// By the lglock of all CPUs.
    GlobalLock,
    /// By a flag that they wait for.
    InProgress,
}

/// 1142d810298e: preemption is off, that is all.
pub const ORIGIN: Rev = Rev { exclude: Exclude::Nobody, one_at_a_time: true, done: Done::Both };
/// 7053ea1a34fa "Fix race between stop_two_cpus() and stop_cpus()".
pub const GLOBAL_LOCK: Rev = Rev { exclude: Exclude::GlobalLock, ..ORIGIN };
/// e6253970413d "Remove stop_cpus_lock and lg_double_lock/unlock()".
pub const IN_PROGRESS: Rev = Rev { exclude: Exclude::InProgress, ..GLOBAL_LOCK };

/// `queue_stop_cpus_work()`: one work for each CPU of the machine; says whether any was queued.
///
/// DEVIATION: the mask is all CPUs, and the function `multi_cpu_stop()`, as `stop_machine()` has it.
pub fn queue_stop_cpus_work(ctx: &Ctx, call: &StopCall) -> bool {
    let msdata = call.msdata.expect("the call of a multi-CPU request");
    let (machine, current) = (ctx.machine, ctx.current);
    let rev = &machine.kernel.stop_cpus;
    let exclude = rev.exclude;
    let mut queued = false;
    patience::takes_part(ctx, msdata, machine.cpus());
    // "Disable preemption while queueing to avoid getting preempted by a stopper which might wait for other stoppers
    // to enter @fn which can lead to deadlock."
    current.preempt_disable();
    let all = if exclude == Exclude::GlobalLock { machine.cpus() } else { &[] };
    let lglock: Vec<_> = all.iter().map(|&cpu| machine.stop_cpus_lock(cpu).lock(current)).collect();
    if exclude == Exclude::InProgress {
        // C has a plain bool between two compiler barriers: the stoppers' locks order it.
        machine.stop_cpus_in_progress.store(true, Relaxed);
    }
    for &cpu in machine.cpus() {
        let stop_work = machine.cpu_stopper(cpu).stop_work;
        let work = machine.work(stop_work);
        work.func.set(MULTI_CPU_STOP);
        work.arg.set(msdata.index() as u32);
        let signals = rev.done == Done::Both || cpu == machine.cpus()[0];
        work.done.set(signals.then_some(call.done));
        if cpu_stop_queue_work(ctx, cpu, stop_work) {
            queued = true;
        }
    }
    if exclude == Exclude::InProgress {
        machine.stop_cpus_in_progress.store(false, Relaxed);
    }
    for guard in lglock {
        guard.unlock();
    }
    current.preempt_enable();
    queued
}

/// `stop_cpus()`, as `stop_machine()` calls it, and one at a time.
///
/// # Errors
/// `ENOENT` if no stopper is enabled; else what the function returned, if not 0.
pub fn stop_cpus(ctx: &Ctx, call: &StopCall) -> Result<(), i32> {
    call.frame.enter();
    let one_at_a_time = ctx.machine.kernel.stop_cpus.one_at_a_time;
    if one_at_a_time {
        ctx.machine.stop_cpus_mutex.lock(ctx.current);
    }
    let ret = 'out: {
        if !queue_stop_cpus_work(ctx, call) {
            break 'out Err(ENOENT);
        }
        let done = ctx.machine.done(call.done);
        done.completion.wait_for_completion(ctx.current);
        match done.ret.get() {
            0 => Ok(()),
            ret => Err(ret),
        }
    };
    if one_at_a_time {
        ctx.machine.stop_cpus_mutex.unlock();
    }
    call.frame.leave();
    ret
}
