// SPDX-License-Identifier: GPL-2.0-only
//! C: `cpu_stop_queue_two_works()`, `stop_two_cpus()`, `kernel/stop_machine.c`, v3.13 to v6.16.
//!
//! Incident 000 (0b26351b910f): waits for `on_cpu` inside the stoppers' locks.
//!
//! ```text
//! CPU1, migration/1                          CPU26, custom_exporter
//! __schedule(): on_rq = 0, irqs off
//! pick_next_task() drops rq1.lock
//!                                            migrate_swap() -> stop_two_cpus(1, 26)
//!                                              lock stopper1.lock, stopper26.lock, irqs off
//!                                              wake migration/1: on_rq == 0,
//!                                                spins while migration/1.on_cpu
//! active balance ->
//!   stop_one_cpu_nowait(26)
//!   spins on stopper26.lock                  cleared only after CPU1's __schedule()
//! ```
//!
//! Property: two requests that share two CPUs stand in the same order on both, and once a request is on one FIFO
//! nothing can keep the other stoppers from being woken.

use crate::cpu_stopper::{CpuStopWork, CpuStopper};
use crate::list::list_add_tail;
use crate::machine::{Ctx, StopCall};
use crate::patience;
use crate::queue_work::cpu_stop_queue_work;
use crate::ttwu::wake_up_process;
use crate::wake_q::{WakeQHead, wake_q_add, wake_up_q};
use ksync::{Current, Id, Relaxed};

/// `-ENOENT`.
pub const ENOENT: i32 = -2;
/// `-EDEADLK`.
pub const EDEADLK: i32 = -35;

/// A revision of `cpu_stop_queue_two_works()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What keeps `stop_cpus()` from queueing between the two works.
    pub against: Against,
    /// Where the stoppers are woken.
    pub wake: Wake,
    /// Where preemption goes off.
    pub preempt_off: PreemptOff,
}

/// What keeps `stop_cpus()` from queueing between the two works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// Nothing.
    Nothing,
    /// The lglock of both CPUs.
    DoubleLock,
    /// `stop_cpus_in_progress`, tested under both stoppers' locks.
    InProgress,
    /// `stop_cpus_in_progress`, tested before them.
    InProgressBeforeLocks,
}

/// Where a stopper is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Right after the append, under the stopper's lock.
    UnderLock,
    /// Put on a `wake_q` under the lock, woken after it.
    WakeQ,
    /// Put on a `wake_q` whether or not the stopper is enabled, but woken only if it is.
    WakeQUnconditional,
    /// After the lock, and only if the work was queued.
    AfterUnlock,
}

/// Where preemption goes off; it comes back when all are woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreemptOff {
    /// Nowhere.
    Never,
    /// Between the unlock and the wakeups.
    AroundWake,
    /// After the appends, under the locks.
    BeforeUnlock,
    /// Before the locks.
    First,
}

impl PreemptOff {
    /// `preempt_disable()`, if this is the place.
    #[track_caller]
    pub(crate) fn here(self, place: PreemptOff, current: &Current) {
        if self == place {
            current.preempt_disable();
        }
    }

    /// `preempt_enable()`, if it went off anywhere.
    #[track_caller]
    pub(crate) fn over(self, current: &Current) {
        if self != PreemptOff::Never {
            current.preempt_enable();
        }
    }
}

/// One `cpu_stop_queue_work()` for each, under nothing.
pub const ORIGIN: Rev = Rev { against: Against::Nothing, wake: Wake::UnderLock, preempt_off: PreemptOff::Never };
/// b17718d02f54: both works go in under both locks, and under both CPUs' part of the lglock.
pub const DOUBLE_LOCK: Rev = Rev { against: Against::DoubleLock, ..ORIGIN };
/// e6253970413d: `stop_cpus_in_progress` instead of the lglock. Form A, which locks up against active_balance().
pub const BEFORE: Rev = Rev { against: Against::InProgress, ..DOUBLE_LOCK };
/// 0b26351b910f "Fix migrate_swap() vs. active_balance() deadlock": form B.
pub const WAKE_Q: Rev = Rev { wake: Wake::WakeQ, ..BEFORE };
/// 9fb8d5dc4b64 "Disable preemption when waking two stopper threads": form C.
pub const AROUND_WAKE: Rev = Rev { preempt_off: PreemptOff::AroundWake, ..WAKE_Q };
/// 2610e8894663 "Disable preemption after queueing stopper threads": form D.
pub const BEFORE_UNLOCK: Rev = Rev { preempt_off: PreemptOff::BeforeUnlock, ..AROUND_WAKE };
/// b80a2bfce85e "Reflow cpu_stop_queue_two_works()": form E.
pub const REFLOW: Rev = Rev { preempt_off: PreemptOff::First, ..BEFORE_UNLOCK };
/// 009836b4fa52 "Fix migrate_swap() vs. hotplug": form F.
pub const AFTER_UNLOCK: Rev = Rev { wake: Wake::AfterUnlock, ..REFLOW };

