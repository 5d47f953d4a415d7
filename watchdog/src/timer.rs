// SPDX-License-Identifier: GPL-2.0-only
//! C: `watchdog_timer_fn()`, `kernel/watchdog.c`, hard irq context: a sample. One body up to v5.12, one since v5.13.
//!
//! Why the time is read before the timestamp, and the timestamp once (9bf3bc949f8a, unverified, and its series):
//!
//! ```text
//! the timer                              an NMI of the same CPU that prints, and touches
//! period = report_ts: not touched
//!                                        report_ts = SOFTLOCKUP_DELAY_REPORT
//! report_ts once more + threshold: wraps, and lies in the past -> a report of a CPU that was just fed
//! ```

use crate::buddy::watchdog_buddy_check_hardlockup;
use crate::machine::{Detector, Dog};
use crate::softlockup::{is_softlockup, kick, report_soft_lockup, touch_watchdog};
use crate::units::SOFTLOCKUP_DELAY_REPORT;
use ksync::Relaxed;

/// A revision of `watchdog_timer_fn()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How many timestamps a CPU has.
    pub stamps: Stamps,
    /// In which order a sample reads.
    pub reads: Reads,
    /// When the period of the next report begins.
    pub renew: Renew,
    /// It stops while the machine panics.
    pub panic_gate: bool,
}

/// How many timestamps a CPU has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamps {
    /// One, which a feed, a touch and a report write; and a flag that this lockup was reported.
    One,
    /// One for feeds, one for touches and reports.
    Split,
}

/// In which order a sample reads the time and the timestamp of the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// The time, then the timestamp, once.
    NowFirst,
    /// The timestamp, then the time.
    PeriodFirst,
    /// The timestamp twice: once for the sentinel, once for the sum.
    PeriodTwice,
}

/// When a report starts the period of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renew {
    /// Before it is printed: a console that touches is heard.
    BeforePrint,
    /// After it, with the time from before.
    AfterPrint,
}

/// Up to v5.12.
pub const ORIGIN: Rev =
    Rev { stamps: Stamps::One, reads: Reads::PeriodFirst, renew: Renew::BeforePrint, panic_gate: false };
/// v5.13: 7c0012f522c8 to 9f113bf760ca.
pub const SPLIT: Rev = Rev { stamps: Stamps::Split, reads: Reads::NowFirst, ..ORIGIN };
/// v7.1: quiet while the machine panics.
pub const GATED: Rev = Rev { panic_gate: true, ..SPLIT };

/// `watchdog_timer_fn()`.
pub fn watchdog_timer_fn(dog: &Dog) {
    let rev = &dog.watchdog.kernel.timer;
    if rev.panic_gate && dog.watchdog.panic_in_progress.load(Relaxed) {
        return; // HRTIMER_NORESTART
    }
    match rev.stamps {
        Stamps::One => sample_one(dog),
        Stamps::Split => sample_split(dog),
    }
}

/// The body up to v5.12.
fn sample_one(dog: &Dog) {
    let this = dog.this();
    let touch_ts = this.watchdog_touch_ts.load(Relaxed);
    watchdog_hardlockup_kick(dog);
    kick(dog);
    hrtimer_forward_now(dog);
    if touch_ts == 0 {
        touched(dog);
        touch_watchdog(dog);
        return;
    }
    let duration = is_softlockup(dog, touch_ts, touch_ts, dog.watchdog.get_timestamp());
    if duration == 0 {
        this.soft_watchdog_warn.set(false);
        return;
    }
    let current = dog.ctx.current.task() as u32;
    if this.soft_watchdog_warn.get() {
        // The same lockup. If it is another task that has the CPU now, it is another one, which begins now.
        if this.softlockup_task_ptr_saved.get() != current {
            this.soft_watchdog_warn.set(false);
            touch_watchdog(dog);
        }
        return;
    }
    this.softlockup_task_ptr_saved.set(current);
    report_soft_lockup(dog, duration);
    this.soft_watchdog_warn.set(true);
}

/// The body since v5.13.
///
/// DEVIATION: a guest that was paused, and the statistics of what the CPU did, are left out.
fn sample_split(dog: &Dog) {
    let this = dog.this();
    let rev = &dog.watchdog.kernel.timer;
    watchdog_hardlockup_kick(dog);
    kick(dog);
    hrtimer_forward_now(dog);
    // The time first: an NMI may touch the timestamp at any moment.
    let now = (rev.reads != Reads::PeriodFirst).then(|| dog.watchdog.get_timestamp());
    let mut period_ts = this.watchdog_report_ts.load(Relaxed);
    let now = now.unwrap_or_else(|| dog.watchdog.get_timestamp());
    if period_ts == SOFTLOCKUP_DELAY_REPORT {
        touched(dog);
        this.watchdog_report_ts.store(dog.watchdog.get_timestamp(), Relaxed);
        return;
    }
    if rev.reads == Reads::PeriodTwice {
        period_ts = this.watchdog_report_ts.load(Relaxed);
    }
    let touch_ts = this.watchdog_touch_ts.load(Relaxed);
    let duration = is_softlockup(dog, touch_ts, period_ts, now);
    if duration == 0 {
        return;
    }
    // The period of the next report begins.
    if rev.renew == Renew::BeforePrint {
        this.watchdog_report_ts.store(now, Relaxed);
    }
    report_soft_lockup(dog, duration);
    if rev.renew == Renew::AfterPrint {
        this.watchdog_report_ts.store(now, Relaxed);
    }
}

/// `watchdog_hardlockup_kick()`, up to v6.4 `watchdog_interrupt_count()`: proof that the timer comes.
fn watchdog_hardlockup_kick(dog: &Dog) {
    // An order of the increment is not known to us, and nothing here needs one.
    let count = dog.this().hrtimer_interrupts.fetch_add(1, Relaxed).wrapping_add(1);
    if dog.watchdog.config.detector == Detector::Buddy {
        watchdog_buddy_check_hardlockup(dog, count);
    }
}

/// `hrtimer_forward_now()` and the restart behind it: the next sample is whole periods after the last one.
fn hrtimer_forward_now(dog: &Dog) {
    let (this, now) = (dog.this(), ksync::now());
    let period = dog.watchdog.sample_period.load(Relaxed);
    let expired = this.expires.get();
    let next = expired + ((now - expired) / period + 1) * period;
    this.expires.set(next);
    this.watchdog_hrtimer.get().expect("the setup is over").arm(next);
}

/// A sample of a CPU that was touched.
fn touched(dog: &Dog) {
    if dog.this().softlockup_touch_sync.get() {
        dog.this().softlockup_touch_sync.set(false);
        // DEVIATION: sched_clock_tick(). The clock of a model is never behind.
    }
}
