// SPDX-License-Identifier: GPL-2.0-only
//! C: `touch_softlockup_watchdog()` and its kin, `kernel/watchdog.c`: "I know that this takes long".
//!
//! A touch does not feed: since v5.13 it only starts the period of the next report anew, and the time since the last
//! feed goes on to count.
//!
//! Property: a touch delays a report by a threshold at most, and never shortens what it says.

use crate::machine::Watchdog;
use crate::units::SOFTLOCKUP_DELAY_REPORT;
use ksync::Relaxed;

/// A revision of the touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// `watchdog_touch_ts = 0`: the next sample takes it for a feed.
    ZeroTouchTs,
    /// `watchdog_report_ts = SOFTLOCKUP_DELAY_REPORT`.
    DelayReport,
    /// The same, and `watchdog_touch_ts` is now: a touch that feeds.
    DelayAndFeed,
}

/// `touch_softlockup_watchdog_sched()`: of this CPU alone.
///
/// DEVIATION: C accesses these words of its own CPU plainly. They are marked here, because
/// [`touch_all_softlockup_watchdogs`] writes them on other CPUs without a lock.
pub fn touch_softlockup_watchdog_sched(watchdog: &Watchdog, cpu: u32) {
    let this = watchdog.per_cpu(cpu);
    match watchdog.kernel.touch {
        Touch::ZeroTouchTs => this.watchdog_touch_ts.store(0, Relaxed),
        Touch::DelayReport => this.watchdog_report_ts.store(SOFTLOCKUP_DELAY_REPORT, Relaxed),
        Touch::DelayAndFeed => {
            this.watchdog_touch_ts.store(watchdog.get_timestamp(), Relaxed);
            this.watchdog_report_ts.store(SOFTLOCKUP_DELAY_REPORT, Relaxed);
        }
    }
}

/// `touch_softlockup_watchdog()`.
///
/// DEVIATION: without the watchdog of the workqueues.
pub fn touch_softlockup_watchdog(watchdog: &Watchdog, cpu: u32) {
    touch_softlockup_watchdog_sched(watchdog, cpu);
}

/// `touch_all_softlockup_watchdogs()`: for one who makes others wait. Lockless: a sample may just be under way,
/// so a report may come one sample later or earlier.
pub fn touch_all_softlockup_watchdogs(watchdog: &Watchdog) {
    for cpu in watchdog.cpus() {
        touch_softlockup_watchdog_sched(watchdog, cpu);
    }
}

/// `touch_softlockup_watchdog_sync()`: the clock may have stood still, too.
pub fn touch_softlockup_watchdog_sync(watchdog: &Watchdog, cpu: u32) {
    watchdog.per_cpu(cpu).softlockup_touch_sync.set(true);
    touch_softlockup_watchdog_sched(watchdog, cpu);
}

/// `touch_nmi_watchdog()`: both detectors of this CPU.
pub fn touch_nmi_watchdog(watchdog: &Watchdog, cpu: u32) {
    arch_touch_nmi_watchdog(watchdog, cpu);
    touch_softlockup_watchdog(watchdog, cpu);
}

/// `arch_touch_nmi_watchdog()`: the hard detector's flag, up to v6.4 `watchdog_nmi_touch`.
pub fn arch_touch_nmi_watchdog(watchdog: &Watchdog, cpu: u32) {
    watchdog.per_cpu(cpu).watchdog_hardlockup_touched.store(true, Relaxed);
}