/// `__cpu_stop_queue_work()`: appends, and wakes where the revision does it here.
pub(crate) fn __cpu_stop_queue_work(
    ctx: &Ctx,
    stopper: &CpuStopper,
    work: Id<CpuStopWork>,
    wake: Wake,
    wakeq: &mut WakeQHead,
) {
    list_add_tail(ctx.machine, work, &stopper.works);
    match wake {
        Wake::UnderLock => {
            wake_up_process(ctx, stopper.thread);
        }
        Wake::WakeQ => wake_q_add(ctx.machine, wakeq, stopper.thread),
        Wake::WakeQUnconditional | Wake::AfterUnlock => {}
    }
}

/// `cpu_stop_queue_two_works()`.
///
/// # Errors
/// `ENOENT` if a stopper is disabled.
pub fn cpu_stop_queue_two_works(
    ctx: &Ctx,
    cpu1: u32,
    work1: Id<CpuStopWork>,
    cpu2: u32,
    work2: Id<CpuStopWork>,
) -> Result<(), i32> {
    let (machine, current) = (ctx.machine, ctx.current);
    let rev = &machine.kernel.two_works;
    let stopper1 = machine.cpu_stopper(cpu1);
    let stopper2 = machine.cpu_stopper(cpu2);
    let mut wakeq = WakeQHead::new();
    'retry: loop {
        // "The waking up of stopper threads has to happen in the same scheduling context as the queueing.
        // Otherwise, there is a possibility of one of the above stoppers being woken up by another CPU, and
        // preempting us. This will cause us to not wake up the other stopper forever."
        rev.preempt_off.here(PreemptOff::First, current);
        let lglock = (rev.against == Against::DoubleLock).then(|| lg_double_lock(ctx, cpu1, cpu2));
        if rev.against == Against::InProgressBeforeLocks {
            machine.stop_cpus_in_progress.cond_load(Relaxed, |in_progress| !in_progress);
        }
        let guard1 = stopper1.lock.lock_irq(current);
        let guard2 = stopper2.lock.lock_nested(&guard1);
        let err = 'unlock: {
            if !stopper1.enabled.load(Relaxed) || !stopper2.enabled.load(Relaxed) {
                break 'unlock Err(ENOENT);
            }
            // "Ensure that if we race with __stop_cpus() the stoppers won't get queued up in reverse order leading
            // to system deadlock. We can't miss stop_cpus_in_progress if queue_stop_cpus_work() has queued a work
            // on cpu1 but not on cpu2, we hold both locks. It can be falsely true but it is safe to spin until it
            // is cleared, queue_stop_cpus_work() does everything under preempt_disable()."
            if rev.against == Against::InProgress && machine.stop_cpus_in_progress.load(Relaxed) {
                break 'unlock Err(EDEADLK);
            }
            __cpu_stop_queue_work(ctx, stopper1, work1, rev.wake, &mut wakeq);
            __cpu_stop_queue_work(ctx, stopper2, work2, rev.wake, &mut wakeq);
            rev.preempt_off.here(PreemptOff::BeforeUnlock, current);
            Ok(())
        };
        guard2.unlock();
        guard1.unlock();
        if let Some((second, first)) = lglock {
            second.unlock();
            first.unlock();
        }
        if err == Err(EDEADLK) {
            if rev.preempt_off == PreemptOff::First {
                current.preempt_enable();
            }
            machine.stop_cpus_in_progress.cond_load(Relaxed, |in_progress| !in_progress);
            continue 'retry;
        }
        if err.is_ok() {
            rev.preempt_off.here(PreemptOff::AroundWake, current);
        }
        wake_up_q(ctx, &mut wakeq);
        if rev.wake == Wake::AfterUnlock && err.is_ok() {
            wake_up_process(ctx, stopper1.thread);
            wake_up_process(ctx, stopper2.thread);
        }
        if err.is_ok() || rev.preempt_off == PreemptOff::First {
            rev.preempt_off.over(current);
        }
        return err;
    }
}

