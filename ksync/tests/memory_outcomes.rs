// SPDX-License-Identifier: GPL-2.0-only
//! The weak models against 200 random programs whose outcome sets are known exactly.
//!
//! `data/outcomes.tsv` holds each program with its outcomes, enumerated axiomatically: under RC11 without
//! load buffering (column 4), and under the kernel's model without load buffering (column 7). The kernel's words (column 2)
//! and the C11 ones (column 3) name the same operations; `smp_wmb()` is a release fence there, `smp_rmb()` an acquire fence.
#![cfg(loom)]

mod memory_driver;

use ksync::explore::memory::{Lkmm, Memory, Rc11};
use memory_driver::{Program, REDUCED, Search, outcomes};
use std::collections::BTreeSet;

fn check<M: Memory>(column: usize, search: Search) -> usize {
    let (mut programs, mut states) = (0, 0);
    for line in include_str!("data/outcomes.tsv").lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let finals: Vec<&str> = ["x", "y"]
            .into_iter()
            .filter(|name| columns[1].contains(&format!(":{name}")))
            .collect();
        let expected: BTreeSet<String> = columns[column].split(' ').map(String::from).collect();
        let found = outcomes::<M>(&Program::new(columns[1]), &finals, search);
        assert_eq!(found.outcomes, expected, "{}: {}", columns[0], columns[1]);
        programs += 1;
        states += found.states;
    }
    assert_eq!(programs, 200);
    states
}

/// The column of RC11 and that of the kernel's model.
const RC11: usize = 3;
const LKMM: usize = 6;

/// Each search, and the states that it takes for all programs together.
fn searches<M: Memory>(column: usize) {
    for search in [
        REDUCED,
        Search {
            eager: false,
            ..REDUCED
        },
        Search {
            retire: false,
            ..REDUCED
        },
        Search {
            canon: false,
            ..REDUCED
        },
    ] {
        println!("{search:?}: {} states", check::<M>(column, search));
    }
}

#[test]
fn rc11_gives_exactly_the_outcomes_of_rc11() {
    searches::<Rc11>(RC11);
}

#[test]
fn lkmm_gives_exactly_the_outcomes_of_the_kernel_model() {
    searches::<Lkmm>(LKMM);
}
