// SPDX-License-Identifier: GPL-2.0-only
//! Every row of the compound crate's catalogue on the explorer: the verdict that the row expects, and nothing cut
//! short.
#![cfg(loom)]

use ksync::Report;
use ksync::catalogue::{LoomUse, Row};
use loom_tests::catalogue;
use loom_tests::engine::{Choice, Job};
use loom_tests::run::in_order;
use std::collections::BTreeSet;

/// A row may not explore more: the whole catalogue is run often.
const MOST_STATES: u64 = 200_000;

/// Runs rows of the crate on an engine; what was explored is in the test's output.
fn check(engine: Choice, wanted: impl Fn(&Row) -> bool) {
    let incidents: BTreeSet<_> = compound::catalogue::rows().iter().map(|row| row.incident).collect();
    let rows = catalogue::catalogue();
    let rows: Vec<_> = rows.iter().filter(|row| incidents.contains(row.incident) && wanted(row)).collect();
    let listed = compound::catalogue::rows().iter().filter(|row| wanted(row)).count();
    assert_eq!(rows.len(), listed, "the crate's rows are in the project's catalogue");
    let mut wrong = Vec::new();
    in_order(
        &engine.jobs(&rows, None),
        |job: &Job| job.run(None),
        |job, report| {
            let report = report.unwrap_or_else(loom_tests::engine::undecided);
            let name = catalogue::name(job.row);
            let Report { verdict, states, executions, seconds, .. } = &report;
            println!("{name}: {verdict} in {states} states, {executions} executions, {seconds:.2} s");
            if verdict.kind() != job.row.expected.kind() || verdict.kind() == "Holds" && !report.exhausted {
                wrong.push(format!("{name}: {verdict}, not {}", job.row.expected));
            }
            if *states > MOST_STATES {
                wrong.push(format!("{name}: {states} states"));
            }
        },
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_row_comes_out_as_expected() {
    check(Choice::Explore, |_| true);
}

#[test]
fn loom_agrees_where_a_row_says_so() {
    check(Choice::Loom, |row| row.loom == LoomUse::Agrees);
}
