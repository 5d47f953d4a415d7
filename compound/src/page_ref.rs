// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/linux/page_ref.h` and `include/linux/mm.h`, v3.10 to v7.1: the count that keeps a page.
//!
//! ```text
//! CPU0, looks the page up                    CPU1, owns the last reference
//! finds the page
//!                                            put_page_testzero(): 1 -> 0
//! get_page(): 0 -> 1                         frees the page: CPU0 uses what is another's now
//! ```
//!
//! Property: who finds a page without having a reference takes one only where there is one.

use crate::machine::Ctx;
use crate::page::Page;
use ksync::{Full, Id};

/// `put_page_testzero()`: drops a reference, and says whether it was the last.
pub fn put_page_testzero(ctx: &Ctx, page: Id<Page>) -> bool {
    // ORDERING: Full, what this task did to the page before it is freed, and what the others did before this task
    // frees it. Pairs with itself. Without it the freeing races: `page-ref/last-put`, mutant `relaxed-put`.
    ctx.page(page)._refcount.dec_and_test(Full)
}

/// `get_page_unless_zero()`: takes a reference where there is one already.
pub fn get_page_unless_zero(ctx: &Ctx, page: Id<Page>) -> bool {
    ctx.page(page)._refcount.add_unless(1, 0, Full)
}
