// SPDX-License-Identifier: GPL-2.0-only
//! What a run leaves behind: everything that a table or a plot is made of, as JSON.

use crate::machine::Machine;
use crate::noise::Noise;
use crate::place::Place;
use crate::regime::Regime;
use crate::statistics::Interval;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The results of one benchmark.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Its name.
    pub bench: String,
    /// The figures only show that it works.
    pub quick: bool,
    /// Somebody stopped it: what was measured before is here.
    pub interrupted: bool,
    /// Where it ran.
    pub machine: Machine,
    /// What its CPUs are taken away for: no maximum that is shorter than their longest gap says anything.
    pub noise: Vec<Noise>,
    /// How often the lock that is none was tried, and how often that was noticed.
    pub busted: (u32, u32),
    /// The experiments, in their order.
    pub experiments: Vec<Record>,
}

/// The results of one experiment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// What is done.
    pub what: String,
    /// Under which conditions.
    pub regime: Regime,
    /// By how many threads.
    pub threads: usize,
    /// What to show, the most important first.
    pub metrics: Vec<String>,
    /// Who took part. The second one is the first one again.
    pub candidates: Vec<Candidate>,
    /// Blocks that were thrown away because the CPUs moved meanwhile.
    pub discarded: usize,
    /// The load average before and after.
    pub load: [Option<f64>; 2],
    /// The share of all CPUs' time that the hypervisor took.
    pub steal: f64,
    /// How long it took.
    pub seconds: f64,
    /// Why the figures may be worth less than they seem.
    pub doubts: Vec<String>,
}

/// What one candidate did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// What went wrong: a candidate that fails takes no more turns.
    pub failure: Option<String>,
    /// One for each repetition; none where the block was thrown away.
    pub blocks: Vec<Option<Values>>,
    /// All repetitions at the place of most together, in nanoseconds: values and how often each was seen.
    pub histograms: BTreeMap<String, Vec<(u64, u64)>>,
}

/// What one block brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// One way of a store between the two CPUs, around this block.
    pub canary_ns: Option<f64>,
    /// The values by name.
    pub values: BTreeMap<String, f64>,
}

impl Report {
    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        let part = path.with_extension("part");
        std::fs::write(&part, serde_json::to_vec(self)?)?;
        std::fs::rename(part, path)
    }

    /// Reads one.
    ///
    /// # Errors
    /// If there is none, or it is none of this version.
    pub fn read(path: &Path) -> std::io::Result<Report> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    /// The experiment of this name.
    pub fn experiment(&self, name: &str) -> Option<&Record> {
        self.experiments.iter().find(|record| record.name == name)
    }
}

impl Record {
    /// The candidate of this name.
    pub fn candidate(&self, name: &str) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.name == name)
    }

    /// The median of a candidate's values, over the blocks at the place of most.
    pub fn value(&self, metric: &str, candidate: &Candidate) -> Option<Interval> {
        let place = Place::of_most(self);
        let here = candidate.blocks.iter().flatten().filter(|block| place.is_none_or(|place| place.has(block)));
        Interval::of(&here.filter_map(|block| block.values.get(metric).copied()).collect::<Vec<_>>())
    }

    /// The median of the ratios of two candidates, over the repetitions in which both were measured at the place of
    /// most.
    pub fn ratio(&self, metric: &str, ours: &Candidate, base: &Candidate) -> Option<Interval> {
        Interval::of(&self.ratios(metric, ours, base))
    }

    /// The ratio of each of these repetitions: what disturbs a whole one cancels out.
    pub(crate) fn ratios(&self, metric: &str, ours: &Candidate, base: &Candidate) -> Vec<f64> {
        let place = Place::of_most(self);
        let pairs = ours.blocks.iter().zip(&base.blocks).filter_map(|(one, other)| {
            let (one, other) = (one.as_ref()?, other.as_ref()?);
            let here = place.is_none_or(|place| place.has(one) && place.has(other));
            here.then_some(one.values.get(metric)? / other.values.get(metric)?)
        });
        pairs.filter(|ratio| ratio.is_finite()).collect()
    }

    /// How many blocks were elsewhere, and are left out.
    pub(crate) fn elsewhere(&self) -> usize {
        let place = Place::of_most(self);
        let blocks = self.candidates.iter().flat_map(|candidate| candidate.blocks.iter().flatten());
        blocks.filter(|block| place.is_some_and(|place| !place.has(block))).count()
    }

    /// How far the first candidate is from itself, as a share: no difference below is one.
    pub fn null(&self, metric: &str) -> Option<f64> {
        let [first, again, ..] = &self.candidates[..] else { return None };
        let ratio = self.ratio(metric, again, first)?;
        Some((ratio.middle - 1.0).abs())
    }
}

