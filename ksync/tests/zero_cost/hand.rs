// SPDX-License-Identifier: GPL-2.0-only
//! A spin lock and the counters of a CPU, written by hand.

use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering};

/// The preempt count.
pub(crate) struct Count(Cell<u32>);

impl Count {
    #[inline(always)]
    pub(crate) fn up(&self) {
        self.0.set(self.0.get().wrapping_add(1));
    }

    #[inline(always)]
    pub(crate) fn down(&self) {
        self.0.set(self.0.get().wrapping_sub(1));
    }
}

/// A CPU's preempt count and interrupt state.
pub(crate) struct Irqs {
    pub(crate) count: Count,
    pub(crate) off: Cell<bool>,
}

/// Test and test-and-set on one byte.
pub(crate) struct Lock(AtomicU8);

impl Lock {
    #[inline(always)]
    pub(crate) fn lock(&self) {
        while !self.try_lock() {
            while self.0.load(Ordering::Relaxed) != 0 {
                std::hint::spin_loop();
            }
        }
    }

    #[inline(always)]
    pub(crate) fn try_lock(&self) -> bool {
        self.0.swap(1, Ordering::Acquire) == 0
    }

    #[inline(always)]
    pub(crate) fn unlock(&self) {
        self.0.store(0, Ordering::Release);
    }
}
