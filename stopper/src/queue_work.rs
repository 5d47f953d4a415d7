// SPDX-License-Identifier: GPL-2.0-only
//! C: `cpu_stop_queue_work()`, `stop_one_cpu()`, `stop_one_cpu_nowait()`, `kernel/stop_machine.c`.
//!
//! Why a single work needs the care of two (cfd355145c32):
//!
//! ```text
//! CPU0: T0, which may run on CPU1 only from now on     CPU1: T1, stop_two_cpus(0, 1), preemption off
//! append to 0; wake_q_add(migration/0)
//! unlock: T0 is preempted, and moves to CPU1
//!                                                      append to 0 and 1
//!                                                      wake_q_add(migration/0) fails: T0 has it
//!                                                      wakes migration/1, which spins for CPU0
//! T0 has to wake migration/0, and needs CPU1 for it
//! ```
//!
//! Property: a work that was accepted runs exactly once, one that was refused never.

use crate::cpu_stopper::{CpuStopWork, StopFn, cpu_stop_signal_done};
use crate::machine::{Ctx, StopCall};
use crate::ttwu::wake_up_process;
use crate::two_works::{__cpu_stop_queue_work, ENOENT, PreemptOff, Wake};
use crate::wake_q::{WakeQHead, wake_q_add, wake_up_q};
use ksync::{Id, Relaxed};

/// A revision of `cpu_stop_queue_work()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Where the stopper is woken.
    pub wake: Wake,
    /// Where preemption goes off.
    pub preempt_off: PreemptOff,
}

/// 1142d810298e: the wakeup stands under the lock.
pub const ORIGIN: Rev = Rev { wake: Wake::UnderLock, preempt_off: PreemptOff::Never };
/// 0b26351b910f "Fix migrate_swap() vs. active_balance() deadlock".
pub const WAKE_Q: Rev = Rev { wake: Wake::WakeQ, ..ORIGIN };
/// cfd355145c32 "Atomically queue and wake stopper threads".
pub const ATOMICALLY: Rev = Rev { preempt_off: PreemptOff::First, ..WAKE_Q };
/// 009836b4fa52 "Fix migrate_swap() vs. hotplug".
pub const AFTER_UNLOCK: Rev = Rev { wake: Wake::AfterUnlock, ..ATOMICALLY };

/// `cpu_stop_queue_work()`: queues a work if the stopper is enabled; says whether it did.
pub fn cpu_stop_queue_work(ctx: &Ctx, cpu: u32, work: Id<CpuStopWork>) -> bool {
    let (machine, current) = (ctx.machine, ctx.current);
    let rev = &machine.kernel.queue_work;
    let stopper = machine.cpu_stopper(cpu);
    let mut wakeq = WakeQHead::new();
    rev.preempt_off.here(PreemptOff::First, current);
    let guard = stopper.lock.lock_irqsave(current);
    let enabled = stopper.enabled.load(Relaxed);
    if rev.wake == Wake::WakeQUnconditional {
        wake_q_add(machine, &mut wakeq, stopper.thread);
    }
    if enabled {
        __cpu_stop_queue_work(ctx, stopper, work, rev.wake, &mut wakeq);
    } else if let Some(done) = machine.work(work).done.get() {
        cpu_stop_signal_done(ctx, done);
    }
    guard.unlock();
    if rev.wake == Wake::WakeQ || enabled {
        wake_up_q(ctx, &mut wakeq);
    }
    if rev.wake == Wake::AfterUnlock && enabled {
        wake_up_process(ctx, stopper.thread);
    }
    rev.preempt_off.over(current);
    enabled
}

/// `stop_one_cpu()`: runs the function of the call on that CPU's stopper and waits for it.
///
/// # Errors
/// `ENOENT` if the stopper is disabled; else what the function returned, if not 0.
pub fn stop_one_cpu(ctx: &Ctx, call: &StopCall, cpu: u32) -> Result<(), i32> {
    call.frame.enter();
    let ret = 'out: {
        if !cpu_stop_queue_work(ctx, cpu, call.work) {
            break 'out Err(ENOENT);
        }
        // DEVIATION: C calls cond_resched() first, to let a stopper on this CPU run; preemption is the engine's.
        let done = ctx.machine.done(call.done);
        done.completion.wait_for_completion(ctx.current);
        match done.ret.get() {
            0 => Ok(()),
            ret => Err(ret),
        }
    };
    call.frame.leave();
    ret
}

/// `stop_one_cpu_nowait()`: queues a work whose memory the caller keeps until it has run.
pub fn stop_one_cpu_nowait(ctx: &Ctx, cpu: u32, func: Id<StopFn>, arg: u32, work_buf: Id<CpuStopWork>) -> bool {
    let work = ctx.machine.work(work_buf);
    work.func.set(func);
    work.arg.set(arg);
    work.done.set(None);
    cpu_stop_queue_work(ctx, cpu, work_buf)
}
