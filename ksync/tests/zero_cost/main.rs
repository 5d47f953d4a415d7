// SPDX-License-Identifier: GPL-2.0-only
//! On real atomics the facade costs nothing: each of its operations becomes the instructions that a person would
//! have written.
#![cfg(all(not(loom), target_arch = "x86_64", target_os = "linux"))]
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

mod asm;
mod hand;
mod pairs;

use asm::{Listing, release_build};
use std::sync::OnceLock;

/// The assembly of this very test, built for release once.
fn listing() -> &'static Listing {
    static LISTING: OnceLock<Listing> = OnceLock::new();
    LISTING.get_or_init(|| release_build("ksync", "zero_cost", "false"))
}

/// How many lines are no labels.
fn instructions(body: &[String]) -> usize {
    body.iter().filter(|line| !line.ends_with(':')).count()
}

#[test]
fn every_operation_is_what_a_person_would_have_written() {
    let differences: Vec<String> = pairs::NAMES.iter().filter_map(|name| listing().difference(name)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn barriers_that_x86_has_for_free_are_no_instructions() {
    for (name, stores_and_loads) in [("smp_wmb", 2), ("smp_rmb", 3), ("before_atomic", 2)] {
        let body = listing().function(&format!("facade_{name}"));
        assert_eq!(instructions(&body), stores_and_loads + 1, "{name} and a return: {body:?}");
    }
    let body = listing().function("facade_smp_mb");
    assert_eq!(
        body.iter().filter(|line| line.starts_with("mfence") || line.starts_with("lock")).count(),
        1,
        "{body:?}"
    );
}

/// LLVM gives the two loops different shapes, and the facade's is the shorter one.
#[test]
fn a_compare_and_exchange_loop_is_no_longer_than_by_hand() {
    for name in ["add_unless", "xchg_bits"] {
        let [facade, by_hand] = ["facade", "by_hand"].map(|form| listing().function(&format!("{form}_{name}")));
        assert!(instructions(&facade) <= instructions(&by_hand), "{facade:?} {by_hand:?}");
        for body in [facade, by_hand] {
            assert_eq!(body.iter().filter(|line| line.starts_with("lock")).count(), 1, "{body:?}");
        }
    }
}

#[test]
fn one_instruction_too_many_is_seen() {
    let difference = listing().difference(pairs::UNEQUAL).expect("an exchange is no plain store");
    assert!(difference.contains("xchgl") && difference.contains("movl"), "{difference}");
}
