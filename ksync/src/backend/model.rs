// SPDX-License-Identifier: GPL-2.0-only
//! The model build: an object belongs to the engine that runs when it is made.
//!
//! Made in a scenario's setup it is a number in the engine's memory, and every call on it becomes a
//! [`Request`] to the engine. Made outside any model it is plain memory, so doctests and ordinary tests work.

use super::Parking;
use super::repr::{Repr, Word64, rmw_ordering};
use super::world::{self, Phase};
use crate::atomic::{Atomic, Plain};
use crate::op::{CellId, Cond, Fence, MemOp, Observe, Order, Rmw};
use crate::request::{FrameId, Request};
use crate::sleep::Wants;
use crate::word::Word;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::Ordering;

pub(crate) use crate::explore::CellKind as Kind;

/// A shared word.
pub(crate) struct Cell<T: Word> {
    /// None in a constant, which no setup made.
    slot: Option<Slot>,
    what: PhantomData<fn(T) -> T>,
}

enum Slot {
    Memory(Word64),
    Bound(CellId),
}

impl<T: Word> Cell<T> {
    #[allow(clippy::declare_interior_mutable_const)] // For constants of locks.
    pub(crate) const ZERO: Self = Cell { slot: None, what: PhantomData };

    #[track_caller]
    fn slot(&self) -> &Slot {
        self.slot.as_ref().expect("a constant is a placeholder in a model build: make the word in the setup")
    }

    pub(crate) fn new(kind: Kind, value: T, name: fmt::Arguments<'_>) -> Self {
        let bits = value.to_bits();
        let slot = match world::new_cell(kind, bits, T::MASK, name) {
            Some(id) => Slot::Bound(id),
            None => Slot::Memory(Word64::new(bits)),
        };
        Cell { slot: Some(slot), what: PhantomData }
    }

    #[track_caller]
    fn bound(&self) -> CellId {
        match *self.slot() {
            Slot::Bound(id) => id,
            Slot::Memory(_) => panic!("a model uses a word that was made outside of it: make it in the setup"),
        }
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Order) -> T {
        T::from_bits(match self.slot() {
            Slot::Memory(word) => word.load(Ordering::SeqCst),
            &Slot::Bound(cell) => mem(MemOp::Load { cell, order }),
        })
    }

    #[track_caller]
    pub(crate) fn store(&self, value: T, order: Order) {
        let value = value.to_bits();
        match self.slot() {
            Slot::Memory(word) => word.store(value, Ordering::SeqCst),
            &Slot::Bound(cell) => {
                mem(MemOp::Store { cell, value, order });
            }
        }
    }

    #[track_caller]
    pub(crate) fn read(&self) -> T {
        T::from_bits(match self.slot() {
            Slot::Memory(word) => word.load(Ordering::Relaxed),
            &Slot::Bound(cell) => mem(MemOp::Read { cell }),
        })
    }

    #[track_caller]
    pub(crate) fn write(&self, value: T) {
        let value = value.to_bits();
        match self.slot() {
            Slot::Memory(word) => word.store(value, Ordering::Relaxed),
            &Slot::Bound(cell) => {
                mem(MemOp::Write { cell, value });
            }
        }
    }

    #[track_caller]
    pub(crate) fn rmw(&self, rmw: Rmw, order: Order, observe: Observe) -> u64 {
        let mask = T::MASK;
        match self.slot() {
            Slot::Memory(word) => {
                let old = word.rmw(rmw, rmw_ordering(order)) & mask;
                observe.of(old, rmw.apply(old, mask))
            }
            &Slot::Bound(cell) => mem(MemOp::Rmw { cell, rmw, mask, order, observe }),
        }
    }

    #[track_caller]
    pub(crate) fn await_until(&self, cond: impl Fn(T) -> bool + 'static, order: Order, body: Option<&dyn Fn()>) -> T {
        match self.slot() {
            Slot::Memory(word) => loop {
                let value = T::from_bits(word.load(Ordering::SeqCst));
                if cond(value) {
                    return value;
                }
                if let Some(body) = body {
                    body();
                }
                std::thread::yield_now();
            },
            &Slot::Bound(cell) => {
                let wait = Request::Mem(MemOp::Await { cell, cond: condition(cond), order });
                T::from_bits(world::request_looping(wait, Location::caller(), body))
            }
        }
    }
}

fn condition<T: Word>(cond: impl Fn(T) -> bool + 'static) -> Cond {
    Cond(Rc::new(move |bits| cond(T::from_bits(bits))))
}

#[track_caller]
fn mem(op: MemOp) -> u64 {
    world::request(Request::Mem(op), Location::caller())
}

/// A model's setup or one of its tasks runs on this thread.
pub(crate) fn in_model() -> bool {
    world::phase() != Phase::Outside
}

#[track_caller]
pub(crate) fn ask(request: Request) -> u64 {
    if world::phase() == Phase::Outside {
        return 0;
    }
    world::request(request, Location::caller())
}

