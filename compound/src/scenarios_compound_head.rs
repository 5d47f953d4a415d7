// SPDX-License-Identifier: GPL-2.0-only
//! From a tail to its head, without a reference of either: `page_count()` of memory compaction does so.

use crate::catalogue::Case;
use crate::compound_head::{self, Reuse, compound_head, reuse_word};
use crate::kernel::{INCIDENT_002, Kernel, MAINLINE};
use crate::kernel_page::{CLOSE_RACE, HEAD_ONLY, ROBUST, TAIL_FIRST};
use crate::machine::{Ctx, Machine};
use crate::page::{Kind, PageInit};
use crate::page_alloc::{alloc_hugepage, alloc_page};
use crate::page_flags::PageFlag;
use crate::put_page::put_page;
use crate::scenarios_compound_lock::{HEAD, TAIL, huge_page};
use ksync::Weakness::NoFence;
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Model, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[PREP, PREP_LKMM, PREP_WMB, REUSED, STUCK_BIT];

const PREP: Case = Case {
    incident: "compound-head",
    name: "prep",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("C11 allows what prep-lkmm shows"),
    scenario: made_compound,
    rows: &[(TAIL_FIRST, Violated), (CLOSE_RACE, Holds), (ROBUST, Holds), (MAINLINE, Holds)],
};

const PREP_LKMM: Case = Case {
    incident: "compound-head",
    name: "prep-lkmm",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: made_compound,
    rows: &[(TAIL_FIRST, Violated), (CLOSE_RACE, Violated), (ROBUST, Holds), (MAINLINE, Holds)],
};

/// Somebody looks for the head of a page while the allocator makes it a tail. On `x86`, where loads are not
/// reordered, two looks at the flag are enough. Elsewhere they are not: nothing orders the pointer behind the first.
///
/// Result: Violated in TAIL_FIRST
pub fn made_compound(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let pages = [PageInit::new("head", Kind::Free), PageInit::new("tail", Kind::Free)];
        let machine = Arc::new(Machine::new(kernel).with_pages(&pages).with_hugepages_of(2));
        machine.spawn(setup, "page_count", 0, looks);
        machine.spawn(setup, "alloc_hugepage", 1, |ctx| {
            alloc_hugepage(ctx, HEAD, 1);
        });
    })
}

/// What `compound_head()` promises.
fn looks(ctx: &Ctx) {
    let head = compound_head(ctx, TAIL);
    assert!(head == HEAD || head == TAIL, "a head, or the page itself");
}

const PREP_WMB: Case = Case {
    incident: "compound-head",
    name: "prep-in-order",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: made_compound_seen_in_order,
    rows: &[
        (CLOSE_RACE, Holds),
        (
            Kernel {
                label: Label::mutant("no-wmb-prep", "no barrier between the pointer to the head and PG_tail")
                    .without(&[("prep_compound_page", NoFence(Fence::Wmb))]),
                ..CLOSE_RACE
            },
            Violated,
        ),
    ],
};

/// The same, as `x86` reads: in order.
///
/// Result: Never
pub fn made_compound_seen_in_order(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let pages = [PageInit::new("head", Kind::Free), PageInit::new("tail", Kind::Free)];
        let machine = Arc::new(Machine::new(kernel).with_pages(&pages).with_hugepages_of(2));
        machine.spawn(setup, "page_count", 0, |ctx| {
            if compound_head::page_tail(ctx, TAIL) {
                // ORDERING: the first look before all that follows. Pairs with `prep_compound_page()`. Without it
                // this is the case before: `prep-in-order` fails.
                ksync::smp_rmb();
                looks(ctx);
            }
        });
        machine.spawn(setup, "alloc_hugepage", 1, |ctx| {
            alloc_hugepage(ctx, HEAD, 1);
        });
    })
}

const REUSED: Case = Case {
    incident: "compound-head",
    name: "reused-word",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: tail_before_and_after,
    rows: &[
        (CLOSE_RACE, Violated),
        (ROBUST, Holds),
        (MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("odd-user", "the word of the relation is used for a value with bit 0 set"),
                compound_head: compound_head::Rev { reuse: Reuse::Anything, ..compound_head::ROBUST },
                ..MAINLINE
            },
            Violated,
        ),
    ],
};

/// A tail is freed, used for something else, and a tail once more: it was one before and after, but not between.
///
/// Result: Violated in CLOSE_RACE
pub fn tail_before_and_after(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 0));
        machine.spawn(setup, "page_count", 0, looks);
        machine.spawn(setup, "owner", 1, |ctx| {
            put_page(ctx, HEAD);
            assert!(alloc_page(ctx, TAIL, 2), "the page is free");
            reuse_word(ctx, TAIL);
            put_page(ctx, TAIL);
            assert!(alloc_hugepage(ctx, HEAD, 3), "the pages are free");
        });
    })
}

const STUCK_BIT: Case = Case {
    incident: "compound-lock",
    name: "stuck-bit",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: bit_set_for_ever,
    rows: &[(INCIDENT_002, Lockup), (ROBUST, Lockup), (HEAD_ONLY, Holds), (MAINLINE, Holds)],
};

/// The head as the dump of incident 002 has it: the bit is set, and nobody is there who would clear it. Whatever set
/// it, nobody waits for it once tails are not counted.
///
/// Result: Lockup in INCIDENT_002
pub fn bit_set_for_ever(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let head = PageInit::new("head", Kind::Head).refcount(74).flag(PageFlag::CompoundLock);
        let tail = PageInit::new("tail", Kind::Tail(0)).mapcount(2);
        let machine = Arc::new(Machine::new(kernel).with_pages(&[head, tail]));
        machine.spawn(setup, "fas_readwriter", 10, |ctx| put_page(ctx, TAIL));
    })
}
