// SPDX-License-Identifier: GPL-2.0-only
//! Pins of a tail, dropped beside each other and beside a split.

use crate::catalogue::Case;
use crate::compound_head::{self, Relation};
use crate::kernel::{INCIDENT_002, Kernel, MAINLINE};
use crate::kernel_page::ROBUST;
use crate::machine::{Ctx, Machine};
use crate::page::{Kind, Page, PageInit};
use crate::page_flags::PageFlag;
use crate::put_page::{self, FreePath, Get, SplitWon, TAIL_PINS, Unlock, get_page, put_page};
use crate::split_huge_page::{self, __split_huge_page_refcount, HandOver, Lock};
use ksync::Weakness::NoFence;
use ksync::catalogue::Expected::{Holds, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Id, Model, Relaxed, Scenario, Setup};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[PUT_PUT, PUT_SPLIT, GET_SPLIT, PUT_HEAD];

/// The head of the compound page.
pub const HEAD: Id<Page> = Id::new(0);
/// Its tail.
pub const TAIL: Id<Page> = Id::new(1);

pub(crate) const fn put(name: &'static str, what: &'static str, put_page: put_page::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), put_page, ..INCIDENT_002 }
}

pub(crate) const fn split(name: &'static str, what: &'static str, split_huge_page: split_huge_page::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), split_huge_page, ..INCIDENT_002 }
}

const UNLOCK_LATE: Kernel = put(
    "unlock-late",
    "the last reference is dropped before the bit is released",
    put_page::Rev { unlock: Unlock::AfterHead, ..TAIL_PINS },
);

/// A machine with a compound page of two pages, mapped or not, with so many pins through its tail.
pub fn huge_page(kernel: Kernel, mapped: i32, pins: i32) -> Machine {
    Machine::new(kernel).with_pages(&[
        PageInit::new("head", Kind::Head).mapcount(mapped).refcount(mapped + pins),
        PageInit::new("tail", Kind::Tail(0)).mapcount(pins),
    ])
}

/// At the end all is with the allocator again, and without references.
pub fn all_is_freed(setup: &mut Setup, machine: &Arc<Machine>) {
    let machine = machine.clone();
    setup.finally(move |current| {
        let ctx = machine.on(current);
        for page in [HEAD, TAIL] {
            assert!(!PageFlag::CompoundLock.is_in(ctx.page(page).flags.load(Relaxed)), "no lock bit is left set");
            assert_eq!(machine.mem_map.content(page).get(), 0, "no page is leaked");
            assert_eq!(ctx.page(page)._refcount.load(Relaxed), 0, "a free page has no references");
        }
    });
}

/// What a pin is for.
pub fn uses(ctx: &Ctx, page: Id<Page>) {
    assert_eq!(ctx.machine.mem_map.content(page).get(), 1, "a pinned page is not freed");
}

/// The owner splits the page, and then drops what it has of both halves.
pub(crate) fn split_and_unmap(ctx: &Ctx) {
    __split_huge_page_refcount(ctx, HEAD);
    put_page(ctx, HEAD);
    put_page(ctx, TAIL);
}

const PUT_PUT: Case = Case {
    incident: "compound-lock",
    name: "put-put",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: two_pins,
    rows: &[(INCIDENT_002, Holds), (ROBUST, Holds), (MAINLINE, Holds), (UNLOCK_LATE, Violated)],
};

/// Two CPUs have a pin each through the same tail, and nobody else has any.
///
/// Result: Never
pub fn two_pins(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 0, 2));
        all_is_freed(setup, &machine);
        setup.identical_tasks("put_page", 0, 2, move |current| {
            let ctx = machine.on(current);
            uses(&ctx, TAIL);
            put_page(&ctx, TAIL);
        });
    })
}

