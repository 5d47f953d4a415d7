// SPDX-License-Identifier: GPL-2.0-only
//! C: `get_page()` and `put_page()`, `include/linux/mm.h`, v4.5 to v7.1: only the head counts, and no lock is left.
//!
//! ```text
//! CPU0, put_page(tail)                       CPU1, split_huge_page_to_list()
//!                                            page_ref_freeze(head, 1): there is another pin, so no split
//! head = compound_head(tail)
//! head->_refcount -= 1
//! ```
//!
//! Property: a reference is dropped where it was taken, since a page that others have is not split.

use crate::compound_head::{compound_head, page_compound};
use crate::machine::Ctx;
use crate::page::Page;
use crate::page_alloc::{__put_compound_page, __put_single_page};
use crate::page_ref::put_page_testzero;
use ksync::Id;

/// `get_page()`: one more reference, for a caller who has one.
pub fn get_page(ctx: &Ctx, page: Id<Page>) {
    let page = compound_head(ctx, page);
    ctx.page(page)._refcount.inc();
}

/// `put_page()`: drops a reference, and frees the page with the last.
pub fn put_page(ctx: &Ctx, page: Id<Page>) {
    put_head(ctx, compound_head(ctx, page));
}

/// `folio_put()`: the same, for a caller who knows the head.
pub fn put_head(ctx: &Ctx, head: Id<Page>) {
    if put_page_testzero(ctx, head) {
        __put_page(ctx, head);
    }
}

/// `__put_page()`: the last reference is gone.
fn __put_page(ctx: &Ctx, page: Id<Page>) {
    if page_compound(ctx, page) {
        __put_compound_page(ctx, page);
    } else {
        __put_single_page(ctx, page);
    }
}
