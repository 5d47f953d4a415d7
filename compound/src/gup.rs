// SPDX-License-Identifier: GPL-2.0-only
//! C: `__get_user_pages_fast()`, `arch/x86/mm/gup.c`, and `__split_huge_page()`, `mm/huge_memory.c`, 2011 to v4.4: a pin
//! of what an address maps, taken without a lock.
//!
//! ```text
//! CPU0, __get_user_pages_fast()              CPU1, __split_huge_page()
//! local_irq_save()
//! reads the pmd: huge, not splitting
//!                                            marks the pmd as splitting
//!                                            IPI to CPU0, and waits for it
//! tail->_mapcount += 1, head->_count += 1
//! local_irq_restore(): takes the IPI
//!                                            __split_huge_page_refcount()
//! ```
//!
//! Property: while interrupts are off, what the pmd mapped is neither split nor freed.

use crate::compound_head::page_tail;
use crate::machine::Ctx;
use crate::page::Page;
use crate::put_page::{get_page, put_page};
use crate::split_huge_page::__split_huge_page_refcount;
use ksync::{Acquire, Atomic, Id, Irq, Relaxed, Release, Setup};
use std::sync::Arc;

/// A revision of `__get_user_pages_fast()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Whether interrupts are off while it walks.
    pub irqs: Irqs,
}

/// Whether interrupts are off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Irqs {
    /// They are.
    Off,
    /// They are on.
    On,
}

/// As it stood from 2011 to v4.4.
pub const MAINLINE: Rev = Rev { irqs: Irqs::Off };

/// What an entry of the page middle directory maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Pmd {
    /// A huge page.
    Huge,
    /// One that is being split: `pmd_trans_splitting()`.
    Splitting,
    /// A table of pages.
    Table,
    /// Nothing.
    None,
}

ksync::enum_word!(Pmd { Huge, Splitting, Table, None });

/// `struct mm_struct`: the map of one huge page, and who must be interrupted when it changes.
#[derive(Debug)]
pub struct Mm {
    pmd: Atomic<Pmd>,
    head: Id<Page>,
    flush: Irq,
    csd: Arc<Csd>,
}

/// `struct call_single_data`: how often the other CPU was asked, and how often it has answered.
#[derive(Debug)]
struct Csd {
    called: Atomic<u32>,
    done: Atomic<u32>,
}

impl Mm {
    /// The map of the huge page with this head. One other CPU uses it.
    pub fn new(setup: &mut Setup, head: Id<Page>, other_cpu: u32) -> Self {
        let word = |name: &str| Atomic::named(0, format_args!("csd.{name}"));
        let csd = Arc::new(Csd { called: word("called"), done: word("done") });
        let handler = csd.clone();
        let flush = setup.irq("flush_tlb_func", other_cpu, move |_| flush_tlb_func(&handler));
        Mm { pmd: Atomic::named(Pmd::Huge, format_args!("pmd")), head, flush, csd }
    }
}

/// `flush_tlb_func()`: interrupts are on here, so nobody is using an old entry.
///
/// DEVIATION: the facade's interrupts order nothing, so the handler waits until it sees the call.
fn flush_tlb_func(csd: &Csd) {
    let done = csd.done.load(Relaxed);
    // ORDERING: Acquire, the new entry before what this CPU reads of it. Pairs with `flush_tlb()`. Without it this CPU
    // pins what the old entry maps: `gup-fast/split-and-unmap`, mutant `relaxed-ipi`.
    csd.called.cond_load(Acquire, move |called| called > done);
    // ORDERING: Release, the pins of this CPU before the split. Pairs with `flush_tlb()`. Without it they are not
    // handed over: `gup-fast/split-and-unmap`, mutant `relaxed-ack`.
    csd.done.store(done + 1, Release);
}

/// `pmdp_splitting_flush()` and `flush_tlb_range()`: returns when no CPU uses the old entry.
fn flush_tlb(mm: &Mm) {
    let round = mm.csd.called.load(Relaxed) + 1;
    // ORDERING: Release, the new entry before the call. Pairs with `flush_tlb_func()`: mutant
    // `relaxed-call`.
    mm.csd.called.store(round, Release);
    mm.flush.raise();
    // ORDERING: Acquire, what the other CPU did with the old entry before what follows. Pairs with
    // `flush_tlb_func()`: mutant `relaxed-wait`.
    mm.csd.done.cond_load(Acquire, move |done| done == round);
}

/// `__split_huge_page()`: the entry becomes a table of the pages that the huge page was.
pub fn __split_huge_page(ctx: &Ctx, mm: &Mm) {
    mm.pmd.store(Pmd::Splitting, Relaxed);
    flush_tlb(mm);
    __split_huge_page_refcount(ctx, mm.head);
    // Who sees the table and still a tail finds out under the lock of the head.
    mm.pmd.store(Pmd::Table, Relaxed);
}

/// `zap_pte_range()`: the mappings go, and their references.
pub fn zap_pte_range(ctx: &Ctx, mm: &Mm) {
    mm.pmd.store(Pmd::None, Relaxed);
    flush_tlb(mm);
    put_page(ctx, mm.head);
    for tail in ctx.machine.mem_map.tails(mm.head) {
        put_page(ctx, tail);
    }
}

/// `__get_user_pages_fast()`: whether the page is mapped, and has one more pin.
pub fn __get_user_pages_fast(ctx: &Ctx, mm: &Mm, page: Id<Page>) -> bool {
    let off = ctx.machine.kernel.gup.irqs == Irqs::Off;
    let flags = off.then(|| ctx.current.local_irq_save());
    let pmd = mm.pmd.load(Relaxed);
    match pmd {
        Pmd::Huge => {
            // The tail's pin first, and then the head's references.
            if page_tail(ctx, page) {
                ctx.page(page)._mapcount.inc();
            }
            ctx.page(mm.head)._refcount.inc();
        }
        Pmd::Table => get_page(ctx, page),
        Pmd::Splitting | Pmd::None => {}
    }
    if let Some(flags) = flags {
        ctx.current.local_irq_restore(flags);
    }
    matches!(pmd, Pmd::Huge | Pmd::Table)
}

/// `get_user_pages_fast()`: the same, but it waits for a split.
pub fn get_user_pages_fast(ctx: &Ctx, mm: &Mm, page: Id<Page>) -> bool {
    while !__get_user_pages_fast(ctx, mm, page) {
        // `wait_split_huge_page()`, asleep in C.
        if mm.pmd.cond_load(Relaxed, |pmd| pmd != Pmd::Splitting) == Pmd::None {
            return false;
        }
    }
    true
}
