// SPDX-License-Identifier: GPL-2.0-only
//! A page that is split while its count is frozen, and who finds it meanwhile.

use crate::catalogue::Case;
use crate::compound_head::compound_head;
use crate::folio::put_head;
use crate::kernel::{Kernel, MAINLINE};
use crate::kernel_page::{MAPPING_BEFORE, UNFREEZE_FIRST, UNFREEZE_LAST};
use crate::machine::{Ctx, Machine};
use crate::page::{Kind, Page, PageInit};
use crate::page_flags::{PageFlag, set_page_flag};
use crate::page_ref::{self, Freeze, TryGet, get_page_unless_zero};
use crate::put_page::put_page;
use crate::scenarios_compound_lock::{HEAD, TAIL, all_is_freed, uses};
use crate::split_folio::{self, Expects, put_tails, split_huge_page};
use ksync::Weakness::{self, NoFence, RelaxedRmw, RelaxedStore};
use ksync::catalogue::Expected::{Holds, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Id, Model, Relaxed, Scenario, smp_rmb};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[TAIL_LOOKUP, TAIL_LOOKUP_ORDER, HEAD_LOOKUP, PINNED, FLAGS, MAPPING];

const fn try_get(name: &'static str, what: &'static str, try_get: TryGet) -> Kernel {
    Kernel { label: Label::mutant(name, what), page_ref: page_ref::Rev { try_get, ..page_ref::MAINLINE }, ..MAINLINE }
}

const fn expects(name: &'static str, what: &'static str, expects: Expects) -> Kernel {
    Kernel {
        label: Label::mutant(name, what),
        split_folio: split_folio::Rev { expects, ..split_folio::MAINLINE },
        ..MAINLINE
    }
}

const fn weak(name: &'static str, what: &'static str, weaken: &'static [(&'static str, Weakness)]) -> Kernel {
    Kernel { label: Label::mutant(name, what).without(weaken), ..MAINLINE }
}

const GETS: Kernel =
    try_get("get-page", "a reference is taken of a looked-up page, whether it has one or not", TryGet::Add);
const STALE: Kernel =
    try_get("stale-read", "the loop around cmpxchg() does not look for a zero that it finds", TryGet::StaleRead);
const NO_CMPXCHG: Kernel = Kernel {
    label: Label::mutant("freeze-store", "the count is frozen by a read and a write"),
    page_ref: page_ref::Rev { freeze: Freeze::LoadStore, ..page_ref::MAINLINE },
    ..MAINLINE
};

const TAIL_LOOKUP: Case = Case {
    incident: "split",
    name: "tail-lookup",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: tail_is_looked_up,
    rows: &[(UNFREEZE_FIRST, Violated), (UNFREEZE_LAST, Holds), (MAINLINE, Holds), (GETS, Violated)],
};

/// Who waits for the migration of a page looks at it without a reference: it is a tail that becomes a page.
///
/// Result: Violated in UNFREEZE_FIRST
pub fn tail_is_looked_up(kernel: Kernel) -> Box<Scenario> {
    beside_split(kernel, 1, |ctx| looked_up(ctx, TAIL))
}

const TAIL_LOOKUP_ORDER: Case = Case {
    name: "tail-lookup-order",
    loom: LoomUse::CannotCarry("it does not find the relaxed unfreeze"),
    rows: &[
        (MAINLINE, Holds),
        (
            weak("relaxed-unfreeze", "page_ref_unfreeze() orders nothing", &[("page_ref_unfreeze", RelaxedStore)]),
            Violated,
        ),
        (
            weak("relaxed-try-get", "get_page_unless_zero() orders nothing", &[("get_page_unless_zero", RelaxedRmw)]),
            Violated,
        ),
    ],
    ..TAIL_LOOKUP
};

const HEAD_LOOKUP: Case = Case {
    incident: "split",
    name: "head-lookup",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: head_is_looked_up,
    rows: &[(UNFREEZE_FIRST, Holds), (MAINLINE, Holds), (NO_CMPXCHG, Violated), (GETS, Race), (STALE, Race)],
};

/// The same with the head.
///
/// Result: Never
pub fn head_is_looked_up(kernel: Kernel) -> Box<Scenario> {
    beside_split(kernel, 1, |ctx| looked_up(ctx, HEAD))
}

