// SPDX-License-Identifier: GPL-2.0-only
//! Shared words: [`Atomic`] for what C marks `READ_ONCE`, `atomic_t` or a barrier, [`Plain`] for the rest.

use crate::backend::{Cell, Kind};
use crate::op::{Observe, Order, Rmw};
use crate::order::{LoadOrder, RmwOrder, StoreOrder};
use crate::word::Word;
use std::fmt;

/// A word that several CPUs access at once.
///
/// A model counts its words and gives them names, so make it in the setup, never inside a task.
#[repr(transparent)]
pub struct Atomic<T: Word>(Cell<T>);

impl<T: Word> Atomic<T> {
    /// A word that holds zero, for `lock_api::RawMutex::INIT`. In a model build it is a placeholder that panics when
    /// it is used: make the word with [`Atomic::named`], in the setup.
    #[allow(clippy::declare_interior_mutable_const)] // It is for such constants.
    pub const ZERO: Self = Atomic(Cell::ZERO);

    /// A word that reports call by its number.
    #[inline]
    pub fn new(value: T) -> Self {
        Self::named(value, format_args!(""))
    }

    /// A word that reports call by this name, as in `Atomic::named(0, format_args!("migration/{cpu}.on_cpu"))`.
    #[inline]
    pub fn named(value: T, name: fmt::Arguments<'_>) -> Self {
        Atomic(Cell::new(Kind::Atomic, value, name))
    }

    /// `READ_ONCE(x)`, `smp_load_acquire(&x)`, `atomic_read()`.
    #[doc(alias = "READ_ONCE")]
    #[doc(alias = "smp_load_acquire")]
    #[inline(always)]
    #[track_caller]
    pub fn load<O: LoadOrder>(&self, _order: O) -> T {
        self.0.load(O::ORDER)
    }

    /// `WRITE_ONCE(x, v)`, `smp_store_release(&x, v)`, `atomic_set()`.
    #[doc(alias = "WRITE_ONCE")]
    #[doc(alias = "smp_store_release")]
    #[inline(always)]
    #[track_caller]
    pub fn store<O: StoreOrder>(&self, value: T, _order: O) {
        self.0.store(value, O::ORDER);
    }

    /// `smp_store_mb()`: a store and a full barrier behind it.
    #[inline(always)]
    #[track_caller]
    pub fn store_mb(&self, value: T) {
        self.0.store(value, Order::Relaxed);
        crate::smp_mb();
    }

    /// `xchg()`: stores and returns the old value.
    #[inline(always)]
    #[track_caller]
    pub fn xchg<O: RmwOrder>(&self, value: T, _order: O) -> T {
        T::from_bits(self.0.rmw(Rmw::Xchg(value.to_bits()), O::ORDER, Observe::Old))
    }

    /// A loop of `cmpxchg()` that exchanges some of the word's bits and keeps the rest; returns what was there. It
    /// takes the place of C's `xchg()` on a part of a word, too: no access here is smaller than its word.
    ///
    /// In a model it is one step: what a failed round has read is forgotten, and it orders nothing.
    #[inline(always)]
    #[track_caller]
    pub fn xchg_bits<O: RmwOrder>(&self, mask: T, value: T, _order: O) -> T {
        let mask = mask.to_bits();
        let rmw = Rmw::Bits { mask, new: value.to_bits() & mask };
        T::from_bits(self.0.rmw(rmw, O::ORDER, Observe::OldBits(mask)))
    }

    /// `cmpxchg()`: stores `new` if `old` is there.
    ///
    /// # Errors
    /// The value that is there instead; then the operation was a relaxed read and orders nothing.
    #[inline(always)]
    #[track_caller]
    pub fn cmpxchg<O: RmwOrder>(&self, old: T, new: T, _order: O) -> Result<T, T> {
        let (old, new) = (old.to_bits(), new.to_bits());
        let seen = self.0.rmw(Rmw::CmpXchg { old, new }, O::ORDER, Observe::Old);
        let value = T::from_bits(seen);
        if seen == old { Ok(value) } else { Err(value) }
    }

    /// `try_cmpxchg()` for a caller that does not look at the value it found.
    #[inline(always)]
    #[track_caller]
    pub fn try_cmpxchg<O: RmwOrder>(&self, old: T, new: T, _order: O) -> bool {
        let rmw = Rmw::CmpXchg { old: old.to_bits(), new: new.to_bits() };
        self.0.rmw(rmw, O::ORDER, Observe::Success) != 0
    }

    /// `atomic_add()`: orders nothing and returns nothing. Negative numbers subtract.
    #[inline(always)]
    #[track_caller]
    pub fn add(&self, value: T) {
        self.0.rmw(Rmw::Add(value.to_bits()), Order::Relaxed, Observe::Nothing);
    }

    /// `atomic_fetch_add()`: wraps, and returns the old value.
    #[inline(always)]
    #[track_caller]
    pub fn fetch_add<O: RmwOrder>(&self, value: T, _order: O) -> T {
        T::from_bits(self.0.rmw(Rmw::Add(value.to_bits()), O::ORDER, Observe::Old))
    }

