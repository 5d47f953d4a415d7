// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's model as this project has it gives what herd7 gives, state by state and execution
//! by execution, on whole folders of tests.
#![cfg(loom)]

mod litmus_oracle;

use litmus_oracle::{Case, cases, others, own};
use loom_tests::litmus::engine::deadlock;
use loom_tests::litmus::graph::{WHOLE, judge};
use loom_tests::litmus::report::Observation;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// What differs from herd7's answer.
fn differences(case: &Case) -> String {
    let outcomes = judge(&case.program, WHOLE);
    let states: BTreeSet<String> = outcomes.states.keys().cloned().collect();
    let mut text = String::new();
    for state in case.states.difference(&states) {
        let _ = writeln!(text, "    missing {state}");
    }
    for state in states.difference(&case.states) {
        let _ = writeln!(text, "    extra   {state}");
    }
    if let Some(bound) = &outcomes.bounded {
        let _ = writeln!(text, "    not all was looked at: {bound}");
    }
    // The textbook shapes have no counts: their answers were written by hand.
    let witnesses = format!("Positive: {} Negative: {}", outcomes.positive, outcomes.negative);
    if !case.witnesses.is_empty() && witnesses != case.witnesses {
        let _ = writeln!(text, "    executions: {witnesses}, herd7 has {}", case.witnesses);
    }
    let observation = format!("Observation {} {}", case.program.name, Observation::of(&outcomes).name());
    if !case.observation.is_empty() && !case.observation.starts_with(&observation) {
        let _ = writeln!(text, "    {observation}, herd7 has {}", case.observation);
    }
    let deadlocks = case.program.result.as_deref() == Some("DEADLOCK");
    if let Some(deadlock) = deadlock(&case.program).filter(|_| !deadlocks) {
        let _ = writeln!(text, "    deadlock: {deadlock}");
    }
    for (flag, raised) in [("Flag data-race", outcomes.data_race), ("Flag mixed-accesses", outcomes.mixed_accesses)] {
        if raised != case.flags.contains(flag) {
            let _ = writeln!(text, "    {flag}: {raised} here");
        }
    }
    text
}

fn equals_herd(folder: &Path) -> usize {
    let (mut count, mut report) = (0, String::new());
    for case in cases(folder) {
        count += 1;
        let differences = differences(&case);
        if !differences.is_empty() {
            let _ = writeln!(report, "{}\n{differences}", case.path.display());
        }
    }
    assert!(report.is_empty(), "{report}");
    count
}

#[test]
fn own_tests_equal_herd() {
    assert_eq!(equals_herd(&own()), 50);
}

#[test]
fn a_folder_of_further_tests_equals_herd() {
    if let Some(folder) = others() {
        let count = equals_herd(&folder);
        println!("{count} tests of {} equal herd7", folder.display());
        assert!(count > 0, "no tests in {}", folder.display());
    }
}
