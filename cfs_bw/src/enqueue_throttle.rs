// SPDX-License-Identifier: GPL-2.0-only
//! C: `check_enqueue_throttle()`, `kernel/sched/fair.c`: a group that wakes up with a debt is throttled at once.
//!
//! Its last task slept, so nobody was there to be scheduled out when the runtime was gone:
//!
//! ```text
//! CPU 1                                           CPU 2
//! the last task sleeps: a debt, and no throttle
//!                                                 takes the rest of the pool
//! a task wakes up: it would run until the
//! next tick with nothing
//! ```
//!
//! Property: a group runs no more in a period than its quota, and nobody waits while there is some.

use crate::account::account_cfs_rq_runtime;
use crate::cfs_bandwidth::CfsRq;
use crate::machine::Ctx;
use crate::throttle::{after_unlock, throttle_cfs_rq};
use ksync::Id;

/// A revision of `check_enqueue_throttle()`. There is one, and what it must not forget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rev {
    /// As in C.
    Whole,
    /// Does nothing.
    Nothing,
    /// Looks at a group whose task runs, too.
    RunningToo,
    /// Throttles a group that is throttled, too.
    ThrottledToo,
    /// Does not ask the pool first.
    DoesNotAsk,
}

/// `check_enqueue_throttle()`: "when a group wakes up we want to make sure that its quota is not already
/// expired/exceeded". Under the runqueue's lock.
pub fn check_enqueue_throttle(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let this = ctx.machine.cfs_rq(cfs_rq);
    let rev = ctx.machine.kernel.wakes;
    // "An active group must be handled by the update_curr()->put() path."
    if rev == Rev::Nothing || !this.runtime_enabled.get() || this.curr.get() && rev != Rev::RunningToo {
        return;
    }
    // "Ensure the group is not already throttled."
    if this.throttled.get() && rev != Rev::ThrottledToo {
        return;
    }
    // "Update runtime allocation."
    if rev != Rev::DoesNotAsk {
        account_cfs_rq_runtime(ctx, cfs_rq, 0);
    }
    if this.runtime_remaining.get() <= 0 {
        let throttled = throttle_cfs_rq(ctx, cfs_rq);
        after_unlock(ctx, cfs_rq, throttled);
    }
}
