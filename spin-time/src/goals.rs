// SPDX-License-Identifier: GPL-2.0-only
//! What the ports are to reach, as ratios: a time means something on one machine only.

use crate::record::{Candidate, Record, Report};
use crate::statistics::Interval;

/// What is measured, in which experiment of which benchmark.
pub(crate) struct Source {
    pub(crate) bench: &'static str,
    pub(crate) experiment: &'static str,
    pub(crate) metric: &'static str,
}

/// How a number comes out of it.
pub(crate) enum Measure {
    /// The median of one candidate.
    Value(&'static str),
    /// The median of the ratios of two: ours, and what it is divided by.
    Ratio(&'static str, &'static str),
    /// How many times the null pair's difference the two are apart; none if the sign changes in one of 20 repetitions.
    Apart(&'static str, &'static str),
}

/// Where the number must be, with its whole interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// Whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The whole interval is.
    Met,
    /// Nothing of it is.
    NotMet,
    /// Nor can it be here: its floor is not there either.
    OutOfReach,
    /// The limit lies inside: more repetitions or less noise would tell.
    InDoubt,
    /// There is no such result.
    NotMeasured,
}

/// A goal.
pub(crate) struct Goal {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) source: Source,
    pub(crate) measure: Measure,
    pub(crate) limit: Limit,
    /// What it cannot be better than, on this machine.
    pub(crate) floor: Option<Floor>,
}

/// What a goal's number cannot be better than.
pub(crate) struct Floor {
    /// Measured beside it, by the same means.
    pub(crate) measure: Measure,
    /// Why it is the floor.
    pub(crate) why: &'static str,
}

impl Limit {
    pub(crate) fn judge(self, interval: Option<Interval>) -> Verdict {
        let Some(Interval { low, high, .. }) = interval else { return Verdict::NotMeasured };
        let (all, none) = match self {
            Limit::AtMost(limit) => (high <= limit, low > limit),
            Limit::AtLeast(limit) => (low >= limit, high < limit),
        };
        match (all, none) {
            (true, _) => Verdict::Met,
            (_, true) => Verdict::NotMet,
            _ => Verdict::InDoubt,
        }
    }
}

impl Goal {
    /// The experiment that it is about.
    pub(crate) fn record<'r>(&self, reports: &'r [Report]) -> Option<&'r Record> {
        let report = reports.iter().find(|report| report.bench == self.source.bench)?;
        report.experiment(self.source.experiment)
    }

    /// The number, with its interval.
    pub(crate) fn measured(&self, reports: &[Report]) -> Option<Interval> {
        self.number(reports, &self.measure)
    }

    /// The floor's number, if it has one.
    pub(crate) fn floor(&self, reports: &[Report]) -> Option<Interval> {
        self.number(reports, &self.floor.as_ref()?.measure)
    }

    /// Whether the number is where it must be, and if not, whether it could.
    pub(crate) fn verdict(&self, reports: &[Report]) -> Verdict {
        match self.limit.judge(self.measured(reports)) {
            Verdict::NotMet if self.limit.judge(self.floor(reports)) == Verdict::NotMet => Verdict::OutOfReach,
            verdict => verdict,
        }
    }

    fn number(&self, reports: &[Report], measure: &Measure) -> Option<Interval> {
        let (record, metric) = (self.record(reports)?, self.source.metric);
        match *measure {
            Measure::Value(candidate) => record.value(metric, record.candidate(candidate)?),
            Measure::Ratio(ours, base) => record.ratio(metric, record.candidate(ours)?, record.candidate(base)?),
            Measure::Apart(ours, base) => apart(record, metric, record.candidate(ours)?, record.candidate(base)?),
        }
    }
}

/// How many times the null pair's difference two candidates are apart.
fn apart(record: &Record, metric: &str, ours: &Candidate, base: &Candidate) -> Option<Interval> {
    let each = record.ratios(metric, ours, base);
    let below = each.iter().filter(|&&ratio| ratio < 1.0).count();
    let stable = below.max(each.len() - below) as f64 >= 0.95 * each.len() as f64;
    let ratio = record.ratio(metric, ours, base)?;
    // The clock's own grain is a difference too.
    let null = record.null(metric)?.max(0.001);
    let (low, high) = ((ratio.low - 1.0).abs() / null, (ratio.high - 1.0).abs() / null);
    let (low, high) =
        if stable && !ratio.contains(1.0) { (low.min(high), low.max(high)) } else { (0.0, low.max(high)) };
    Some(Interval { middle: (ratio.middle - 1.0).abs() / null, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{candidate, record};

    fn judge(limit: Limit, low: f64, high: f64) -> Verdict {
        limit.judge(Some(Interval { middle: f64::midpoint(low, high), low, high }))
    }

    #[test]
    fn the_whole_interval_must_be_there() {
        let limit = Limit::AtMost(1.05);
        assert_eq!(judge(limit, 0.9, 1.05), Verdict::Met);
        assert_eq!(judge(limit, 1.0, 1.1), Verdict::InDoubt);
        assert_eq!(judge(limit, 1.06, 1.1), Verdict::NotMet);
        assert_eq!(limit.judge(None), Verdict::NotMeasured);
        assert_eq!(judge(Limit::AtLeast(100.0), 150.0, 900.0), Verdict::Met);
        assert_eq!(judge(Limit::AtLeast(100.0), 50.0, 900.0), Verdict::InDoubt);
    }

    #[test]
    fn apart_is_measured_in_null_differences() {
        let blocks = |value: f64| vec![(value, None); 20];
        let (first, again, ours) =
            (candidate("A", &blocks(100.0)), candidate("A again", &blocks(102.0)), candidate("B", &blocks(80.0)));
        let mut flips = ours.clone();
        flips.blocks[..10].clone_from_slice(&candidate("", &[(130.0, None); 10]).blocks);
        let record = record(vec![first, again, ours, flips]);
        let of = |ours: usize| {
            apart(&record, "ns", &record.candidates[ours], &record.candidates[0]).expect("it was measured")
        };
        assert!((of(2).middle - 10.0).abs() < 1e-6 && (of(2).low - 10.0).abs() < 1e-6, "{}", of(2));
        assert_eq!(of(3).low.to_bits(), 0f64.to_bits(), "its sign is not stable");
    }
}