/// `lg_double_lock()`: both CPUs' part of the lglock, ascending; the second first, as it is unlocked.
fn lg_double_lock<'a>(ctx: &Ctx<'a>, cpu1: u32, cpu2: u32) -> (ksync::SpinGuard<'a>, ksync::SpinGuard<'a>) {
    let first = ctx.machine.stop_cpus_lock(cpu1.min(cpu2)).lock(ctx.current);
    let second = ctx.machine.stop_cpus_lock(cpu1.max(cpu2)).lock_nested(&first);
    (second, first)
}

/// A revision of `stop_two_cpus()`.
#[derive(Debug, Clone, Copy)]
pub struct CallerRev {
    /// How it comes to the two FIFOs.
    pub queue: Queue,
    /// Who signals the completion.
    pub done: Done,
}

/// How `stop_two_cpus()` comes to the two FIFOs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// `irq_cpu_stop_queue_work()` on the lower CPU, in the order of the arguments.
    ByIpi,
    /// The same with this CPU's part of the lglock held.
    ByIpiLocalLock,
    /// `cpu_stop_queue_two_works()`, the lower CPU first.
    Ascending,
}

/// Who signals the completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Both works.
    Both,
    /// The one on the CPU that runs the function.
    ActiveOnly,
}

impl Done {
    /// `nr_todo` at the start.
    pub(crate) fn count(self) -> u32 {
        match self {
            Done::Both => 2,
            Done::ActiveOnly => 1,
        }
    }
}

/// 1be0bd77c5dd: "same queueing CPU, same order".
pub const CALLER_BY_IPI: CallerRev = CallerRev { queue: Queue::ByIpi, done: Done::Both };
/// 7053ea1a34fa: against `stop_cpus()`, which takes the lglock of all CPUs.
pub const CALLER_LOCAL_LOCK: CallerRev = CallerRev { queue: Queue::ByIpiLocalLock, ..CALLER_BY_IPI };
/// b17718d02f54: against other pairs that share a CPU.
pub const CALLER_ASCENDING: CallerRev = CallerRev { queue: Queue::Ascending, ..CALLER_LOCAL_LOCK };

/// `stop_two_cpus()`: stops both CPUs and runs a function on the first; its arguments are in the call.
///
/// # Errors
/// `ENOENT` if a stopper is disabled; else what the function returned, if not 0.
pub fn stop_two_cpus(ctx: &Ctx, call: &StopCall, cpu1: u32, cpu2: u32) -> Result<(), i32> {
    call.frame.enter();
    let ret = 'out: {
        let queued = queue_two(ctx, call, cpu1, cpu2);
        if queued.is_err() {
            break 'out queued;
        }
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

/// The queueing half of `stop_two_cpus()`.
///
/// # Errors
/// `ENOENT` if a stopper is disabled.
pub fn queue_two(ctx: &Ctx, call: &StopCall, mut cpu1: u32, mut cpu2: u32) -> Result<(), i32> {
    if let Some(msdata) = call.msdata {
        patience::takes_part(ctx, msdata, &[cpu1, cpu2]);
    }
    let (work1, work2) = call.two_works();
    let queue = ctx.machine.kernel.stop_two_cpus.queue;
    if queue == Queue::Ascending {
        if cpu1 > cpu2 {
            std::mem::swap(&mut cpu1, &mut cpu2);
        }
        return cpu_stop_queue_two_works(ctx, cpu1, work1, cpu2, work2);
    }
    let this_cpu = ctx.current.cpu();
    // DEVIATION: every caller here is on the lower CPU, where smp_call_function_single() calls the function.
    assert!(this_cpu == cpu1.min(cpu2), "smp_call_function_single() to another CPU is not ported");
    let local = (queue == Queue::ByIpiLocalLock).then(|| ctx.machine.stop_cpus_lock(this_cpu).lock(ctx.current));
    let flags = ctx.current.local_irq_save();
    irq_cpu_stop_queue_work(ctx, cpu1, work1, cpu2, work2);
    ctx.current.local_irq_restore(flags);
    if let Some(local) = local {
        local.unlock();
    }
    Ok(())
}

/// `irq_cpu_stop_queue_work()`, up to b17718d02f54.
fn irq_cpu_stop_queue_work(ctx: &Ctx, cpu1: u32, work1: Id<CpuStopWork>, cpu2: u32, work2: Id<CpuStopWork>) {
    cpu_stop_queue_work(ctx, cpu1, work1);
    cpu_stop_queue_work(ctx, cpu2, work2);
}
