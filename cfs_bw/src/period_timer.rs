// SPDX-License-Identifier: GPL-2.0-only
//! C: `do_sched_cfs_period_timer()`, `sched_cfs_period_timer()`, `kernel/sched/fair.c`: refills the pool, and
//! distributes it among those who wait.

use crate::async_unthrottle;
use crate::cfs_bandwidth::{CfsBandwidth, RUNTIME_INF, TaskGroup};
use crate::distribute::{Announce, Source, distribute_cfs_runtime};
use crate::expiry;
use crate::list::list_empty;
use crate::machine::Ctx;
use crate::timer::{hrtimer_forward_now, hrtimer_start};
use ksync::{Id, SpinGuard};

/// A revision of the period timer.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What the handler does when it never gets done.
    pub late: Late,
    /// When it does that.
    pub scale: Scale,
    /// What a refill brings.
    pub refill: Refill,
    /// When the timer stops.
    pub stop: Stop,
}

/// When the timer stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// When nobody took anything since the last refill, nor is anybody on the list.
    NobodyWaits,
    /// When nobody took anything since the last refill.
    NobodyTook,
    /// As [`Stop::NobodyWaits`], but that it has stopped it says in a section of its own.
    SaidLater,
}

/// What the handler does when it takes longer than the period, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// It goes on.
    GoesOn,
    /// Scales the period by 147/128, up to the longest, and the quota in proportion.
    Scales,
    /// Doubles both, unless that were beyond the longest period.
    Doubles,
}

/// When the handler scales period and quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Before it refills the pool, with what is then the quota of the next period.
    BeforeRefill,
    /// After that.
    AfterRefill,
}

/// What a refill brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refill {
    /// The pool has the quota.
    Quota,
    /// The pool has the quota more, up to quota and burst.
    Burst,
    /// The pool has the quota of all periods that went by.
    TimesOverrun,
}

/// 3.2 to 5.0.
pub const ORIGIN: Rev =
    Rev { late: Late::GoesOn, scale: Scale::BeforeRefill, refill: Refill::Quota, stop: Stop::NobodyWaits };
/// 2e8e19226398 "Limit sched_cfs_period_timer() loop to avoid hard lockup".
pub const SCALES: Rev = Rev { late: Late::Scales, ..ORIGIN };
/// 4929a4e6faa0 "Scale bandwidth quota and period without losing quota/period ratio precision".
pub const DOUBLES: Rev = Rev { late: Late::Doubles, ..SCALES };
/// 5a6d6a6ccb5f "Refill bandwidth before scaling".
pub const REFILLS_FIRST: Rev = Rev { scale: Scale::AfterRefill, ..DOUBLES };
/// f4183717b370 "Introduce the burstable CFS controller".
pub const BURST: Rev = Rev { refill: Refill::Burst, ..REFILLS_FIRST };

/// `__refill_cfs_bandwidth_runtime()`: under `cfs_b->lock`.
pub fn __refill_cfs_bandwidth_runtime(ctx: &Ctx, cfs_b: &CfsBandwidth, overrun: u64) {
    let quota = cfs_b.quota.get();
    if quota == RUNTIME_INF {
        return;
    }
    let runtime = match ctx.machine.kernel.period.refill {
        Refill::Quota => quota,
        Refill::Burst => cfs_b.runtime.get().wrapping_add(quota).min(quota.wrapping_add(cfs_b.burst.get())),
        Refill::TimesOverrun => quota.wrapping_mul(overrun),
    };
    cfs_b.runtime.set(runtime);
    expiry::advance(ctx, cfs_b);
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
    hrtimer_start(ctx, &cfs_b.period_timer, cfs_b.period_timer.expires.get());
}