impl Candidate {
    /// The value of each repetition.
    pub(crate) fn values(&self, metric: &str) -> Vec<Option<f64>> {
        self.blocks.iter().map(|block| block.as_ref()?.values.get(metric).copied()).collect()
    }
}

/// Ends the name of a value that was divided by its canary.
pub(crate) const PER_CANARY: &str = "/canary";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A candidate with one value and a canary in each block.
    pub(crate) fn candidate(name: &str, blocks: &[(f64, Option<f64>)]) -> Candidate {
        let block = |&(value, canary_ns): &(f64, Option<f64>)| {
            Some(Values { canary_ns, values: BTreeMap::from([("ns".to_owned(), value)]) })
        };
        let blocks = blocks.iter().map(block).collect();
        Candidate { name: name.to_owned(), failure: None, blocks, histograms: BTreeMap::new() }
    }

    /// An experiment of these candidates.
    pub(crate) fn record(candidates: Vec<Candidate>) -> Record {
        Record {
            name: "toy".to_owned(),
            what: "one thread does nothing".to_owned(),
            regime: Regime::Quiet,
            threads: 1,
            metrics: vec!["ns".to_owned()],
            candidates,
            discarded: 0,
            load: [Some(0.5), Some(0.75)],
            steal: 0.0,
            seconds: 1.0,
            doubts: Vec::new(),
        }
    }

    #[test]
    fn far_and_near_are_never_compared() {
        let base =
            candidate("A", &[(300.0, Some(215.0)), (300.0, Some(215.0)), (100.0, Some(80.0)), (1.0, Some(216.0))]);
        let ours = candidate("B", &[(330.0, Some(220.0)), (110.0, Some(80.0)), (150.0, Some(81.0))]);
        let record = record(vec![base, ours]);
        let [base, ours] = &record.candidates[..] else { unreachable!("there are two") };
        let ratio = record.ratio("ns", ours, base).expect("one pair is left");
        assert!((ratio.low - 1.1).abs() < 1e-9 && (ratio.high - 1.1).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn far_and_near_are_never_pooled() {
        let record = record(vec![candidate("A", &[(300.0, Some(215.0)), (80.0, Some(55.0)), (82.0, Some(50.0))])]);
        let value = record.value("ns", &record.candidates[0]).expect("two blocks are left");
        assert_eq!((value.middle.to_bits(), record.elsewhere()), (81f64.to_bits(), 1), "{value}");
    }

    #[test]
    fn a_repetition_without_its_pair_is_left_out() {
        let ours = candidate("B", &[(2.0, None), (9.0, None), (8.0, None), (1.0, None)]);
        let mut base = candidate("A", &[(1.0, None), (9.0, None), (0.0, None), (2.0, None)]);
        base.blocks[1] = None;
        let record = record(vec![base, ours]);
        assert_eq!(record.ratios("ns", &record.candidates[1], &record.candidates[0]), [2.0, 0.5]);
    }

    #[test]
    fn what_disturbs_a_whole_repetition_cancels_out() {
        let blocks = |by: f64| (1..=21).map(|n| (by * f64::from(n * n), None)).collect::<Vec<_>>();
        let record = record(vec![candidate("A", &blocks(1.0)), candidate("B", &blocks(1.5))]);
        let ratio = record.ratio("ns", &record.candidates[1], &record.candidates[0]).expect("there are pairs");
        assert!((ratio.low - 1.5).abs() < 1e-9 && (ratio.high - 1.5).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn the_null_pair_is_the_first_candidate_again() {
        let (first, again) = (candidate("A", &[(100.0, None)]), candidate("A again", &[(97.0, None)]));
        let null = record(vec![first, again]).null("ns").expect("there is a pair");
        assert!((null - 0.03).abs() < 1e-9);
    }

    #[test]
    fn a_report_comes_back_as_it_was_written() {
        let report = Report {
            bench: "toy".to_owned(),
            quick: true,
            interrupted: false,
            machine: Machine::look(),
            noise: Vec::new(),
            busted: (1, 1),
            experiments: vec![record(vec![candidate("A", &[(1.5, Some(200.0))])])],
        };
        let path = std::env::temp_dir().join(format!("spin-time-{}.json", std::process::id()));
        report.write(&path).expect("the directory can be written");
        let read = Report::read(&path).expect("it was just written");
        std::fs::remove_file(&path).expect("it is there");
        assert_eq!(format!("{read:?}"), format!("{report:?}"));
    }
}
