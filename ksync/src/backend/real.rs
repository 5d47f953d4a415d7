// SPDX-License-Identifier: GPL-2.0-only
//! Real atomics: nothing beyond the machine instruction.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use super::Parking;
use super::repr::{Repr, rmw_ordering};
use crate::atomic::Atomic;
use crate::op::{Fence, Observe, Order, Rmw};
use crate::request::{FrameId, Request};
use crate::sleep::Wants;
use crate::word::Word;
use std::fmt;
use std::sync::atomic::{Ordering, fence as std_fence};

/// A shared word.
#[repr(transparent)]
pub(crate) struct Cell<T: Word>(T::Repr);

/// What a cell is for; only a model asks.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Atomic,
    Plain,
}

impl<T: Word> Cell<T> {
    #[allow(clippy::declare_interior_mutable_const)] // For constants of locks.
    pub(crate) const ZERO: Self = Cell(T::Repr::ZERO);

    #[inline(always)]
    pub(crate) fn new(_kind: Kind, value: T, _name: fmt::Arguments<'_>) -> Self {
        Cell(T::Repr::new(value.to_bits()))
    }

    #[inline(always)]
    pub(crate) fn load(&self, order: Order) -> T {
        T::from_bits(self.0.load(match order {
            Order::Acquire => Ordering::Acquire,
            _ => Ordering::Relaxed,
        }))
    }

    #[inline(always)]
    pub(crate) fn store(&self, value: T, order: Order) {
        let ordering = match order {
            Order::Release => Ordering::Release,
            _ => Ordering::Relaxed,
        };
        self.0.store(value.to_bits(), ordering);
    }

    /// A plain access is a relaxed atomic here: the same instruction, and no undefined behaviour if a port races.
    #[inline(always)]
    pub(crate) fn read(&self) -> T {
        self.load(Order::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn write(&self, value: T) {
        self.store(value, Order::Relaxed);
    }

    /// Returns what the caller observes; with constant arguments all of it folds to the instruction.
    #[inline(always)]
    pub(crate) fn rmw(&self, rmw: Rmw, order: Order, observe: Observe) -> u64 {
        let fenced = order == Order::Full && !cfg!(target_arch = "x86_64");
        if fenced {
            std_fence(Ordering::SeqCst);
        }
        let old = self.0.rmw(rmw, rmw_ordering(order));
        if fenced {
            std_fence(Ordering::SeqCst);
        }
        observe.of(old, rmw.apply(old, T::MASK))
    }

    #[inline(always)]
    pub(crate) fn await_until(&self, cond: impl Fn(T) -> bool + 'static, order: Order, body: Option<&dyn Fn()>) -> T {
        loop {
            let value = self.load(order);
            if cond(value) {
                return value;
            }
            if let Some(body) = body {
                body();
            }
            std::hint::spin_loop();
        }
    }
}

/// A barrier; see the table in the crate's documentation for what each becomes.
#[inline(always)]
pub(crate) fn fence(kind: Fence) {
    match kind {
        Fence::Mb | Fence::AfterUnlockLock => std_fence(Ordering::SeqCst),
        Fence::Wmb => std_fence(Ordering::Release),
        Fence::Rmb | Fence::AcquireAfterCtrlDep => std_fence(Ordering::Acquire),
        // x86: the locked instruction beside it is the barrier already; the compiler must not move across.
        Fence::BeforeAtomic | Fence::AfterAtomic | Fence::AfterSpinlock => {
            if cfg!(target_arch = "x86_64") {
                std::sync::atomic::compiler_fence(Ordering::SeqCst);
            } else {
                std_fence(Ordering::SeqCst);
            }
        }
    }
}

/// The kernel-like spin lock of the real backend: test and test-and-set on one byte.
pub(crate) struct RawSpinLock(super::Word8);

impl RawSpinLock {
    pub(crate) const fn named(_name: fmt::Arguments<'_>) -> Self {
        <Self as lock_api::RawMutex>::INIT
    }
}

// SAFETY: the word is 1 from a successful exchange until the holder's release store of 0.
unsafe impl lock_api::RawMutex for RawSpinLock {
    const INIT: Self = RawSpinLock(super::Word8::ZERO);
    type GuardMarker = lock_api::GuardNoSend;

    #[inline]
    fn lock(&self) {
        while !self.try_lock() {
            while self.0.load(Ordering::Relaxed) != 0 {
                std::hint::spin_loop();
            }
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        // ORDERING: Acquire, the last holder's section before ours. Pairs with `unlock()`. Without it the sections
        // race: the test `it_needs_both_its_orderings`, which has this lock in the facade's words.
        self.0.rmw(Rmw::Xchg(1), Ordering::Acquire) == 0
    }

    #[inline]
    unsafe fn unlock(&self) {
        // ORDERING: Release, our section before the next holder's. Pairs with `try_lock()`, tested there.
        self.0.store(0, Ordering::Release);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// What a sleeper waits for; only a model looks.
pub(crate) struct Watched<'a, T: Word>(std::marker::PhantomData<&'a T>);

impl<'a, T: Word> Watched<'a, T> {
    pub(crate) fn of_plain(_word: &'a crate::Plain<T>) -> Self {
        Watched(std::marker::PhantomData)
    }

    pub(crate) fn of_atomic(_word: &'a crate::Atomic<T>) -> Self {
        Watched(std::marker::PhantomData)
    }
}

pub(crate) fn sleep_until<T: Word, W: Word>(
    parking: &Parking,
    word: &Atomic<T>,
    cond: impl Fn(T) -> bool + 'static,
    _wants: Option<Wants<'_, W>>,
) {
    parking.park_until(|| cond(word.cell().load(Order::Relaxed)));
}

thread_local! {
    /// The CPU of the task that this thread runs.
    static CPU: std::cell::Cell<Option<u32>> = const { std::cell::Cell::new(None) };
}

/// The thread is a task on this CPU from now on.
pub(crate) fn set_this_cpu(cpu: u32) {
    CPU.set(Some(cpu));
}

pub(crate) fn this_cpu() -> u32 {
    CPU.get().expect("a thread of run_threads()")
}

/// No task here stands for another one.
#[inline(always)]
pub(crate) fn asks_which_it_is() {}

#[inline(always)]
pub(crate) fn cpu(declared: u32) -> u32 {
    declared
}

#[inline(always)]
pub(crate) fn preempt_off(_off: bool) {}

#[inline(always)]
pub(crate) fn irqs_off(_off: bool) {}

pub(crate) fn set_allowed(_cpus: &[u32]) {}

/// There are no models.
pub(crate) fn in_model() -> bool {
    false
}

/// Requests that only a virtual machine can meet.
pub(crate) fn ask(_request: Request) -> u64 {
    0
}

#[inline(always)]
pub(crate) fn distil<R: Word>(block: impl Fn() -> R) -> R {
    block()
}

pub(crate) fn frame<T>(make: impl FnOnce() -> T) -> (FrameId, T) {
    (0, make())
}
