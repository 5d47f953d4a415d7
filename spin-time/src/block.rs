// SPDX-License-Identifier: GPL-2.0-only
//! What one candidate's turn brought.

use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// The values of one block, by name, and what they were drawn from.
#[derive(Debug, Default)]
pub struct Block {
    pub(crate) values: BTreeMap<&'static str, f64>,
    pub(crate) histograms: BTreeMap<&'static str, Histogram<u64>>,
}

impl Block {
    /// With a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: f64) -> Block {
        self.values.insert(name, value);
        self
    }

    /// With what a value was drawn from, in nanoseconds.
    #[must_use]
    pub fn with_histogram(mut self, name: &'static str, histogram: Histogram<u64>) -> Block {
        self.histograms.insert(name, histogram);
        self
    }

    /// A value of the block.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }
}

/// What a turn gives back: a block, or what went wrong.
pub trait Turn {
    /// As a result.
    ///
    /// # Errors
    /// What went wrong.
    fn result(self) -> Result<Block, String>;
}

impl Turn for Block {
    fn result(self) -> Result<Block, String> {
        Ok(self)
    }
}

impl Turn for Result<Block, String> {
    fn result(self) -> Result<Block, String> {
        self
    }
}

/// A histogram of nanoseconds: three digits, from 1 ns to some seconds.
///
/// # Panics
/// Never: the bounds are good.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("the bounds are good")
}