const PUT_SPLIT: Case = Case {
    incident: "compound-lock",
    name: "put-split",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: pin_and_split,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (
            put(
                "temporary-leaks",
                "the temporary reference is forgotten where the split has won",
                put_page::Rev { split_won: SplitWon::TailOnly, ..TAIL_PINS },
            ),
            Violated,
        ),
        (
            put(
                "pin-leaks",
                "the pin on the tail is forgotten where the split has won",
                put_page::Rev { split_won: SplitWon::HeadOnly, ..TAIL_PINS },
            ),
            Violated,
        ),
        (
            put(
                "lock-forgotten",
                "the bit is not released where the split has won",
                put_page::Rev { split_won: SplitWon::KeepsLock, ..TAIL_PINS },
            ),
            Violated,
        ),
        (
            put(
                "unlock-early",
                "the bit is released before the tail has one pin less",
                put_page::Rev { unlock: Unlock::BeforeTail, ..TAIL_PINS },
            ),
            Violated,
        ),
        (
            Kernel {
                label: Label::mutant("no-second-look", "first_page is followed without a second look at PG_tail"),
                compound_head: compound_head::Rev { relation: Relation::Flag, ..compound_head::CLOSE_RACE },
                ..INCIDENT_002
            },
            Violated,
        ),
        (
            split(
                "no-compound-lock",
                "the split does not take the bit",
                split_huge_page::Rev { lock: Lock::No, ..split_huge_page::TAIL_PINS },
            ),
            Violated,
        ),
        (
            split(
                "pins-forgotten",
                "the tail does not get the pins that were taken through it",
                split_huge_page::Rev { hand_over: HandOver::WithoutPins, ..split_huge_page::TAIL_PINS },
            ),
            Violated,
        ),
        (
            Kernel {
                label: Label::mutant("no-wmb", "no barrier between a tail's end and the other use of its words")
                    .without(&[("split_tail", NoFence(Fence::Wmb))]),
                ..INCIDENT_002
            },
            Violated,
        ),
        (
            Kernel {
                label: Label::mutant("no-rmb", "no barrier between the pointer to the head and PG_tail")
                    .without(&[("compound_head_by_tail", NoFence(Fence::Rmb))]),
                ..INCIDENT_002
            },
            Violated,
        ),
    ],
};

/// A pin through the tail is dropped while the owner splits the page and then unmaps both halves.
///
/// Result: Never
pub fn pin_and_split(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 1));
        all_is_freed(setup, &machine);
        machine.spawn(setup, "put_page", 0, |ctx| {
            uses(ctx, TAIL);
            put_page(ctx, TAIL);
        });
        machine.spawn(setup, "split_huge_page", 1, split_and_unmap);
    })
}

const GET_SPLIT: Case = Case {
    incident: "compound-lock",
    name: "get-split",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: another_pin_and_split,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (
            put(
                "get-without-look",
                "a pin is counted in what may be no tail any more",
                put_page::Rev { get: Get::WithoutLook, ..TAIL_PINS },
            ),
            Violated,
        ),
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
            Race,
        ),
        (
            split(
                "handed-over-late",
                "the tail is a page of its own before it has its references",
                split_huge_page::Rev { hand_over: HandOver::AddLate, ..split_huge_page::TAIL_PINS },
            ),
            Violated,
        ),
    ],
};

/// Who has a pin through the tail takes another and drops it, while the owner splits the page.
///
/// Result: Never
pub fn another_pin_and_split(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 1));
        all_is_freed(setup, &machine);
        machine.spawn(setup, "get_page", 0, |ctx| {
            get_page(ctx, TAIL);
            put_page(ctx, TAIL);
            uses(ctx, TAIL);
            put_page(ctx, TAIL);
        });
        machine.spawn(setup, "split_huge_page", 1, split_and_unmap);
    })
}

const PUT_HEAD: Case = Case {
    incident: "compound-lock",
    name: "put-head",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: head_pin_and_split,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (
            put(
                "stale-destructor",
                "how the page is freed is decided before its last reference is gone",
                put_page::Rev { free_path: FreePath::BeforePut, ..TAIL_PINS },
            ),
            Violated,
        ),
    ],
};

/// A reference of the head is dropped while the owner splits the page and then unmaps both halves.
///
/// Result: Never
pub fn head_pin_and_split(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let head = PageInit::new("head", Kind::Head).refcount(2);
        let machine = Arc::new(Machine::new(kernel).with_pages(&[head, PageInit::new("tail", Kind::Tail(0))]));
        all_is_freed(setup, &machine);
        machine.spawn(setup, "put_page", 0, |ctx| {
            uses(ctx, HEAD);
            put_page(ctx, HEAD);
        });
        machine.spawn(setup, "split_huge_page", 1, split_and_unmap);
    })
}