fn looked_up(ctx: &Ctx, page: Id<Page>) {
    if get_page_unless_zero(ctx, page) {
        uses(ctx, page);
        put_page(ctx, page);
    }
}

const PINNED: Case = Case {
    incident: "split",
    name: "pinned",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: tail_is_pinned,
    rows: &[
        (UNFREEZE_FIRST, Holds),
        (MAINLINE, Holds),
        (expects("one-more", "a reference that nobody has is accounted for", Expects::OneMore), Violated),
    ],
};

/// Who has a pin through the tail drops it: before, there is no split.
///
/// Result: Never
pub fn tail_is_pinned(kernel: Kernel) -> Box<Scenario> {
    beside_split(kernel, 2, |ctx| {
        uses(ctx, TAIL);
        put_page(ctx, TAIL);
    })
}

/// One task splits the page if it can, and drops what it has; the other does this.
fn beside_split(kernel: Kernel, references: i32, body: fn(&Ctx)) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(unmapped(kernel, references));
        all_is_freed(setup, &machine);
        machine.spawn(setup, "lookup", 0, body);
        machine.spawn(setup, "split_huge_page", 1, move |ctx| {
            let split = split_huge_page(ctx, HEAD);
            if split {
                put_tails(ctx, HEAD);
            }
            put_head(ctx, HEAD);
        });
    })
}

/// A compound page that nobody maps.
fn unmapped(kernel: Kernel, references: i32) -> Machine {
    let head = PageInit::new("head", Kind::Head).mapcount(0).refcount(references);
    Machine::new(kernel).with_pages(&[head, PageInit::new("tail", Kind::Tail(0))])
}

const FLAGS: Case = Case {
    incident: "split",
    name: "waiters-bit",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: flag_of_a_tail,
    rows: &[
        (UNFREEZE_FIRST, Violated),
        (UNFREEZE_LAST, Holds),
        (MAINLINE, Holds),
        (expects("forgets-its-own", "the caller's own reference is not accounted for", Expects::None), Violated),
    ],
};

/// Who has a reference of a page sets a flag of it, and goes to sleep: without the flag nobody wakes it.
///
/// DEVIATION: `PG_waiters` has no number in RHEL 7's list of flags; `PG_referenced` stands for it.
///
/// Result: Violated in UNFREEZE_FIRST
pub fn flag_of_a_tail(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(unmapped(kernel, 1));
        let after = machine.clone();
        machine.spawn(setup, "lock_page", 0, |ctx| {
            if get_page_unless_zero(ctx, TAIL) {
                set_page_flag(ctx, PageFlag::Referenced, &ctx.page(TAIL).flags);
            }
        });
        machine.spawn(setup, "split_huge_page", 1, |ctx| {
            assert!(split_huge_page(ctx, HEAD), "a page that nobody else has can be split");
        });
        setup.finally(move |_| {
            let tail = after.mem_map.page(TAIL);
            let waits = tail._refcount.load(Relaxed) == 2;
            assert_eq!(PageFlag::Referenced.is_in(tail.flags.load(Relaxed)), waits, "the bit stays for the waker");
        });
    })
}

const MAPPING: Case = Case {
    incident: "split",
    name: "mapping",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: mapping_of_a_tail,
    rows: &[
        (UNFREEZE_LAST, Violated),
        (MAPPING_BEFORE, Holds),
        (MAINLINE, Holds),
        (
            weak(
                "no-wmb-split",
                "no barrier between what a page is and the end of the tail",
                &[("__split_huge_page_tail", NoFence(Fence::Wmb))],
            ),
            Violated,
        ),
    ],
};

/// Who finds a page that is no tail finds its mapping too.
///
/// Result: Violated in UNFREEZE_LAST
pub fn mapping_of_a_tail(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(unmapped(kernel, 1));
        machine.spawn(setup, "page_mapping", 0, |ctx| {
            if compound_head(ctx, TAIL) == TAIL {
                // ORDERING: no tail any more before the mapping. Pairs with `__split_huge_page_tail()`. Without it
                // this reader sees a page of its own without a mapping.
                smp_rmb();
                assert_ne!(ctx.page(TAIL).mapping.load(Relaxed), 0, "a page has its mapping");
            }
        });
        machine.spawn(setup, "split_huge_page", 1, |ctx| {
            split_huge_page(ctx, HEAD);
        });
    })
}
