// SPDX-License-Identifier: GPL-2.0-only
//! How long threads waited. A percentile counts waits; a thread that waits once for a long time and a million times
//! for nothing has a good one. So the time is weighed too.

use crate::block::{Block, histogram};
use crate::clock;
use hdrhistogram::Histogram;

/// The bounds from which on time is weighed, in nanoseconds.
const BOUNDS: [u64; 3] = [1_000, 10_000, 1_000_000];

/// The waits of one thread, or of several.
#[derive(Debug)]
pub struct Waits {
    histogram: Histogram<u64>,
    total_ns: u64,
    beyond_ns: [u64; 3],
    max_ns: u64,
}

impl Default for Waits {
    fn default() -> Self {
        Waits { histogram: histogram(), total_ns: 0, beyond_ns: [0; 3], max_ns: 0 }
    }
}

impl Waits {
    /// Counts a wait of so many ticks.
    #[inline]
    pub fn record(&mut self, ticks: u64) {
        self.record_ns(clock::ns(ticks) as u64);
    }

    fn record_ns(&mut self, ns: u64) {
        self.histogram.saturating_record(ns.max(1));
        self.total_ns += ns;
        self.max_ns = self.max_ns.max(ns);
        for (bound, beyond) in BOUNDS.iter().zip(&mut self.beyond_ns) {
            if ns > *bound {
                *beyond += ns;
            }
        }
    }

    /// Adds another thread's waits.
    ///
    /// # Panics
    /// Never: all histograms have the same bounds.
    pub fn merge(&mut self, other: &Waits) {
        self.histogram.add(&other.histogram).expect("all have the same bounds");
        self.total_ns += other.total_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
        self.beyond_ns.iter_mut().zip(other.beyond_ns).for_each(|(ours, theirs)| *ours += theirs);
    }

    /// Puts them into a block: percentiles, mean and maximum in nanoseconds; and of `thread_ns`, the time of all
    /// threads together, the share that went into waits beyond each bound.
    pub fn into_block(self, block: Block, thread_ns: f64) -> Block {
        let at = |quantile| self.histogram.value_at_quantile(quantile) as f64;
        let share = |n: usize| self.beyond_ns[n] as f64 / thread_ns;
        block
            .with("wait p50", at(0.5))
            .with("wait p99", at(0.99))
            .with("wait p99.9", at(0.999))
            .with("wait mean", self.total_ns as f64 / (self.histogram.len() as f64).max(1.0))
            .with("wait max", self.max_ns as f64)
            .with("time >1us", share(0))
            .with("time >10us", share(1))
            .with("time >1ms", share(2))
            .with_histogram("wait", self.histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_weighs_what_it_took() {
        let mut waits = Waits::default();
        (0..9_999).for_each(|_| waits.record_ns(20));
        waits.record_ns(20_000_000);
        let block = waits.into_block(Block::default(), 40_000_000.0);
        let value = |name| block.value(name).expect("it is there");
        assert!(value("wait p50") < 21.0 && value("wait p99.9") < 21.0, "percentiles do not see it");
        for bound in ["time >1us", "time >10us", "time >1ms"] {
            assert!((value(bound) - 0.5).abs() < 1e-9, "half of the time went into it");
        }
        assert!((value("wait max") - 2e7).abs() < 1.0);
        assert!((value("wait mean") - (9_999.0 * 20.0 + 2e7) / 1e4).abs() < 1e-6);
    }

    #[test]
    fn threads_add_up() {
        let (mut all, mut other) = (Waits::default(), Waits::default());
        all.record_ns(2_000);
        other.record_ns(4_000);
        all.merge(&other);
        let block = all.into_block(Block::default(), 12_000.0);
        assert_eq!(block.value("time >1us").map(f64::to_bits), Some(0.5f64.to_bits()));
        assert_eq!(block.value("wait max").map(f64::to_bits), Some(4000f64.to_bits()));
        assert_eq!(block.histograms["wait"].len(), 2);
    }
}
