// SPDX-License-Identifier: GPL-2.0-only
//! No revision without the scenario that tells it from its parent.

use cfs_bw::catalogue::rows;
use cfs_bw::kernel::{BEFORE, HISTORY, RHEL_7_9, UNLOCKED_READS};
use ksync::catalogue::{Expected, Row};

/// What the catalogue expects of a kernel in each scenario that it is listed for.
fn expected<'a>(rows: &'a [Row], commit: &'a str) -> impl Iterator<Item = ((&'a str, &'a str), Expected)> + 'a {
    // One kernel has two names: the commit that made it, and the parent of the next.
    let names =
        if commit == BEFORE.label.revision { [commit, UNLOCKED_READS.label.revision] } else { [commit, commit] };
    let listed = rows.iter().filter(move |row| names.contains(&row.revision));
    listed.map(|row| ((row.incident, row.scenario), row.expected))
}

/// The scenarios that are listed for both, with different verdicts.
fn telling<'a>(rows: &'a [Row], one: &'a str, other: &'a str) -> Vec<(&'a str, &'a str)> {
    let differs = |(scenario, verdict)| {
        let other = expected(rows, other).find(|&(name, _)| name == scenario);
        other.is_some_and(|(_, other)| other != verdict).then_some(scenario)
    };
    expected(rows, one).filter_map(differs).collect()
}

#[test]
fn each_kernel_is_told_from_the_one_before_it() {
    let rows = rows();
    for pair in HISTORY.windows(2) {
        let (parent, kernel) = (pair[0].label.revision, pair[1].label.revision);
        assert!(!telling(&rows, parent, kernel).is_empty(), "nothing tells {kernel} from {parent}");
    }
}

/// It took some fixes and left others out, so no mainline kernel does what it does.
#[test]
fn the_distribution_is_told_from_each_mainline_kernel() {
    let rows = rows();
    for kernel in HISTORY {
        assert!(
            !telling(&rows, kernel.label.revision, RHEL_7_9.label.revision).is_empty(),
            "nothing tells it from {}",
            kernel.label.revision
        );
    }
}

/// A mutant fails somewhere, or its row says that it is harmless there; and it is a change of something.
#[test]
fn each_mutant_fails_or_is_said_to_be_harmless() {
    for row in rows().iter().filter(|row| row.mutant && row.expected == Expected::Holds) {
        let why = ["harmless here", "does no harm any more"];
        assert!(why.iter().any(|words| row.what.contains(words)), "{row:?} holds, and does not say why");
    }
}
