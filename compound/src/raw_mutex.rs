// SPDX-License-Identifier: GPL-2.0-only
//! The spin locks behind `lock_api::RawMutex`, to stand beside other people's locks: `arch_spin_lock()` and no more.
//!
//! DEVIATION: the functions of a `RawMutex` have no argument for `current`. So preemption and interrupts stay as they
//! are, which is the caller's business as with `arch_spin_lock()`, and a queueing CPU asks which one it is.

use crate::bit_spinlock::{bit_spin_is_locked, clear_bit_unlock, test_and_set_bit_lock};
use crate::machine::Machine;
use crate::qspinlock::{
    QSpinLock, lock_on, queued_spin_is_contended, queued_spin_is_locked, queued_spin_trylock, queued_spin_unlock,
};
use crate::ticket_spinlock::{self, TicketSpinLock};
use crossbeam_utils::CachePadded;
use ksync::{Atomic, Relaxed, smp_processor_id};
use lock_api::{GuardNoSend, RawMutex};
use std::sync::Arc;

/// Bit 0 of a word that nobody else uses, for comparison: a bit lock earns its keep in a word that others use.
#[derive(Debug)]
#[repr(transparent)]
pub struct RawBitSpinLock(Atomic<u64>);

/// The ticket lock.
#[derive(Debug)]
#[repr(transparent)]
pub struct RawTicketSpinLock(TicketSpinLock);

/// The queued lock, with the nodes of the machine that it stands in.
///
/// The word has a cache line of its own: C's code and nodes are where they are, so its lock reads nothing beside the
/// word. With the pointer on the word's line a release would first fetch the line to read, and then again to write.
#[derive(Debug)]
pub struct RawQueuedSpinLock {
    lock: CachePadded<QSpinLock>,
    machine: Option<Arc<Machine>>,
}

impl RawBitSpinLock {
    /// A free lock that reports call by this name.
    pub fn named(name: &str) -> Self {
        RawBitSpinLock(Atomic::named(0, format_args!("{name}")))
    }
}

// SAFETY: whoever finds the bit clear and sets it, in one step, holds the lock until it clears the bit.
unsafe impl RawMutex for RawBitSpinLock {
    #[allow(clippy::declare_interior_mutable_const)] // The trait asks for a constant.
    const INIT: Self = RawBitSpinLock(Atomic::ZERO);
    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock(&self) {
        while test_and_set_bit_lock(0, &self.0) {
            self.0.cond_load(Relaxed, |word| word & 1 == 0);
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        !test_and_set_bit_lock(0, &self.0)
    }

    #[inline]
    unsafe fn unlock(&self) {
        clear_bit_unlock(0, &self.0);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        bit_spin_is_locked(0, &self.0)
    }
}

impl RawTicketSpinLock {
    /// A free lock that reports call by this name.
    pub fn named(name: &str) -> Self {
        RawTicketSpinLock(TicketSpinLock::starting_at(0, name))
    }

    /// Whether somebody waits.
    pub fn is_contended(&self) -> bool {
        self.0.ticket_spin_is_contended()
    }
}

// SAFETY: a ticket is given once until all others were, and served when the one before it is done.
unsafe impl RawMutex for RawTicketSpinLock {
    #[allow(clippy::declare_interior_mutable_const)] // The trait asks for a constant.
    const INIT: Self = RawTicketSpinLock(TicketSpinLock::UNLOCKED);
    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock(&self) {
        self.0.ticket_spin_lock();
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.0.ticket_spin_trylock()
    }

    #[inline]
    unsafe fn unlock(&self) {
        self.0.ticket_spin_unlock(ticket_spinlock::MAINLINE);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.0.ticket_spin_is_locked()
    }
}

impl RawQueuedSpinLock {
    /// A free lock that reports call by this name. All who take it run on CPUs of this machine.
    pub fn named(machine: Arc<Machine>, name: &str) -> Self {
        RawQueuedSpinLock { lock: CachePadded::new(QSpinLock::with_val(0, name)), machine: Some(machine) }
    }

    /// Whether somebody waits.
    pub fn is_contended(&self) -> bool {
        queued_spin_is_contended(&self.lock)
    }

    #[inline]
    fn machine(&self) -> &Machine {
        self.machine.as_ref().expect("RawMutex::INIT is a placeholder: a queued lock needs its machine's nodes")
    }
}

// SAFETY: one CPU at a time finds the lock free or is the first of the waiters when it becomes free.
unsafe impl RawMutex for RawQueuedSpinLock {
    #[allow(clippy::declare_interior_mutable_const)] // The trait asks for a constant.
    const INIT: Self = RawQueuedSpinLock { lock: CachePadded::new(QSpinLock { val: Atomic::ZERO }), machine: None };
    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock(&self) {
        lock_on(self.machine(), smp_processor_id, &self.lock);
    }

    #[inline]
    fn try_lock(&self) -> bool {
        queued_spin_trylock(self.machine(), &self.lock)
    }

    #[inline]
    unsafe fn unlock(&self) {
        queued_spin_unlock(self.machine(), &self.lock);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        queued_spin_is_locked(self.machine(), &self.lock)
    }
}
