// SPDX-License-Identifier: GPL-2.0-only
//! C: `cpu_stopper_thread()`, `kernel/stop_machine.c`, in the loop of `smpboot_thread_fn()`, `kernel/smpboot.c`.
//!
//! The loop loses no wakeup: the state is stored before the test for work, and that test and an append are
//! serialized by the stopper's lock.
//!
//! Property: a work that was accepted runs exactly once.

use crate::cpu_stopper::cpu_stop_signal_done;
use crate::list::{list_empty, list_pop};
use crate::machine::Ctx;
use crate::park::kthread_parkme;
use crate::schedule::{schedule, schedule_tail};
use crate::task::{__set_current_state, TASK_INTERRUPTIBLE, TASK_RUNNING, set_current_state};
use ksync::Relaxed;

/// `smpboot_thread_fn()` for the stoppers.
///
/// DEVIATION: the thread is not stopped, since no CPU is removed for good; and it starts asleep, as it stands when
/// nothing was queued for a while.
pub fn smpboot_thread_fn(ctx: &Ctx) {
    schedule_tail(ctx);
    smpboot_thread_loop(ctx);
}

/// The loop itself, for a stopper that is awake.
pub(crate) fn smpboot_thread_loop(ctx: &Ctx) {
    loop {
        set_current_state(ctx, TASK_INTERRUPTIBLE);
        ctx.current.preempt_disable();
        let cpu = ctx.current.cpu();
        if ctx.machine.cpu_stopper(cpu).should_park.load(Relaxed) {
            __set_current_state(ctx, TASK_RUNNING);
            ctx.current.preempt_enable();
            kthread_parkme(ctx, cpu);
            continue;
        }
        if cpu_stop_should_run(ctx, cpu) {
            __set_current_state(ctx, TASK_RUNNING);
            ctx.current.preempt_enable();
            cpu_stopper_thread(ctx, cpu);
        } else {
            // C's preempt_enable_no_resched(): the stop class is preempted by nobody.
            ctx.current.preempt_enable();
            schedule(ctx);
        }
    }
}

/// `cpu_stop_should_run()`.
fn cpu_stop_should_run(ctx: &Ctx, cpu: u32) -> bool {
    let stopper = ctx.machine.cpu_stopper(cpu);
    let guard = stopper.lock.lock_irqsave(ctx.current);
    let run = !list_empty(&stopper.works);
    guard.unlock();
    run
}

/// `cpu_stopper_thread()`: runs all works that are queued.
fn cpu_stopper_thread(ctx: &Ctx, cpu: u32) {
    let (machine, current) = (ctx.machine, ctx.current);
    let stopper = machine.cpu_stopper(cpu);
    'repeat: loop {
        let guard = stopper.lock.lock_irq(current);
        let work = list_pop(machine, &stopper.works);
        guard.unlock();
        let Some(work) = work else { return };
        let work = machine.work(work);
        let (func, arg, done) = (work.func.get(), work.arg.get(), work.done.get());
        // From here on the work may be gone or filled anew.
        // "Cpu stop callbacks must not sleep, make in_atomic() == T."
        current.preempt_disable();
        let ret = machine.func(func).call(ctx, arg);
        if let Some(done) = done {
            if ret != 0 {
                machine.done(done).ret.set(ret);
            }
            cpu_stop_signal_done(ctx, done);
        }
        current.preempt_enable();
        continue 'repeat;
    }
}
