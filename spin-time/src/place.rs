// SPDX-License-Identifier: GPL-2.0-only
//! Where the CPUs stood: near each other or far, as the canaries of an experiment tell. Near and far are never pooled.

use crate::record::{Record, Values};

/// From one place to the next a store takes so many times as long.
const NEXT: f64 = 1.5;

/// One place, as the one way of a store in nanoseconds, from the shortest to the longest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    low: f64,
    high: f64,
}

impl Place {
    /// The place of most blocks; of equals the nearest. None if no block has a canary.
    pub(crate) fn of_most(record: &Record) -> Option<Place> {
        let blocks = record.candidates.iter().flat_map(|candidate| candidate.blocks.iter().flatten());
        let mut canaries: Vec<f64> = blocks.filter_map(|block| block.canary_ns).collect();
        canaries.sort_by(f64::total_cmp);
        let places = canaries.chunk_by(|one, other| *other <= NEXT * one);
        let most = places.rev().max_by_key(|place| place.len())?;
        Some(Place { low: *most.first()?, high: *most.last()? })
    }

    /// Whether the block was there. A block without a canary is wherever the others are.
    pub(crate) fn has(&self, block: &Values) -> bool {
        block.canary_ns.is_none_or(|canary| self.low <= canary && canary <= self.high)
    }

    /// Whether two runs were at the same place.
    pub(crate) fn agrees(&self, other: &Place) -> bool {
        self.low <= NEXT * other.high && other.low <= NEXT * self.high
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} to {:.0} ns", self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::Place;
    use crate::record::tests::{candidate, record};

    #[test]
    fn the_place_is_where_most_blocks_were() {
        let blocks = [(1.0, Some(45.0)), (2.0, Some(220.0)), (3.0, None), (4.0, Some(58.0))];
        let record = record(vec![candidate("A", &blocks), candidate("B", &[(5.0, Some(231.0)), (6.0, Some(50.0))])]);
        let place = Place::of_most(&record).expect("there are canaries");
        assert_eq!(place, Place { low: 45.0, high: 58.0 });
        let there: Vec<bool> = record.candidates[0].blocks.iter().flatten().map(|block| place.has(block)).collect();
        assert_eq!(there, [true, false, true, true]);
    }

    #[test]
    fn of_two_equals_it_is_the_nearest() {
        let record = record(vec![candidate("A", &[(1.0, Some(220.0)), (2.0, Some(45.0))])]);
        assert_eq!(Place::of_most(&record), Some(Place { low: 45.0, high: 45.0 }));
    }

    #[test]
    fn without_canaries_there_is_none() {
        assert_eq!(Place::of_most(&record(vec![candidate("A", &[(1.0, None)])])), None);
    }

    #[test]
    fn two_runs_agree_on_a_place() {
        let near = Place { low: 40.0, high: 58.0 };
        assert!(near.agrees(&Place { low: 60.0, high: 75.0 }) && !near.agrees(&Place { low: 205.0, high: 231.0 }));
    }
}
