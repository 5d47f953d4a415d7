// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/linux/bit_spinlock.h`, v7.1: a lock that is one bit of a word which has other uses.
//!
//! ```text
//! CPU0, spins with preemption on             CPU1, holds the bit with preemption off
//! preempt_disable()
//! test_and_set_bit_lock() -> was set
//! preempt_enable()
//!   while (test_bit())                       its section
//!                                            clear_bit_unlock()
//!                                            preempt_enable()
//! preempt_disable()
//! test_and_set_bit_lock() -> was clear
//! ```
//!
//! Property: one holder at a time, who is not preempted; the other bits of the word keep what others make them.

use crate::machine::Ctx;
use ksync::{Acquire, Atomic, Relaxed, Release};

/// A revision of the functions of the header.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How `bit_spin_lock()` waits.
    pub spin: Spin,
    /// Where preemption is off after `bit_spin_trylock()`.
    pub trylock: Trylock,
    /// What `bit_spin_unlock()` writes.
    pub unlock: Unlock,
}

/// How `bit_spin_lock()` waits for the bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spin {
    /// With preemption on, and then it tries again.
    PreemptOn,
    /// With preemption off.
    PreemptOff,
    /// It takes a clear bit for the lock: the test is not repeated as a read-modify-write.
    TrustsTest,
}

/// Where preemption is off after `bit_spin_trylock()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trylock {
    /// Where the lock was taken.
    OnSuccess,
    /// Either way.
    Always,
    /// Neither way.
    Never,
}

/// What `bit_spin_unlock()` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlock {
    /// The bit.
    Bit,
    /// The whole word, as it was read before: `__bit_spin_unlock()`.
    Word,
}

/// As it stands in v7.1.
pub const MAINLINE: Rev = Rev { spin: Spin::PreemptOn, trylock: Trylock::OnSuccess, unlock: Unlock::Bit };

/// `test_and_set_bit_lock()`: sets the bit and says whether it was set. Reports name the function that calls it.
#[inline]
#[track_caller]
pub fn test_and_set_bit_lock(nr: u32, addr: &Atomic<u64>) -> bool {
    // ORDERING: Acquire, the last holder's section before ours. Pairs with `clear_bit_unlock()` and
    // `__bit_spin_unlock()`. Without it the sections race: `exclusion`, mutant `relaxed-lock`, and
    // `trylock-exclusion`, mutant `relaxed-trylock`.
    addr.test_and_set_bit(nr, Acquire)
}

/// `clear_bit_unlock()`.
#[inline]
#[track_caller]
pub fn clear_bit_unlock(nr: u32, addr: &Atomic<u64>) {
    // ORDERING: Release, our section before the next holder's. Pairs with `test_and_set_bit_lock()`. Without it the
    // sections race: `exclusion`, mutant `relaxed-unlock`.
    addr.fetch_and(!(1 << nr), Release);
}

/// `bit_spin_lock()`: preemption is off when it returns, and on while it spins.
#[inline]
pub fn bit_spin_lock(ctx: &Ctx, bitnum: u32, addr: &Atomic<u64>) {
    let current = ctx.current;
    let spin = ctx.machine.kernel.bit_spinlock.spin;
    current.preempt_disable();
    while test_and_set_bit_lock(bitnum, addr) {
        if spin != Spin::PreemptOff {
            current.preempt_enable();
        }
        // No order: who finds the bit clear tries again above.
        addr.cond_load(Relaxed, move |word| word & (1 << bitnum) == 0);
        if spin != Spin::PreemptOff {
            current.preempt_disable();
        }
        if spin == Spin::TrustsTest {
            break;
        }
    }
}

/// `bit_spin_trylock()`: whether the lock was free and is ours now.
pub fn bit_spin_trylock(ctx: &Ctx, bitnum: u32, addr: &Atomic<u64>) -> bool {
    let (current, trylock) = (ctx.current, ctx.machine.kernel.bit_spinlock.trylock);
    current.preempt_disable();
    if test_and_set_bit_lock(bitnum, addr) {
        if trylock != Trylock::Always {
            current.preempt_enable();
        }
        return false;
    }
    if trylock == Trylock::Never {
        current.preempt_enable();
    }
    true
}

/// `bit_spin_unlock()`: for a word whose other bits others change.
///
/// DEVIATION: `CONFIG_DEBUG_SPINLOCK` is off, as in the kernel of incident 002: nobody looks whether the bit was set.
#[inline]
pub fn bit_spin_unlock(ctx: &Ctx, bitnum: u32, addr: &Atomic<u64>) {
    if ctx.machine.kernel.bit_spinlock.unlock == Unlock::Word {
        __bit_spin_unlock(ctx, bitnum, addr);
        return;
    }
    clear_bit_unlock(bitnum, addr);
    ctx.current.preempt_enable();
}

/// `__bit_spin_unlock()`: for a word whose other bits only the holder changes.
#[inline]
pub fn __bit_spin_unlock(ctx: &Ctx, bitnum: u32, addr: &Atomic<u64>) {
    let old = addr.load(Relaxed);
    // ORDERING: Release, as in `clear_bit_unlock()`: `own-word`, mutant `relaxed-store`.
    addr.store(old & !(1 << bitnum), Release);
    ctx.current.preempt_enable();
}

/// `bit_spin_is_locked()`: a look at the bit, which orders nothing.
///
/// DEVIATION: C's form without `CONFIG_SMP` looks at the preempt count; here the bit is always set.
pub fn bit_spin_is_locked(bitnum: u32, addr: &Atomic<u64>) -> bool {
    addr.load(Relaxed) & (1 << bitnum) != 0
}
