// SPDX-License-Identifier: GPL-2.0-only
//! C: `account_cfs_rq_runtime()`, `assign_cfs_rq_runtime()`, `kernel/sched/fair.c`: a CPU is charged for what it ran,
//! and takes more from the pool.
//!
//! A throttled runqueue could be charged too, by the clock update of an idle CPU that looks for work (5e2d2cc2588b):
//!
//! ```text
//! CPU 1                                         timer
//! throttles: remaining = -x, throttled
//! idle balance: charged, takes a slice:         refill: the pool has Q
//!   remaining = 5 ms - x > 0                    visits CPU 1, which is throttled:
//!                                                 wants u64(-remaining + 1), nearly 2^64: gets all of Q
//!                                               the others get nothing
//! ```
//!
//! Property: a throttled runqueue gets runtime from a distribution only.

use crate::cfs_bandwidth::{CfsRq, RUNTIME_INF};
use crate::expiry::{self, Expiry};
use crate::machine::Ctx;
use ksync::{Id, SpinGuard};

/// A revision of `__account_cfs_rq_runtime()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Who may take from the pool.
    pub takers: Takers,
    /// When what a CPU has expires.
    pub expiry: Expiry,
}

/// Who may take from the pool when it is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takers {
    /// Everybody.
    Everybody,
    /// Nobody who is throttled.
    NotThrottled,
}

/// 3.2 to 3.15.
pub const ORIGIN: Rev = Rev { takers: Takers::Everybody, expiry: Expiry::Later };
/// 51f2176d74ac "Fix unlocked reads of some cfs_b->quota/period".
pub const EQUAL: Rev = Rev { expiry: Expiry::Equal, ..ORIGIN };
/// 512ac999d275 "Fix bandwidth timer clock drift condition".
pub const GENERATION: Rev = Rev { expiry: Expiry::Generation, ..EQUAL };
/// 5e2d2cc2588b "Don't assign runtime for throttled cfs_rq".
pub const NOT_THROTTLED: Rev = Rev { takers: Takers::NotThrottled, ..GENERATION };
/// de53fd7aedb1 "Fix low cpu usage with high throttling by removing expiration of cpu-local slices".
pub const NO_EXPIRY: Rev = Rev { expiry: Expiry::Never, ..NOT_THROTTLED };

/// `account_cfs_rq_runtime()`: charges, and asks for a reschedule if there is no more. It throttles nobody.
pub fn account_cfs_rq_runtime(ctx: &Ctx, cfs_rq: Id<CfsRq>, delta_exec: u64) {
    if ctx.machine.cfs_rq(cfs_rq).runtime_enabled.get() {
        __account_cfs_rq_runtime(ctx, cfs_rq, delta_exec);
    }
}

fn __account_cfs_rq_runtime(ctx: &Ctx, cfs_rq: Id<CfsRq>, delta_exec: u64) {
    let this = ctx.machine.cfs_rq(cfs_rq);
    // "Dock delta_exec before expiring quota (as it could span periods)."
    this.runtime_remaining.set(this.runtime_remaining.get().wrapping_sub(delta_exec as i64));
    expiry::expire_cfs_rq_runtime(ctx, cfs_rq);
    if this.runtime_remaining.get() > 0 {
        return;
    }
    if ctx.machine.kernel.account.takers == Takers::NotThrottled && this.throttled.get() {
        return;
    }
    // "If we're unable to extend our runtime we resched so that the active hierarchy can be throttled."
    if !assign_cfs_rq_runtime(ctx, cfs_rq) && this.curr.get() {
        ctx.machine.rq_of(cfs_rq).need_resched.set(true);
    }
}

/// `assign_cfs_rq_runtime()`: takes what is missing to a slice. "Returns 0 on failure to allocate runtime."
pub fn assign_cfs_rq_runtime(ctx: &Ctx, cfs_rq: Id<CfsRq>) -> bool {
    let guard = ctx.machine.cfs_b(ctx.machine.cfs_rq(cfs_rq).tg).lock.lock(ctx.current);
    let assigned = __assign_cfs_rq_runtime(ctx, &guard, cfs_rq, ctx.machine.tunables.slice);
    guard.unlock();
    assigned
}

/// `__assign_cfs_rq_runtime()`: takes what is missing to the target, under `cfs_b->lock`.
///
/// DEVIATION: up to 5.7 C adds the amount behind the unlock. The runqueue's lock is held all the while, and nobody
/// looks without it.
pub(crate) fn __assign_cfs_rq_runtime(
    ctx: &Ctx,
    _cfs_b_lock: &SpinGuard,
    cfs_rq: Id<CfsRq>,
    target_runtime: u64,
) -> bool {
    let this = ctx.machine.cfs_rq(cfs_rq);
    let cfs_b = ctx.machine.cfs_b(this.tg);
    // "Note: this is a positive sum as runtime_remaining <= 0."
    let min_amount = target_runtime.wrapping_sub(this.runtime_remaining.get() as u64);
    let mut amount = 0;
    if cfs_b.quota.get() == RUNTIME_INF {
        amount = min_amount;
    } else {
        crate::period_timer::start_cfs_bandwidth(ctx, cfs_b);
        if cfs_b.runtime.get() > 0 {
            amount = cfs_b.runtime.get().min(min_amount);
            cfs_b.runtime.set(cfs_b.runtime.get().wrapping_sub(amount));
            cfs_b.idle.set(false);
        }
    }
    this.runtime_remaining.set(this.runtime_remaining.get().wrapping_add(amount as i64));
    expiry::take_over(ctx, cfs_rq);
    this.runtime_remaining.get() > 0
}
