// SPDX-License-Identifier: GPL-2.0-only
//! The median of ratios, and how far it can be trusted.

use std::fmt;

/// A median with 95 % of its bootstrap distribution.
pub(crate) struct Ratio {
    middle: f64,
    low: f64,
    high: f64,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} [{:.3}, {:.3}]", self.middle, self.low, self.high)
    }
}

/// The middle value; the lower one of two.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// The median of the ratios of each repetition: what disturbs a whole repetition cancels out.
pub(crate) fn ratio(ours: &[f64], first: &[f64]) -> Ratio {
    let ratios: Vec<f64> = ours.iter().zip(first).map(|(ours, first)| ours / first).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut medians: Vec<f64> = (0..2000)
        .map(|_| median(&(0..ratios.len()).map(|_| ratios[random.below(ratios.len())]).collect::<Vec<_>>()))
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |part: f64| medians[((medians.len() - 1) as f64 * part) as usize];
    Ratio { middle: median(&ratios), low: at(0.025), high: at(0.975) }
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
