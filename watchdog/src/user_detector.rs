// SPDX-License-Identifier: GPL-2.0-only
//! When a thread counts as stuck: the rule of the kernel's soft lockup detector, without a clock and without threads.
//!
//! C: `watchdog_timer_fn()`, `is_softlockup()`, `kernel/watchdog.c`, as since v5.13.
//!
//! | here | in the kernel |
//! |---|---|
//! | [`Detector::sample`] | `watchdog_timer_fn()`, every [`Detector::sample_period`] |
//! | a heartbeat since the last sample | the stopper ran `softlockup_fn()` |
//! | `touch_ts` | `watchdog_touch_ts`, the last sign of life |
//! | `report_ts` | `watchdog_report_ts`, from when a report is counted |
//! | `thresh` | `watchdog_thresh`, 10 s by default |
//!
//! Property: a thread that shows a heartbeat within twice the threshold is never reported; one that shows none is
//! reported at the first sample after that, and again each time that much has passed since.

use std::time::Duration;

/// What a sample sees of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The count of heartbeats.
    pub heartbeats: u64,
    /// The time, by the clock that this thread is measured with.
    pub now: Duration,
}

/// The state of one thread.
#[derive(Debug, Clone)]
pub struct Detector {
    thresh: Duration,
    heartbeats: u64,
    touch_ts: Duration,
    report_ts: Duration,
}

impl Detector {
    /// Begins with a sign of life: `watchdog_enable()`.
    pub fn new(thresh: Duration, first: Reading) -> Self {
        Detector { thresh, heartbeats: first.heartbeats, touch_ts: first.now, report_ts: first.now }
    }

    /// `get_softlockup_thresh()`: a report needs more than that.
    pub fn softlockup_thresh(thresh: Duration) -> Duration {
        thresh * 2
    }

    /// `set_sample_period()`: five samples within the threshold of a report.
    pub fn sample_period(thresh: Duration) -> Duration {
        Self::softlockup_thresh(thresh) / 5
    }

    /// Looks at the thread; gives for how long it has shown no sign of life, if that is to be reported now.
    ///
    /// A heartbeat counts from the sample that sees it. So a thread is stuck for up to a period more than this says.
    ///
    /// DEVIATION: a second of the kernel's report is 2^30 ns; here a second is one.
    pub fn sample(&mut self, Reading { heartbeats, now }: Reading) -> Option<Duration> {
        if heartbeats != self.heartbeats {
            self.heartbeats = heartbeats;
            self.touch_ts = now;
            self.report_ts = now;
            return None;
        }
        // is_softlockup(): time_after() is strict.
        if now <= self.report_ts + Self::softlockup_thresh(self.thresh) {
            return None;
        }
        // Before anything is printed: a slow console must not bring the next report at once.
        self.report_ts = now;
        Some(now.saturating_sub(self.touch_ts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESH: Duration = Duration::from_secs(10);

    fn at(heartbeats: u64, seconds: u64) -> Reading {
        Reading { heartbeats, now: Duration::from_secs(seconds) }
    }

    /// The seconds of the samples that report, with what they report, for samples like these.
    fn reports(detector: &mut Detector, samples: impl IntoIterator<Item = Reading>) -> Vec<(u64, u64)> {
        let stuck = |reading: Reading| Some((reading.now.as_secs(), detector.sample(reading)?.as_secs()));
        samples.into_iter().filter_map(stuck).collect()
    }

    #[test]
    fn the_kernels_threshold_is_sampled_every_four_seconds() {
        assert_eq!(Detector::sample_period(THRESH), Duration::from_secs(4));
        assert_eq!(Detector::softlockup_thresh(THRESH), Duration::from_secs(20));
    }

    #[test]
    fn a_stuck_thread_is_reported_after_more_than_twice_the_threshold_and_again() {
        let mut detector = Detector::new(THRESH, at(0, 0));
        let samples = (1..=16).map(|n| at(0, 4 * n));
        // Not at 20 s: the comparison is strict. The second report counts from the first, and says the total.
        assert_eq!(reports(&mut detector, samples), [(24, 24), (48, 48)]);
    }

    #[test]
    fn one_heartbeat_within_twice_the_threshold_is_enough() {
        let mut detector = Detector::new(THRESH, at(0, 0));
        let samples = (1..=1000).map(|n| at(n / 5, 4 * n));
        assert_eq!(reports(&mut detector, samples), []);
    }

    #[test]
    fn one_in_more_than_that_is_not() {
        let mut detector = Detector::new(THRESH, at(0, 0));
        let samples = (1..=14).map(|n| at(n / 7, 4 * n));
        // Seen at 28 s, and gone for 24 s at 52 s.
        assert_eq!(reports(&mut detector, samples), [(24, 24), (52, 24)]);
    }

    #[test]
    fn a_heartbeat_after_a_report_begins_anew() {
        let mut detector = Detector::new(THRESH, at(7, 100));
        assert_eq!(detector.sample(at(7, 121)), Some(Duration::from_secs(21)));
        assert_eq!(detector.sample(at(8, 122)), None);
        assert_eq!(detector.sample(at(8, 142)), None);
        assert_eq!(detector.sample(at(8, 143)), Some(Duration::from_secs(21)));
    }

    #[test]
    fn the_count_may_wrap() {
        let mut detector = Detector::new(THRESH, at(u64::MAX, 0));
        assert_eq!(detector.sample(at(0, 21)), None);
    }
}
