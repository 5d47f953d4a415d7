// SPDX-License-Identifier: GPL-2.0-only
//! C: `mm/page_alloc.c`, as much as a page's life needs: who gets a page has it whole, and who frees it leaves nothing.
//!
//! DEVIATION: a page's own word stands for the free list and the zone's lock: who wants a page asks for it by number.

use crate::compound_head::{destroy_compound_page, page_tail, prep_compound_page};
use crate::machine::Ctx;
use crate::page::Page;
use crate::page_flags::PageFlag;
use ksync::{Acquire, Id, Relaxed, Release};

/// Flags that a page has neither when it is freed nor when it is allocated.
const FLAGS_CHECK: u64 = PageFlag::CompoundLock.mask() | PageFlag::Head.mask() | PageFlag::Tail.mask();

/// `__put_single_page()`: the last reference of a page by itself is gone.
///
/// # Panics
/// If it is a part of a compound page or locked, if it has references again, or if it is free already.
pub fn __put_single_page(ctx: &Ctx, page: Id<Page>) {
    free_page(ctx, page);
}

/// `__put_compound_page()`: the last reference of a compound page is gone, so its destructor runs.
///
/// # Panics
/// If it is no compound page any more, and as [`__put_single_page`].
pub fn __put_compound_page(ctx: &Ctx, page: Id<Page>) {
    for p in ctx.machine.mem_map.tails(page) {
        assert!(page_tail(ctx, p), "the destructor of a compound page finds one");
    }
    destroy_compound_page(ctx, page);
    for p in std::iter::once(page).chain(ctx.machine.mem_map.tails(page)) {
        free_page(ctx, p);
    }
}

fn free_page(ctx: &Ctx, page: Id<Page>) {
    let content = ctx.machine.mem_map.content(page);
    assert_ne!(content.get(), 0, "a page is freed once");
    assert_eq!(ctx.page(page)._refcount.load(Relaxed), 0, "a page is freed without references");
    check_flags(ctx, page);
    assert!(!page_tail(ctx, page), "a page is freed whole");
    content.set(0);
    // ORDERING: Release, as the unlock of the zone's lock in C. Pairs with `alloc_page()`. Without it the owners'
    // accesses race: `page-ref/free-alloc`, mutant `relaxed-free`.
    ctx.machine.mem_map.free(page).store(true, Release);
}

fn check_flags(ctx: &Ctx, page: Id<Page>) {
    assert_eq!(ctx.page(page).flags.load(Relaxed) & FLAGS_CHECK, 0, "bad page: it is locked or compound");
}

/// `alloc_page()`, if it finds this page free: it has one reference then.
///
/// # Panics
/// If somebody has changed its flags since it was freed.
pub fn alloc_page(ctx: &Ctx, page: Id<Page>, content: u32) -> bool {
    // ORDERING: Acquire, the last owner before the next. Pairs with `free_page()`. Without it their accesses race:
    // `page-ref/free-alloc`, mutant `relaxed-alloc`.
    if !ctx.machine.mem_map.free(page).xchg(false, Acquire) {
        return false;
    }
    check_flags(ctx, page);
    ctx.page(page)._refcount.store(1, Relaxed);
    ctx.machine.mem_map.content(page).set(content);
    true
}

/// `alloc_pages(GFP_TRANSHUGE, HPAGE_PMD_ORDER)`, if it finds all pages from this one on free: they are one then.
///
/// # Panics
/// As [`alloc_page`].
pub fn alloc_hugepage(ctx: &Ctx, page: Id<Page>, content: u32) -> bool {
    let all = std::iter::once(page).chain(ctx.machine.mem_map.tails(page)).all(|p| alloc_page(ctx, p, content));
    if all {
        prep_compound_page(ctx, page);
    }
    all
}
