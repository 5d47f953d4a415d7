// SPDX-License-Identifier: GPL-2.0-only
//! C: `expire_cfs_rq_runtime()`, `kernel/sched/fair.c`, 3.2 to 5.3: what a CPU did not use in its period is lost.
//!
//! The clocks of two CPUs may differ a little, so a deadline that has passed is looked at twice: if the pool has
//! gone on to a new one the runtime is old, else the clock is ahead, and a tick is added. 51f2176d74ac made that test
//! one of equality, against torn reads, and turned it round: nothing ever expired. 512ac999d275 made it work again,
//! and then a group with many CPUs never came to use its quota, until de53fd7aedb1 did away with all of it.
//!
//! Property: none that all of them have: either no runtime is lost, or none is used in a later period.

use crate::cfs_bandwidth::{CfsBandwidth, CfsRq};
use crate::machine::Ctx;
use ksync::{Id, Relaxed};

/// When the runtime of a CPU expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// If the pool's deadline is after its own.
    Later,
    /// If the pool's deadline is its own.
    Equal,
    /// If the pool was refilled since: `expires_seq`.
    Generation,
    /// Never.
    Never,
}

/// `TICK_NSEC`, where a model's periods are about 100 ns.
const TICK_NSEC: u64 = 10;

/// `expire_cfs_rq_runtime()`.
pub(crate) fn expire_cfs_rq_runtime(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let expiry = ctx.machine.kernel.account.expiry;
    if expiry == Expiry::Never {
        return;
    }
    let this = ctx.machine.cfs_rq(cfs_rq);
    let cfs_b = ctx.machine.cfs_b(this.tg);
    // "If the deadline is ahead of our clock, nothing to do."
    if (ctx.machine.now().wrapping_sub(this.runtime_expires.get()) as i64) < 0 {
        return;
    }
    if this.runtime_remaining.get() < 0 {
        return;
    }
    // "If the local deadline has passed we have to consider the possibility that our sched_clock is 'fast' and the
    // global deadline has not truly expired."
    let (local, global) = (this.runtime_expires.get(), cfs_b.runtime_expires.load(Relaxed));
    let extend = match expiry {
        Expiry::Later => local.wrapping_sub(global) as i64 >= 0,
        Expiry::Equal => local != global,
        Expiry::Generation => this.expires_seq.get() == cfs_b.expires_seq.load(Relaxed),
        Expiry::Never => unreachable!("it returned above"),
    };
    if extend {
        // "Extend local deadline, drift is bounded above by 2 ticks."
        this.runtime_expires.set(local.wrapping_add(TICK_NSEC));
    } else {
        // "Global deadline is ahead, expiration has passed."
        this.runtime_remaining.set(0);
    }
}

/// The pool was refilled: a new deadline.
pub(crate) fn advance(ctx: &Ctx, cfs_b: &CfsBandwidth) {
    if ctx.machine.kernel.account.expiry != Expiry::Never {
        cfs_b.runtime_expires.store(ctx.machine.now().wrapping_add(cfs_b.period.get()), Relaxed);
        cfs_b.expires_seq.store(cfs_b.expires_seq.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

/// A CPU got runtime out of the pool, and its deadline with it.
///
/// DEVIATION: C takes the deadline from `cfs_b` under its lock, and sets it after the unlock.
pub(crate) fn take_over(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let expiry = ctx.machine.kernel.account.expiry;
    let this = ctx.machine.cfs_rq(cfs_rq);
    let cfs_b = ctx.machine.cfs_b(this.tg);
    let expires = || cfs_b.runtime_expires.load(Relaxed);
    match expiry {
        Expiry::Never => {}
        // "We may have advanced our local expiration to account for allowed spread between our sched_clock and the
        // one on which runtime was issued."
        Expiry::Later | Expiry::Equal => {
            if expires().wrapping_sub(this.runtime_expires.get()) as i64 > 0 {
                this.runtime_expires.set(expires());
            }
        }
        Expiry::Generation => {
            let seq = cfs_b.expires_seq.load(Relaxed);
            if this.expires_seq.get() != seq {
                this.expires_seq.set(seq);
                this.runtime_expires.set(expires());
            }
        }
    }
}

/// Whether a CPU may give its runtime back: not if it is of an earlier period.
pub(crate) fn is_of_this_period(ctx: &Ctx, cfs_rq: Id<CfsRq>) -> bool {
    let this = ctx.machine.cfs_rq(cfs_rq);
    let cfs_b = ctx.machine.cfs_b(this.tg);
    match ctx.machine.kernel.account.expiry {
        Expiry::Never => true,
        Expiry::Later | Expiry::Equal => this.runtime_expires.get() == cfs_b.runtime_expires.load(Relaxed),
        Expiry::Generation => this.expires_seq.get() == cfs_b.expires_seq.load(Relaxed),
    }
}
