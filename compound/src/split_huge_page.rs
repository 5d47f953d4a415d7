// SPDX-License-Identifier: GPL-2.0-only
//! C: `__split_huge_page_refcount()`, `mm/huge_memory.c`, 2011 to v4.4: each tail gets the pins that were taken
//! through it.
//!
//! ```text
//! CPU0, __split_huge_page_refcount(head)     CPU1, put_page(tail), without a lock
//! tail->_count += its pins
//!   <full barrier>
//! clears PG_tail                             PageTail(tail): no more
//!   <write barrier>                          tail->_count -= 1: the pins are there
//! reuses the tail's other words
//! ```
//!
//! Property: every pin is handed over once.

use crate::bit_spinlock::{bit_spin_lock, bit_spin_unlock};
use crate::compound_head::{Relation, clear_compound_head, clear_flag};
use crate::machine::Ctx;
use crate::page::Page;
use crate::page_flags::PageFlag;
use crate::put_page::put_page;
use ksync::{Id, Relaxed, smp_mb, smp_wmb};

/// A revision of the split.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How a tail gets its references.
    pub hand_over: HandOver,
    /// What keeps others away from the head.
    pub lock: Lock,
    /// How `PG_head` is cleared.
    pub clear_head: ClearHead,
}

/// How a tail gets its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// They are added, before it is a page of its own.
    Add,
    /// They are added, but not the pins that were taken through the tail.
    WithoutPins,
    /// They are added after it is a page of its own.
    AddLate,
}

/// What keeps others away from the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// `compound_lock()`.
    Taken,
    /// Nothing.
    No,
}

/// How `PG_head` is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearHead {
    /// `clear_bit()`.
    Atomic,
    /// A read and a write of the whole word.
    Plain,
}

/// RHEL 7, and incident 002.
pub const TAIL_PINS: Rev = Rev { hand_over: HandOver::Add, lock: Lock::Taken, clear_head: ClearHead::Atomic };

/// As it stood when it was last there, in v4.4.
pub const MAINLINE: Rev = TAIL_PINS;

/// `page_mapcount()`; of a tail, its pins.
pub fn page_mapcount(ctx: &Ctx, page: Id<Page>) -> i32 {
    ctx.page(page)._mapcount.load(Relaxed) + 1
}

/// `__split_huge_page_refcount()`: of a head that the caller has a reference of, and nobody can map or unmap.
///
/// DEVIATION: no LRU list, so no `zone->lru_lock`: only one task splits a page, and it has the interrupts off.
pub fn __split_huge_page_refcount(ctx: &Ctx, page: Id<Page>) {
    let rev = ctx.machine.kernel.split_huge_page;
    let (head, nr) = (ctx.page(page), PageFlag::CompoundLock.nr());
    ctx.current.local_irq_disable();
    if rev.lock == Lock::Taken {
        bit_spin_lock(ctx, nr, &head.flags);
    }
    let mut tail_count = 0;
    for tail in ctx.machine.mem_map.tails(page).rev() {
        tail_count += split_tail(ctx, page, tail);
    }
    head._refcount.add(-tail_count);
    match rev.clear_head {
        ClearHead::Atomic => head.flags.clear_bit(PageFlag::Head.nr()),
        ClearHead::Plain => clear_flag(ctx, page, PageFlag::Head),
    }
    if rev.lock == Lock::Taken {
        bit_spin_unlock(ctx, nr, &head.flags);
    }
    ctx.current.local_irq_enable();
    for tail in ctx.machine.mem_map.tails(page) {
        // The reference that kept the tail meanwhile goes: without a mapping or a pin the tail is freed.
        put_page(ctx, tail);
    }
}

/// The body of C's loop: the pins that went from the head to this tail.
fn split_tail(ctx: &Ctx, head: Id<Page>, tail: Id<Page>) -> i32 {
    let hand_over = ctx.machine.kernel.split_huge_page.hand_over;
    let pins = page_mapcount(ctx, tail);
    let given = page_mapcount(ctx, head) + 1 + if hand_over == HandOver::WithoutPins { 0 } else { pins };
    let page_tail = ctx.page(tail);
    assert_eq!(page_tail._refcount.load(Relaxed), 0, "a tail has no references of its own");
    match hand_over {
        // Added, not stored: a get_page_unless_zero() may be looking at it.
        HandOver::Add | HandOver::WithoutPins => page_tail._refcount.add(given),
        HandOver::AddLate => {}
    }
    // ORDERING: the references before the page is no tail any more. Pairs with `get_page()` and `put_page()`, which
    // change them if they see that. `compound-lock/get-split`, mutant `handed-over-late`, has them the other way
    // round. Without the barrier no scenario fails, as the read-modify-write above would have to see what the store
    // below causes, and the explorer has no load buffering: the litmus test in `split_barrier.rs` fails.
    smp_mb();
    if ctx.machine.kernel.compound_head.relation == Relation::OneWord {
        clear_compound_head(ctx, tail);
    } else {
        clear_flag(ctx, tail, PageFlag::Tail);
    }
    if hand_over == HandOver::AddLate {
        page_tail._refcount.add(given);
    }
    // ORDERING: no tail any more before its words have their other use. Pairs with `compound_head_by_tail()`. Without
    // it another value passes for the head: `compound-lock/put-split`, mutant `no-wmb`.
    smp_wmb();
    page_tail._mapcount.store(ctx.page(head)._mapcount.load(Relaxed), Relaxed);
    page_tail.first_page.store(0, Relaxed);
    pins
}
