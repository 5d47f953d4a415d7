// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/asm-generic/ticket_spinlock.h`, v7.1: a number for each who comes, and the number that is served.
//!
//! ```text
//!  31        16 15         0
//! +------------+------------+
//! | next       | owner      |    who comes takes next and adds 1; the lock is free where both are equal
//! +------------+------------+
//! ```
//!
//! Property: one holder at a time, in the order of arrival.

use ksync::{Acquire, Atomic, Full, Relaxed, Release, smp_mb};

/// A revision of the lock.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What `ticket_spin_unlock()` writes.
    pub unlock: Unlock,
}

/// What `ticket_spin_unlock()` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlock {
    /// The owner's half.
    Half,
    /// The sum of the word and one: at the end of the owner's range it carries into the other half.
    Sum,
    /// The whole word, as it was read before.
    Word,
}

/// As it stands in v7.1.
pub const MAINLINE: Rev = Rev { unlock: Unlock::Half };

/// `arch_spinlock_t` of an architecture without a queued spinlock.
#[derive(Debug)]
#[repr(transparent)]
pub struct TicketSpinLock {
    val: Atomic<u32>,
}

const ONE_TICKET: u32 = 1 << 16;

fn next(val: u32) -> u16 {
    (val >> 16) as u16
}

fn owner(val: u32) -> u16 {
    val as u16
}

impl TicketSpinLock {
    /// `__ARCH_SPIN_LOCK_UNLOCKED`, as a constant; a model needs [`TicketSpinLock::starting_at`].
    #[allow(clippy::declare_interior_mutable_const)] // `RawMutex::INIT` is such a constant.
    pub const UNLOCKED: Self = TicketSpinLock { val: Atomic::ZERO };

    /// A free lock whose next ticket has this number, which reports call by this name.
    pub fn starting_at(ticket: u16, name: &str) -> Self {
        let ticket = u32::from(ticket);
        TicketSpinLock { val: Atomic::named(ticket << 16 | ticket, format_args!("{name}")) }
    }

    /// `ticket_spin_lock()`.
    #[inline]
    pub fn ticket_spin_lock(&self) {
        // ORDERING: Full, of which the way without waiting needs all: the last holder's section before ours, and what
        // stands before the call before it. Pairs with `ticket_spin_unlock()`. Without it the sections race:
        // `exclusion`, mutant `relaxed-ticket`.
        let val = self.val.fetch_add(ONE_TICKET, Full);
        let ticket = next(val);
        if ticket == owner(val) {
            return;
        }
        // ORDERING: Acquire, the last holder's section before ours. Pairs with `ticket_spin_unlock()`. The barrier
        // below would do as well; without both the sections race: `exclusion`, mutant `relaxed-wait`.
        self.val.cond_load(Acquire, move |val| owner(val) == ticket);
        // ORDERING: what the last holders did before what we read, for all CPUs: the order of sections is one order.
        // Pairs with `ticket_spin_unlock()` and any full barrier elsewhere. Without it: `third-cpu`.
        smp_mb();
    }

    /// `ticket_spin_trylock()`: whether the lock was free and is ours now.
    pub fn ticket_spin_trylock(&self) -> bool {
        let old = self.val.load(Relaxed);
        if next(old) != owner(old) {
            return false;
        }
        // ORDERING: Full, as in `ticket_spin_lock()`: `trylock-exclusion`, mutant `relaxed-trylock`.
        self.val.try_cmpxchg(old, old.wrapping_add(ONE_TICKET), Full)
    }

    /// `ticket_spin_unlock()`: serves the next.
    ///
    /// DEVIATION: C stores the 16 bits of the owner, which only the holder writes, into the word to which others add.
    /// There is no such store on an atomic word here: adding the difference to the whole word is the same and cannot
    /// carry. It costs a read-modify-write where C has a store. Two words would do with a store, but then the way
    /// without waiting reads the owner behind its read-modify-write, and needs a barrier of its own: `third-cpu`.
    #[inline]
    pub fn ticket_spin_unlock(&self, rev: Rev) {
        let val = self.val.load(Relaxed);
        let served = u32::from(owner(val).wrapping_add(1));
        let difference = match rev.unlock {
            Unlock::Half => served.wrapping_sub(u32::from(owner(val))),
            Unlock::Sum => 1,
            Unlock::Word => {
                self.val.store(u32::from(next(val)) << 16 | served, Release);
                return;
            }
        };
        // ORDERING: Release, our section before the next holder's. Pairs with `ticket_spin_lock()`. Without it the
        // sections race: `exclusion`, mutant `relaxed-unlock`.
        self.val.fetch_add(difference, Release);
    }

    /// `ticket_spin_is_locked()`: a look that orders nothing.
    pub fn ticket_spin_is_locked(&self) -> bool {
        let val = self.val.load(Relaxed);
        next(val) != owner(val)
    }

    /// Waits until somebody waits for the lock.
    pub(crate) fn await_contention(&self) {
        self.val.cond_load(Relaxed, |val| next(val).wrapping_sub(owner(val)) > 1);
    }

    /// `ticket_spin_is_contended()`: whether somebody waits.
    pub fn ticket_spin_is_contended(&self) -> bool {
        let val = self.val.load(Relaxed);
        next(val).wrapping_sub(owner(val)) > 1
    }
}
