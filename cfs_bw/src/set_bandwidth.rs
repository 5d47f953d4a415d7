// SPDX-License-Identifier: GPL-2.0-only
//! C: `tg_set_cfs_bandwidth()`, `kernel/sched/core.c`: a group gets a quota, another one, or none.
//!
//! Each CPU starts anew with nothing. With tasks that are throttled one by one that was too little (956dfda6a708):
//!
//! ```text
//! a group within another, whose CPU 1 is          CPU 2
//! throttled with two of the inner one's tasks
//! the inner one gets a quota: remaining = 0
//!                                                 the inner one runs, and takes all of the pool
//! the outer one is unthrottled: enqueues the
//! first task, check_enqueue_throttle():
//! throttles the inner one in the middle of that,
//! with the second task still in limbo
//! ```
//!
//! Property: once the quota is lifted nobody is throttled, and an unthrottle throttles nobody.

use crate::cfs_bandwidth::{RUNTIME_INF, TaskGroup};
use crate::machine::Ctx;
use crate::period_timer::{__refill_cfs_bandwidth_runtime, start_cfs_bandwidth};
use crate::throttle::unthrottle_cfs_rq;
use ksync::Id;

/// `-EINVAL`.
pub const EINVAL: i32 = -22;

/// A revision of `tg_set_cfs_bandwidth()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What a CPU starts with, in ns.
    pub start_with: i64,
    /// What becomes of who is throttled.
    pub throttled: Throttled,
}

/// What becomes of a runqueue that is throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttled {
    /// It is unthrottled when it has what it starts with.
    Unthrottled,
    /// It is unthrottled before that.
    UnthrottledFirst,
    /// It waits for the timer.
    LeftToTheTimer,
}

/// 3.2 to 6.17.
pub const ORIGIN: Rev = Rev { start_with: 0, throttled: Throttled::Unthrottled };
/// 956dfda6a708.
pub const ONE: Rev = Rev { start_with: 1, ..ORIGIN };

/// `tg_set_cfs_bandwidth()`: `quota` and `period` in ns, [`RUNTIME_INF`] for no limit.
///
/// DEVIATION: C's mutex against a second caller, its lock against CPU hotplug and the test whether the quota fits into
/// those around it are left out.
///
/// # Errors
/// `EINVAL` if the period or the quota is shorter than [`min_period`](crate::machine::Tunables::min_period), the
/// period longer than the longest, or the burst beyond the quota.
pub fn tg_set_cfs_bandwidth(ctx: &Ctx, tg: Id<TaskGroup>, period: u64, quota: u64, burst: u64) -> Result<(), i32> {
    let machine = ctx.machine;
    let (rev, tunables) = (&machine.kernel.set_bandwidth, &machine.tunables);
    // "Ensure we have at some amount of bandwidth every period. This is to prevent reaching a state of large arrears
    // when throttled via entity_tick() resulting in prolonged exit starvation."
    if quota < tunables.min_period || period < tunables.min_period || period > tunables.max_period {
        return Err(EINVAL);
    }
    let runtime_enabled = quota != RUNTIME_INF;
    if runtime_enabled && burst > quota {
        return Err(EINVAL);
    }
    let cfs_b = machine.cfs_b(tg);
    let guard = cfs_b.lock.lock_irq(ctx.current);
    cfs_b.period.set(period);
    cfs_b.quota.set(quota);
    cfs_b.burst.set(burst);
    __refill_cfs_bandwidth_runtime(ctx, cfs_b, 1);
    // "Restart the period timer (if active) to handle new period expiry."
    if runtime_enabled {
        start_cfs_bandwidth(ctx, cfs_b);
    }
    guard.unlock();
    for cfs_rq in machine.cfs_rqs(tg) {
        let this = machine.cfs_rq(cfs_rq);
        let guard = machine.rq_of(cfs_rq).lock.lock_irq(ctx.current);
        this.runtime_enabled.set(runtime_enabled);
        if rev.throttled == Throttled::UnthrottledFirst && this.throttled.get() {
            unthrottle_cfs_rq(ctx, cfs_rq);
        }
        this.runtime_remaining.set(rev.start_with);
        if rev.throttled == Throttled::Unthrottled && this.throttled.get() {
            unthrottle_cfs_rq(ctx, cfs_rq);
        }
        guard.unlock();
    }
    Ok(())
}
