// SPDX-License-Identifier: GPL-2.0-only
//! Pins of a tail without an end of the page: the sums that must be right at any quiet moment, and the flags that
//! share a word with the bit.

use crate::catalogue::Case;
use crate::gup::{__get_user_pages_fast, Mm};
use crate::kernel::{INCIDENT_002, Kernel};
use crate::kernel_page::ROBUST;
use crate::machine::Machine;
use crate::page::{Kind, PageInit};
use crate::page_flags::{self, PageFlag, Set, set_page_flag};
use crate::put_page::{self, Count, Get, SplitWon, TAIL_PINS, get_page, put_page};
use crate::scenarios_compound_lock::{HEAD, TAIL, all_is_freed, huge_page, put, split, split_and_unmap, uses};
use crate::split_huge_page::{self, __split_huge_page_refcount, ClearHead, page_mapcount};
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Relaxed, Scenario, Setup};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[SUM, SUM_GUP, THREE, PLAIN_FLAG, FLAG_BESIDE_SPLIT];

/// The head's references are those of its mappings and the pins of its tails, and a tail has none of its own.
fn sums_are_right(setup: &mut Setup, machine: &Arc<Machine>, pins: i32) {
    let machine = machine.clone();
    setup.finally(move |current| {
        let ctx = machine.on(current);
        let (head, tail) = (ctx.page(HEAD)._refcount.load(Relaxed), ctx.page(TAIL)._refcount.load(Relaxed));
        assert_eq!(page_mapcount(&ctx, TAIL), pins, "the tail counts its pins");
        assert_eq!(head, page_mapcount(&ctx, HEAD) + pins, "the head counts them too");
        assert_eq!(tail, 0, "a tail has no references of its own");
    });
}

const SUM: Case = Case {
    incident: "compound-lock",
    name: "sum",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: get_beside_put,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (
            put(
                "get-head-only",
                "a pin is counted in the head only",
                put_page::Rev { get: Get::HeadOnly, ..TAIL_PINS },
            ),
            Violated,
        ),
        (
            put(
                "get-tail-only",
                "a pin is counted in the tail only",
                put_page::Rev { get: Get::TailOnly, ..TAIL_PINS },
            ),
            Violated,
        ),
    ],
};

/// One CPU takes a second pin while the other drops the one it has.
///
/// Result: Never
pub fn get_beside_put(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 2));
        sums_are_right(setup, &machine, 2);
        machine.spawn(setup, "get_page", 0, |ctx| get_page(ctx, TAIL));
        machine.spawn(setup, "put_page", 1, |ctx| put_page(ctx, TAIL));
    })
}

const SUM_GUP: Case = Case {
    incident: "gup-fast",
    name: "sum",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("loom has no interrupts"),
    scenario: gup_beside_put,
    rows: &[
        (INCIDENT_002, Holds),
        (
            put(
                "plain-count",
                "the bit is taken for enough to count without a read-modify-write",
                put_page::Rev { count: Count::Plain, ..TAIL_PINS },
            ),
            Violated,
        ),
    ],
};

/// One CPU takes a pin without the bit while the other drops one under it.
///
/// Result: Never
pub fn gup_beside_put(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 1));
        let mm = Mm::new(setup, HEAD, 0);
        sums_are_right(setup, &machine, 1);
        machine.spawn(setup, "gup", 0, move |ctx| assert!(__get_user_pages_fast(ctx, &mm, TAIL), "it is mapped"));
        machine.spawn(setup, "put_page", 1, |ctx| put_page(ctx, TAIL));
    })
}

const THREE: Case = Case {
    incident: "compound-lock",
    name: "put-put-split",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: two_pins_and_split,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (
            put(
                "lock-forgotten",
                "the bit is not released where the split has won",
                put_page::Rev { split_won: SplitWon::KeepsLock, ..TAIL_PINS },
            ),
            Violated,
        ),
    ],
};

/// Two pins through the tail are dropped while the owner splits the page and then unmaps both halves.
///
/// Result: Never
pub fn two_pins_and_split(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 2));
        all_is_freed(setup, &machine);
        let pins = machine.clone();
        setup.identical_tasks("put_page", 0, 2, move |current| {
            let ctx = pins.on(current);
            uses(&ctx, TAIL);
            put_page(&ctx, TAIL);
        });
        machine.spawn(setup, "split_huge_page", 2, split_and_unmap);
    })
}

const PLAIN_FLAG: Case = Case {
    incident: "compound-lock",
    name: "plain-flag",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: flag_beside_put,
    rows: &[
        (INCIDENT_002, Holds),
        (
            Kernel {
                label: Label::mutant("plain-set", "another bit of the word is set by a plain read and write"),
                page_flags: page_flags::Rev { set: Set::Plain },
                ..INCIDENT_002
            },
            Lockup,
        ),
    ],
};

/// Another flag of the head is set while two pins are dropped, one after the other.
///
/// Result: Never
pub fn flag_beside_put(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 2));
        machine.spawn(setup, "put_page", 0, |ctx| {
            put_page(ctx, TAIL);
            put_page(ctx, TAIL);
        });
        machine.spawn(setup, "mark_page_accessed", 1, |ctx| {
            set_page_flag(ctx, PageFlag::Referenced, &ctx.page(HEAD).flags);
        });
    })
}

const FLAG_BESIDE_SPLIT: Case = Case {
    incident: "compound-lock",
    name: "flag-beside-split",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: flag_and_split,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (
            split(
                "plain-clear",
                "PG_head is cleared by a plain read and write",
                split_huge_page::Rev { clear_head: ClearHead::Plain, ..split_huge_page::TAIL_PINS },
            ),
            Violated,
        ),
    ],
};

/// Another flag of the head is set while the page is split.
///
/// Result: Never
pub fn flag_and_split(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let pages = [PageInit::new("head", Kind::Head), PageInit::new("tail", Kind::Tail(0))];
        let machine = Arc::new(Machine::new(kernel).with_pages(&pages));
        let after = machine.clone();
        machine.spawn(setup, "split_huge_page", 0, |ctx| __split_huge_page_refcount(ctx, HEAD));
        machine.spawn(setup, "mark_page_accessed", 1, |ctx| {
            set_page_flag(ctx, PageFlag::Referenced, &ctx.page(HEAD).flags);
        });
        setup.finally(move |_| {
            let flags = after.mem_map.page(HEAD).flags.load(Relaxed);
            assert_eq!(page_flags::decode(flags), [PageFlag::Referenced], "each does to its bit what it wants");
        });
    })
}
