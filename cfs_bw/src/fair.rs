// SPDX-License-Identifier: GPL-2.0-only
//! C: `update_curr()`, `put_prev_entity()`, `pick_next_task_fair()`, `kernel/sched/fair.c`: what charges a group.

use crate::account::account_cfs_rq_runtime;
use crate::cfs_bandwidth::CfsRq;
use crate::machine::Ctx;
use crate::throttle::check_cfs_rq_runtime;
use ksync::Id;

/// `update_curr()`: the current task ran for so long.
pub fn update_curr(ctx: &Ctx, cfs_rq: Id<CfsRq>, delta_exec: u64) {
    let sum = &ctx.machine.cfs_rq(cfs_rq).sum_exec_runtime;
    sum.set(sum.get().wrapping_add(delta_exec));
    account_cfs_rq_runtime(ctx, cfs_rq, delta_exec);
}

/// `put_prev_entity()`: the task stops running, and its group with it if there is no runtime.
pub fn put_prev_entity(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    check_cfs_rq_runtime(ctx, cfs_rq);
    ctx.machine.cfs_rq(cfs_rq).curr.set(false);
}

/// The idle loop of the group's CPU, until there is a task to run.
pub fn wait_until_runnable(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let rq = ctx.machine.rq_of(cfs_rq);
    rq.idle.sleep_until::<u32, u32>(ctx.current, &rq.nr_running, |nr_running| nr_running > 0, None);
}

/// From a tick to the next: the group's task runs, if it may, for so long, and is scheduled out if it must.
pub fn run_a_while(ctx: &Ctx, cfs_rq: Id<CfsRq>, delta_exec: impl Fn(i64) -> u64) {
    let this = ctx.machine.cfs_rq(cfs_rq);
    let rq = ctx.machine.rq_of(cfs_rq);
    let guard = rq.lock.lock_irq(ctx.current);
    if this.throttle_count.get() == 0 {
        this.curr.set(true);
        update_curr(ctx, cfs_rq, delta_exec(this.runtime_remaining.get()));
        if rq.need_resched.get() {
            rq.need_resched.set(false);
            put_prev_entity(ctx, cfs_rq);
        }
    }
    guard.unlock();
}

/// A CPU whose task of the group never sleeps. Each time it runs for as long as it may, and 1 ns if that is nothing.
pub fn run_for_ever(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    loop {
        wait_until_runnable(ctx, cfs_rq);
        run_a_while(ctx, cfs_rq, |remaining| remaining.max(1) as u64);
    }
}
