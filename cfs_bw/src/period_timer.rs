// SPDX-License-Identifier: GPL-2.0-only
//! C: `do_sched_cfs_period_timer()`, `sched_cfs_period_timer()`, `kernel/sched/fair.c`: refills the pool, and
//! distributes it among those who wait.

use crate::cfs_bandwidth::{CfsBandwidth, RUNTIME_INF, TaskGroup};
use crate::distribute::{Announce, Source, distribute_cfs_runtime};
use crate::list::list_empty;
use crate::machine::Ctx;
use crate::timer::hrtimer_forward_now;
use ksync::{Id, SpinGuard};

/// `__refill_cfs_bandwidth_runtime()`.
pub fn __refill_cfs_bandwidth_runtime(cfs_b: &CfsBandwidth) {
    if cfs_b.quota.get() != RUNTIME_INF {
        cfs_b.runtime.set(cfs_b.quota.get());
    }
}

/// `start_cfs_bandwidth()`: arms the period timer, under `cfs_b->lock`.
///
/// DEVIATION: as since 77a4d1a1b9a1 (4.2). Before, the flag was `timer_active`, and who found the handler on its way
/// out waited for it with the lock dropped.
pub fn start_cfs_bandwidth(ctx: &Ctx, cfs_b: &CfsBandwidth) {
    if cfs_b.period_active.get() {
        return;
    }
    cfs_b.period_active.set(true);
    hrtimer_forward_now(ctx, &cfs_b.period_timer, cfs_b.period.get());
}

/// `sched_cfs_period_timer()`: the handler, in interrupt context. `false` if the timer stops.
///
/// DEVIATION: the lock is taken with irqsave since 5.1, because on PREEMPT_RT the handler is no interrupt.
pub fn sched_cfs_period_timer(ctx: &Ctx, tg: Id<TaskGroup>) -> bool {
    let cfs_b = ctx.machine.cfs_b(tg);
    let mut idle = false;
    let mut guard = cfs_b.lock.lock(ctx.current);
    loop {
        let overrun = hrtimer_forward_now(ctx, &cfs_b.period_timer, cfs_b.period.get());
        if overrun == 0 {
            break;
        }
        (idle, guard) = do_sched_cfs_period_timer(ctx, cfs_b, guard);
    }
    if idle {
        cfs_b.period_active.set(false);
    }
    guard.unlock();
    !idle
}

/// `do_sched_cfs_period_timer()`: "responsible for refilling a task_group's bandwidth and unthrottling its cfs_rqs as
/// appropriate". Drops the lock while it distributes. `true` if there is nothing to do for a timer.
pub fn do_sched_cfs_period_timer<'a>(
    ctx: &Ctx<'a>,
    cfs_b: &'a CfsBandwidth,
    guard: SpinGuard<'a>,
) -> (bool, SpinGuard<'a>) {
    // "No need to continue the timer with no bandwidth constraint."
    if cfs_b.quota.get() == RUNTIME_INF {
        return (true, guard);
    }
    let throttled = !list_empty(ctx.machine, cfs_b.throttled_cfs_rq);
    // "Idle depends on !throttled (for the case of a large deficit), and if we're going inactive then everything else
    // can be deferred."
    if cfs_b.idle.get() && !throttled {
        return (true, guard);
    }
    __refill_cfs_bandwidth_runtime(cfs_b);
    if !throttled {
        // "Mark as potentially idle for the upcoming period."
        cfs_b.idle.set(true);
        return (false, guard);
    }
    let guard = distribute_to_throttled(ctx, cfs_b, guard);
    // "While we are ensured activity in the period following an unthrottle, this also covers the case in which the
    // new bandwidth is insufficient to cover the existing bandwidth deficit."
    cfs_b.idle.set(false);
    (false, guard)
}

/// The loop of `do_sched_cfs_period_timer()` over walks, "while there are any throttled entities".
fn distribute_to_throttled<'a>(ctx: &Ctx<'a>, cfs_b: &'a CfsBandwidth, mut guard: SpinGuard<'a>) -> SpinGuard<'a> {
    let machine = ctx.machine;
    let rev = &machine.kernel.distribute;
    let announced = rev.announce == Announce::DistributeRunning;
    // "There are throttled entities so we must first use the new bandwidth to unthrottle them before making it
    // generally available. This ensures that all existing debts will be paid before a new cfs_rq is allowed to run."
    let mut hidden = 0;
    if rev.source == Source::Hidden {
        hidden = cfs_b.runtime.get();
        cfs_b.runtime.set(0);
    }
    loop {
        let before = if rev.source == Source::Hidden { hidden } else { cfs_b.runtime.get() };
        let throttled = !list_empty(machine, cfs_b.throttled_cfs_rq);
        if !throttled || before == 0 || announced && cfs_b.distribute_running.get() {
            break;
        }
        if announced {
            cfs_b.distribute_running.set(true);
        }
        guard.unlock();
        // "We can't nest cfs_b->lock while distributing bandwidth."
        let left = distribute_cfs_runtime(ctx, cfs_b, before);
        guard = cfs_b.lock.lock(ctx.current);
        if announced {
            cfs_b.distribute_running.set(false);
        }
        match rev.source {
            Source::Hidden => hidden = left,
            Source::Snapshot => {
                let pool = cfs_b.runtime.get();
                cfs_b.runtime.set(pool.saturating_sub(before.wrapping_sub(left)));
            }
            Source::SnapshotWrittenBack => cfs_b.runtime.set(left),
            Source::Pool => {}
        }
    }
    if rev.source == Source::Hidden {
        // "Return (any) remaining runtime."
        cfs_b.runtime.set(hidden);
    }
    guard
}
