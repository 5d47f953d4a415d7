// SPDX-License-Identifier: GPL-2.0-only
//! C: `enqueue_task_fair()`, `dequeue_task_fair()`, `update_curr()`, `put_prev_entity()`, `pick_next_task_fair()`,
//! `kernel/sched/fair.c`: how a group's tasks come to run, and what charges the group.
//!
//! A group has an entity on the runqueue above it, as a task has, as long as there is something to run in it.

use crate::account::account_cfs_rq_runtime;
use crate::cfs_bandwidth::{CfsRq, Rq};
use crate::enqueue_throttle::check_enqueue_throttle;
use crate::machine::Ctx;
use crate::slack::return_cfs_rq_runtime;
use crate::task_throttle::{Task, dequeue_throttled_task, exit_to_user_mode, task_throttle_setup_work};
use crate::throttle::{after_unlock, check_cfs_rq_runtime};
use ksync::{Id, Plain, Relaxed};

/// `enqueue_entity()`: a task or a group, by its `on_rq`, goes on a runqueue.
pub(crate) fn enqueue_entity(ctx: &Ctx, cfs_rq: Id<CfsRq>, on_rq: &Plain<bool>) {
    let this = ctx.machine.cfs_rq(cfs_rq);
    this.nr_queued.set(this.nr_queued.get() + 1);
    on_rq.set(true);
    if this.nr_queued.get() == 1 {
        check_enqueue_throttle(ctx, cfs_rq);
    }
}

/// `dequeue_entity()`: it leaves the runqueue, and "return excess runtime on last dequeue".
pub(crate) fn dequeue_entity(ctx: &Ctx, cfs_rq: Id<CfsRq>, on_rq: &Plain<bool>) {
    let this = ctx.machine.cfs_rq(cfs_rq);
    on_rq.set(false);
    this.nr_queued.set(this.nr_queued.get() - 1);
    return_cfs_rq_runtime(ctx, cfs_rq);
}

/// Puts an entity with so many tasks on its runqueue and on those above, up to a throttled one, or to the root.
///
/// DEVIATION: C has a second loop for what is above an entity that is queued already.
pub(crate) fn enqueue_up(ctx: &Ctx, cfs_rq: Option<Id<CfsRq>>, on_rq: &Plain<bool>, rq: Id<Rq>, tasks: u32) {
    let machine = ctx.machine;
    let (mut cfs_rq, mut on_rq) = (cfs_rq, on_rq);
    while let Some(level) = cfs_rq {
        if !on_rq.get() {
            enqueue_entity(ctx, level, on_rq);
        }
        let this = machine.cfs_rq(level);
        this.h_nr_running.set(this.h_nr_running.get() + tasks);
        // "End evaluation on encountering a throttled cfs_rq."
        if machine.kernel.throttle.each_task.is_none() && this.throttled.get() {
            return;
        }
        (cfs_rq, on_rq) = (machine.parent_cfs_rq(level), &this.on_rq);
    }
    on_rq.set(true);
    // `add_nr_running()`.
    let nr_running = &machine.rq(rq).nr_running;
    nr_running.store(nr_running.load(Relaxed) + tasks, Relaxed);
}

/// Takes an entity with so many tasks from its runqueue, and each runqueue that becomes empty by that from the one
/// above, up to a throttled one, or to the root.
pub(crate) fn dequeue_up(ctx: &Ctx, cfs_rq: Option<Id<CfsRq>>, on_rq: &Plain<bool>, rq: Id<Rq>, tasks: u32) {
    let machine = ctx.machine;
    let (mut cfs_rq, mut on_rq, mut empty) = (cfs_rq, on_rq, true);
    while let Some(level) = cfs_rq {
        // "Throttled entity or throttle-on-deactivate."
        if empty && !on_rq.get() {
            return;
        }
        if empty {
            dequeue_entity(ctx, level, on_rq);
        }
        let this = machine.cfs_rq(level);
        this.h_nr_running.set(this.h_nr_running.get() - tasks);
        if machine.kernel.throttle.each_task.is_none() && this.throttled.get() {
            return;
        }
        // "Don't dequeue parent if it has other entities besides us."
        empty = empty && this.nr_queued.get() == 0;
        (cfs_rq, on_rq) = (machine.parent_cfs_rq(level), &this.on_rq);
    }
    if empty && !on_rq.get() {
        return;
    }
    on_rq.set(!empty);
    // `sub_nr_running()`.
    let nr_running = &machine.rq(rq).nr_running;
    nr_running.store(nr_running.load(Relaxed) - tasks, Relaxed);
}

