// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's model, rule by rule: programs that each need one rule, with their whole sets of outcomes.
//!
//! The outcomes in `data/litmus.tsv` are those that herd7 gives under the kernel's own model, but for the last nine,
//! which are by hand. Those in `data/programs.tsv` belong to random programs that use all primitives; they come from a
//! machine that was written apart from this one, with other data structures and nothing forgotten, and that gives
//! herd7's outcomes on 11,040 random programs.
#![cfg(loom)]

mod memory_driver;

use ksync::explore::memory::Lkmm;
use memory_driver::{NAIVE, Program, REDUCED, Search, outcomes};
use std::collections::BTreeSet;

struct Case<'a> {
    name: &'a str,
    text: &'a str,
    init: &'a str,
    finals: Vec<&'a str>,
    expected: BTreeSet<String>,
}

fn cases(table: &str) -> impl Iterator<Item = Case<'_>> {
    table.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        Case {
            name: columns[0],
            text: columns[1],
            init: columns[2],
            finals: columns[3].split_whitespace().collect(),
            expected: columns[4].split(' ').map(String::from).collect(),
        }
    })
}

/// Compares each case of a table; returns the number of cases.
fn check(table: &str, search: Search) -> usize {
    cases(table)
        .inspect(|case| {
            let mut program = Program::new(case.text);
            if let Some((cell, value)) = case.init.split_once('=') {
                program = program.init(cell, value.parse().expect("a value"));
            }
            let found = outcomes::<Lkmm>(&program, &case.finals, search);
            assert_eq!(found.outcomes, case.expected, "{}: {}", case.name, case.text);
        })
        .count()
}

#[test]
fn each_rule_gives_exactly_the_outcomes_of_herd() {
    let table = include_str!("data/litmus.tsv");
    assert_eq!(check(table, REDUCED), 58);
    assert_eq!(check(table, NAIVE), 58);
}

#[test]
fn random_programs_with_all_primitives() {
    let table = include_str!("data/programs.tsv");
    for search in [REDUCED, Search { eager: false, ..REDUCED }, Search { canon: false, ..REDUCED }] {
        assert_eq!(check(table, search), 200);
    }
}
