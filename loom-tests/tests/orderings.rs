// SPDX-License-Identifier: GPL-2.0-only
//! Every barrier and every ordering that a port performs is there for a reason: taken away, some scenario fails.
#![cfg(loom)]

use ksync::catalogue::{Expected, Row};
use ksync::explore::{check, orderings};
use ksync::op::Fence;
use ksync::{Model, Options, Verdict, Weaken, Weakness};
use loom_tests::catalogue::catalogue;
use std::collections::{BTreeMap, BTreeSet};

/// Orderings that C has and that no scenario here can need. The port says the same at the line.
fn not_needed_here() -> BTreeSet<Weaken> {
    BTreeSet::from([])
}

/// Scenarios with more states than this do not look for the reason of an ordering: smaller ones show it.
const SMALL: u64 = 30_000;

/// The newest revision of each scenario, where it holds: what stands in the kernel today.
fn newest(rows: &[Row]) -> Vec<&Row> {
    let mut newest: BTreeMap<(&str, &str), &Row> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.mutant && row.expected == Expected::Holds) {
        newest.insert((row.incident, row.scenario), row);
    }
    newest.into_values().collect()
}

/// The kernel's own memory model, whatever the row is decided under.
fn options() -> Options {
    Options { explain: false, max_states: SMALL, ..Options::new(Model::Lkmm) }
}

#[test]
fn each_ordering_is_needed_by_some_scenario() {
    let rows = catalogue();
    let mut performed: BTreeMap<Weaken, Vec<(u64, &Row)>> = BTreeMap::new();
    for row in newest(&rows) {
        let report = check(&*(row.build)(), &options());
        assert!(matches!(report.verdict, Verdict::Holds | Verdict::Unknown { .. }), "{} under lkmm", row.scenario);
        for ordering in orderings(&*(row.build)(), &options()) {
            performed.entry(ordering).or_default().push((report.states, row));
        }
    }
    let mut needless = BTreeSet::new();
    for (ordering, rows) in &mut performed {
        rows.sort_by_key(|(states, _)| *states);
        let fails = |(_, row): &&(u64, &Row)| {
            let report = check(&*(row.build)(), &options().weakened([ordering.clone()]));
            !matches!(report.verdict, Verdict::Holds | Verdict::Unknown { .. })
        };
        match rows.iter().filter(|(states, _)| *states < SMALL).find(fails) {
            Some((_, row)) => println!("{ordering:?}: {}/{} fails without it", row.incident, row.scenario),
            None => {
                needless.insert(ordering.clone());
            }
        }
    }
    assert_eq!(needless, not_needed_here(), "left: nothing fails without these; right: the ones with a reason");
    let _ = (Weakness::RelaxedLoad, Fence::Mb);
}