    /// `atomic_add_unless()`: adds unless `unless` is there, and says whether it did.
    #[inline(always)]
    #[track_caller]
    pub fn add_unless<O: RmwOrder>(&self, add: T, unless: T, _order: O) -> bool {
        let rmw = Rmw::AddUnless { add: add.to_bits(), unless: unless.to_bits() };
        self.0.rmw(rmw, O::ORDER, Observe::Success) != 0
    }

    /// `atomic_fetch_or()`.
    #[inline(always)]
    #[track_caller]
    pub fn fetch_or<O: RmwOrder>(&self, bits: T, _order: O) -> T {
        T::from_bits(self.0.rmw(Rmw::Or(bits.to_bits()), O::ORDER, Observe::Old))
    }

    /// `atomic_fetch_and()`.
    #[inline(always)]
    #[track_caller]
    pub fn fetch_and<O: RmwOrder>(&self, bits: T, _order: O) -> T {
        T::from_bits(self.0.rmw(Rmw::And(bits.to_bits()), O::ORDER, Observe::Old))
    }

    /// `smp_cond_load_relaxed()`, and every `while (x) cpu_relax()`: spins until the condition holds.
    ///
    /// The condition is a pure function of the value: a model asks it as often as it likes.
    #[doc(alias = "smp_cond_load_relaxed")]
    #[doc(alias = "smp_cond_load_acquire")]
    #[inline(always)]
    #[track_caller]
    pub fn cond_load<O: LoadOrder>(&self, _order: O, cond: impl Fn(T) -> bool + 'static) -> T {
        self.0.await_until(cond, O::ORDER, None)
    }

    /// A loop that does something while it waits: `while (!cond(READ_ONCE(x))) body();`.
    ///
    /// Real threads run through the body at every turn. In the explorer it runs once in an instant of virtual time, between
    /// any two steps of other CPUs that could tell, and perhaps not at all in the instant in which the wait ends. A second
    /// turn in one instant is not explored. A body that asks for more than words, the time and its own CPU is refused.
    /// loom does not run it.
    #[inline(always)]
    #[track_caller]
    pub fn cond_load_with<O: LoadOrder>(&self, _order: O, cond: impl Fn(T) -> bool + 'static, body: impl Fn()) -> T {
        self.0.await_until(cond, O::ORDER, Some(&body))
    }

    pub(crate) fn cell(&self) -> &Cell<T> {
        &self.0
    }
}

/// Counters.
macro_rules! counters {
    ($($int:ty)*) => {$(
        impl Atomic<$int> {
            /// `atomic_inc()`: orders nothing.
            #[inline(always)]
            #[track_caller]
            pub fn inc(&self) {
                self.0.rmw(Rmw::Add(1), Order::Relaxed, Observe::Nothing);
            }

            /// `atomic_dec()`: orders nothing.
            #[inline(always)]
            #[track_caller]
            pub fn dec(&self) {
                let minus_one = (0 as $int).wrapping_sub(1).to_bits();
                self.0.rmw(Rmw::Add(minus_one), Order::Relaxed, Observe::Nothing);
            }

            /// `atomic_dec_and_test()`: whether the count is zero now.
            #[inline(always)]
            #[track_caller]
            pub fn dec_and_test<O: RmwOrder>(&self, _order: O) -> bool {
                let minus_one = (0 as $int).wrapping_sub(1).to_bits();
                self.0.rmw(Rmw::Add(minus_one), O::ORDER, Observe::NewIsZero) != 0
            }

            /// `test_and_set_bit()`: sets the bit and says whether it was set.
            #[inline(always)]
            #[track_caller]
            pub fn test_and_set_bit<O: RmwOrder>(&self, nr: u32, _order: O) -> bool {
                let bit = 1u64 << nr;
                self.0.rmw(Rmw::Or(bit), O::ORDER, Observe::OldHas(bit)) != 0
            }

            /// `clear_bit()`: orders nothing.
            #[inline(always)]
            #[track_caller]
            pub fn clear_bit(&self, nr: u32) {
                self.0.rmw(Rmw::And(!(1u64 << nr) & <$int as Word>::MASK), Order::Relaxed, Observe::Nothing);
            }
        }
    )*};
}
counters! { u16 u32 i32 u64 i64 }

impl<T: Word> fmt::Debug for Atomic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Atomic")
    }
}

/// A word that C accesses plainly, because a lock or a protocol keeps others away.
///
/// A model reports a [`Race`](crate::Verdict::Race) if nothing does. On real atomics an access is a relaxed load or
/// store: the same machine instruction as a plain one, and no undefined behaviour if a port is wrong.
#[repr(transparent)]
pub struct Plain<T: Word>(Cell<T>);

impl<T: Word> Plain<T> {
    /// A word that reports call by its number.
    #[inline]
    pub fn new(value: T) -> Self {
        Self::named(value, format_args!(""))
    }

    /// A word that reports call by this name.
    #[inline]
    pub fn named(value: T, name: fmt::Arguments<'_>) -> Self {
        Plain(Cell::new(Kind::Plain, value, name))
    }

    /// Reads the word.
    #[inline(always)]
    #[track_caller]
    pub fn get(&self) -> T {
        self.0.read()
    }

    /// Writes the word.
    #[inline(always)]
    #[track_caller]
    pub fn set(&self, value: T) {
        self.0.write(value);
    }

    #[cfg(loom)]
    pub(crate) fn cell(&self) -> &Cell<T> {
        &self.0
    }
}

impl<T: Word> fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}
