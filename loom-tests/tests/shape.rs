// SPDX-License-Identifier: GPL-2.0-only
//! What the catalogue must be before any row of it is run. The same in both builds.

use ksync::catalogue::{Expected, Row};
use loom_tests::catalogue::{catalogue, name};
use std::collections::{BTreeMap, BTreeSet};

fn by_scenario(rows: &[Row]) -> BTreeMap<(&str, &str), Vec<&Row>> {
    let mut scenarios: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        scenarios.entry((row.incident, row.scenario)).or_default().push(row);
    }
    scenarios
}

#[test]
fn no_scenario_is_vacuous() {
    for (scenario, rows) in by_scenario(&catalogue()) {
        let holds = rows.iter().filter(|row| row.expected == Expected::Holds).count();
        assert!(holds > 0, "{scenario:?} holds on no revision: it may fail for a reason of its own");
        assert!(holds < rows.len(), "{scenario:?} fails on no revision: it may show nothing");
    }
}

#[test]
fn no_row_is_listed_twice() {
    let rows = catalogue();
    let names: BTreeSet<String> = rows.iter().map(|row| name(row).to_string()).collect();
    assert_eq!(names.len(), rows.len());
    assert!(!rows.is_empty());
}

#[test]
fn names_can_be_typed() {
    for row in catalogue() {
        for part in [row.incident, row.scenario, row.revision] {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_^.".contains(c);
            assert!(!part.is_empty() && part.chars().all(plain), "{row:?}: '{part}'");
        }
        assert!(!row.what.is_empty() && !row.what.contains('\n'), "{row:?}: one line on what it is");
    }
}
