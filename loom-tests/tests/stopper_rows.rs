// SPDX-License-Identifier: GPL-2.0-only
//! Every row of the stopper's catalogue on the explorer: the verdict that the row expects, and nothing cut short.
#![cfg(loom)]

use loom_tests::catalogue;
use loom_tests::engine::{Choice, Job};
use loom_tests::run::in_order;

/// Runs the rows of one incident; what was explored is in the test's output.
fn check(incident: &str) {
    let rows = catalogue::catalogue();
    let rows: Vec<_> = rows.iter().filter(|row| row.incident == incident).collect();
    assert!(!rows.is_empty(), "no row of {incident}");
    let mut wrong = Vec::new();
    in_order(
        &Choice::Explore.jobs(&rows, None),
        |job: &Job| job.run(None),
        |job, report| {
            let report = report.unwrap_or_else(|panic| loom_tests::engine::undecided(panic));
            let name = catalogue::name(job.row);
            println!("{name}: {} in {} states, {:.2} s", report.verdict, report.states, report.seconds);
            let holds = report.verdict.kind() == "Holds";
            if report.verdict.kind() != job.row.expected.kind() || holds && !report.exhausted {
                wrong.push(format!("{name}: {}, not {}", report.verdict, job.row.expected));
            }
        },
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every incident of the stopper has a test below.
#[test]
fn no_incident_is_left_out() {
    let tested = ["migrate-swap", "stop-cpus", "wake-q", "try-to-wake-up", "multi-cpu-stop", "active-balance"];
    for row in stopper::catalogue::rows() {
        assert!(tested.contains(&row.incident), "{} has no test", row.incident);
    }
}

#[test]
fn migrate_swap() {
    check("migrate-swap");
}
