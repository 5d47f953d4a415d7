// SPDX-License-Identifier: GPL-2.0-only
//! The history of compound pages, oldest first: each kernel is made from the one before it.

use crate::kernel::{INCIDENT_002, Kernel};
use crate::{compound_head, page_ref, put_page, split_folio, try_grab};
use ksync::catalogue::Label;

/// The kernel before the oldest fix here.
pub const TAIL_FIRST: Kernel = Kernel {
    label: Label::commit("668f9abbd433^", "looks at PG_tail, and then follows first_page"),
    compound_head: compound_head::TAIL_FIRST,
    ..INCIDENT_002
};

/// Two looks at the flag. Incident 002 has this.
pub const CLOSE_RACE: Kernel = Kernel {
    label: Label::commit("668f9abbd433", "mm: close PageTail race"),
    compound_head: compound_head::CLOSE_RACE,
    ..TAIL_FIRST
};

/// One word.
pub const ROBUST: Kernel = Kernel {
    label: Label::commit("1d798ca3f164", "mm: make compound_head() robust"),
    compound_head: compound_head::ROBUST,
    ..CLOSE_RACE
};

/// No lock any more.
pub const HEAD_ONLY: Kernel = Kernel {
    label: Label::commit("ddc58f27f9ee", "mm: drop tail page refcounting"),
    put_page: put_page::HEAD_ONLY,
    split_folio: split_folio::UNFREEZE_FIRST,
    try_grab: try_grab::CHECK_BEFORE,
    ..ROBUST
};

/// The kernel before the next fix.
pub const UNFREEZE_FIRST: Kernel = Kernel {
    label: Label::commit("605ca5ede764^", "a tail gets its references before it is a page of its own"),
    ..HEAD_ONLY
};

/// A tail gets its references last. `page_ref_unfreeze()` became a release in the same version.
pub const UNFREEZE_LAST: Kernel = Kernel {
    label: Label::commit("605ca5ede764", "mm/huge_memory.c: reorder operations in __split_huge_page_tail()"),
    split_folio: split_folio::UNFREEZE_LAST,
    ..UNFREEZE_FIRST
};

/// The mapping too.
pub const MAPPING_BEFORE: Kernel = Kernel {
    label: Label::commit(
        "173d9d9fd3dd",
        "a tail has its mapping before it is a page of its own (commit id not checked)",
    ),
    split_folio: split_folio::MAPPING_BEFORE,
    ..UNFREEZE_LAST
};

/// The kernel before the next fix.
pub const CHECK_BEFORE: Kernel =
    Kernel { label: Label::commit("c24d37322548^", "pins the head that the page had before"), ..MAPPING_BEFORE };

/// A second look at the head.
pub const CHECK_AFTER: Kernel = Kernel {
    label: Label::commit("c24d37322548", "mm/gup: fix try_grab_compound_head() race with split_huge_page()"),
    try_grab: try_grab::CHECK_AFTER,
    ..CHECK_BEFORE
};

/// The kernel before the next fix.
pub const TRY_GET_RCU: Kernel = Kernel {
    label: Label::commit("fa2690af573d^", "takes the count for nonzero with CONFIG_TINY_RCU"),
    page_ref: page_ref::TRY_GET_RCU,
    ..CHECK_AFTER
};

/// No shortcut.
pub const NO_TRY_GET_RCU: Kernel = Kernel {
    label: Label::commit("fa2690af573d", "mm: page_ref: remove folio_try_get_rcu()"),
    page_ref: page_ref::MAINLINE,
    ..TRY_GET_RCU
};
