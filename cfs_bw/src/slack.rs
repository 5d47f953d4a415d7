// SPDX-License-Identifier: GPL-2.0-only
//! C: `return_cfs_rq_runtime()`, `do_sched_cfs_slack_timer()`, `kernel/sched/fair.c`: what a CPU does not need goes
//! back to the pool, and soon after to those who wait.
//!
//! Each return armed the timer anew (66567fcbaeca):
//!
//! ```text
//! CPU 1 sleeps and wakes                          slack timer
//! returns at 3: armed for 8
//! returns at 6: armed for 11
//! returns at 9: armed for 14 ...                  never fires; the throttled wait for the next period
//! ```
//!
//! Property: returned runtime is distributed a slack period after the first return, not after the last.

use crate::async_unthrottle;
use crate::cfs_bandwidth::{CfsBandwidth, CfsRq, RUNTIME_INF, TaskGroup};
use crate::distribute::{Announce, Source, distribute_cfs_runtime};
use crate::expiry::is_of_this_period;
use crate::list::list_empty;
use crate::machine::Ctx;
use crate::timer::hrtimer_start;
use ksync::Id;

/// A revision of the slack timer.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What a return does to a timer that is armed.
    pub armed: Armed,
    /// When the handler lets others arm it again.
    pub again: Again,
}

/// What a return does to a timer that is armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Armed {
    /// Pushes it forward.
    PushedForward,
    /// Nothing: `slack_started`.
    Left,
}

/// When the handler clears `slack_started`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Before it looks at the pool.
    First,
    /// After it distributed.
    Last,
}

/// 3.2 to 5.2.
pub const ORIGIN: Rev = Rev { armed: Armed::PushedForward, again: Again::First };
/// 66567fcbaeca "Don't push cfs_bandwith slack timers forward".
pub const LEFT: Rev = Rev { armed: Armed::Left, ..ORIGIN };

/// `runtime_refresh_within()`: the next refill is near.
///
/// DEVIATION: C says so too while the period timer's handler runs.
fn runtime_refresh_within(ctx: &Ctx, cfs_b: &CfsBandwidth, min_expire: u64) -> bool {
    cfs_b.period_timer.expires.get().saturating_sub(ctx.machine.now()) < min_expire
}

/// `start_cfs_slack_bandwidth()`: under `cfs_b->lock`.
fn start_cfs_slack_bandwidth(ctx: &Ctx, cfs_b: &CfsBandwidth) {
    let tunables = &ctx.machine.tunables;
    // "If there's a quota refresh soon don't bother with slack."
    if runtime_refresh_within(ctx, cfs_b, tunables.slack_period + tunables.min_expiration) {
        return;
    }
    // "Don't push forwards an existing deferred unthrottle."
    if ctx.machine.kernel.slack.armed == Armed::Left {
        if cfs_b.slack_started.get() {
            return;
        }
        cfs_b.slack_started.set(true);
    }
    hrtimer_start(&cfs_b.slack_timer, ctx.machine.now() + tunables.slack_period);
}

/// `return_cfs_rq_runtime()`: under the runqueue's lock, when somebody left the runqueue.
pub(crate) fn return_cfs_rq_runtime(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let this = ctx.machine.cfs_rq(cfs_rq);
    if this.runtime_enabled.get() && this.nr_queued.get() == 0 {
        __return_cfs_rq_runtime(ctx, cfs_rq);
    }
}

/// `__return_cfs_rq_runtime()`: "we know any runtime found here is valid as update_curr() precedes return". Under the
/// runqueue's lock; the group has nothing to run here any more.
pub fn __return_cfs_rq_runtime(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let this = ctx.machine.cfs_rq(cfs_rq);
    let cfs_b = ctx.machine.cfs_b(this.tg);
    let slack_runtime = this.runtime_remaining.get().wrapping_sub(ctx.machine.tunables.min_runtime);
    if slack_runtime <= 0 {
        return;
    }
    let guard = cfs_b.lock.lock(ctx.current);
    if cfs_b.quota.get() != RUNTIME_INF && is_of_this_period(ctx, cfs_rq) {
        cfs_b.runtime.set(cfs_b.runtime.get().wrapping_add(slack_runtime as u64));
        // "We are under rq->lock, defer unthrottling using a timer."
        let enough = cfs_b.runtime.get() > ctx.machine.tunables.slice;
        if enough && !list_empty(ctx.machine, cfs_b.throttled_cfs_rq) {
            start_cfs_slack_bandwidth(ctx, cfs_b);
        }
    }
    guard.unlock();
    // "Even if it's not valid for return we don't want to try again."
    this.runtime_remaining.set(this.runtime_remaining.get().wrapping_sub(slack_runtime));
}

/// `do_sched_cfs_slack_timer()`: "this is done with a timer (instead of inline with bandwidth return) since it's
/// necessary to juggle rq->locks to unthrottle their respective cfs_rqs".
pub fn do_sched_cfs_slack_timer(ctx: &Ctx, tg: Id<TaskGroup>) {
    let machine = ctx.machine;
    let cfs_b = machine.cfs_b(tg);
    let (distribute, slack) = (&machine.kernel.distribute, &machine.kernel.slack);
    let guard = cfs_b.lock.lock(ctx.current);
    if slack.again == Again::First {
        cfs_b.slack_started.set(false);
    }
    let announced = distribute.announce == Announce::DistributeRunning;
    let runs = announced && cfs_b.distribute_running.get();
    if runs || runtime_refresh_within(ctx, cfs_b, machine.tunables.min_expiration) {
        guard.unlock();
        return;
    }
    let runtime = cfs_b.runtime.get();
    let enough = cfs_b.quota.get() != RUNTIME_INF && runtime > machine.tunables.slice;
    if enough && distribute.source == Source::Hidden {
        cfs_b.runtime.set(0);
    }
    if enough && announced {
        cfs_b.distribute_running.set(true);
    }
    guard.unlock();
    if !enough {
        return;
    }
    let mut left = 0;
    match distribute.asynchronous {
        None => left = distribute_cfs_runtime(ctx, cfs_b, runtime),
        Some(rev) => {
            async_unthrottle::distribute_cfs_runtime(ctx, rev, cfs_b);
        }
    }
    let guard = cfs_b.lock.lock(ctx.current);
    match distribute.source {
        Source::Hidden | Source::SnapshotWrittenBack => cfs_b.runtime.set(left),
        Source::Snapshot => cfs_b.runtime.set(cfs_b.runtime.get().saturating_sub(runtime.wrapping_sub(left))),
        Source::Pool => {}
    }
    if announced {
        cfs_b.distribute_running.set(false);
    }
    if slack.again == Again::Last {
        cfs_b.slack_started.set(false);
    }
    guard.unlock();
}
