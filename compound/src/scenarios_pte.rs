// SPDX-License-Identifier: GPL-2.0-only
//! A pin of what a page table entry maps, where no interrupt keeps the page: guests and arm64.

use crate::catalogue::Case;
use crate::folio::put_head;
use crate::kernel::{Kernel, MAINLINE};
use crate::kernel_page::{CHECK_AFTER, CHECK_BEFORE, NO_TRY_GET_RCU, TRY_GET_RCU};
use crate::machine::{Ctx, Machine};
use crate::page::{Kind, PageInit};
use crate::page_alloc::alloc_page;
use crate::put_page::put_page;
use crate::scenarios_compound_lock::{HEAD, TAIL, all_is_freed, uses};
use crate::split_folio::{put_tails, split_huge_page};
use crate::try_grab::{self, Pte, PteCheck, Undo, gup_pte_range};
use ksync::catalogue::Expected::{Holds, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Model, Relaxed, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[SPLIT, ZAP, ZAP_ONCE];

const fn undo(name: &'static str, what: &'static str, undo: Undo) -> Kernel {
    Kernel { label: Label::mutant(name, what), try_grab: try_grab::Rev { undo, ..try_grab::MAINLINE }, ..MAINLINE }
}

const SPLIT: Case = Case {
    incident: "gup-fast",
    name: "split-and-reuse",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: head_is_reused,
    rows: &[
        (CHECK_BEFORE, Violated),
        (CHECK_AFTER, Holds),
        (MAINLINE, Holds),
        (undo("undo-leaks", "a pin of the wrong head is not dropped", Undo::Nothing), Violated),
        (undo("undo-page", "a pin of the wrong head is dropped from the right one", Undo::Page), Violated),
    ],
};

/// The huge page is split, its head freed and another's, and the tail unmapped.
///
/// Result: Violated in CHECK_BEFORE
pub fn head_is_reused(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let head = PageInit::new("head", Kind::Head).refcount(2);
        let machine = Arc::new(Machine::new(kernel).with_pages(&[head, PageInit::new("tail", Kind::Tail(0))]));
        all_is_freed(setup, &machine);
        let ptep: Arc<Atomic<Pte>> = Arc::new(Atomic::named(Some(TAIL), format_args!("pte")));
        let other = ptep.clone();
        machine.spawn(setup, "gup", 0, move |ctx| pins(ctx, &ptep));
        machine.spawn(setup, "split_huge_page", 1, move |ctx| {
            // `unmap_page()`: the mapping and its reference go.
            other.store(None, Relaxed);
            put_head(ctx, HEAD);
            if !split_huge_page(ctx, HEAD) {
                put_head(ctx, HEAD);
                return;
            }
            // `remap_page()`: the tail's reference is the mapping's now.
            other.store(Some(TAIL), Relaxed);
            put_head(ctx, HEAD);
            let reused = alloc_page(ctx, HEAD, 2);
            other.store(None, Relaxed);
            put_tails(ctx, HEAD);
            if reused {
                put_head(ctx, HEAD);
            }
        });
    })
}

/// `get_user_pages_fast()`, and what the pin is for.
fn pins(ctx: &Ctx, ptep: &Atomic<Pte>) {
    if let Some(page) = gup_pte_range(ctx, ptep) {
        uses(ctx, page);
        put_page(ctx, page);
    }
}

const ZAP: Case = Case {
    incident: "gup-fast",
    name: "zap",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: page_is_unmapped,
    rows: &[(TRY_GET_RCU, Race), (NO_TRY_GET_RCU, Holds), (MAINLINE, Holds)],
};

const ZAP_ONCE: Case = Case {
    name: "zap-pte-once",
    loom: LoomUse::CannotCarry("it finds another failure of the mutant: the page is the next owner's"),
    rows: &[
        (MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("pte-once", "the entry is not read again once its page is pinned"),
                try_grab: try_grab::Rev { pte: PteCheck::Once, ..try_grab::MAINLINE },
                ..MAINLINE
            },
            Race,
        ),
    ],
    ..ZAP
};

/// The page is unmapped, freed and somebody else's. It is no reader of RCU that pins it, so nothing keeps its count from zero.
///
/// DEVIATION: a kernel with `CONFIG_TINY_RCU` has one CPU, where interrupts off are enough. Here are two, as the
/// function's users do not know where they run.
///
/// Result: Race in TRY_GET_RCU
pub fn page_is_unmapped(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let page = PageInit::new("page", Kind::Single);
        let machine = Arc::new(Machine::new(kernel).with_pages(&[page, PageInit::new("other", Kind::Free)]));
        all_is_freed(setup, &machine);
        let ptep: Arc<Atomic<Pte>> = Arc::new(Atomic::named(Some(HEAD), format_args!("pte")));
        let other = ptep.clone();
        machine.spawn(setup, "gup", 0, move |ctx| pins(ctx, &ptep));
        machine.spawn(setup, "zap_pte_range", 1, move |ctx| {
            other.store(None, Relaxed);
            put_head(ctx, HEAD);
            if alloc_page(ctx, HEAD, 2) {
                put_head(ctx, HEAD);
            }
        });
    })
}