/// `enqueue_task_fair()`: the task wants to run, under its runqueue's lock.
pub fn enqueue_task_fair(ctx: &Ctx, task: Id<Task>) {
    let this = ctx.machine.task(task);
    let rq = ctx.machine.cfs_rq(this.cfs_rq).rq;
    enqueue_up(ctx, Some(this.cfs_rq), &this.on_rq, rq, 1);
    // `resched_curr()` of an idle CPU.
    ctx.machine.rq(rq).idle.kick();
}

/// `dequeue_task_fair()`: it does not want to any more, or is throttled by itself.
pub fn dequeue_task_fair(ctx: &Ctx, task: Id<Task>) {
    let this = ctx.machine.task(task);
    if this.throttled.get() {
        dequeue_throttled_task(ctx, task);
        return;
    }
    dequeue_up(ctx, Some(this.cfs_rq), &this.on_rq, ctx.machine.cfs_rq(this.cfs_rq).rq, 1);
}

/// `update_curr()`: the current task ran for so long.
pub fn update_curr(ctx: &Ctx, cfs_rq: Id<CfsRq>, delta_exec: u64) {
    let sum = &ctx.machine.cfs_rq(cfs_rq).sum_exec_runtime;
    sum.set(sum.get().wrapping_add(delta_exec));
    account_cfs_rq_runtime(ctx, cfs_rq, delta_exec);
}

/// `put_prev_entity()`: the task stops running, and its group with it if there is no runtime; whether it is throttled.
pub fn put_prev_entity(ctx: &Ctx, cfs_rq: Id<CfsRq>) -> bool {
    let throttled = check_cfs_rq_runtime(ctx, cfs_rq);
    ctx.machine.cfs_rq(cfs_rq).curr.set(false);
    throttled
}

/// `pick_next_task_fair()`: the task, if no group of it was taken from its runqueue.
fn pick_next_task_fair(ctx: &Ctx, task: Id<Task>) -> bool {
    let machine = ctx.machine;
    let this = machine.task(task);
    let cfs_rq = machine.cfs_rq(this.cfs_rq);
    if machine.kernel.throttle.each_task.is_none() {
        return cfs_rq.throttle_count.get() == 0;
    }
    let picked = this.on_rq.get();
    if picked && cfs_rq.throttle_count.get() > 0 {
        task_throttle_setup_work(ctx, task);
    }
    picked
}

/// The idle loop of the group's CPU, until there is a task to run.
pub fn wait_until_runnable(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let rq = ctx.machine.rq_of(cfs_rq);
    rq.idle.sleep_until::<u32, u32>(ctx.current, &rq.nr_running, |nr_running| nr_running > 0, None);
}

/// From a tick to the next: the group's first task runs, if it may, for so long, and is scheduled out if it must; on
/// its way to user mode it is throttled, where that is done task by task.
pub fn run_a_while(ctx: &Ctx, cfs_rq: Id<CfsRq>, delta_exec: impl Fn(i64) -> u64) {
    let task = ctx.machine.task_of(cfs_rq);
    run_in_kernel(ctx, task, delta_exec);
    exit_to_user_mode(ctx, task);
}

/// The same for a task in the kernel: it is scheduled, and does not leave for user mode.
pub fn run_in_kernel(ctx: &Ctx, task: Id<Task>, delta_exec: impl Fn(i64) -> u64) {
    let machine = ctx.machine;
    let cfs_rq = machine.task(task).cfs_rq;
    let this = machine.cfs_rq(cfs_rq);
    let rq = machine.rq_of(cfs_rq);
    let mut throttled = false;
    let guard = rq.lock.lock_irq(ctx.current);
    if pick_next_task_fair(ctx, task) {
        this.curr.set(true);
        update_curr(ctx, cfs_rq, delta_exec(this.runtime_remaining.get()));
        if rq.need_resched.get() {
            rq.need_resched.set(false);
            throttled = put_prev_entity(ctx, cfs_rq);
            pick_next_task_fair(ctx, task);
        }
    }
    guard.unlock();
    after_unlock(ctx, cfs_rq, throttled);
}

/// A CPU whose task of the group never sleeps. Each time it runs for as long as it may, and 1 ns if that is nothing.
pub fn run_for_ever(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    loop {
        wait_until_runnable(ctx, cfs_rq);
        run_a_while(ctx, cfs_rq, |remaining| remaining.max(1) as u64);
    }
}
