// SPDX-License-Identifier: GPL-2.0-only
//! C: `put_page()`, `put_compound_page()`, `get_page()` and `__get_page_tail()`, `mm/swap.c`, up to v4.4 and RHEL 7:
//! a tail counts its own pins, and the head counts them once more.
//!
//! ```text
//! CPU0, put_page(tail)                       CPU1, __split_huge_page_refcount(head)
//! PageTail(tail): yes
//! get_page_unless_zero(head)
//!                                            compound_lock(head)
//!                                            tail->_count += its pins; clears PG_tail
//!                                            head->_count -= its pins
//!                                            compound_unlock(head)
//! compound_lock_irqsave(head)
//! PageTail(tail): no more                    the pin is on the tail now, the temporary one on the head
//! ```
//!
//! Property: a pin is dropped once, where the split has put it; the last one frees the page, and nobody touches the
//! page after his own.

use crate::compound_head::{compound_head, compound_head_by_tail, page_compound, page_head, page_tail};
use crate::compound_lock::{compound_lock_irqsave, compound_unlock_irqrestore};
use crate::folio;
use crate::machine::Ctx;
use crate::page::Page;
use crate::page_alloc::{__put_compound_page, __put_single_page};
use crate::page_flags::PageFlag;
use crate::page_ref::{get_page_unless_zero, put_page_testzero};
use ksync::{Id, Relaxed, smp_rmb};

/// A revision of `get_page()` and `put_page()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Which body runs.
    pub run: Run,
    /// What keeps the head while its lock is taken.
    pub pin: Pin,
    /// Where the split has won: what is dropped.
    pub split_won: SplitWon,
    /// Where the bit is released.
    pub unlock: Unlock,
    /// When it is decided how a head is freed.
    pub free_path: FreePath,
    /// How `__get_page_tail()` counts one more pin.
    pub get: Get,
    /// How a tail's pins are changed under the bit.
    pub count: Count,
}

/// Which body runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// This one: tails count their pins.
    TailPins,
    /// That of [`folio`]: only the head counts.
    HeadOnly,
}

/// What keeps the head while its lock is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// A reference, where there is one already.
    UnlessZero,
    /// A reference, whether there is one or not.
    Always,
    /// Nothing.
    Never,
}

/// What is dropped where the split has won.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitWon {
    /// The temporary reference of the head, and the pin that is on the tail now.
    Both,
    /// The pin on the tail.
    TailOnly,
    /// The temporary reference of the head.
    HeadOnly,
    /// Both, and the bit stays.
    KeepsLock,
}

/// Where the bit is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlock {
    /// When the tail has one pin less, before the head has.
    BetweenPuts,
    /// When the head has one reference less.
    AfterHead,
    /// Before the tail has one pin less.
    BeforeTail,
}

/// When it is decided how a head is freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreePath {
    /// When its last reference is gone.
    AfterPut,
    /// Before.
    BeforePut,
}

/// How `__get_page_tail()` counts one more pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Get {
    /// In the tail and in the head, if under the bit it is still a tail.
    Both,
    /// The same, without a second look under the bit.
    WithoutLook,
    /// In the head.
    HeadOnly,
    /// In the tail: the temporary reference of the head is dropped.
    TailOnly,
}

/// How a tail's pins are changed under the bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Atomically: `__get_user_pages_fast()` changes them without the bit.
    Atomic,
    /// By a read and a write.
    Plain,
}

/// RHEL 7, and incident 002.
pub const TAIL_PINS: Rev = Rev {
    run: Run::TailPins,
    pin: Pin::UnlessZero,
    split_won: SplitWon::Both,
    unlock: Unlock::BetweenPuts,
    free_path: FreePath::AfterPut,
    get: Get::Both,
    count: Count::Atomic,
};

/// "mm: drop tail page refcounting".
pub const HEAD_ONLY: Rev = Rev { run: Run::HeadOnly, ..TAIL_PINS };

/// As it stands in v7.1.
pub const MAINLINE: Rev = HEAD_ONLY;

/// `put_page()`: drops a reference, and frees the page with the last.
pub fn put_page(ctx: &Ctx, page: Id<Page>) {
    if ctx.machine.kernel.put_page.run == Run::HeadOnly {
        return folio::put_page(ctx, page);
    }
    if page_compound(ctx, page) {
        put_compound_page(ctx, page);
    } else if put_page_testzero(ctx, page) {
        __put_single_page(ctx, page);
    }
}

/// `put_compound_page()`: of a page that was a head or a tail just now.
pub fn put_compound_page(ctx: &Ctx, page: Id<Page>) {
    if !page_tail(ctx, page) {
        put_head(ctx, page);
        return;
    }
    // "Case 3 is possible, as we may race with __split_huge_page_refcount tearing down a THP page."
    let head = compound_head_by_tail(ctx, page);
    if compound_tail_refcounted(ctx, head) {
        put_refcounted_compound_page(ctx, head, page);
    } else {
        put_unrefcounted_compound_page(ctx, head, page);
    }
}

/// Drops a reference of a page that was a head, and may be a page by itself now.
///
/// DEVIATION: C has these lines three times.
fn put_head(ctx: &Ctx, head: Id<Page>) {
    let before = ctx.machine.kernel.put_page.free_path == FreePath::BeforePut;
    let was_compound = before && page_head(ctx, head);
    if put_page_testzero(ctx, head) {
        // "By the time all refcounts have been released split_huge_page cannot run anymore from under us."
        if was_compound || !before && page_head(ctx, head) {
            __put_compound_page(ctx, head);
        } else {
            __put_single_page(ctx, head);
        }
    }
}

