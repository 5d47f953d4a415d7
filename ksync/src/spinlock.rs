// SPDX-License-Identifier: GPL-2.0-only
//! `raw_spinlock_t`.
//!
//! A lock guards nothing by itself: the data stands in cells beside it, or a model could not see it. Guards go in
//! C's unlock order, with [`SpinGuard::unlock`].

use crate::backend::RawSpinLock;
use crate::current::{Current, IrqFlags};
use lock_api::{Mutex, MutexGuard, RawMutex};
use std::fmt;
use std::mem::ManuallyDrop;

/// A spin lock: `raw_spin_lock()` turns preemption off, the `_irq` forms interrupts too.
pub struct SpinLock(Mutex<RawSpinLock, ()>);

/// Holds a [`SpinLock`]; what the lock call turned off comes back after the release.
#[must_use = "an unnamed guard unlocks at once"]
pub struct SpinGuard<'a> {
    /// Released by hand, at a place in the program.
    guard: ManuallyDrop<MutexGuard<'a, RawSpinLock, ()>>,
    current: &'a Current,
    irqs: Irqs,
}

enum Irqs {
    Untouched,
    Enable,
    Restore(IrqFlags),
}

impl SpinLock {
    /// A free lock that reports call by this name, as in `SpinLock::named(format_args!("stopper{cpu}.lock"))`.
    pub fn named(name: fmt::Arguments<'_>) -> Self {
        SpinLock(Mutex::from_raw(RawSpinLock::named(name), ()))
    }

    /// `raw_spin_lock()`.
    #[inline]
    #[track_caller]
    pub fn lock<'a>(&'a self, current: &'a Current) -> SpinGuard<'a> {
        self.take(current, Irqs::Untouched)
    }

    /// `raw_spin_lock_nested(lock, SINGLE_DEPTH_NESTING)`: the outer guard shows that a lock of this class is held.
    ///
    /// ```compile_fail
    /// # fn f(second: &ksync::SpinLock) {
    /// let inner = second.lock_nested(); // there is no first guard
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn lock_nested<'a>(&'a self, outer: &SpinGuard<'a>) -> SpinGuard<'a> {
        self.take(outer.current, Irqs::Untouched)
    }

    /// `raw_spin_lock_irq()`.
    #[inline]
    #[track_caller]
    pub fn lock_irq<'a>(&'a self, current: &'a Current) -> SpinGuard<'a> {
        current.local_irq_disable();
        self.take(current, Irqs::Enable)
    }

    /// `raw_spin_lock_irqsave()`; the flags are in the guard.
    #[inline]
    #[track_caller]
    pub fn lock_irqsave<'a>(&'a self, current: &'a Current) -> SpinGuard<'a> {
        let flags = current.local_irq_save();
        self.take(current, Irqs::Restore(flags))
    }

    /// `raw_spin_trylock()`.
    #[inline]
    #[track_caller]
    pub fn try_lock<'a>(&'a self, current: &'a Current) -> Option<SpinGuard<'a>> {
        current.preempt_disable();
        if let Some(guard) = self.0.try_lock() {
            return Some(SpinGuard { guard: ManuallyDrop::new(guard), current, irqs: Irqs::Untouched });
        }
        current.preempt_enable();
        None
    }

    /// `raw_spin_is_locked()`: a relaxed read.
    #[inline]
    #[track_caller]
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    #[inline]
    #[track_caller]
    fn take<'a>(&'a self, current: &'a Current, irqs: Irqs) -> SpinGuard<'a> {
        current.preempt_disable();
        SpinGuard { guard: ManuallyDrop::new(self.0.lock()), current, irqs }
    }
}

impl fmt::Debug for SpinLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpinLock")
    }
}

impl SpinGuard<'_> {
    /// Releases the lock, at this place in the program. Dropping the guard does the same without a place.
    #[inline]
    #[track_caller]
    pub fn unlock(self) {
        ManuallyDrop::new(self).release();
    }

    /// Who holds the lock.
    pub fn current(&self) -> &Current {
        self.current
    }

    /// Called once in the life of a guard, by its end.
    #[inline]
    #[track_caller]
    fn release(&mut self) {
        // SAFETY: the guard holds the lock, and does not drop by itself.
        unsafe { MutexGuard::mutex(&self.guard).raw().unlock() };
        match self.irqs {
            Irqs::Untouched => {}
            Irqs::Enable => self.current.local_irq_enable(),
            Irqs::Restore(flags) => self.current.local_irq_restore(flags),
        }
        self.current.preempt_enable();
    }
}

impl Drop for SpinGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for SpinGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpinGuard")
    }
}
