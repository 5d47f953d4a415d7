// SPDX-License-Identifier: GPL-2.0-only
//! `struct mutex`.

use crate::backend::RawSpinLock;
use crate::current::Current;
use lock_api::RawMutex;
use std::fmt;

/// `struct mutex`.
///
/// DEVIATION: who finds it locked spins here, and can be preempted there, where C's waiter sleeps after a while. For
/// everybody else that is the same.
pub struct Mutex(RawSpinLock);

impl Mutex {
    /// A free mutex, which reports call by this name.
    pub fn named(name: fmt::Arguments<'_>) -> Self {
        Mutex(RawSpinLock::named(name))
    }

    /// `mutex_lock()`.
    #[track_caller]
    pub fn lock(&self, _current: &Current) {
        self.0.lock();
    }

    /// `while (!mutex_trylock()) cpu_relax();`, where nobody can sleep.
    #[track_caller]
    pub fn spin_try_lock(&self) {
        self.0.lock();
    }

    /// `mutex_unlock()`, by its owner.
    #[track_caller]
    pub fn unlock(&self) {
        // SAFETY: nothing lies behind the mutex but cells, and a caller that is not the owner is seen by the models.
        unsafe { self.0.unlock() };
    }
}

impl fmt::Debug for Mutex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}
