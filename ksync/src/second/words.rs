// SPDX-License-Identifier: GPL-2.0-only
//! Shared words as loom has them, and the kernel's orderings as C11's.

use super::dependence::Readers;
use crate::backend::Kind;
use crate::backend::world::CellDecl;
use crate::op::{Fence, Order, Rmw};
use loom::cell::Cell;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::sync::{Condvar, Mutex, MutexGuard};
use std::rc::Rc;

/// A word, made anew for each execution.
pub(super) struct Word {
    pub(super) memory: Memory,
    /// Who has read it since it was last written, where that matters.
    pub(super) readers: Option<Readers>,
    /// Touched before each access, if it is a lock that is tried or looked at.
    pub(super) tried: Option<Condvar>,
}

pub(super) enum Memory {
    Atomic(Bits),
    Plain(Cell<u64>),
    /// loom's own lock, because loom knows that a waiter for it cannot run: an order of critical sections costs
    /// one execution, where a lock made of an atomic costs one more for each attempt that fails.
    Lock(Rc<Mutex<()>>),
}

impl Word {
    pub(super) fn new(decl: &CellDecl, tried: bool, readers: bool) -> Self {
        let memory = match decl.kind {
            Kind::Atomic => Memory::Atomic(Bits::new(decl.init, decl.mask)),
            Kind::Plain => Memory::Plain(Cell::new(decl.init)),
            Kind::Lock => Memory::Lock(Rc::new(Mutex::new(()))),
        };
        Word { memory, readers: readers.then(Readers::default), tried: tried.then(Condvar::new) }
    }
}

/// An atomic word. Its value stands in the top bits, so that loom's addition wraps at the width of the word.
pub(super) struct Bits {
    atomic: AtomicU64,
    shift: u32,
}

impl Bits {
    fn new(value: u64, mask: u64) -> Self {
        let shift = mask.leading_zeros();
        Bits { atomic: AtomicU64::new(value << shift), shift }
    }

    pub(super) fn load(&self, order: Order) -> u64 {
        self.atomic.load(ordering(order)) >> self.shift
    }

    pub(super) fn store(&self, value: u64, order: Order) {
        self.atomic.store(value << self.shift, ordering(order));
    }

    /// Performs the operation as one step; gives the old value. `Full` orders nothing here: its fences stand
    /// around it.
    pub(super) fn rmw(&self, rmw: Rmw, order: Order) -> u64 {
        let (atomic, shift, ordering) = (&self.atomic, self.shift, ordering(order));
        let old = match rmw {
            Rmw::Xchg(new) => atomic.swap(new << shift, ordering),
            Rmw::CmpXchg { old, new } => {
                let (Ok(seen) | Err(seen)) =
                    atomic.compare_exchange(old << shift, new << shift, ordering, Ordering::Relaxed);
                seen
            }
            Rmw::Add(add) => atomic.fetch_add(add << shift, ordering),
            Rmw::AddUnless { add, unless } => return self.add_unless(add, unless, ordering),
            Rmw::And(bits) => atomic.fetch_and(bits << shift, ordering),
            Rmw::Or(bits) => atomic.fetch_or(bits << shift, ordering),
            Rmw::Xor(bits) => atomic.fetch_xor(bits << shift, ordering),
            Rmw::Bits { mask, new } => return self.exchange_bits(mask << shift, new << shift, ordering),
        };
        old >> shift
    }

    /// As in [`Self::add_unless`], without a value that forbids it.
    fn exchange_bits(&self, mask: u64, new: u64, ordering: Ordering) -> u64 {
        let mut guess = 0;
        loop {
            match self.atomic.compare_exchange(guess, guess & !mask | new, ordering, Ordering::Relaxed) {
                Ok(old) => return old >> self.shift,
                Err(seen) => guess = seen,
            }
        }
    }

    /// An exchange from a guessed value: where the guess is wrong it reads the newest value and writes nothing. A
    /// first load would be a chance to lose schedules; see the holes in `tests/loom_holes.rs`.
    fn add_unless(&self, add: u64, unless: u64, ordering: Ordering) -> u64 {
        let (add, unless) = (add << self.shift, unless << self.shift);
        let mut guess = unless.wrapping_add(1 << self.shift);
        loop {
            match self.atomic.compare_exchange(guess, guess.wrapping_add(add), ordering, Ordering::Relaxed) {
                Ok(old) => return old >> self.shift,
                Err(seen) if seen == unless => return seen >> self.shift,
                Err(seen) => guess = seen,
            }
        }
    }

    /// The newest value, by an exchange that fails because its old value is not there: `expected` is the newest
    /// value as far as the engine knows.
    pub(super) fn newest(&self, expected: u64) -> u64 {
        let absent = !(expected << self.shift);
        let (Ok(seen) | Err(seen)) =
            self.atomic.compare_exchange(absent, absent, Ordering::Relaxed, Ordering::Relaxed);
        seen >> self.shift
    }
}

/// A lock that is held, together with what keeps its guard valid.
pub(super) struct Held {
    // Fields are dropped in this order: the guard before the lock.
    guard: MutexGuard<'static, ()>,
    _mutex: Rc<Mutex<()>>,
}

impl Held {
    /// Waits for the lock and takes it.
    pub(super) fn lock(mutex: &Rc<Mutex<()>>) -> Self {
        Held::keep(mutex.lock().expect("loom poisons no lock"), mutex)
    }

    /// Takes the lock if it is free.
    pub(super) fn try_lock(mutex: &Rc<Mutex<()>>) -> Option<Self> {
        Some(Held::keep(mutex.try_lock().ok()?, mutex))
    }

    fn keep(guard: MutexGuard<'_, ()>, mutex: &Rc<Mutex<()>>) -> Self {
        // SAFETY: the guard borrows from the mutex behind the `Rc`, which does not move and lives at least as long
        // as this value; the guard is never handed out, and it is dropped first.
        let guard = unsafe { std::mem::transmute::<MutexGuard<'_, ()>, MutexGuard<'static, ()>>(guard) };
        Held { guard, _mutex: mutex.clone() }
    }

    /// Leaves the lock taken: its execution is gone, and loom would not know it.
    pub(super) fn forget(self) {
        std::mem::forget(self.guard);
    }
}

/// The ordering of one access. loom takes `SeqCst` accesses for acquire and release, so none is used.
fn ordering(order: Order) -> Ordering {
    match order {
        Order::Relaxed | Order::Full => Ordering::Relaxed,
        Order::Acquire => Ordering::Acquire,
        Order::Release => Ordering::Release,
    }
}

/// The fence of C11 that is at least as strong as the kernel's barrier.
pub(super) fn barrier(kind: Fence) -> Ordering {
    match kind {
        Fence::Mb | Fence::BeforeAtomic | Fence::AfterAtomic | Fence::AfterSpinlock | Fence::AfterUnlockLock => {
            Ordering::SeqCst
        }
        // DEVIATION: a release fence also orders earlier reads, and an acquire fence also orders later writes.
        Fence::Wmb => Ordering::Release,
        Fence::Rmb | Fence::AcquireAfterCtrlDep => Ordering::Acquire,
    }
}