/// `__compound_tail_refcounted()`: whether pins are counted in the tails of this compound page.
///
/// DEVIATION: C also asks whether the page is one of hugetlbfs, by its destructor. A slab stands for both here.
fn compound_tail_refcounted(ctx: &Ctx, head: Id<Page>) -> bool {
    !PageFlag::Slab.is_in(ctx.page(head).flags.load(Relaxed))
}

/// `put_unrefcounted_compound_page()`: only the head counts, and nobody splits it.
pub fn put_unrefcounted_compound_page(ctx: &Ctx, head: Id<Page>, page: Id<Page>) {
    // ORDERING: the head's flags before the tail's. Pairs with `__split_huge_page_refcount()`. Without it a tail of
    // a slab is seen where the slab came after the split: `compound-lock/slab-after-split`, mutant `no-rmb-put`.
    smp_rmb();
    if page_tail(ctx, page) {
        // DEVIATION: `VM_BUG_ON()` is off in this kernel, here and below.
        if put_page_testzero(ctx, head) {
            __put_compound_page(ctx, head);
        }
    } else if put_page_testzero(ctx, page) {
        __put_single_page(ctx, page);
    }
}

/// `put_refcounted_compound_page()`: a pin is in the tail and in the head, or, after a split, in the tail's own count.
pub fn put_refcounted_compound_page(ctx: &Ctx, head: Id<Page>, page: Id<Page>) {
    let rev = ctx.machine.kernel.put_page;
    if page == head || !pin_head(ctx, head) {
        // `page_head` is a dangling pointer.
        out_put_single(ctx, page);
        return;
    }
    let flags = compound_lock_irqsave(ctx, &ctx.page(head).flags);
    if !page_tail(ctx, page) {
        // The split was first.
        if rev.split_won != SplitWon::KeepsLock {
            compound_unlock_irqrestore(ctx, &ctx.page(head).flags, flags);
        }
        if rev.split_won != SplitWon::TailOnly && rev.pin != Pin::Never {
            // The head may have been freed, and be a page by itself or a smaller compound page now.
            put_head(ctx, head);
        }
        if rev.split_won != SplitWon::HeadOnly {
            out_put_single(ctx, page);
        }
        return;
    }
    // The split is kept out by the lock now, so the temporary reference can go.
    if rev.pin != Pin::Never {
        let last = put_page_testzero(ctx, head);
        assert!(!last, "the pin that is being dropped keeps the head");
    }
    let unlock = || compound_unlock_irqrestore(ctx, &ctx.page(head).flags, flags);
    if rev.unlock == Unlock::BeforeTail {
        unlock();
    }
    add_tail_pins(ctx, page, -1);
    if rev.unlock == Unlock::BetweenPuts {
        unlock();
    }
    put_head(ctx, head);
    if rev.unlock == Unlock::AfterHead {
        unlock();
    }
}

/// `atomic_inc()` or `atomic_dec()` of the tail's `_mapcount`.
fn add_tail_pins(ctx: &Ctx, page: Id<Page>, pins: i32) {
    let count = &ctx.page(page)._mapcount;
    match ctx.machine.kernel.put_page.count {
        Count::Atomic => count.add(pins),
        Count::Plain => count.store(count.load(Relaxed) + pins, Relaxed),
    }
}

/// C's label `out_put_single`.
fn out_put_single(ctx: &Ctx, page: Id<Page>) {
    if put_page_testzero(ctx, page) {
        __put_single_page(ctx, page);
    }
}

/// The temporary reference that `compound_lock_irqsave()` needs.
fn pin_head(ctx: &Ctx, head: Id<Page>) -> bool {
    match ctx.machine.kernel.put_page.pin {
        Pin::UnlessZero => get_page_unless_zero(ctx, head),
        Pin::Always => {
            ctx.page(head)._refcount.inc();
            true
        }
        Pin::Never => true,
    }
}

/// `get_page()`: one more reference, for a caller who has one or keeps the page otherwise.
pub fn get_page(ctx: &Ctx, page: Id<Page>) {
    if ctx.machine.kernel.put_page.run == Run::HeadOnly {
        return folio::get_page(ctx, page);
    }
    if page_tail(ctx, page) && __get_page_tail(ctx, page) {
        return;
    }
    // The page has a reference already: the caller's, or one that was handed over by a split.
    ctx.page(page)._refcount.inc();
}

/// `__get_page_tail()`: whether the page was still a tail and has one more pin.
pub fn __get_page_tail(ctx: &Ctx, page: Id<Page>) -> bool {
    let head = compound_head(ctx, page);
    if !compound_tail_refcounted(ctx, head) {
        // ORDERING: as in `put_unrefcounted_compound_page()`: `compound-lock/slab-get`, mutant `no-rmb-get`.
        smp_rmb();
        if page_tail(ctx, page) {
            ctx.page(head)._refcount.inc();
            return true;
        }
        return false;
    }
    let get = ctx.machine.kernel.put_page.get;
    let mut got = false;
    if page != head && get_page_unless_zero(ctx, head) {
        let flags = compound_lock_irqsave(ctx, &ctx.page(head).flags);
        // The split is kept out by the lock from here on.
        if get == Get::WithoutLook || page_tail(ctx, page) {
            if get != Get::HeadOnly {
                add_tail_pins(ctx, page, 1);
            }
            got = true;
        }
        compound_unlock_irqrestore(ctx, &ctx.page(head).flags, flags);
        if !got || get == Get::TailOnly {
            put_page(ctx, head);
        }
    }
    got
}
