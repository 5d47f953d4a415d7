// SPDX-License-Identifier: GPL-2.0-only
//! C: `proc_watchdog_thresh()`, `lockup_detector_reconfigure()`, `kernel/watchdog.c`: `watchdog_thresh` is written.
//!
//! ```text
//! echo 1 > watchdog_thresh                       the timer, which samples every 4 s
//! watchdog_thresh = 1
//!                                                fed 4 s ago: more than the 2 that are allowed now
//!                                                -> a false soft lockup
//! stops the timers, sets their period, starts them
//! ```
//!
//! Property: a CPU is judged by the threshold that its timer was set for.

use crate::enable::{watchdog_disable, watchdog_enable};
use crate::machine::Dog;
use crate::units;
use ksync::Relaxed;

/// When a written threshold comes into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// At once.
    AtOnce,
    /// 7123dbbef88c: when the timers are stopped.
    Staged,
}

/// `proc_watchdog_thresh()`: a write of `thresh` seconds.
pub fn proc_watchdog_thresh(dog: &Dog, thresh: u32) {
    assert!(thresh <= units::MAX_THRESH, "proc_dointvec_minmax() refuses it");
    match dog.watchdog.kernel.write {
        Write::AtOnce => dog.watchdog.watchdog_thresh.store(thresh, Relaxed),
        Write::Staged => dog.watchdog.watchdog_thresh_next.store(thresh, Relaxed),
    }
    lockup_detector_reconfigure(dog);
}

/// `lockup_detector_reconfigure()`: stops the timers, sets their period, starts them.
///
/// DEVIATION: C has every CPU do this for itself, one after the other. Here the machine has one CPU, the writer's.
fn lockup_detector_reconfigure(dog: &Dog) {
    let watchdog = dog.watchdog;
    watchdog_disable(dog);
    if watchdog.kernel.write == Write::Staged {
        watchdog.watchdog_thresh.store(watchdog.watchdog_thresh_next.load(Relaxed), Relaxed);
    }
    // set_sample_period()
    let period = units::sample_period(watchdog.watchdog_thresh.load(Relaxed));
    watchdog.sample_period.store(period, Relaxed);
    if period != 0 {
        watchdog_enable(dog);
    }
}