/// `sched_cfs_period_timer()`: the handler, in interrupt context. `false` if the timer stops.
///
/// DEVIATION: the lock is taken with irqsave since 5.1, because on PREEMPT_RT the handler is no interrupt.
pub fn sched_cfs_period_timer(ctx: &Ctx, tg: Id<TaskGroup>) -> bool {
    let cfs_b = ctx.machine.cfs_b(tg);
    let mut idle = false;
    let rev = &ctx.machine.kernel.period;
    let mut count = 0;
    let mut guard = cfs_b.lock.lock(ctx.current);
    loop {
        let overrun = hrtimer_forward_now(ctx, &cfs_b.period_timer, cfs_b.period.get());
        if overrun == 0 {
            break;
        }
        count += 1;
        if count > 3 && rev.scale == Scale::BeforeRefill {
            scale(ctx, cfs_b);
            count = 0;
        }
        (idle, guard) = do_sched_cfs_period_timer(ctx, cfs_b, overrun, guard);
        if count > 3 && rev.scale == Scale::AfterRefill {
            scale(ctx, cfs_b);
            count = 0;
        }
    }
    if idle && rev.stop == Stop::SaidLater {
        guard.unlock();
        guard = cfs_b.lock.lock(ctx.current);
    }
    if idle {
        cfs_b.period_active.set(false);
    }
    guard.unlock();
    !idle
}

/// "Grow period by a factor of 2 to avoid losing precision": the end of the loop in `sched_cfs_period_timer()`.
fn scale(ctx: &Ctx, cfs_b: &CfsBandwidth) {
    let (old, quota) = (cfs_b.period.get(), cfs_b.quota.get());
    let max_cfs_quota_period = ctx.machine.tunables.max_period;
    match ctx.machine.kernel.period.late {
        Late::GoesOn => {}
        Late::Scales => {
            let new = (old.wrapping_mul(147) / 128).min(max_cfs_quota_period);
            cfs_b.period.set(new);
            cfs_b.quota.set(quota.wrapping_mul(new) / old);
        }
        Late::Doubles => {
            let new = old.wrapping_mul(2);
            // Else C warns that it cannot scale up, and goes on.
            if new < max_cfs_quota_period {
                cfs_b.period.set(new);
                cfs_b.quota.set(quota.wrapping_mul(2));
                cfs_b.burst.set(cfs_b.burst.get().wrapping_mul(2));
            }
        }
    }
}

/// `do_sched_cfs_period_timer()`: "responsible for refilling a task_group's bandwidth and unthrottling its cfs_rqs as
/// appropriate". Drops the lock while it distributes. `true` if there is nothing to do for a timer.
pub fn do_sched_cfs_period_timer<'a>(
    ctx: &Ctx<'a>,
    cfs_b: &'a CfsBandwidth,
    overrun: u64,
    guard: SpinGuard<'a>,
) -> (bool, SpinGuard<'a>) {
    // "No need to continue the timer with no bandwidth constraint."
    if cfs_b.quota.get() == RUNTIME_INF {
        return (true, guard);
    }
    let throttled = !list_empty(ctx.machine, cfs_b.throttled_cfs_rq);
    // "Refill extra burst quota even if cfs_b->idle."
    let burst = ctx.machine.kernel.period.refill == Refill::Burst;
    if burst {
        __refill_cfs_bandwidth_runtime(ctx, cfs_b, overrun);
    }
    // "Idle depends on !throttled (for the case of a large deficit), and if we're going inactive then everything else
    // can be deferred."
    if cfs_b.idle.get() && (!throttled || ctx.machine.kernel.period.stop == Stop::NobodyTook) {
        return (true, guard);
    }
    if !burst {
        __refill_cfs_bandwidth_runtime(ctx, cfs_b, overrun);
    }
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
    let mut throttled = true;
    loop {
        let before = if rev.source == Source::Hidden { hidden } else { cfs_b.runtime.get() };
        if rev.asynchronous.is_none() {
            throttled = !list_empty(machine, cfs_b.throttled_cfs_rq);
        }
        if !throttled || before == 0 || announced && cfs_b.distribute_running.get() {
            break;
        }
        if announced {
            cfs_b.distribute_running.set(true);
        }
        guard.unlock();
        // "We can't nest cfs_b->lock while distributing bandwidth."
        let mut left = 0;
        match rev.asynchronous {
            None => left = distribute_cfs_runtime(ctx, cfs_b, before),
            Some(rev) => throttled = async_unthrottle::distribute_cfs_runtime(ctx, rev, cfs_b),
        }
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
