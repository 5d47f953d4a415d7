// SPDX-License-Identifier: GPL-2.0-only
//! C: `compound_head()`, `compound_head_by_tail()` and `prep_compound_page()`: from a tail to its head.
//!
//! ```text
//! CPU0, compound_head(page)                  CPU1, frees the compound page and makes another
//! PageTail(page): yes, of the old one
//!                                            clears PG_tail
//!                                            reuses first_page: it holds anything
//!                                            __SetPageTail()
//! reads first_page: no page
//!                                            first_page = the new head
//! ```
//!
//! Property: what `compound_head()` returns was the page's head, or the page itself.

use crate::machine::Ctx;
use crate::page::Page;
use crate::page_flags::PageFlag;
use ksync::{Id, Relaxed, smp_rmb, smp_wmb};

/// A revision of the relation between a tail and its head.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What says that a page is a tail, and of which head.
    pub relation: Relation,
    /// In which order the two are written, where they are two.
    pub prep: Prep,
    /// What the next owner of the page writes into the word of the relation.
    pub reuse: Reuse,
}

/// What says that a page is a tail, and of which head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `PG_tail`, and then `first_page`.
    Flag,
    /// `first_page`, and then `PG_tail` once more.
    FlagAgain,
    /// `compound_head`: bit 0 and the pointer in one word.
    OneWord,
}

/// In which order `prep_compound_page()` writes the flag and the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prep {
    /// `PG_tail` first.
    FlagFirst,
    /// `first_page` first, and a barrier between.
    PointerFirst,
}

/// What the next owner of the page writes into the word of the relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// What he likes: before v4.4 the word is `private`.
    Anything,
    /// What has bit 0 clear: since v4.4 the word is `lru.next`.
    Even,
}

/// Before v3.14: 668f9abbd433^.
pub const TAIL_FIRST: Rev = Rev { relation: Relation::Flag, prep: Prep::FlagFirst, reuse: Reuse::Anything };

/// "mm: close PageTail race": RHEL 7 and incident 002 have it.
pub const CLOSE_RACE: Rev = Rev { relation: Relation::FlagAgain, prep: Prep::PointerFirst, ..TAIL_FIRST };

/// "mm: make compound_head() robust".
pub const ROBUST: Rev = Rev { relation: Relation::OneWord, reuse: Reuse::Even, ..CLOSE_RACE };

/// As it stands in v7.1. There a page of a size that is a power of two holds a mask in place of the pointer; the bit
/// and the check after pinning are the same.
pub const MAINLINE: Rev = ROBUST;

/// `PageTail()`.
#[doc(alias = "PageTail")]
pub fn page_tail(ctx: &Ctx, page: Id<Page>) -> bool {
    match ctx.machine.kernel.compound_head.relation {
        Relation::OneWord => ctx.page(page).compound_head.load(Relaxed) & 1 != 0,
        _ => PageFlag::Tail.is_in(ctx.page(page).flags.load(Relaxed)),
    }
}

/// `PageHead()`.
#[doc(alias = "PageHead")]
pub fn page_head(ctx: &Ctx, page: Id<Page>) -> bool {
    PageFlag::Head.is_in(ctx.page(page).flags.load(Relaxed))
}

/// `PageCompound()`: a head or a tail.
#[doc(alias = "PageCompound")]
pub fn page_compound(ctx: &Ctx, page: Id<Page>) -> bool {
    let flags = ctx.page(page).flags.load(Relaxed);
    if ctx.machine.kernel.compound_head.relation == Relation::OneWord {
        return PageFlag::Head.is_in(flags) || page_tail(ctx, page);
    }
    flags & (PageFlag::Head.mask() | PageFlag::Tail.mask()) != 0
}

/// `compound_head()`: the head of a tail, and any other page itself.
pub fn compound_head(ctx: &Ctx, page: Id<Page>) -> Id<Page> {
    if ctx.machine.kernel.compound_head.relation == Relation::OneWord {
        let head = ctx.page(page).compound_head.load(Relaxed);
        if head & 1 != 0 {
            return Page::at(head - 1);
        }
        return page;
    }
    if page_tail(ctx, page) {
        return compound_head_by_tail(ctx, page);
    }
    page
}

