// SPDX-License-Identifier: GPL-2.0-only
//! C: `watchdog_overflow_callback()`, `kernel/watchdog_hld.c`, later `kernel/watchdog_perf.c`: the NMI of a CPU looks
//! whether the CPU's own timer comes.
//!
//! The counter counts cycles. A CPU that runs faster than it should brings the NMI too early (7edaeb6841df, unverified):
//!
//! ```text
//! timer, every 4 s        NMI, every 10 s of nominal cycles; at three times the clock every 3.3 s
//! 0 s: count 1            0.1 s: saves 1
//!                         3.4 s: still 1 -> a hard lockup of a CPU on which all is well
//! 4 s: count 2
//! ```

use crate::enable::Order;
use crate::hardlockup::watchdog_hardlockup_check;
use crate::machine::Dog;
use crate::units::SEC;
use ksync::Relaxed;

/// `CONFIG_HARDLOCKUP_CHECK_TIMESTAMP`: what an NMI does that comes too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Early {
    /// The same as any.
    Checks,
    /// Nothing, up to ten times.
    Returns,
}

/// `nmi_rearmed` may not go further: the clock stands still if so many NMIs were too early.
const MOST_REARMED: u32 = 10;

/// `watchdog_overflow_callback()`.
pub fn watchdog_overflow_callback(dog: &Dog) {
    let this = dog.this();
    if !this.nmi_enabled.get() {
        return;
    }
    // The counter starts anew. DEVIATION: its period is time, given by the scenario, and not cycles.
    this.watchdog_ev.get().expect("the setup is over").arm(ksync::now() + dog.watchdog.config.nmi_period);
    if dog.watchdog.kernel.disable == Order::TimerFirstAnnounced && dog.watchdog.park_in_progress.load(Relaxed) {
        return;
    }
    let touched = this.watchdog_hardlockup_touched.load(Relaxed);
    if !touched && dog.watchdog.kernel.early == Early::Returns && !watchdog_check_timestamp(dog) {
        return;
    }
    // A miss is enough here: the threshold is longer than two samples.
    watchdog_hardlockup_check(dog, dog.cpu(), 1);
}

/// `watchdog_check_timestamp()`: whether this NMI is late enough after the last one.
fn watchdog_check_timestamp(dog: &Dog) -> bool {
    let (this, now) = (dog.this(), ksync::now());
    let delta = now - this.last_timestamp.get();
    if delta < 2 * dog.watchdog.sample_period.load(Relaxed) {
        // The clock itself may stand still, if it lives on the timer; so not for ever.
        let rearmed = this.nmi_rearmed.get() + 1;
        this.nmi_rearmed.set(rearmed);
        if rearmed < MOST_REARMED {
            return false;
        }
    }
    this.nmi_rearmed.set(0);
    this.last_timestamp.set(now);
    true
}

/// The period of the NMI at the nominal clock, in ns: `watchdog_thresh` seconds.
pub const fn hw_nmi_get_sample_period(watchdog_thresh: u32) -> u64 {
    watchdog_thresh as u64 * SEC
}

/// `watchdog_nmi_enable()`, later `watchdog_hardlockup_enable()` of this detector.
pub fn watchdog_nmi_enable(dog: &Dog) {
    let this = dog.this();
    this.nmi_enabled.set(true);
    this.watchdog_ev.get().expect("a machine with NMIs").arm(ksync::now() + dog.watchdog.config.nmi_period);
}

/// `watchdog_nmi_disable()`, later `watchdog_hardlockup_disable()` of this detector.
pub fn watchdog_nmi_disable(dog: &Dog) {
    let this = dog.this();
    this.nmi_enabled.set(false);
    this.watchdog_ev.get().expect("a machine with NMIs").disarm();
}
