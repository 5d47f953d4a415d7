// SPDX-License-Identifier: GPL-2.0-only
//! Why `split_tail()` has a full barrier, although no scenario fails without it: only load buffering shows it, which
//! the judge of `lockup litmus` has and the engines have not.
#![cfg(loom)]

use loom_tests::litmus::graph::{Parts, WHOLE, judge};
use loom_tests::litmus::{lower, parser};

/// A tail gets its references and is a page of its own; who sees that takes a reference and drops it. It must not be
/// the last.
fn is_freed_early(barrier: &str, parts: Parts) -> bool {
    let text = format!(
        "C split-tail\n\n{{ tail=1; }}\n\n\
         P0(int *tail, atomic_t *count)\n{{\n\
         \tatomic_add(3, count);\n\t{barrier}\n\tWRITE_ONCE(*tail, 0);\n}}\n\n\
         P1(int *tail, atomic_t *count)\n{{\n\
         \tint r0;\n\tint r1;\n\n\
         \tr0 = READ_ONCE(*tail);\n\
         \tif (r0 == 0) {{\n\t\tatomic_inc(count);\n\t\tr1 = atomic_dec_and_test(count);\n\t}}\n}}\n\n\
         exists (1:r0=0 /\\ 1:r1=1)\n"
    );
    let test = parser::parse(&text).expect("it is well formed");
    let outcomes = judge(&lower::lower(&test).expect("all of it is known"), parts);
    assert_eq!(outcomes.bounded, None);
    outcomes.positive > 0
}

#[test]
fn a_barrier_keeps_the_references_before_the_end_of_the_tail() {
    assert!(is_freed_early("", WHOLE));
    assert!(!is_freed_early("smp_mb();", WHOLE));
}

#[test]
fn without_load_buffering_the_barrier_is_not_missed() {
    assert!(!is_freed_early("", Parts { load_buffering: false, ..WHOLE }));
}
