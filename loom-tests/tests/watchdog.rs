// SPDX-License-Identifier: GPL-2.0-only
//! The incidents in the kernel's own words: the line, the CPU, the task, and the time.
#![cfg(loom)]

use ksync::catalogue::Row;
use ksync::explore::check;
use ksync::{Options, Trace, Verdict};
use loom_tests::catalogue::catalogue;

const SEC: u64 = 1_000_000_000;

/// The line that a row is violated with, and the run that leads to it.
fn line(incident: &str, scenario: &str, revision: &str) -> (String, Trace) {
    let rows = catalogue();
    let named = |row: &&Row| (row.incident, row.scenario, row.revision) == (incident, scenario, revision);
    let row = rows.iter().find(named).expect("the catalogue has it");
    let report = check(&*(row.build)(), &Options::new(row.model));
    let Verdict::Violated { property } = report.verdict else { panic!("{row:?}: {}", report.verdict) };
    let line = property.rsplit_once(" (").map_or(&*property, |(line, _)| line);
    (line.to_owned(), report.trace.expect("a failure has a run"))
}

/// What was stored last in this word of the report.
fn recorded(trace: &Trace, word: &str) -> u64 {
    let prefix = format!("reported.{word} = ");
    let last = trace.steps.iter().rev().find_map(|step| step.action.strip_prefix(&prefix));
    last.expect("the report is recorded").parse().expect("a number")
}

#[test]
fn incident_003_is_reported_as_it_was() {
    for scenario in ["oom-walk", "oom-walk-16"] {
        let (line, trace) = line("stop-machine-prepare", scenario, "v4.18");
        let (cpu, at) = (recorded(&trace, "cpu"), recorded(&trace, "at"));
        let said = recorded(&trace, "duration");
        let pid = 11 + 6 * cpu;
        assert_eq!(
            line,
            format!("watchdog: BUG: soft lockup - CPU#{cpu} stuck for {said}s! [migration/{cpu}:{pid}]")
        );
        assert!((22..=23).contains(&said), "{line}");
        // All were fed at 0, and the sample before it was up to half a second later.
        assert!((20 * SEC..=24 * SEC + SEC / 2).contains(&at), "{at} ns: {line}");
    }
}

#[test]
fn incident_000_ends_as_a_hard_lockup_of_one_of_the_two() {
    let (line, trace) = line("migrate-swap", "s9-watchdog", "0b26351b910f^");
    let cpu = recorded(&trace, "cpu");
    assert_eq!(line, format!("NMI watchdog: Watchdog detected hard LOCKUP on cpu {cpu}"));
    assert!([1, 26].contains(&cpu), "{line}");
    assert_eq!(recorded(&trace, "at"), 10 * SEC, "at its first NMI");
}

#[test]
fn today_a_hard_lockup_names_its_reporter() {
    let (line, _) = line("watchdog", "parks", "timer-first");
    assert_eq!(line, "watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 0");
}