#[track_caller]
pub(crate) fn fence(kind: Fence) {
    ask(Request::Mem(MemOp::Fence(kind)));
}

#[track_caller]
pub(crate) fn preempt_off(off: bool) {
    ask(Request::PreemptOff(off));
}

#[track_caller]
pub(crate) fn irqs_off(off: bool) {
    ask(Request::IrqsOff(off));
}

#[track_caller]
pub(crate) fn cpu(declared: u32) -> u32 {
    world::asks_which_it_is();
    if world::task_migrates() { world::request(Request::Cpu, Location::caller()) as u32 } else { declared }
}

#[track_caller]
pub(crate) fn this_cpu() -> u32 {
    world::asks_which_it_is().unwrap_or_else(|| world::request(Request::Cpu, Location::caller()) as u32)
}

/// The running task wants to know its name or its number.
pub(crate) fn asks_which_it_is() {
    world::asks_which_it_is();
}

#[track_caller]
pub(crate) fn set_allowed(cpus: &[u32]) {
    ask(Request::SetAllowed(world::cpu_mask(cpus)));
}

#[track_caller]
pub(crate) fn distil<R: Word>(block: impl Fn() -> R) -> R {
    ask(Request::Distil);
    let result = block();
    ask(Request::Distilled { result: result.to_bits(), preempt_count: 0, irqs_off: false });
    result
}

pub(crate) fn frame<T>(make: impl FnOnce() -> T) -> (FrameId, T) {
    let id = world::begin_frame();
    let object = make();
    world::end_frame();
    (id, object)
}

/// What a sleeper waits for.
pub(crate) struct Watched<'a, T: Word>(&'a Cell<T>);

impl<'a, T: Word> Watched<'a, T> {
    pub(crate) fn of_plain(word: &'a Plain<T>) -> Self {
        Watched(word.cell())
    }

    pub(crate) fn of_atomic(word: &'a Atomic<T>) -> Self {
        Watched(word.cell())
    }
}

#[track_caller]
pub(crate) fn sleep_until<T: Word, W: Word>(
    parking: &Parking,
    word: &Atomic<T>,
    cond: impl Fn(T) -> bool + 'static,
    wants: Option<Wants<'_, W>>,
) {
    match word.cell().slot() {
        Slot::Memory(memory) => parking.park_until(|| cond(T::from_bits(memory.load(Ordering::Relaxed)))),
        &Slot::Bound(cell) => {
            let wants = wants.map(|wants| (wants.word.0.bound(), condition(wants.cond)));
            let request = Request::Sleep { cell, cond: condition(cond), wants };
            world::request(request, Location::caller());
        }
    }
}

/// A spin lock that the engine knows as one.
pub(crate) struct RawSpinLock(Option<Slot>);

impl RawSpinLock {
    pub(crate) fn named(name: fmt::Arguments<'_>) -> Self {
        RawSpinLock(Some(match world::new_cell(Kind::Lock, 0, u64::MAX, name) {
            Some(id) => Slot::Bound(id),
            None => Slot::Memory(Word64::new(0)),
        }))
    }

    #[track_caller]
    fn slot(&self) -> &Slot {
        self.0
            .as_ref()
            .expect("RawMutex::INIT is a placeholder in a model build: make the lock with SpinLock::named()")
    }
}

// SAFETY: both engines treat the word as a lock: `Lock` waits until it is free and takes it in the same step.
unsafe impl lock_api::RawMutex for RawSpinLock {
    #[allow(clippy::declare_interior_mutable_const)] // The trait asks for a constant.
    const INIT: Self = RawSpinLock(None);
    type GuardMarker = lock_api::GuardNoSend;

    #[track_caller]
    fn lock(&self) {
        match self.slot() {
            Slot::Memory(word) => {
                while word.rmw(Rmw::Xchg(1), Ordering::Acquire) != 0 {
                    std::thread::yield_now();
                }
            }
            &Slot::Bound(cell) => {
                mem(MemOp::Lock { cell, holder: 0 });
            }
        }
    }

    #[track_caller]
    fn try_lock(&self) -> bool {
        match self.slot() {
            Slot::Memory(word) => word.rmw(Rmw::Xchg(1), Ordering::Acquire) == 0,
            &Slot::Bound(cell) => mem(MemOp::TryLock { cell, holder: 0 }) != 0,
        }
    }

    #[track_caller]
    unsafe fn unlock(&self) {
        match self.slot() {
            Slot::Memory(word) => word.store(0, Ordering::Release),
            &Slot::Bound(cell) => {
                mem(MemOp::Unlock { cell });
            }
        }
    }

    #[track_caller]
    fn is_locked(&self) -> bool {
        match self.slot() {
            Slot::Memory(word) => word.load(Ordering::Relaxed) != 0,
            &Slot::Bound(cell) => mem(MemOp::IsLocked { cell }) != 0,
        }
    }
}
