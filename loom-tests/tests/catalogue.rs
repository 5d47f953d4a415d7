// SPDX-License-Identifier: GPL-2.0-only
//! The whole matrix: every row comes out as the catalogue says, and explores exactly as much as it did before.
#![cfg(loom)]
#![allow(clippy::format_push_string, reason = "the texts are short, and so are these lines")]

use expect_test::expect_file;
use ksync::catalogue::{LoomUse, Row};
use ksync::{Explain, Verdict};
use loom_tests::catalogue::{catalogue, name};
use loom_tests::engine::{Choice, Engine};
use loom_tests::run;

/// A row may not explore more states, or loom executions: the whole catalogue is run often.
const MOST: u64 = 400_000;

/// Runs these rows, and gives a line for each. Fails if one comes out as the catalogue does not say.
fn table(engine: Choice, rows: &[Row]) -> String {
    let jobs = engine.jobs(&rows.iter().collect::<Vec<_>>(), None);
    let mut table = String::new();
    let mut wrong = Vec::new();
    run::in_order(
        &jobs,
        |job| job.run(Explain::First, None),
        |job, report| {
            let name = name(job.row).to_string();
            let report = report.unwrap_or_else(|panic| panic!("{name}: {panic}"));
            // How much was explored is a promise only where it was everything.
            let came_out = match (&report.verdict, job.engine) {
                (Verdict::Holds, Engine::Explore) => format!("Holds in {} states", report.states),
                (Verdict::Holds, Engine::Loom) => format!("Holds in {} executions", report.executions),
                (Verdict::Lockup(lockup), _) => format!("Lockup ({})", lockup.severity),
                (Verdict::Violated { property }, _) => format!("Violated ({})", without_place(property)),
                (other, _) => other.to_string(),
            };
            table += &format!("{name:<56} {:<4} {came_out}\n", job.model_name());
            if report.verdict.kind() != job.row.expected.kind() {
                wrong.push(format!("{name}: expected {}, found {}", job.row.expected, report.verdict));
            }
            let explored = report.states.max(report.executions);
            assert!(explored <= MOST, "{name}: {explored} explored; make the scenario smaller");
            assert_eq!(report.exhausted, report.verdict == Verdict::Holds, "{name}: exhausted, or a failure");
        },
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    table
}

/// The message of an assertion without the source line at its end, which moves with every edit.
fn without_place(property: &str) -> &str {
    property.rsplit_once(" (").filter(|(_, place)| place.contains(".rs:")).map_or(property, |(message, _)| message)
}

#[test]
fn every_row_is_as_expected() {
    expect_file!["catalogue.txt"].assert_eq(&table(Choice::Explore, &catalogue()));
}

#[test]
fn loom_agrees_where_the_catalogue_says_so() {
    let mut rows = catalogue();
    rows.retain(|row| row.loom == LoomUse::Agrees);
    expect_file!["catalogue-loom.txt"].assert_eq(&table(Choice::Loom, &rows));
}
