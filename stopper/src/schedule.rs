// SPDX-License-Identifier: GPL-2.0-only
//! C: `__schedule()`, `kernel/sched/core.c`, v6.16: a task gives up its CPU, and gets it back.
//!
//! From `on_rq = 0` to `on_cpu = 0` the task belongs to a waker already while its CPU still runs on its stack, and
//! in between `pick_next_task()` may wait for the locks of others. Incident 000 is that window.
//!
//! Property: whoever sees `on_cpu == 0` after `on_rq == 0` has the task for itself.

use crate::active_balance::newidle_balance;
use crate::hotplug::balance_push;
use crate::machine::Ctx;
use crate::rq::Rq;
use crate::task::{
    __set_current_state, TASK_DEAD, TASK_ON_RQ_QUEUED, TASK_RUNNING, TASK_UNINTERRUPTIBLE, TaskStruct,
    put_task_struct, set_current_state,
};
use ksync::{Id, Relaxed, Release, SpinGuard, Wants, smp_mb__after_spinlock};

/// A revision of `__schedule()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// When `finish_task_switch()` looks whether the task is dead.
    pub dead: Dead,
}

/// When `finish_task_switch()` reads the state of the task that it switched away from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dead {
    /// Before `on_cpu = 0`, while nobody else can run the task.
    ReadBeforeFinish,
    /// After it.
    ReadAfterFinish,
}

/// As it stands in v6.16.
pub const MAINLINE: Rev = Rev { dead: Dead::ReadBeforeFinish };

/// `schedule()`.
pub fn schedule(ctx: &Ctx) {
    ctx.current.preempt_disable();
    __schedule(ctx);
    ctx.current.preempt_enable();
}

/// `__schedule(SM_NONE)`: blocks if the task's state says so, and returns when the task runs again.
///
/// DEVIATION: a task that blocks always hands over to idle, and idle to the next task. So the first half, up to
/// `on_cpu = 0`, and the last one, from `on_cpu = 1`, are both made by the task itself.
pub fn __schedule(ctx: &Ctx) {
    let (machine, current, prev) = (ctx.machine, ctx.current, ctx.task());
    current.local_irq_disable();
    let rq = machine.rq(current.cpu());
    let guard = rq.lock.lock(current);
    // "Make sure that signal_pending_state()->signal_pending() below can't be reordered with
    // __set_current_state(TASK_INTERRUPTIBLE) done by the caller".
    // DEVIATION: no signals here, so nothing stands behind this barrier that the tests could miss.
    smp_mb__after_spinlock();
    // Once: from `on_rq = 0` on a waker may own the task and its state.
    let prev_state = prev.state.load(Relaxed);
    if prev_state != TASK_RUNNING {
        block_task(rq, prev, prev_state);
    }
    let (guard, next) = pick_next_task(ctx, rq, guard, prev_state == TASK_RUNNING);
    if next == Some(ctx.task) {
        let guard = balance_push(ctx, rq, guard);
        guard.unlock();
        current.local_irq_enable();
        return;
    }
    rq.curr.set(next);
    finish_task_switch(ctx, rq, guard, ctx.task);
    if prev_state == TASK_DEAD {
        // DEVIATION: C never comes back; here the task's body ends.
        return;
    }
    if prev_state == TASK_RUNNING {
        // The stopper runs in between; nobody needs to wake a task that is still queued.
        let stop = machine.task(rq.stop);
        prev.sleeper.sleep_until::<u32, bool>(current, &stop.on_rq, |on_rq| on_rq == 0, None);
        prepare_task(ctx);
    } else {
        schedule_tail(ctx);
    }
}

/// `wait_event()`: sleeps until the task's condition is true.
pub fn wait_event(ctx: &Ctx, state: u32) {
    loop {
        set_current_state(ctx, state);
        if ctx.task().condition.load(Relaxed) {
            break;
        }
        schedule(ctx);
    }
    __set_current_state(ctx, TASK_RUNNING);
}

/// `do_task_dead()`.
pub fn do_task_dead(ctx: &Ctx) {
    // set_special_state(): "This special state store is not lossy", a waker that holds pi_lock comes before it.
    let guard = ctx.task().pi_lock.lock_irqsave(ctx.current);
    __set_current_state(ctx, TASK_DEAD);
    guard.unlock();
    schedule(ctx);
}

