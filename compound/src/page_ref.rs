// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/linux/page_ref.h` and `include/linux/mm.h`, v3.10 to v7.1: the count that keeps a page.
//!
//! ```text
//! CPU0, looks the page up                    CPU1, owns the only reference
//! finds the page
//!                                            page_ref_freeze(): 1 -> 0
//! get_page_unless_zero(): refused            changes what nobody looks at
//!                                            page_ref_unfreeze(): 0 -> 1
//! get_page_unless_zero(): sees the changes
//! ```
//!
//! Property: who finds a page without having a reference takes one only where there is one.

use crate::machine::Ctx;
use crate::page::Page;
use ksync::{Atomic, Full, Id, Relaxed, Release};

/// A revision of the count.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How a reference is taken of a page that may have none.
    pub try_get: TryGet,
    /// How the count is frozen.
    pub freeze: Freeze,
}

/// How a reference is taken of a page that may have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryGet {
    /// Unless the count is zero.
    UnlessZero,
    /// Always: the caller says that the count is not zero. So does a kernel with `CONFIG_TINY_RCU`.
    Add,
    /// Unless the count was zero when it was first read.
    StaleRead,
}

/// How the count is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freeze {
    /// One read-modify-write.
    Cmpxchg,
    /// A read, then a write.
    LoadStore,
}

/// Since "mm: page_ref: remove folio_try_get_rcu()", and before the shortcut came.
pub const MAINLINE: Rev = Rev { try_get: TryGet::UnlessZero, freeze: Freeze::Cmpxchg };

/// fa2690af573d^, where RCU readers take the count for nonzero.
pub const TRY_GET_RCU: Rev = Rev { try_get: TryGet::Add, ..MAINLINE };

/// `put_page_testzero()`: drops a reference, and says whether it was the last.
pub fn put_page_testzero(ctx: &Ctx, page: Id<Page>) -> bool {
    // ORDERING: Full, what this task did to the page before it is freed, and what the others did before this task
    // frees it. Pairs with itself. Without it the freeing races: `page-ref/last-put`, mutant `relaxed-put`.
    ctx.page(page)._refcount.dec_and_test(Full)
}

/// `get_page_unless_zero()`, `page_cache_add_speculative()`, `folio_try_get()`: takes a reference where there is one.
pub fn get_page_unless_zero(ctx: &Ctx, page: Id<Page>) -> bool {
    let count = &ctx.page(page)._refcount;
    match ctx.machine.kernel.page_ref.try_get {
        // ORDERING: Full, the count before the page's other words. Pairs with `page_ref_unfreeze()`. Without it a page
        // that was a tail is still taken for one: `split/tail-lookup-order`, mutant `relaxed-try-get`.
        TryGet::UnlessZero => count.add_unless(1, 0, Full),
        TryGet::Add => {
            count.inc();
            true
        }
        TryGet::StaleRead => add_unless_stale(count),
    }
}

/// A loop around `cmpxchg()` that looks at what it found once only.
fn add_unless_stale(count: &Atomic<i32>) -> bool {
    let mut old = count.load(Relaxed);
    if old == 0 {
        return false;
    }
    while let Err(seen) = count.cmpxchg(old, old + 1, Full) {
        old = seen;
    }
    true
}

/// `page_ref_freeze()`: takes all references away, if there are as many as the caller accounts for.
pub fn page_ref_freeze(ctx: &Ctx, page: Id<Page>, count: i32) -> bool {
    let refcount = &ctx.page(page)._refcount;
    match ctx.machine.kernel.page_ref.freeze {
        // ORDERING: Full, the references that others dropped before what the caller does with the page. Pairs with
        // `put_page_testzero()`. Without it the caller's accesses race with theirs: `page-ref/frozen`, mutant
        // `relaxed-freeze`.
        Freeze::Cmpxchg => refcount.try_cmpxchg(count, 0, Full),
        Freeze::LoadStore => {
            let same = refcount.load(Relaxed) == count;
            if same {
                refcount.store(0, Relaxed);
            }
            same
        }
    }
}

/// `page_ref_unfreeze()`: so many references are there again.
pub fn page_ref_unfreeze(ctx: &Ctx, page: Id<Page>, count: i32) {
    // ORDERING: Release, the page's other words before its count. Pairs with `get_page_unless_zero()`. Without it a
    // page that was a tail is still taken for one: `split/tail-lookup-order`, mutant `relaxed-unfreeze`.
    ctx.page(page)._refcount.store(count, Release);
}
