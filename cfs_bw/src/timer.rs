// SPDX-License-Identifier: GPL-2.0-only
//! C: `hrtimer_start()`, `hrtimer_forward_now()`, `__run_hrtimer()`, `kernel/time/hrtimer.c`, as much of it as a
//! bandwidth timer sees.
//!
//! Timers are queued under the lock of their base, which is the last in the order of locks: who arms one may hold a
//! runqueue's lock and `cfs_b->lock`. So a handler, which takes those, is called without it.
//!
//! Property: the order of locks is the runqueue's, `cfs_b->lock`, the timer base's.
//!
//! DEVIATION: who forwards a timer holds `cfs_b->lock`, and C's base has a tree of timers.

use crate::machine::Ctx;
use ksync::{Irq, Plain};
use std::sync::OnceLock;

/// A revision of `__run_hrtimer()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rev {
    /// Calls the handler without the base's lock.
    DropsLock,
    /// Holds it all the while.
    HoldsLock,
}

/// `struct hrtimer`.
#[derive(Debug)]
pub struct HrTimer {
    /// When the handler runs next, in ns.
    pub expires: Plain<u64>,
    /// It is queued: the handler will run then.
    queued: Plain<bool>,
    /// What then happens, where a scenario has a clock; else it calls the handler by itself.
    fires: OnceLock<Irq>,
}

impl HrTimer {
    /// A timer that has just expired.
    pub(crate) fn new(name: &str) -> Self {
        HrTimer {
            expires: Plain::named(0, format_args!("{name}.expires")),
            queued: Plain::named(false, format_args!("{name}.queued")),
            fires: OnceLock::new(),
        }
    }

    /// `hrtimer_init()` with a handler: for a setup.
    ///
    /// # Panics
    /// If it has one.
    pub fn fires(&self, irq: Irq) {
        self.fires.set(irq).expect("one handler");
    }

    /// `enqueue_hrtimer()`: under the base's lock.
    fn enqueue(&self) {
        self.queued.set(true);
        if let Some(irq) = self.fires.get() {
            irq.arm(self.expires.get());
        }
    }
}

/// `hrtimer_start()`: arms the timer for a time in ns, also if it is armed for another.
pub fn hrtimer_start(ctx: &Ctx, timer: &HrTimer, expires: u64) {
    let guard = ctx.machine.hrtimer_base_lock.lock_irqsave(ctx.current);
    timer.expires.set(expires);
    timer.enqueue();
    guard.unlock();
}

/// `hrtimer_forward_now()`: moves a timer that has expired past now, by whole intervals; says by how many.
pub fn hrtimer_forward_now(ctx: &Ctx, timer: &HrTimer, interval: u64) -> u64 {
    let expires = timer.expires.get();
    let Some(late) = ctx.machine.now().checked_sub(expires) else { return 0 };
    let overrun = late / interval + 1;
    timer.expires.set(expires.wrapping_add(overrun.wrapping_mul(interval)));
    overrun
}

/// `__run_hrtimer()`: in interrupt context. The handler says whether the timer is to run again, when it was forwarded
/// to.
pub fn __run_hrtimer(ctx: &Ctx, timer: &HrTimer, function: impl FnOnce() -> bool) {
    let base = &ctx.machine.hrtimer_base_lock;
    let mut guard = base.lock(ctx.current);
    timer.queued.set(false);
    let restart = if ctx.machine.kernel.run_hrtimer == Rev::HoldsLock {
        function()
    } else {
        guard.unlock();
        let restart = function();
        guard = base.lock(ctx.current);
        restart
    };
    // Somebody may have armed it meanwhile.
    if restart && !timer.queued.get() {
        timer.enqueue();
    }
    guard.unlock();
}