/// `block_task()`: off the runqueue.
fn block_task(rq: &Rq, prev: &TaskStruct, prev_state: u32) {
    if prev_state & TASK_UNINTERRUPTIBLE != 0 {
        rq.nr_uninterruptible.set(rq.nr_uninterruptible.get().wrapping_add(1));
    }
    // ORDERING: Release, as since v6.12: the dequeue before `on_rq`. Pairs with `try_to_wake_up()`, the acquire behind
    // its control dependency. Without it a waker may own a task that is still being dequeued; before v6.12 the
    // runqueue's lock kept wakers from what the dequeue writes, as it does here, so no scenario needs it.
    prev.on_rq.store(0, Release);
}

/// `pick_next_task()`: the stopper if it is queued, else the fair task; a CPU that has none looks for work first.
fn pick_next_task<'a>(
    ctx: &Ctx<'a>,
    rq: &'a Rq,
    guard: SpinGuard<'a>,
    prev_runs: bool,
) -> (SpinGuard<'a>, Option<Id<TaskStruct>>) {
    let machine = ctx.machine;
    if rq.stop != ctx.task && prev_runs && machine.task(rq.stop).on_rq.load(Relaxed) == TASK_ON_RQ_QUEUED {
        return (guard, Some(rq.stop));
    }
    if prev_runs {
        return (guard, Some(ctx.task));
    }
    let guard = newidle_balance(ctx, rq, guard);
    (guard, rq.fair)
}

/// `finish_task_switch()`: what the next task does for the one that the CPU left.
pub fn finish_task_switch(ctx: &Ctx, rq: &Rq, guard: SpinGuard<'_>, prev: Id<TaskStruct>) {
    let machine = ctx.machine;
    debug_assert!(std::ptr::eq(machine.rq(rq.cpu), rq));
    let task = machine.task(prev);
    let early = machine.kernel.schedule.dead == Dead::ReadBeforeFinish;
    // "The test for TASK_DEAD must occur while the runqueue locks are held; otherwise, prev could be scheduled on
    // another CPU, die there before we look at prev->state, and then the reference would be dropped twice."
    let state = early.then(|| task.state.load(Relaxed));
    finish_task(task);
    let state = state.unwrap_or_else(|| task.state.load(Relaxed));
    guard.unlock();
    ctx.current.local_irq_enable();
    if state == TASK_DEAD {
        put_task_struct(machine, prev);
    }
}

/// `finish_task()`: the CPU is off the task's stack.
fn finish_task(prev: &TaskStruct) {
    prev.se.set(1);
    // ORDERING: Release, all that this CPU did with the task before it can run elsewhere. Pairs with
    // `try_to_wake_up()`, its spin. Without it the enqueue races with the switch: `on-cpu-hand-over`.
    prev.on_cpu.store(false, Release);
}

/// `schedule_tail()`: how a task comes to its CPU, from a fork or from a wakeup.
pub fn schedule_tail(ctx: &Ctx) {
    let task = ctx.task();
    let on_rq = &task.on_rq;
    let queued = |on_rq| on_rq == TASK_ON_RQ_QUEUED;
    if task.stop_class {
        let works = ctx.machine.cpu_stopper(ctx.current.cpu()).works.first();
        task.sleeper.sleep_until(ctx.current, on_rq, queued, Some(Wants::plain(works, |first| first.is_some())));
    } else {
        let wants = Wants::atomic(&task.condition, |condition| condition);
        task.sleeper.sleep_until(ctx.current, on_rq, queued, Some(wants));
    }
    prepare_task(ctx);
}

/// `prepare_task()` and what stands around it, as idle's `__schedule()` does it for the next task.
fn prepare_task(ctx: &Ctx) {
    let (current, task) = (ctx.current, ctx.task());
    current.local_irq_disable();
    let rq = ctx.machine.rq(current.cpu());
    let guard = rq.lock.lock(current);
    rq.curr.set(Some(ctx.task));
    // "Claim the task as running, we do this before switching to it such that any running task will have this set."
    task.on_cpu.store(true, Relaxed);
    guard.unlock();
    current.local_irq_enable();
}
