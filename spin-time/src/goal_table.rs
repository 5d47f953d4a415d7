// SPDX-License-Identifier: GPL-2.0-only
//! The goals as a table: what was measured, how sure that is, and whether it is enough.

use crate::goal_list::GOALS;
use crate::goals::{Limit, Verdict};
use crate::place::Place;
use crate::record::{Record, Report};
use crate::statistics::{Interval, short};
use std::fmt::Write;

/// How far two runs may be apart: uncontended locks, and their hand-overs by the canary. Times too, although a CPU
/// that runs slower makes them longer, and the floors with them; as ratios to the first candidate they stay.
const AGREE: [(&str, &str, &str, Of, f64); 3] = [
    ("two runs, uncontended, ratios", "uncontended", "ns", ratio, 0.05),
    ("two runs, uncontended, ns", "uncontended", "ns", value, 0.05),
    ("two runs, hand-over / canary", "hand-over", "hand-over/canary", value, 0.15),
];

/// Columns of a terminal.
const WIDTH: usize = 80;

/// A candidate's number in an experiment.
type Of = fn(&Record, &str, &str) -> Option<f64>;

fn value(record: &Record, metric: &str, name: &str) -> Option<f64> {
    Some(record.value(metric, record.candidate(name)?)?.middle)
}

fn ratio(record: &Record, metric: &str, name: &str) -> Option<f64> {
    Some(record.ratio(metric, record.candidate(name)?, record.candidates.first()?)?.middle)
}

/// The table; `last` is the run before, to compare with.
pub(crate) fn table(reports: &[Report], last: &[Report]) -> String {
    let mut text = String::from("Goals, as ratios unless said\n");
    let (mut floors, mut whys) = (String::new(), Vec::new());
    for goal in GOALS {
        let verdict = goal.verdict(reports);
        let doubted = goal.record(reports).is_some_and(|record| !record.doubts.is_empty());
        row(&mut text, (goal.id, goal.what), goal.limit, goal.measured(reports), verdict, doubted);
        let (Verdict::NotMet | Verdict::OutOfReach | Verdict::InDoubt, Some(floor)) = (verdict, &goal.floor) else {
            continue;
        };
        if let Some(number) = goal.floor(reports) {
            let _ = writeln!(floors, "{:4}{}: its floor is {number}", goal.id, goal.what);
        }
        if !whys.contains(&(goal.id, floor.why)) {
            whys.push((goal.id, floor.why));
        }
    }
    for (what, experiment, metric, of, limit) in AGREE {
        let apart = furthest(locks(reports), locks(last), experiment, &|record, name| of(record, metric, name));
        let interval = apart.map(|apart| Interval { middle: apart, low: apart, high: apart });
        row(&mut text, ("G13", what), Limit::AtMost(limit), interval, Limit::AtMost(limit).judge(interval), false);
    }
    busted(&mut text, reports);
    text.push_str(&floors);
    for (id, why) in whys {
        let wrapped = textwrap::Options::new(WIDTH).subsequent_indent("    ");
        text.push_str(&textwrap::fill(&format!("{id}: {why}"), wrapped));
        text.push('\n');
    }
    doubts(&mut text, reports);
    text
}

fn row(
    text: &mut String,
    (id, what): (&str, &str),
    limit: Limit,
    measured: Option<Interval>,
    verdict: Verdict,
    doubted: bool,
) {
    let limit = match limit {
        Limit::AtMost(limit) => format!("<= {}", short(limit)),
        Limit::AtLeast(limit) => format!(">= {}", short(limit)),
    };
    let measured = measured.map_or("-".to_owned(), |interval| interval.to_string());
    let verdict = match verdict {
        Verdict::Met => "met",
        Verdict::NotMet => "NOT MET",
        Verdict::OutOfReach => "out of reach",
        Verdict::InDoubt => "in doubt",
        Verdict::NotMeasured => "not measured",
    };
    let mark = if doubted { " !" } else { "" };
    let _ = writeln!(text, "{id:4}{what:34}{limit:8} {measured:19}{verdict}{mark}");
}

fn locks(reports: &[Report]) -> Option<&Report> {
    reports.iter().find(|report| report.bench == "locks")
}