/// `compound_head_by_tail()`: the head of a page that was a tail just now.
pub fn compound_head_by_tail(ctx: &Ctx, tail: Id<Page>) -> Id<Page> {
    let relation = ctx.machine.kernel.compound_head.relation;
    if relation == Relation::OneWord {
        return compound_head(ctx, tail);
    }
    let head = ctx.page(tail).first_page.load(Relaxed);
    if relation == Relation::Flag {
        return Page::at(head);
    }
    // ORDERING: `first_page` before `PG_tail`. Pairs with `prep_compound_page()` and `__split_huge_page_refcount()`.
    // Without it a new use of the word passes for the head: `compound-lock/put-split`, mutant `no-rmb`.
    smp_rmb();
    if page_tail(ctx, tail) {
        return Page::at(head);
    }
    tail
}

/// `set_compound_head()`: one store makes a page a tail.
pub fn set_compound_head(ctx: &Ctx, page: Id<Page>, head: Id<Page>) {
    ctx.page(page).compound_head.store(Page::address(head) + 1, Relaxed);
}

/// `clear_compound_head()`: one store makes a tail a page of its own.
pub fn clear_compound_head(ctx: &Ctx, page: Id<Page>) {
    ctx.page(page).compound_head.store(0, Relaxed);
}

/// `prep_compound_page()`: what the allocator makes of pages that nobody else has.
pub fn prep_compound_page(ctx: &Ctx, page: Id<Page>) {
    let rev = ctx.machine.kernel.compound_head;
    set_flag(ctx, page, PageFlag::Head);
    for p in ctx.machine.mem_map.tails(page) {
        ctx.page(p)._refcount.store(0, Relaxed);
        if rev.relation == Relation::OneWord {
            set_compound_head(ctx, p, page);
            continue;
        }
        if rev.prep == Prep::FlagFirst {
            set_flag(ctx, p, PageFlag::Tail);
        }
        ctx.page(p).first_page.store(Page::address(page), Relaxed);
        if rev.prep == Prep::PointerFirst {
            // ORDERING: `first_page` before `PG_tail`. Pairs with `compound_head_by_tail()`. Without it a reader
            // finds a tail without a head: `compound-head/prep`, mutant `no-wmb`.
            smp_wmb();
            set_flag(ctx, p, PageFlag::Tail);
        }
    }
}

/// `destroy_compound_page()`: the other way, when the last reference is gone.
pub fn destroy_compound_page(ctx: &Ctx, page: Id<Page>) {
    clear_flag(ctx, page, PageFlag::Head);
    for p in ctx.machine.mem_map.tails(page) {
        if ctx.machine.kernel.compound_head.relation == Relation::OneWord {
            clear_compound_head(ctx, p);
        } else {
            clear_flag(ctx, p, PageFlag::Tail);
        }
    }
}

/// `set_page_private()` before v4.4, `list_add(&page->lru)` after: the owner of a page by itself uses the word.
pub fn reuse_word(ctx: &Ctx, page: Id<Page>) {
    let Rev { relation, reuse, .. } = ctx.machine.kernel.compound_head;
    let word = if relation == Relation::OneWord { &ctx.page(page).compound_head } else { &ctx.page(page).first_page };
    let value = if reuse == Reuse::Even { 6 } else { 7 };
    word.store(value, Relaxed);
    word.store(0, Relaxed);
}

/// `__SetPageHead()` and its like.
fn set_flag(ctx: &Ctx, page: Id<Page>, flag: PageFlag) {
    crate::page_flags::__set_page_flag(flag, &ctx.page(page).flags);
}

/// `__ClearPageTail()` and its like, also on words that others look at.
pub(crate) fn clear_flag(ctx: &Ctx, page: Id<Page>, flag: PageFlag) {
    let flags = &ctx.page(page).flags;
    flags.store(flags.load(Relaxed) & !flag.mask(), Relaxed);
}
