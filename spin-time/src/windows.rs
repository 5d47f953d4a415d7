// SPDX-License-Identifier: GPL-2.0-only
//! Modelled irq-off time. A port runs in user space, so no interrupt is really held off: a window is the time from
//! where the kernel would turn interrupts off, the outermost place, to where it would turn them on again.

use crate::block::{Block, histogram};
use crate::clock;
use hdrhistogram::Histogram;

/// The windows of one virtual CPU.
#[derive(Debug)]
pub struct Windows {
    histogram: Histogram<u64>,
    off_ns: f64,
    max_ns: f64,
}

impl Default for Windows {
    fn default() -> Self {
        Windows { histogram: histogram(), off_ns: 0.0, max_ns: 0.0 }
    }
}

impl Windows {
    /// Runs what runs with interrupts off. The record is made after they are on again.
    #[inline]
    pub fn around<R>(&mut self, section: impl FnOnce() -> R) -> R {
        let start = clock::before();
        let result = section();
        self.record_ns(clock::ns(clock::after() - start));
        result
    }

    fn record_ns(&mut self, ns: f64) {
        self.histogram.saturating_record((ns as u64).max(1));
        self.off_ns += ns;
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds another CPU's windows.
    ///
    /// # Panics
    /// Never: all histograms have the same bounds.
    pub fn merge(&mut self, other: &Windows) {
        self.histogram.add(&other.histogram).expect("all have the same bounds");
        self.off_ns += other.off_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Puts them into a block: percentiles and maximum in nanoseconds, and the share of `cpu_ns`, the time of all
    /// these CPUs together, in which interrupts were off.
    pub fn into_block(self, block: Block, cpu_ns: f64) -> Block {
        let at = |quantile| self.histogram.value_at_quantile(quantile) as f64;
        block
            .with("off p50", at(0.5))
            .with("off p99", at(0.99))
            .with("off max", self.max_ns)
            .with("irqs off", self.off_ns / cpu_ns)
            .with_histogram("irqs off", self.histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_and_weighed() {
        let mut windows = Windows::default();
        (0..98).for_each(|_| windows.record_ns(1_000.0));
        let mut other = Windows::default();
        (0..2).for_each(|_| other.record_ns(51_000.0));
        windows.merge(&other);
        let block = windows.into_block(Block::default(), 400_000.0);
        let value = |name| block.value(name).expect("it is there");
        assert!((value("irqs off") - 0.5).abs() < 1e-9);
        assert!((value("off p50") - 1e3).abs() < 2.0 && (value("off p99") - 51e3).abs() < 100.0);
        assert!((value("off max") - 51e3).abs() < 1e-9);
    }

    #[test]
    fn a_window_is_as_long_as_its_section() {
        let mut windows = Windows::default();
        let seen = windows.around(|| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            7
        });
        assert_eq!(seen, 7);
        assert!(windows.max_ns > 0.9e6 && windows.histogram.len() == 1);
    }
}
