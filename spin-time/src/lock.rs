// SPDX-License-Identifier: GPL-2.0-only
//! What can be measured as a lock, and one that is none.

use std::sync::{Mutex, PoisonError};

/// A lock under test.
pub trait Lock: Sync {
    /// Runs a section with the lock held.
    fn with<R>(&self, section: impl FnOnce() -> R) -> R;
}

impl<L: lock_api::RawMutex + Sync> Lock for lock_api::Mutex<L, ()> {
    #[inline]
    fn with<R>(&self, section: impl FnOnce() -> R) -> R {
        let _guard = self.lock();
        section()
    }
}

impl Lock for Mutex<()> {
    #[inline]
    fn with<R>(&self, section: impl FnOnce() -> R) -> R {
        let _guard = self.lock().unwrap_or_else(PoisonError::into_inner);
        section()
    }
}

/// Lets everybody in. Every run measures it first, and is worth nothing if it does not notice.
#[derive(Debug, Default)]
pub struct Busted;

impl Lock for Busted {
    #[inline]
    fn with<R>(&self, section: impl FnOnce() -> R) -> R {
        section()
    }
}
