// SPDX-License-Identifier: GPL-2.0-only
//! The same schedule on the other revisions of the scenario: what each patch changes about this very run.

use crate::engine::Job;
use ksync::catalogue::Row;
use ksync::explore::replay;
use ksync::{Options, Trace, Verdict};
use std::fmt::Write as _;

/// A line for each other revision: how much of the run it can follow, and how that ends.
pub fn lines(rows: &[Row], job: &Job, trace: &Trace) -> String {
    let mut text = String::new();
    let shown = job.row;
    let siblings = rows.iter().filter(|row| {
        row.incident == shown.incident
            && row.scenario == shown.scenario
            && row.revision != shown.revision
            && !row.mutant
    });
    for row in siblings {
        let other = Job { row, ..*job };
        let options = Options::new(job.model).weakened(other.mutants());
        let replayed = replay(&*(row.build)(), &options, trace);
        let end = match replayed.verdict {
            Verdict::Holds => "passes".to_owned(),
            verdict => format!("ends in {}", verdict.kind()),
        };
        let (matched, steps) = (replayed.matched, replayed.steps);
        writeln!(text, "  on {}: {matched} of {steps} steps match, {end}", row.revision).expect("a string takes it");
    }
    if text.is_empty() { text } else { format!("\nThe same schedule\n{text}") }
}
