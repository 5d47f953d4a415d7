// SPDX-License-Identifier: GPL-2.0-only
//! C: `try_grab_compound_head()`, `mm/gup.c`, v4.5 to v5.14 and on: a pin of what an address maps, where no interrupt
//! keeps the page.
//!
//! ```text
//! CPU0, gup_pte_range()                      CPU1
//! reads the pte: a tail
//! head = compound_head(tail)
//!                                            splits the huge page; the head is freed, and another's
//! head->_refcount += 1
//! reads the pte: the same tail
//! returns the tail, and has a pin of the     unmaps and frees the tail
//! page that was its head
//! ```
//!
//! Property: the page that is returned stays until its pin is dropped.

use crate::compound_head::compound_head;
use crate::folio::{put_head, put_page};
use crate::machine::Ctx;
use crate::page::Page;
use crate::page_ref::get_page_unless_zero;
use ksync::{Atomic, Id, Relaxed};

/// A page table entry.
pub type Pte = Option<Id<Page>>;

/// A revision of `try_grab_compound_head()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// When it is sure that the page is still of this head.
    pub check: Check,
    /// What is dropped where it is not.
    pub undo: Undo,
    /// Whether the entry is read again.
    pub pte: PteCheck,
}

/// When it is sure that the page is still of this head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Before the head is pinned, by looking it up.
    Before,
    /// Once more after it is pinned.
    After,
}

/// What is dropped where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// The reference that was taken.
    Head,
    /// A reference of what the page is now a part of.
    Page,
    /// Nothing.
    Nothing,
}

/// Whether the entry is read again once its page is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PteCheck {
    /// It is.
    Again,
    /// It is not.
    Once,
}

/// c24d37322548^, since 7aef4172c795.
pub const CHECK_BEFORE: Rev = Rev { check: Check::Before, undo: Undo::Head, pte: PteCheck::Again };

/// "mm/gup: fix try_grab_compound_head() race with split_huge_page()".
pub const CHECK_AFTER: Rev = Rev { check: Check::After, ..CHECK_BEFORE };

/// As it stands in v7.1, there called `try_grab_folio_fast()`.
pub const MAINLINE: Rev = CHECK_AFTER;

/// `try_get_compound_head()`: the head of the page, pinned, or nothing.
pub fn try_get_compound_head(ctx: &Ctx, page: Id<Page>) -> Option<Id<Page>> {
    let Rev { check, undo, .. } = ctx.machine.kernel.try_grab;
    let head = compound_head(ctx, page);
    if !get_page_unless_zero(ctx, head) {
        return None;
    }
    if check == Check::After && compound_head(ctx, page) != head {
        match undo {
            Undo::Head => put_head(ctx, head),
            Undo::Page => put_page(ctx, page),
            Undo::Nothing => {}
        }
        return None;
    }
    Some(head)
}

/// `gup_pte_range()`, for one entry: the page that it maps, pinned.
pub fn gup_pte_range(ctx: &Ctx, ptep: &Atomic<Pte>) -> Option<Id<Page>> {
    let page = ptep.load(Relaxed)?;
    let head = try_get_compound_head(ctx, page)?;
    if ctx.machine.kernel.try_grab.pte == PteCheck::Again && ptep.load(Relaxed) != Some(page) {
        put_head(ctx, head);
        return None;
    }
    Some(page)
}
