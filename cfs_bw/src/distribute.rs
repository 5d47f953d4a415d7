// SPDX-License-Identifier: GPL-2.0-only
//! C: `distribute_cfs_runtime()`, `kernel/sched/fair.c`: pays the debts of throttled runqueues, with interrupts off.
//!
//! Incident 001 (c06f04c70489): the pool is hidden while it is distributed, and each visit leaves 1 ns.
//!
//! ```text
//! timer, interrupts off                    CPU 1                                    list
//! pool hidden: runtime = Q, pool = 0                                                [A B]
//! visits A: pays its debt and 1 ns                                                  [B]
//!                                          A runs, has no more, finds the pool
//!                                          empty, throttles: to the tail            [B A]
//! visits B                                                                          [A]
//! visits A: pays 1 ns ...                                                   -> until all of Q is gone
//! ```
//!
//! Property: a distribution visits each throttled runqueue a bounded number of times, whatever the quota is.

use crate::async_unthrottle;
use crate::cfs_bandwidth::{CfsBandwidth, CfsRq};
use crate::expiry;
use crate::list::list_next_rcu;
use crate::machine::Ctx;
use crate::throttle::unthrottle_cfs_rq;
use ksync::Id;

/// A revision of `distribute_cfs_runtime()` and of the loop around it.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What it distributes.
    pub source: Source,
    /// Whether `distribute_running` says that it runs.
    pub announce: Announce,
    /// What a visit pays.
    pub pay: Pay,
    /// How a visit looks at the runqueue.
    pub look: Look,
    /// Who unthrottles: each CPU its own, or else the timer.
    pub asynchronous: Option<async_unthrottle::Rev>,
}

/// What is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The pool's runtime, which is taken out of it first.
    Hidden,
    /// As much as the pool had before; what was paid is subtracted afterwards.
    Snapshot,
    /// As much as the pool had before; what is left of it becomes the pool afterwards.
    SnapshotWrittenBack,
    /// The pool, under its lock, at each visit.
    Pool,
}

/// Whether `distribute_running` says that a distribution runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announce {
    /// No.
    Silent,
    /// Yes, and a second one does not start.
    DistributeRunning,
}

/// What a visit pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pay {
    /// The debt and 1 ns, so that the runqueue can go on.
    DebtAndOne,
    /// The debt.
    Debt,
    /// The debt and 1 ns, also to somebody who is not throttled any more.
    ToAnybody,
}

/// How a visit looks at the runqueue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Under its lock.
    UnderLock,
    /// Whether it is throttled, before it takes the lock.
    BeforeLock,
    /// How much it owes, in a section before the one in which it pays.
    DebtBefore,
    /// Takes its lock while it holds `cfs_b->lock`.
    UnderPoolLock,
}

/// 3.2 to 3.16.
pub const ORIGIN: Rev = Rev {
    source: Source::Hidden,
    announce: Announce::Silent,
    pay: Pay::DebtAndOne,
    look: Look::UnderLock,
    asynchronous: None,
};
/// c06f04c70489 "Fix potential near-infinite distribute_cfs_runtime() loop".
pub const SNAPSHOT: Rev = Rev { source: Source::Snapshot, ..ORIGIN };
/// baa9be4ffb55 "Fix throttle_list starvation with low CFS quota".
pub const ANNOUNCED: Rev = Rev { announce: Announce::DistributeRunning, ..SNAPSHOT };
/// 26a8b12747c9 "Fix race between runtime distribution and assignment".
pub const FROM_THE_POOL: Rev = Rev { source: Source::Pool, ..ANNOUNCED };
/// ab93a4bc955b "Remove distribute_running from CFS bandwidth".
pub const SILENT: Rev = Rev { announce: Announce::Silent, ..FROM_THE_POOL };

