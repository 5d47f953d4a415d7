// SPDX-License-Identifier: GPL-2.0-only
//! C: `watchdog_enable()`, `watchdog_disable()`, `kernel/watchdog.c`: on the CPU itself, when it comes and goes.
//!
//! ```text
//! CPU1, the old order of watchdog_disable()      its NMI, or its buddy's timer
//! cancels the timer
//!   ... waits for its turn                       the count has not moved: a false hard lockup
//! disables the NMI
//! ```
//!
//! Property: a CPU that comes or goes is not reported, and goes at once.

use crate::buddy::{watchdog_hardlockup_disable, watchdog_hardlockup_enable};
use crate::machine::{Detector, Dog};
use crate::perf::{watchdog_nmi_disable, watchdog_nmi_enable};
use crate::softlockup::{Feed, touch_watchdog};
use ksync::{Relaxed, busy};
use stopper::park::stop_machine_park;

/// In which order `watchdog_disable()` goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The hard detector first, then the timer.
    DetectorFirst,
    /// The timer first.
    TimerFirst,
    /// The timer first, with the NMI told so: b94f51183b06 (unverified), `park_in_progress`.
    TimerFirstAnnounced,
}

/// In which order a CPU goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offline {
    /// Its watchdog, then its stopper.
    WatchdogFirst,
    /// Its stopper, which refuses the feed from then on.
    StopperFirst,
}

/// `watchdog_enable()`.
pub fn watchdog_enable(dog: &Dog) {
    let this = dog.this();
    let done = &this.softlockup_completion;
    if dog.watchdog.kernel.feed == Feed::Gated {
        // Done, so that the first sample may queue the feed.
        done.reinit();
        done.complete();
    }
    // The timer before the NMI, which would find that none has come.
    let next = ksync::now() + dog.watchdog.sample_period.load(Relaxed);
    this.expires.set(next);
    this.watchdog_hrtimer.get().expect("the setup is over").arm(next);
    touch_watchdog(dog);
    hard(dog, true);
}

/// `watchdog_disable()`.
pub fn watchdog_disable(dog: &Dog) {
    let this = dog.this();
    let order = dog.watchdog.kernel.disable;
    if order == Order::DetectorFirst {
        hard(dog, false);
    }
    if order == Order::TimerFirstAnnounced {
        dog.watchdog.park_in_progress.store(true, Relaxed);
    }
    // hrtimer_cancel()
    this.watchdog_hrtimer.get().expect("the setup is over").disarm();
    if order != Order::DetectorFirst {
        // DEVIATION: how long the CPU is held up here, a scenario says.
        busy(dog.watchdog.config.parks_for);
        hard(dog, false);
        dog.watchdog.park_in_progress.store(false, Relaxed);
    }
    if dog.watchdog.kernel.feed == Feed::Gated {
        // The work must not be queued any more when its memory goes.
        this.softlockup_completion.wait_for_completion(dog.ctx.current);
    }
}

/// The CPU goes down: what concerns the watchdog of it.
///
/// DEVIATION: one task does it all, on the CPU itself; `take_cpu_down()` runs on the stopper.
pub fn takedown_cpu(dog: &Dog) {
    let stopper_first = dog.watchdog.kernel.offline == Offline::StopperFirst;
    if stopper_first {
        stop_machine_park(&dog.ctx, dog.cpu());
    }
    watchdog_disable(dog);
    if !stopper_first {
        stop_machine_park(&dog.ctx, dog.cpu());
    }
}

fn hard(dog: &Dog, on: bool) {
    match (dog.watchdog.config.detector, on) {
        (Detector::None, _) => {}
        (Detector::Perf, true) => watchdog_nmi_enable(dog),
        (Detector::Perf, false) => watchdog_nmi_disable(dog),
        (Detector::Buddy, true) => watchdog_hardlockup_enable(dog),
        (Detector::Buddy, false) => watchdog_hardlockup_disable(dog),
    }
}
