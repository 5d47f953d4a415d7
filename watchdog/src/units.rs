// SPDX-License-Identifier: GPL-2.0-only
//! C: `kernel/watchdog.c`: thresholds and what a "second" is.
//!
//! A timestamp counts units of 2^30 ns, 1.074 s each. The comparison is strict. So with samples every 4 s the first
//! report comes at the sixth sample after the last feed, at 24 s, and says 22 or 23: the numbers of incident 003.

/// Nanoseconds in a second.
pub const SEC: u64 = 1_000_000_000;
/// `watchdog_thresh`, in seconds, as the kernel starts.
pub const WATCHDOG_THRESH: u32 = 10;
/// The greatest `watchdog_thresh` that can be written; 0 suspends the watchdog.
pub const MAX_THRESH: u32 = 60;
/// `SOFTLOCKUP_DELAY_REPORT`: the report timestamp of a CPU that was touched.
pub const SOFTLOCKUP_DELAY_REPORT: u64 = u64::MAX;

/// `get_softlockup_thresh()`: the soft threshold is twice the hard one. In units, although C's comment says seconds.
pub const fn get_softlockup_thresh(watchdog_thresh: u32) -> u64 {
    watchdog_thresh as u64 * 2
}

/// What `set_sample_period()` sets: the period of the timer in ns. Five samples make a soft threshold.
pub const fn sample_period(watchdog_thresh: u32) -> u64 {
    get_softlockup_thresh(watchdog_thresh) * (SEC / 5)
}

/// `get_timestamp()` of a `running_clock()` in ns: units of 2^30 ns.
pub const fn timestamp(running_clock: u64) -> u64 {
    running_clock >> 30
}

/// `time_after(a, b)`, also where the counters wrap.
pub const fn time_after(a: u64, b: u64) -> bool {
    (b.wrapping_sub(a) as i64) < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_report_is_at_24_s_and_says_22_or_23() {
        let thresh = get_softlockup_thresh(WATCHDOG_THRESH);
        assert_eq!((thresh, sample_period(WATCHDOG_THRESH)), (20, 4 * SEC));
        let mut said = std::collections::BTreeSet::new();
        for fed in (0..10 * SEC).step_by(7_654_321) {
            let report =
                (1..100).map(|n| fed + n * 4 * SEC).find(|now| time_after(timestamp(*now), timestamp(fed) + thresh));
            let report = report.expect("time goes on");
            assert_eq!(report - fed, 24 * SEC);
            said.insert(timestamp(report) - timestamp(fed));
        }
        assert_eq!(said, [22, 23].into());
    }

    #[test]
    fn a_sum_beyond_the_last_number_wraps() {
        assert!(time_after(1, u64::MAX), "the counter has wrapped");
        assert!(time_after(100, SOFTLOCKUP_DELAY_REPORT.wrapping_add(20)), "so a sentinel must never be added to");
        assert!(!time_after(20, 20), "strict");
    }
}
