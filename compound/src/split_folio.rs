// SPDX-License-Identifier: GPL-2.0-only
//! C: `split_huge_page_to_list()` and `__split_huge_page_tail()`, `mm/huge_memory.c`, v4.9 to v4.17 and on: a page is
//! split while its count is frozen.
//!
//! ```text
//! CPU0, __split_huge_page_tail(tail), v4.9   CPU1, finds the tail
//! tail->_refcount = 1
//!                                            get_page_unless_zero(tail): 1 -> 2
//!                                            put_page(tail)
//!                                              compound_head(tail) == head
//!                                              head->_refcount: 0 -> -1, and the tail's stays
//! clear_compound_head(tail)
//! ```
//!
//! Property: a reference of a page is one of the page, whatever it was a part of.

use crate::compound_head::{clear_compound_head, clear_flag};
use crate::folio::put_page;
use crate::machine::Ctx;
use crate::page::Page;
use crate::page_flags::PageFlag;
use crate::page_ref::{page_ref_freeze, page_ref_unfreeze};
use ksync::{Id, Relaxed, smp_wmb};

/// A revision of the split.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// When a tail gets its references.
    pub unfreeze: Unfreeze,
    /// Whether it has its mapping before it is no tail any more.
    pub mapping: Mapping,
    /// Which references are accounted for.
    pub expects: Expects,
}

/// When a tail gets its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfreeze {
    /// Before all else.
    First,
    /// After all else.
    Last,
}

/// Whether a tail has its mapping before it is no tail any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapping {
    /// After it.
    After,
    /// Before it.
    Before,
}

/// Which references are accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// The caller's.
    Callers,
    /// One more, that nobody has.
    OneMore,
    /// None: the caller's own is forgotten.
    None,
}

/// 605ca5ede764^.
pub const UNFREEZE_FIRST: Rev = Rev { unfreeze: Unfreeze::First, mapping: Mapping::After, expects: Expects::Callers };

/// "mm/huge_memory.c: reorder operations in __split_huge_page_tail()".
pub const UNFREEZE_LAST: Rev = Rev { unfreeze: Unfreeze::Last, ..UNFREEZE_FIRST };

/// The mapping moves too: 173d9d9fd3dd (commit id not checked).
pub const MAPPING_BEFORE: Rev = Rev { mapping: Mapping::Before, ..UNFREEZE_LAST };

/// As it stands in v7.1, for a page without a mapping. There the original page stays frozen until the page cache
/// points to the new ones.
pub const MAINLINE: Rev = MAPPING_BEFORE;

/// `split_huge_page_to_list()` of a page that nobody maps: whether nobody else had a reference, so that it was split.
///
/// DEVIATION: no page lock, as only one task splits a page here, and no interrupts that want what it holds.
pub fn split_huge_page(ctx: &Ctx, head: Id<Page>) -> bool {
    let count = match ctx.machine.kernel.split_folio.expects {
        Expects::Callers => 1,
        Expects::OneMore => 2,
        Expects::None => 0,
    };
    if !page_ref_freeze(ctx, head, count) {
        return false;
    }
    for tail in ctx.machine.mem_map.tails(head).rev() {
        __split_huge_page_tail(ctx, head, tail);
    }
    clear_flag(ctx, head, PageFlag::Head);
    page_ref_unfreeze(ctx, head, 1);
    true
}

/// `__split_huge_page_tail()`: the tail has one reference then.
fn __split_huge_page_tail(ctx: &Ctx, head: Id<Page>, page_tail: Id<Page>) {
    let Rev { unfreeze, mapping, .. } = ctx.machine.kernel.split_folio;
    let tail = ctx.page(page_tail);
    if unfreeze == Unfreeze::First {
        tail._refcount.inc();
    }
    // Read and written whole: nobody else may change them.
    let flags = tail.flags.load(Relaxed) | ctx.page(head).flags.load(Relaxed) & PageFlag::Uptodate.mask();
    tail.flags.store(flags, Relaxed);
    let set_mapping = || tail.mapping.store(ctx.page(head).mapping.load(Relaxed), Relaxed);
    if mapping == Mapping::Before {
        set_mapping();
    }
    // ORDERING: all of the page before it is no tail any more. Pairs with `compound_head()` of who has no reference.
    // Without it a page of its own is seen without its mapping: `split/mapping`, mutant `no-wmb`.
    smp_wmb();
    clear_compound_head(ctx, page_tail);
    if mapping == Mapping::After {
        set_mapping();
    }
    if unfreeze == Unfreeze::Last {
        page_ref_unfreeze(ctx, page_tail, 1);
    }
}

/// What the caller of a split does at last: the reference of each tail goes.
pub fn put_tails(ctx: &Ctx, head: Id<Page>) {
    for tail in ctx.machine.mem_map.tails(head) {
        put_page(ctx, tail);
    }
}
