// SPDX-License-Identifier: GPL-2.0-only
//! Plain cells: what orders an access, and what is a race.
#![cfg(loom)]

mod memory_driver;

use ksync::explore::memory::{Lkmm, Memory, Rc11};
use memory_driver::{NAIVE, Program, RACE, REDUCED, Search, outcomes};

fn races<M: Memory>(text: &str) -> bool {
    let program = Program::new(text);
    let race = |search| outcomes::<M>(&program, &[], search).outcomes.contains(RACE);
    let found = race(REDUCED);
    for search in [NAIVE, Search { eager: false, ..REDUCED }, Search { retire: false, ..REDUCED }] {
        assert_eq!(race(search), found, "{search:?} disagrees about races in {text}");
    }
    found
}

/// `await` waits for the writer's flag, and then its plain access comes after the writer's.
const ORDERED_IN_BOTH: [&str; 11] = [
    // One agent alone, and readers among themselves.
    "Q:d:1 P:d Q:d:2",
    "P:d | P:d | P:d",
    // Locks: whoever is first.
    "L:s Q:d:1 U:s | L:s P:d Q:d:2 U:s | L:s Q:d:3 U:s",
    "L:s Q:d:1 U:s | T:s P:e Uif:s",
    // Message passing.
    "Q:d:1 Wrel:x:1 | await:x:1 ctrl P:d",
    "Q:d:1 wmb W:x:1 | await:x:1 rmb P:d",
    "Q:d:1 mb W:x:1 | await:x:1 mb Q:d:2",
    "Q:d:1 Wrel:x:1 | await:x:1 ctrl Q:d:2 Wrel:y:1 | await:y:1 ctrl P:d",
    // A read before a write: a release keeps it there.
    "P:d Wrel:x:1 | await:x:1 ctrl Q:d:1",
    // The write of the second has seen the read of the first, so who knows that write need not know the read.
    "P:d Wrel:x:1 | await:x:1 ctrl Q:d:1 wmb W:y:1 | await:y:1 ctrl Q:d:2",
    // A fully ordered read-modify-write on both sides.
    "Q:d:1 X:x:1 | await:x:1 X:x:2 P:d",
];

const RACES_IN_BOTH: [&str; 8] = [
    "Q:d:1 | P:d",
    "Q:d:1 | Q:d:2",
    "L:s Q:d:1 U:s | P:d",
    "L:s Q:d:1 U:s | L:t P:d U:t",
    // The flag orders nothing, on either side.
    "Q:d:1 W:x:1 | await:x:1 ctrl P:d",
    "Q:d:1 Wrel:x:1 | await:x:1 P:d",
    // One of two readers is waited for.
    "P:d Wrel:x:1 | P:d Wrel:y:1 | await:x:1 ctrl Q:d:1",
    // A failed trylock is no acquire.
    "L:s Q:d:1 | T:s P:d",
];

#[test]
fn ordered_accesses_do_not_race() {
    for text in ORDERED_IN_BOTH {
        assert!(!races::<Rc11>(text), "rc11: {text}");
        assert!(!races::<Lkmm>(text), "lkmm: {text}");
    }
}

#[test]
fn unordered_accesses_race() {
    for text in RACES_IN_BOTH {
        assert!(races::<Rc11>(text), "rc11: {text}");
        assert!(races::<Lkmm>(text), "lkmm: {text}");
    }
}

#[test]
fn smp_wmb_and_smp_rmb_order_less_than_c11_fences() {
    // A read is not before smp_wmb(), and a write is not after smp_rmb().
    for text in ["P:d wmb W:x:1 | await:x:1 mb Q:d:1", "Q:d:1 mb W:x:1 | await:x:1 rmb Q:d:2"] {
        assert!(!races::<Rc11>(text), "rc11: {text}");
        assert!(races::<Lkmm>(text), "lkmm: {text}");
    }
}

#[test]
fn a_lock_shows_the_last_value() {
    let program = Program::new("L:s Q:d:1 U:s | L:s P:d U:s");
    let expected = ["0;".to_string(), "1;".to_string()];
    assert!(outcomes::<Rc11>(&program, &[], REDUCED).outcomes.iter().eq(&expected));
    assert!(outcomes::<Lkmm>(&program, &[], REDUCED).outcomes.iter().eq(&expected));
}
