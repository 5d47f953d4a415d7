// SPDX-License-Identifier: GPL-2.0-only
//! The count of one page: who has a reference has the page.

use crate::catalogue::Case;
use crate::kernel::{INCIDENT_002, Kernel, MAINLINE};
use crate::machine::Machine;
use crate::page::{Kind, PageInit};
use crate::page_alloc::alloc_page;
use crate::page_ref::{page_ref_freeze, page_ref_unfreeze};
use crate::put_page::put_page;
use crate::scenarios_compound_lock::{HEAD, uses};
use ksync::Weakness::{RelaxedRmw, RelaxedStore};
use ksync::catalogue::Expected::{Holds, Race};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[LAST_PUT, FREE_ALLOC, FROZEN];

const LAST_PUT: Case = Case {
    incident: "page-ref",
    name: "last-put",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: two_references,
    rows: &[
        (INCIDENT_002, Holds),
        (MAINLINE, Holds),
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

/// Two CPUs have a reference each, and the one who drops the last frees the page.
///
/// Result: Never
pub fn two_references(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let page = PageInit::new("page", Kind::Single).refcount(2);
        let machine = Arc::new(Machine::new(kernel).with_pages(&[page]));
        let after = machine.clone();
        setup.identical_tasks("put_page", 0, 2, move |current| {
            let ctx = machine.on(current);
            uses(&ctx, HEAD);
            put_page(&ctx, HEAD);
        });
        setup.finally(move |_| assert_eq!(after.mem_map.content(HEAD).get(), 0, "no page is leaked"));
    })
}

const FREE_ALLOC: Case = Case {
    incident: "page-ref",
    name: "free-alloc",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: two_owners,
    rows: &[
        (INCIDENT_002, Holds),
        (MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-free", "free_page() publishes the page without order")
                    .without(&[("free_page", RelaxedStore)]),
                ..INCIDENT_002
            },
            Race,
        ),
        (
            Kernel {
                label: Label::mutant("relaxed-alloc", "alloc_page() takes the page without order")
                    .without(&[("alloc_page", RelaxedRmw)]),
                ..INCIDENT_002
            },
            Race,
        ),
    ],
};

/// One owner frees the page, the next allocates it.
///
/// Result: Never
pub fn two_owners(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::new(kernel).with_pages(&[PageInit::new("page", Kind::Single)]));
        machine.spawn(setup, "put_page", 0, |ctx| {
            uses(ctx, HEAD);
            put_page(ctx, HEAD);
        });
        machine.spawn(setup, "alloc_page", 1, |ctx| {
            if alloc_page(ctx, HEAD, 2) {
                assert_eq!(ctx.machine.mem_map.content(HEAD).get(), 2, "the page is its new owner's");
            }
        });
    })
}

const FROZEN: Case = Case {
    incident: "page-ref",
    name: "frozen",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: has_it_to_itself,
    rows: &[
        (MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-freeze", "page_ref_freeze() orders nothing")
                    .without(&[("page_ref_freeze", RelaxedRmw)]),
                ..MAINLINE
            },
            Race,
        ),
    ],
};

/// Who freezes the count has the page to himself, and what is in it.
///
/// Result: Never
pub fn has_it_to_itself(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let page = PageInit::new("page", Kind::Single).refcount(2);
        let machine = Arc::new(Machine::new(kernel).with_pages(&[page]));
        machine.spawn(setup, "put_page", 0, |ctx| {
            uses(ctx, HEAD);
            put_page(ctx, HEAD);
        });
        machine.spawn(setup, "freezes", 1, |ctx| {
            if page_ref_freeze(ctx, HEAD, 1) {
                ctx.machine.mem_map.content(HEAD).set(1);
                page_ref_unfreeze(ctx, HEAD, 1);
            }
            put_page(ctx, HEAD);
        });
    })
}
