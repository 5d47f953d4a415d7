// SPDX-License-Identifier: GPL-2.0-only
//! C: `raw_spin_lock()` and its like over an architecture's `arch_spin_lock()`: preemption goes off, then a lock is
//! taken.
//!
//! Which lock that is belongs to the kernel, so a scenario of one lock runs on the others too.
//!
//! These take the context, because C finds the CPU, its nodes and its preempt count by itself. [`crate::raw_mutex`]
//! has the same locks behind `lock_api::RawMutex`, which has no argument for it.

use crate::bit_spinlock::{bit_spin_lock, bit_spin_trylock, bit_spin_unlock};
use crate::machine::Ctx;
use crate::qspinlock::{
    QSpinLock, queued_spin_is_contended, queued_spin_is_locked, queued_spin_lock, queued_spin_trylock,
    queued_spin_unlock,
};
use crate::qspinlock_word::_Q_LOCKED_MASK;
use crate::ticket_spinlock::TicketSpinLock;
use ksync::{Atomic, Relaxed};

/// The architecture's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arch {
    /// `ARCH_USE_QUEUED_SPINLOCKS`.
    Queued,
    /// The generic ticket lock.
    Ticket,
    /// No architecture has it: one bit of a word, for comparison.
    Bit,
}

/// `raw_spinlock_t`.
#[derive(Debug)]
pub enum RawSpinLock {
    /// See [`Arch::Queued`].
    Queued(QSpinLock),
    /// See [`Arch::Ticket`].
    Ticket(TicketSpinLock),
    /// See [`Arch::Bit`].
    Bit(Atomic<u64>),
}

impl RawSpinLock {
    /// A free lock of this architecture, which reports call by this name.
    pub fn new(arch: Arch, name: &str) -> Self {
        match arch {
            Arch::Queued => RawSpinLock::Queued(QSpinLock::with_val(0, name)),
            Arch::Ticket => RawSpinLock::Ticket(TicketSpinLock::starting_at(0, name)),
            Arch::Bit => RawSpinLock::Bit(Atomic::named(0, format_args!("{name}"))),
        }
    }

    /// `raw_spin_lock()`.
    pub fn lock(&self, ctx: &Ctx) {
        match self {
            RawSpinLock::Queued(lock) => {
                ctx.current.preempt_disable();
                queued_spin_lock(ctx, lock);
            }
            RawSpinLock::Ticket(lock) => {
                ctx.current.preempt_disable();
                lock.ticket_spin_lock();
            }
            RawSpinLock::Bit(word) => bit_spin_lock(ctx, 0, word),
        }
    }

    /// `raw_spin_trylock()`: whether the lock was free and is ours now.
    pub fn trylock(&self, ctx: &Ctx) -> bool {
        if let RawSpinLock::Bit(word) = self {
            return bit_spin_trylock(ctx, 0, word);
        }
        ctx.current.preempt_disable();
        let taken = match self {
            RawSpinLock::Queued(lock) => queued_spin_trylock(ctx.machine, lock),
            RawSpinLock::Ticket(lock) => lock.ticket_spin_trylock(),
            RawSpinLock::Bit(_) => unreachable!("done above"),
        };
        if !taken {
            ctx.current.preempt_enable();
        }
        taken
    }

    /// `raw_spin_unlock()`.
    pub fn unlock(&self, ctx: &Ctx) {
        match self {
            RawSpinLock::Queued(lock) => queued_spin_unlock(ctx.machine, lock),
            RawSpinLock::Ticket(lock) => lock.ticket_spin_unlock(ctx.machine.kernel.ticket),
            RawSpinLock::Bit(word) => return bit_spin_unlock(ctx, 0, word),
        }
        ctx.current.preempt_enable();
    }

    /// `raw_spin_is_locked()`: a look that orders nothing.
    pub fn is_locked(&self, ctx: &Ctx) -> bool {
        match self {
            RawSpinLock::Queued(lock) => queued_spin_is_locked(ctx.machine, lock),
            RawSpinLock::Ticket(lock) => lock.ticket_spin_is_locked(),
            RawSpinLock::Bit(word) => word.load(Relaxed) & 1 != 0,
        }
    }

    /// Waits until somebody waits for the lock; `says_so` is where a waiter says it itself, since a bit does not.
    pub fn await_contention(&self, says_so: &Atomic<bool>) {
        match self {
            RawSpinLock::Queued(lock) => {
                lock.val.cond_load(Relaxed, |val| val & !_Q_LOCKED_MASK != 0);
            }
            RawSpinLock::Ticket(lock) => lock.await_contention(),
            RawSpinLock::Bit(_) => {
                says_so.cond_load(Relaxed, |waits| waits);
            }
        }
    }

    /// `raw_spin_is_contended()`: whether somebody waits; a bit does not say.
    pub fn is_contended(&self) -> Option<bool> {
        match self {
            RawSpinLock::Queued(lock) => Some(queued_spin_is_contended(lock)),
            RawSpinLock::Ticket(lock) => Some(lock.ticket_spin_is_contended()),
            RawSpinLock::Bit(_) => None,
        }
    }
}
