// SPDX-License-Identifier: GPL-2.0-only
//! Compound pages, and the queued spinlock.

use crate::{Scene, history, patch, primitives, the_end};
use compound::kernel::{self, Kernel};
use compound::kernel_page::{self as page_kernel};
use compound::machine::{Ctx, Machine};
use compound::page::{Kind, Page, PageInit};
use compound::page_alloc::alloc_hugepage;
use compound::page_ref::get_page_unless_zero;
use compound::put_page::{Run, get_page, put_page};
use compound::qspinlock::{QSpinLock, queued_spin_is_locked, queued_spin_lock_slowpath, queued_spin_unlock};
use compound::qspinlock_word::{_Q_LOCKED_VAL, _Q_PENDING_VAL, _Q_TAIL_MASK, encode_tail};
use compound::split_folio::{put_tails, split_huge_page};
use compound::split_huge_page::__split_huge_page_refcount;
use compound::try_grab::{Pte, gup_pte_range};
use expect_test::expect_file;
use ksync::{Atomic, Id, Plain, Relaxed, Scenario};
use std::sync::Arc;

const HEAD: Id<Page> = Id::new(0);
const TAIL: Id<Page> = Id::new(1);

const HUGE: [Kind; 2] = [Kind::Head, Kind::Tail(0)];

const PAGES: &[Kernel] = &[
    page_kernel::TAIL_FIRST,
    page_kernel::CLOSE_RACE,
    page_kernel::ROBUST,
    page_kernel::HEAD_ONLY,
    page_kernel::UNFREEZE_LAST,
    page_kernel::MAPPING_BEFORE,
    page_kernel::CHECK_AFTER,
];

const PAGE_SCENES: &[Scene<Kernel>] = &[
    ("a huge page is made", |kernel| pages(kernel, [Kind::Free; 2], made)),
    ("a tail is pinned", |kernel| pages(kernel, HUGE, pinned)),
    ("a huge page is split", |kernel| pages(kernel, HUGE, split)),
    ("a tail is grabbed", |kernel| pages(kernel, HUGE, grabbed)),
];

const LOOKUP: &[Scene<Kernel>] = &[("a page is looked up", |kernel| pages(kernel, HUGE, looked_up))];

const LOCKS: &[Kernel] = &[
    kernel::QSPINLOCK,
    kernel::IS_LOCKED,
    kernel::STORE_RELEASE,
    kernel::COUNT_FIRST,
    kernel::FETCH_OR,
    kernel::WMB,
    kernel::NO_NODE,
    kernel::X86,
];

const LOCK_SCENES: &[Scene<Kernel>] =
    &[("a look", a_look), ("a first waiter", first_waiter), ("the queue", queue), ("the fifth level", fifth_level)];

/// A machine of two pages for one task. Nobody maps them.
fn pages(kernel: Kernel, [head, tail]: [Kind; 2], does: fn(&Ctx, &Atomic<Pte>)) -> Box<Scenario> {
    Box::new(move |setup| {
        let pages = [PageInit::new("head", head).mapcount(0), PageInit::new("tail", tail)];
        let machine = Machine::new(kernel).with_pages(&pages).with_hugepages_of(2);
        let pte = Atomic::named(Some(TAIL), format_args!("pte"));
        Arc::new(machine).spawn(setup, "alone", 1, move |ctx| does(ctx, &pte));
        setup.finally(|_| the_end());
    })
}

fn made(ctx: &Ctx, _: &Atomic<Pte>) {
    assert!(alloc_hugepage(ctx, HEAD, 1));
}

fn pinned(ctx: &Ctx, _: &Atomic<Pte>) {
    get_page(ctx, TAIL);
    put_page(ctx, TAIL);
}

/// The caller has the only reference.
fn split(ctx: &Ctx, _: &Atomic<Pte>) {
    if ctx.machine.kernel.put_page.run == Run::TailPins {
        __split_huge_page_refcount(ctx, HEAD);
    } else {
        assert!(split_huge_page(ctx, HEAD));
        put_tails(ctx, HEAD);
    }
}

/// Up to v4.4 `get_user_pages_fast()` has another body, which no revision changes.
fn grabbed(ctx: &Ctx, pte: &Atomic<Pte>) {
    if ctx.machine.kernel.put_page.run == Run::HeadOnly {
        assert_eq!(gup_pte_range(ctx, pte), Some(TAIL));
    }
}

fn looked_up(ctx: &Ctx, _: &Atomic<Pte>) {
    assert!(get_page_unless_zero(ctx, HEAD));
}

/// One task with a lock, on a machine of two CPUs with nodes.
fn lock(kernel: Kernel, val: u32, does: fn(&Ctx, &QSpinLock, &Plain<bool>)) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::with_cpus(kernel, 2));
        let (lock, says) = (QSpinLock::with_val(val, "lock"), Plain::named(false, format_args!("is_locked")));
        machine.spawn(setup, "alone", 1, move |ctx| does(ctx, &lock, &says));
        setup.finally(|_| the_end());
    })
}

/// A waiter is about to take the lock over.
fn a_look(kernel: Kernel) -> Box<Scenario> {
    lock(kernel, _Q_PENDING_VAL, |ctx, lock, says| says.set(queued_spin_is_locked(ctx.machine, lock)))
}

/// It has seen the lock taken, and finds it free.
fn first_waiter(kernel: Kernel) -> Box<Scenario> {
    lock(kernel, 0, |ctx, lock, _| queued_spin_lock_slowpath(ctx, lock, _Q_LOCKED_VAL))
}

/// It is in the fifth interrupt, each of which waits for a lock.
fn fifth_level(kernel: Kernel) -> Box<Scenario> {
    lock(kernel, 0, |ctx, lock, _| {
        ctx.machine.qnodes(1)[0].count.set(4);
        queued_spin_lock_slowpath(ctx, lock, encode_tail(0, 0));
    })
}

/// CPU 0 is the first of the queue, CPU 1 the second.
fn queue(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::with_cpus(kernel, 2));
        let lock = Arc::new(QSpinLock::with_val(_Q_LOCKED_VAL, "lock"));
        let (first, second) = (lock.clone(), lock.clone());
        machine.spawn(setup, "first", 0, move |ctx| {
            queued_spin_lock_slowpath(ctx, &first, encode_tail(1, 0));
            queued_spin_unlock(ctx.machine, &first);
        });
        machine.spawn(setup, "second", 1, move |ctx| {
            second.val.cond_load(Relaxed, |val| val & _Q_TAIL_MASK == encode_tail(0, 0));
            queued_spin_lock_slowpath(ctx, &second, encode_tail(0, 0));
        });
        machine.spawn(setup, "owner", 2, move |ctx| {
            lock.val.cond_load(Relaxed, |val| val & _Q_TAIL_MASK == encode_tail(1, 0));
            queued_spin_unlock(ctx.machine, &lock);
        });
        setup.finally(|_| the_end());
    })
}

#[test]
fn two_revisions_differ_by_the_patch() {
    let text = history(PAGES, PAGE_SCENES, primitives)
        + &patch([page_kernel::TRY_GET_RCU, page_kernel::NO_TRY_GET_RCU], LOOKUP, primitives)
        + &history(LOCKS, LOCK_SCENES, primitives);
    expect_file!["compound.txt"].assert_eq(&text);
}