/// The greatest relative difference of a candidate's number between two runs.
fn furthest(
    this: Option<&Report>,
    last: Option<&Report>,
    experiment: &str,
    of: &dyn Fn(&Record, &str) -> Option<f64>,
) -> Option<f64> {
    let (this, last) = (this?.experiment(experiment)?, last?.experiment(experiment)?);
    // What was measured at another place is another thing.
    if Place::of_most(this).zip(Place::of_most(last)).is_some_and(|(one, other)| !one.agrees(&other)) {
        return None;
    }
    let difference = |name: &str| Some((of(this, name)? / of(last, name)? - 1.0).abs());
    // Only what stands in the goals: the ports, and what they are compared with.
    let names = this.candidates.iter().map(|candidate| candidate.name.as_str());
    names
        .filter(|name| !name.contains("parking_lot") && !name.contains("spin::"))
        .filter_map(difference)
        .reduce(f64::max)
}

/// G14: each run must notice the lock that is none.
fn busted(text: &mut String, reports: &[Report]) {
    let (tried, noticed) =
        reports.iter().fold((0, 0), |sum, report| (sum.0 + report.busted.0, sum.1 + report.busted.1));
    let share = (tried > 0).then(|| f64::from(noticed) / f64::from(tried));
    let interval = share.map(|share| Interval { middle: share, low: share, high: share });
    let limit = Limit::AtLeast(1.0);
    row(text, ("G14", "a lock that is none, noticed"), limit, interval, limit.judge(interval), false);
}

/// What the harness itself doubts.
fn doubts(text: &mut String, reports: &[Report]) {
    for report in reports {
        if report.quick {
            let _ = writeln!(text, "! {}: a quick run, its figures only show that it works", report.bench);
        }
        for record in &report.experiments {
            for doubt in &record.doubts {
                let _ = writeln!(text, "! {}, {}: {doubt}", report.bench, record.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::record::tests::{candidate, record};

    fn locks_with(ns: f64) -> Report {
        let of = |name, value| candidate(name, &[(value, None); 5]);
        let candidates = vec![
            of("std::sync::Mutex", 10.0),
            of("  the same again", 10.0),
            of("__bit_spin_unlock", ns),
            of("queued_spin_lock", ns),
            of("RMW + RMW", 9.9),
            of("bit's floor, counted", 7.0),
        ];
        Report {
            bench: "locks".to_owned(),
            quick: true,
            interrupted: false,
            machine: Machine::look(),
            noise: Vec::new(),
            busted: (3, 3),
            experiments: vec![Record { name: "uncontended".to_owned(), ..record(candidates) }],
        }
    }

    #[test]
    fn each_goal_is_judged_or_not_measured() {
        let table = table(&[locks_with(7.07)], &[locks_with(7.0)]);
        let line = |start: &str| table.lines().find(|line| line.starts_with(start)).expect("it is there").to_owned();
        assert!(line("G1  bit, own word / its floor").ends_with("1.01 [1.01, 1.01]  met"), "{table}");
        assert!(line("G7  cpu_stop / futex, one CPU").ends_with("not measured"), "{table}");
        assert!(line("G13 two runs, uncontended, ns").contains("0.01"), "{table}");
        assert!(line("G14 ").ends_with("met") && table.contains("! locks: a quick run"), "{table}");
        assert!(
            table.lines().filter(|line| line.starts_with('G') && !line.contains(": ")).all(|line| line.len() <= 80)
        );
    }

    #[test]
    fn a_goal_is_out_of_reach_if_its_floor_is() {
        let table = table(&[locks_with(10.5)], &[]);
        let line = |start: &str| table.lines().find(|line| line.starts_with(start)).expect("it is there").to_owned();
        assert!(line("G1  bit, own word / its floor").ends_with("NOT MET"), "{table}");
        assert!(line("G3  queued / std Mutex").ends_with("out of reach"), "{table}");
        assert!(table.contains("G3  queued / std Mutex: its floor is 0.99 [0.99, 0.99]"), "{table}");
        assert!(table.lines().any(|line| line.starts_with("G3: ")), "{table}");
    }

    #[test]
    fn runs_at_different_places_are_not_compared() {
        let at = |canary| {
            let candidates = vec![candidate("bit", &[(300.0, Some(canary)); 3])];
            let experiments = vec![Record { name: "hand-over".to_owned(), ..record(candidates) }];
            Report { experiments, ..locks_with(7.0) }
        };
        let far = |this: f64, last: f64| {
            furthest(Some(&at(this)), Some(&at(last)), "hand-over", &|record, name| value(record, "ns", name))
        };
        assert_eq!((far(220.0, 230.0), far(220.0, 50.0)), (Some(0.0), None));
    }
}
