// SPDX-License-Identifier: GPL-2.0-only
//! A pin outlives the compound page that it was taken of: its head is freed, and somebody else's.

use crate::catalogue::Case;
use crate::kernel::{INCIDENT_002, Kernel};
use crate::kernel_page::ROBUST;
use crate::machine::{Ctx, Machine};
use crate::page::{Kind, PageInit};
use crate::page_alloc::alloc_page;
use crate::page_flags::{self, PageFlag, Set, set_page_flag};
use crate::put_page::{self, Pin, TAIL_PINS, get_page, put_page};
use crate::scenarios_compound_lock::{HEAD, TAIL, all_is_freed, huge_page, uses};
use crate::split_huge_page::__split_huge_page_refcount;
use ksync::Weakness::{NoFence, RelaxedRmw};
use ksync::catalogue::Expected::{Holds, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Model, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[REUSED, SLAB, SLAB_GET, SLAB_PUT];

/// What the next owner writes into the page.
const NEXT_OWNER: u32 = 2;

const fn put(name: &'static str, what: &'static str, pin: Pin) -> Kernel {
    Kernel { label: Label::mutant(name, what), put_page: put_page::Rev { pin, ..TAIL_PINS }, ..INCIDENT_002 }
}

const REUSED: Case = Case {
    incident: "compound-lock",
    name: "reused-head",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: head_is_allocated_again,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (put("unpinned-lock", "the bit of the head is taken without a reference of it", Pin::Never), Violated),
        (put("pins-the-dead", "the head is pinned whether it has references or not", Pin::Always), Race),
    ],
};

/// After the split the head is freed, and has a new owner, while a pin through the tail is dropped.
///
/// Result: Never
pub fn head_is_allocated_again(kernel: Kernel) -> Box<Scenario> {
    next_owner(kernel, |_| {}, drops)
}

const SLAB: Case = Case {
    incident: "compound-lock",
    name: "slab-after-split",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: head_is_a_slab,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (
            Kernel {
                label: Label::mutant("no-rmb-put", "no barrier between the head's flags and the tail's")
                    .without(&[("put_unrefcounted_compound_page", NoFence(Fence::Rmb))]),
                ..INCIDENT_002
            },
            Violated,
        ),
        (
            Kernel {
                label: Label::mutant(
                    "plain-set-of-new",
                    "who allocates a page sets its flags by a plain read and write",
                ),
                page_flags: page_flags::Rev { set: Set::Plain },
                ..INCIDENT_002
            },
            Violated,
        ),
    ],
};

/// The same, and the new owner makes the page a slab: a compound page whose tails have no pins of their own.
///
/// Result: Never
pub fn head_is_a_slab(kernel: Kernel) -> Box<Scenario> {
    next_owner(kernel, makes_slab, drops)
}

fn makes_slab(ctx: &Ctx) {
    set_page_flag(ctx, PageFlag::Slab, &ctx.page(HEAD).flags);
}

fn drops(ctx: &Ctx) {
    uses(ctx, TAIL);
    put_page(ctx, TAIL);
}

const SLAB_GET: Case = Case {
    incident: "compound-lock",
    name: "slab-get",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: another_pin_and_slab,
    rows: &[
        (INCIDENT_002, Holds),
        (
            Kernel {
                label: Label::mutant("no-rmb-get", "no barrier between the head's flags and the tail's")
                    .without(&[("__get_page_tail", NoFence(Fence::Rmb))]),
                ..INCIDENT_002
            },
            Violated,
        ),
    ],
};

/// The same, and who has the pin takes another one first.
///
/// Result: Never
pub fn another_pin_and_slab(kernel: Kernel) -> Box<Scenario> {
    next_owner(kernel, makes_slab, |ctx| {
        get_page(ctx, TAIL);
        put_page(ctx, TAIL);
        drops(ctx);
    })
}

const SLAB_PUT: Case = Case {
    incident: "compound-lock",
    name: "slab-put",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: two_pins_of_a_slab,
    rows: &[
        (INCIDENT_002, Holds),
        (ROBUST, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-put", "put_page_testzero() orders nothing")
                    .without(&[("put_page_testzero", RelaxedRmw)]),
                ..INCIDENT_002
            },
            Race,
        ),
    ],
};

/// Two CPUs have a pin each through the tail of a slab, where only the head counts.
///
/// Result: Never
pub fn two_pins_of_a_slab(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let head = PageInit::new("head", Kind::Head).refcount(2).flag(PageFlag::Slab);
        let machine = Arc::new(Machine::new(kernel).with_pages(&[head, PageInit::new("tail", Kind::Tail(0))]));
        all_is_freed(setup, &machine);
        setup.identical_tasks("put_page", 0, 2, move |current| drops(&machine.on(current)));
    })
}

fn next_owner(kernel: Kernel, makes: fn(&Ctx), body: fn(&Ctx)) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 1));
        all_is_freed(setup, &machine);
        machine.spawn(setup, "put_page", 0, body);
        machine.spawn(setup, "split_huge_page", 1, move |ctx| {
            __split_huge_page_refcount(ctx, HEAD);
            put_page(ctx, HEAD);
            if alloc_page(ctx, HEAD, NEXT_OWNER) {
                makes(ctx);
                assert_eq!(ctx.machine.mem_map.content(HEAD).get(), NEXT_OWNER, "the page is its new owner's");
                put_page(ctx, HEAD);
            }
            put_page(ctx, TAIL);
        });
    })
}
