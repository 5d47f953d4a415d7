// SPDX-License-Identifier: GPL-2.0-only
//! The median of ratios, and how far it can be trusted.

use std::fmt;

/// How many samples the bootstrap draws.
const RESAMPLES: usize = 2000;

/// A median with 95 % of its bootstrap distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The median.
    pub middle: f64,
    /// 97.5 % of the resampled medians are no less.
    pub low: f64,
    /// 97.5 % of the resampled medians are no more.
    pub high: f64,
}

impl Interval {
    /// The median of the values; none if there are no values.
    pub fn of(values: &[f64]) -> Option<Interval> {
        if values.is_empty() {
            return None;
        }
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut medians: Vec<f64> = (0..RESAMPLES)
            .map(|_| median(&(0..values.len()).map(|_| values[random.below(values.len())]).collect::<Vec<_>>()))
            .collect();
        medians.sort_by(f64::total_cmp);
        let at = |part: f64| medians[((medians.len() - 1) as f64 * part).round() as usize];
        Some(Interval { middle: median(values), low: at(0.025), high: at(0.975) })
    }

    /// Whether the value lies inside.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}, {}]", short(self.middle), short(self.low), short(self.high))
    }
}

/// The middle value; the mean of two.
///
/// # Panics
/// Without values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    f64::midpoint(low, high)
}

/// A number with three digits that mean something, in at most seven characters.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 1e6 {
        format!("{value:.1e}")
    } else if size >= 99.95 || size == 0.0 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.01 {
        format!("{value:.2}")
    } else {
        format!("{value:.0e}")
    }
}

/// xorshift64, from the same seed in every run: equal measurements give equal intervals.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[3.0]).to_bits(), 3f64.to_bits());
        assert_eq!(median(&[9.0, 1.0, 2.0]).to_bits(), 2f64.to_bits());
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]).to_bits(), 3f64.to_bits());
    }

    #[test]
    fn equal_values_leave_no_doubt() {
        let interval = Interval::of(&[2.5; 9]).expect("there are values");
        assert_eq!(interval, Interval { middle: 2.5, low: 2.5, high: 2.5 });
        assert_eq!(Interval::of(&[]), None);
    }

    #[test]
    fn the_interval_holds_the_median_and_is_the_same_each_time() {
        let values: Vec<f64> = (0..41).map(|n| f64::from((n * 17) % 41)).collect();
        let interval = Interval::of(&values).expect("there are values");
        assert_eq!(interval.middle.to_bits(), 20f64.to_bits());
        // For 41 values in order the exact interval of the median goes from the 14th to the 28th: 13 to 27.
        assert!((12.0..=15.0).contains(&interval.low), "{interval}");
        assert!((25.0..=28.0).contains(&interval.high), "{interval}");
        assert_eq!(Interval::of(&values), Some(interval));
        assert!(interval.contains(20.0) && !interval.contains(40.0));
    }

    #[test]
    fn numbers_are_short() {
        let cases = [(0.0, "0"), (1.004, "1.00"), (12.34, "12.3"), (99.96, "100"), (4567.8, "4568"), (0.002, "2e-3")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        assert_eq!(short(2.5e7), "2.5e7");
    }
}
