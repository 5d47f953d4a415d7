// SPDX-License-Identifier: GPL-2.0-only
//! C: `kernel/time/hrtimer.c`, as much of it as a bandwidth timer sees.
//!
//! DEVIATION: the timer base and its lock are left out. Who arms or forwards a timer here holds `cfs_b->lock`, and a
//! scenario decides when the handler runs.

use crate::machine::Ctx;
use ksync::Plain;

/// `struct hrtimer`.
#[derive(Debug)]
pub struct HrTimer {
    /// When the handler runs next.
    pub expires: Plain<u64>,
}

impl HrTimer {
    /// A timer that has just expired.
    pub(crate) fn new(name: &str) -> Self {
        HrTimer { expires: Plain::named(0, format_args!("{name}.expires")) }
    }
}

/// `hrtimer_forward_now()`: moves a timer that has expired past now, by whole intervals; says by how many.
pub fn hrtimer_forward_now(ctx: &Ctx, timer: &HrTimer, interval: u64) -> u64 {
    let expires = timer.expires.get();
    let Some(late) = ctx.machine.now().checked_sub(expires) else { return 0 };
    let overrun = late / interval + 1;
    timer.expires.set(expires.wrapping_add(overrun.wrapping_mul(interval)));
    overrun
}