/// 8ad075c2eb1f "Async unthrottling for cfs bandwidth".
pub const ASYNC: Rev = Rev { asynchronous: Some(async_unthrottle::ORIGIN), ..SILENT };
/// 2f8c62296b6f "Fix warning in bandwidth distribution".
pub const ASYNC_LISTED: Rev = Rev { asynchronous: Some(async_unthrottle::LOCAL_LIST), ..ASYNC };

/// `distribute_cfs_runtime()`: one walk over the list, without `cfs_b->lock`. `remaining` is what there is to pay
/// with, where it does not look into the pool; it returns what is left of that.
///
/// DEVIATION: c06f04c70489 lets it return what it paid, and its caller subtract that.
pub fn distribute_cfs_runtime(ctx: &Ctx, cfs_b: &CfsBandwidth, mut remaining: u64) -> u64 {
    let machine = ctx.machine;
    let rev = &machine.kernel.distribute;
    let mut pos = list_next_rcu(machine, cfs_b.throttled_cfs_rq);
    while pos != cfs_b.throttled_cfs_rq {
        machine.visit(ctx);
        let cfs_rq = machine.entry(pos);
        let throttled = || machine.cfs_rq(cfs_rq).throttled.get();
        let early = (rev.look == Look::BeforeLock).then(throttled);
        let debt = (rev.look == Look::DebtBefore).then(|| {
            let guard = machine.rq_of(cfs_rq).lock.lock(ctx.current);
            let debt = machine.cfs_rq(cfs_rq).runtime_remaining.get();
            guard.unlock();
            debt
        });
        let pool = (rev.look == Look::UnderPoolLock).then(|| cfs_b.lock.lock(ctx.current));
        let guard = machine.rq_of(cfs_rq).lock.lock(ctx.current);
        if let Some(pool) = pool {
            pool.unlock();
        }
        if early.unwrap_or_else(throttled) || rev.pay == Pay::ToAnybody {
            remaining = pay(ctx, cfs_b, cfs_rq, debt, remaining);
        }
        guard.unlock();
        if remaining == 0 {
            break;
        }
        // Here the runqueue may throttle again, and take the walk along to its new place.
        pos = list_next_rcu(machine, pos);
    }
    remaining
}

/// A visit to a throttled runqueue, under its lock. `debt` is what `runtime_remaining` was, if that was looked at
/// before.
fn pay(ctx: &Ctx, cfs_b: &CfsBandwidth, cfs_rq: Id<CfsRq>, debt: Option<i64>, mut remaining: u64) -> u64 {
    let machine = ctx.machine;
    let this = machine.cfs_rq(cfs_rq);
    // "By the above check, this should never be true": the next line would be nearly 2^64.
    if machine.kernel.account.takers == crate::account::Takers::NotThrottled {
        assert!(this.runtime_remaining.get() <= 0, "SCHED_WARN_ON(cfs_rq->runtime_remaining > 0)");
    }
    let one = u64::from(machine.kernel.distribute.pay != Pay::Debt);
    let debt = debt.unwrap_or_else(|| this.runtime_remaining.get());
    let mut runtime = (debt.wrapping_neg() as u64).wrapping_add(one);
    if machine.kernel.distribute.source == Source::Pool {
        let guard = cfs_b.lock.lock(ctx.current);
        runtime = runtime.min(cfs_b.runtime.get());
        cfs_b.runtime.set(cfs_b.runtime.get().wrapping_sub(runtime));
        remaining = cfs_b.runtime.get();
        guard.unlock();
    } else {
        runtime = runtime.min(remaining);
        remaining = remaining.wrapping_sub(runtime);
    }
    this.runtime_remaining.set(this.runtime_remaining.get().wrapping_add(runtime as i64));
    expiry::take_over(ctx, cfs_rq);
    // "We check whether we're throttled above."
    if this.runtime_remaining.get() > 0 && this.throttled.get() {
        unthrottle_cfs_rq(ctx, cfs_rq);
    }
    remaining
}
