// SPDX-License-Identifier: GPL-2.0-only
//! C: `kernel/time/hrtimer.c`, as much of it as a bandwidth timer sees.
//!
//! DEVIATION: the timer base and its lock are left out. Who arms or forwards a timer here holds `cfs_b->lock`, or is
//! its handler.

use crate::machine::Ctx;
use ksync::{Irq, Plain};
use std::sync::OnceLock;

/// `struct hrtimer`.
#[derive(Debug)]
pub struct HrTimer {
    /// When the handler runs next.
    pub expires: Plain<u64>,
    /// What then happens, where a scenario has a clock; else it calls the handler by itself.
    fires: OnceLock<Irq>,
}

impl HrTimer {
    /// A timer that has just expired.
    pub(crate) fn new(name: &str) -> Self {
        HrTimer { expires: Plain::named(0, format_args!("{name}.expires")), fires: OnceLock::new() }
    }

    /// `hrtimer_init()` with a handler: for a setup.
    ///
    /// # Panics
    /// If it has one.
    pub fn fires(&self, irq: Irq) {
        self.fires.set(irq).expect("one handler");
    }
}

/// `hrtimer_start()`: arms the timer for a time in ns, also if it is armed for another.
pub fn hrtimer_start(timer: &HrTimer, expires: u64) {
    timer.expires.set(expires);
    if let Some(irq) = timer.fires.get() {
        irq.arm(expires);
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
