// SPDX-License-Identifier: GPL-2.0-only
//! The machine words that hold shared values on real atomics. Both builds have them: in a model build an object
//! that was made outside any model is one of these too.
#![allow(clippy::disallowed_types)]

use crate::op::{Order, Rmw};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// A machine word of some width; values go in and out as `u64`.
pub trait Repr: Send + Sync + 'static {
    /// A word that holds zero.
    #[allow(clippy::declare_interior_mutable_const)] // Lock constants are made of it.
    const ZERO: Self;
    /// A word that holds `bits`.
    fn new(bits: u64) -> Self;
    /// One load instruction.
    fn load(&self, ordering: Ordering) -> u64;
    /// One store instruction.
    fn store(&self, bits: u64, ordering: Ordering);
    /// One read-modify-write; gives the old value. A failed one is a relaxed load.
    fn rmw(&self, rmw: Rmw, ordering: Ordering) -> u64;
}

/// The ordering of a read-modify-write that is one machine instruction.
///
/// On x86 a locked instruction is a full barrier by itself, and `SeqCst` keeps the compiler from moving anything
/// over it. Elsewhere `Full` needs the two fences that `fully_ordered()` of the real backend puts around it.
pub(crate) const fn rmw_ordering(order: Order) -> Ordering {
    match order {
        Order::Relaxed => Ordering::Relaxed,
        Order::Acquire => Ordering::Acquire,
        Order::Release => Ordering::Release,
        Order::Full => {
            if cfg!(target_arch = "x86_64") {
                Ordering::SeqCst
            } else {
                Ordering::Relaxed
            }
        }
    }
}

macro_rules! machine_word {
    ($($(#[$doc:meta])* $name:ident: $atomic:ty, $int:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        #[repr(transparent)]
        pub struct $name($atomic);

        impl Repr for $name {
            const ZERO: Self = $name(<$atomic>::new(0));
            #[inline(always)]
            fn new(bits: u64) -> Self {
                $name(<$atomic>::new(bits as $int))
            }
            #[inline(always)]
            fn load(&self, ordering: Ordering) -> u64 {
                u64::from(self.0.load(ordering))
            }
            #[inline(always)]
            fn store(&self, bits: u64, ordering: Ordering) {
                self.0.store(bits as $int, ordering);
            }
            #[inline(always)]
            fn rmw(&self, rmw: Rmw, ordering: Ordering) -> u64 {
                u64::from(match rmw {
                    Rmw::Xchg(new) => self.0.swap(new as $int, ordering),
                    Rmw::CmpXchg { old, new } => {
                        let (Ok(seen) | Err(seen)) =
                            self.0.compare_exchange(old as $int, new as $int, ordering, Ordering::Relaxed);
                        seen
                    }
                    Rmw::Add(add) => self.0.fetch_add(add as $int, ordering),
                    Rmw::AddUnless { add, unless } => {
                        let (Ok(seen) | Err(seen)) = self.0.fetch_update(ordering, Ordering::Relaxed, |old| {
                            (old != unless as $int).then_some(old.wrapping_add(add as $int))
                        });
                        seen
                    }
                    Rmw::And(bits) => self.0.fetch_and(bits as $int, ordering),
                    Rmw::Or(bits) => self.0.fetch_or(bits as $int, ordering),
                    Rmw::Xor(bits) => self.0.fetch_xor(bits as $int, ordering),
                    Rmw::Bits { mask, new } => {
                        let (Ok(seen) | Err(seen)) = self.0.fetch_update(ordering, Ordering::Relaxed, |old| {
                            Some(old & !(mask as $int) | new as $int)
                        });
                        seen
                    }
                })
            }
        }
    )*};
}

machine_word! {
    /// Eight bits.
    Word8: AtomicU8, u8;
    /// Sixteen bits.
    Word16: AtomicU16, u16;
    /// Thirty-two bits.
    Word32: AtomicU32, u32;
    /// Sixty-four bits.
    Word64: AtomicU64, u64;
}
