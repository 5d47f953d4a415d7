// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/asm-generic/qspinlock.h`, `kernel/locking/qspinlock.c`, v7.1, the way without waiting and the first
//! waiter; [`crate::qspinlock_queue`] has the others.
//!
//! ```text
//! owner                    first waiter                        all others
//! word = LOCKED
//!                          sets PENDING, spins on LOCKED
//!                                                              queue: each spins on a node of its own, the first of
//!                                                              them on LOCKED and PENDING
//! clears LOCKED
//!                          LOCKED, PENDING off: in one step
//! ```
//!
//! Property: one holder at a time; who set PENDING or joined the queue is passed by nobody who comes later.

use crate::machine::{Ctx, Machine};
use crate::qspinlock_queue::{Claim, Count, Nesting, Next, Publish, SetLocked, TailWrite, queue};
use crate::qspinlock_word::{_Q_LOCKED_MASK, _Q_LOCKED_VAL, _Q_PENDING_OFFSET, _Q_PENDING_VAL, _Q_TAIL_MASK, parts};
use ksync::{Acquire, Atomic, Full, Relaxed, Release, distil};

/// `struct qspinlock`.
///
/// DEVIATION: one word that is always accessed whole, as in C for 16K CPUs and more; C also stores its bytes.
#[derive(Debug)]
#[repr(transparent)]
pub struct QSpinLock {
    /// `val`.
    pub val: Atomic<u32>,
}

/// A revision of the lock.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How long a newcomer waits for the pending waiter to take the lock over.
    pub hand_over: HandOver,
    /// How the first waiter announces itself.
    pub set_pending: SetPending,
    /// What it does if it is not the first.
    pub not_first: NotFirst,
    /// What it writes when the owner is gone.
    pub take_over: TakeOver,
    /// What `queued_spin_trylock()` takes for free.
    pub trylock: Free,
    /// What `queued_spin_is_locked()` takes for free.
    pub is_locked: Free,
    /// What `queued_spin_unlock()` writes.
    pub unlock: Unlock,
    /// When the CPU's node counts as used.
    pub count: Count,
    /// What happens beyond four levels of nesting.
    pub nesting: Nesting,
    /// What `xchg_tail()` writes.
    pub tail: TailWrite,
    /// What orders the node before its publication.
    pub publish: Publish,
    /// How the first of the queue takes the lock where it is the last too.
    pub claim: Claim,
    /// What it writes where others are behind it.
    pub set_locked: SetLocked,
    /// How it finds the one behind it.
    pub next: Next,
}

/// How long a newcomer waits for the pending waiter to take the lock over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// As long as it finds the lock in the middle of it.
    Unbounded,
    /// For `_Q_PENDING_LOOPS` looks more.
    Bounded,
}

/// How the first waiter announces itself, `queued_fetch_set_pending_acquire()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetPending {
    /// By a `cmpxchg()` that fails if anything else changed, and is tried again.
    CmpxchgLoop,
    /// By one `fetch_or()`.
    FetchOr,
    /// By setting the bit first, and reading the rest of the word then: `x86` has no `fetch_or()` in one instruction.
    BitThenRest,
    /// By reading the rest of the word first.
    RestThenBit,
}

/// What a CPU that set PENDING does if it finds that it is not the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFirst {
    /// It queues, and clears the bit before if it was the one that set it.
    Undo,
    /// It queues and leaves the bit.
    Leave,
    /// It looks for a queue only, and shares the bit with another waiter.
    TailOnly,
}

/// What the pending waiter writes when the owner is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeOver {
    /// LOCKED in place of PENDING.
    Replace,
    /// LOCKED beside PENDING.
    Add,
}

/// What counts as a free lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Free {
    /// The whole word is zero.
    Word,
    /// The locked byte is zero.
    Byte,
}

/// What `queued_spin_unlock()` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlock {
    /// The locked byte.
    Byte,
    /// The whole word.
    Word,
}

/// The oldest form here, v4.6: `is_locked()` believes the byte, waiters loop, nodes are published by `xchg_release()`.
pub const ORIGIN: Rev = Rev {
    hand_over: HandOver::Unbounded,
    set_pending: SetPending::CmpxchgLoop,
    not_first: NotFirst::Undo,
    take_over: TakeOver::Replace,
    trylock: Free::Word,
    is_locked: Free::Byte,
    unlock: Unlock::Byte,
    count: Count::AfterInit,
    nesting: Nesting::Unchecked,
    tail: TailWrite::KeepsRest,
    publish: Publish::XchgRelease,
    claim: Claim::Cmpxchg,
    set_locked: SetLocked::Byte,
    next: Next::Waits,
};
/// 54cf809b9512 "Fix spin_is_locked() and spin_unlock_wait()": any bit means locked.
pub const IS_LOCKED: Rev = Rev { is_locked: Free::Word, ..ORIGIN };
/// 95bcade33a8a "Ensure node is initialised before updating prev->next".
pub const STORE_RELEASE: Rev = Rev { publish: Publish::StoreRelease, ..IS_LOCKED };
/// 11dc13224c97: a node is counted before it is initialised.
pub const COUNT_FIRST: Rev = Rev { count: Count::BeforeInit, ..STORE_RELEASE };
/// "Bound spinning on pending->locked transition" and "Remove unbounded cmpxchg() loop from locking slowpath", v4.18.
pub const FETCH_OR: Rev = Rev { hand_over: HandOver::Bounded, set_pending: SetPending::FetchOr, ..COUNT_FIRST };
/// 9d4646d14d51 "Elide back-to-back RELEASE operations with smp_wmb()".
pub const WMB: Rev = Rev { publish: Publish::Wmb, ..FETCH_OR };
/// d682b596d993: beyond four levels there is no node to queue with. As it stands in v7.1.
pub const MAINLINE: Rev = Rev { nesting: Nesting::Checked, ..WMB };
/// 7aa54be29765 "locking/qspinlock, x86: Provide liveness guarantee": the same lock as `x86` has it.
pub const X86: Rev = Rev { set_pending: SetPending::BitThenRest, ..MAINLINE };

/// How often a waiter reads the word again while the pending one takes the lock over: `_Q_PENDING_LOOPS`, generic.
const _Q_PENDING_LOOPS: u32 = 1;

impl QSpinLock {
    /// A lock with this word, which reports call by this name; 0 is free.
    pub fn with_val(val: u32, name: &str) -> Self {
        QSpinLock { val: Atomic::named(val, format_args!("{name}")) }
    }
}

/// `queued_spin_is_locked()`: a look that orders nothing.
pub fn queued_spin_is_locked(machine: &Machine, lock: &QSpinLock) -> bool {
    let val = lock.val.load(Relaxed);
    match machine.kernel.qspinlock.is_locked {
        Free::Word => val != 0,
        Free::Byte => val & _Q_LOCKED_MASK != 0,
    }
}

/// `queued_spin_is_contended()`: whether somebody waits.
pub fn queued_spin_is_contended(lock: &QSpinLock) -> bool {
    lock.val.load(Relaxed) & !_Q_LOCKED_MASK != 0
}

/// `queued_spin_trylock()`: whether the lock was free and is ours now.
pub fn queued_spin_trylock(machine: &Machine, lock: &QSpinLock) -> bool {
    let val = lock.val.load(Relaxed);
    let taken = match machine.kernel.qspinlock.trylock {
        Free::Word => val != 0,
        Free::Byte => val & _Q_LOCKED_MASK != 0,
    };
    // ORDERING: Acquire, the last holder's section before ours. Pairs with `queued_spin_unlock()`. Without it the
    // sections race: `trylock-exclusion`, mutant `relaxed-trylock`.
    !taken && lock.val.try_cmpxchg(val, val | _Q_LOCKED_VAL, Acquire)
}

/// `queued_spin_lock()`.
#[inline]
pub fn queued_spin_lock(ctx: &Ctx, lock: &QSpinLock) {
    lock_on(ctx.machine, || ctx.current.cpu(), lock);
}

/// The same for a caller that finds its CPU in another way; only who queues asks.
#[inline]
pub(crate) fn lock_on(machine: &Machine, cpu: impl FnOnce() -> u32, lock: &QSpinLock) {
    // DEVIATION: the blocks here and below say what C forgets of the words that it saw, which a model has to be told.
    let val = distil(|| {
        // ORDERING: Acquire, as in `queued_spin_trylock()`: `exclusion`, mutant `relaxed-lock`.
        lock.val.cmpxchg(0, _Q_LOCKED_VAL, Acquire).err().map_or(0, |val| hand_over(machine, lock, val))
    });
    if val != 0 {
        wait(machine, cpu, lock, val);
    }
}

/// `queued_spin_lock_slowpath()`; `val` is what the caller found in the word.
pub fn queued_spin_lock_slowpath(ctx: &Ctx, lock: &QSpinLock, val: u32) {
    let val = distil(|| hand_over(ctx.machine, lock, val));
    wait(ctx.machine, || ctx.current.cpu(), lock, val);
}

/// If the pending waiter is about to take over: a moment, and the word is simpler. Not more, or a stream of others
/// that do so could keep us here. PENDING if somebody waits then, else LOCKED.
fn hand_over(machine: &Machine, lock: &QSpinLock, mut val: u32) -> u32 {
    match machine.kernel.qspinlock.hand_over {
        HandOver::Unbounded => {
            while val == _Q_PENDING_VAL {
                // DEVIATION: C polls. A look that finds the same hand-over is no work here, one that finds another is.
                machine.round();
                lock.val.cond_load(Relaxed, |val| val != _Q_PENDING_VAL);
                val = lock.val.load(Relaxed);
            }
        }
        HandOver::Bounded => {
            for _ in 0..=_Q_PENDING_LOOPS {
                if val != _Q_PENDING_VAL {
                    break;
                }
                val = lock.val.load(Relaxed);
            }
        }
    }
    if val & !_Q_LOCKED_MASK != 0 { _Q_PENDING_VAL } else { _Q_LOCKED_VAL }
}

/// The slow path behind the hand-over.
fn wait(machine: &Machine, cpu: impl FnOnce() -> u32, lock: &QSpinLock, val: u32) {
    if val & !_Q_LOCKED_MASK != 0 || !distil(|| taken_as_pending(machine, lock)) {
        queue(machine, cpu(), lock);
    }
}

/// `queued_spin_unlock()`.
///
/// DEVIATION: C stores zero into the locked byte. Here the byte is cleared in the whole word.
#[inline]
pub fn queued_spin_unlock(machine: &Machine, lock: &QSpinLock) {
    match machine.kernel.qspinlock.unlock {
        // ORDERING: Release, our section before the next holder's. Pairs with `queued_spin_lock()`, with the waits in
        // `taken_as_pending()` and in `claim()`. Without it the sections race: `exclusion`, mutant
        // `relaxed-unlock`.
        Unlock::Byte => {
            lock.val.dec_and_test(Release);
        }
        Unlock::Word => lock.val.store(0, Release),
    }
}

/// `queued_fetch_set_pending_acquire()`: the word as it was before.
fn queued_fetch_set_pending_acquire(machine: &Machine, lock: &QSpinLock) -> u32 {
    let pending = 1 << _Q_PENDING_OFFSET;
    match machine.kernel.qspinlock.set_pending {
        // ORDERING: Acquire, for the waiter that finds the lock released already. Pairs with `queued_spin_unlock()`.
        // Without it the sections race: `exclusion`, mutant `relaxed-pending`.
        SetPending::FetchOr => lock.val.fetch_or(pending, Acquire),
        // ORDERING: Full, as `lock bts` is: the bit is set before the rest is read. Otherwise two waiters miss each
        // other: `x86-pending`.
        SetPending::BitThenRest => {
            let was_set = lock.val.test_and_set_bit(_Q_PENDING_OFFSET, Full);
            // DEVIATION: every read of `x86` is an acquire, so C does not say it.
            lock.val.load(Acquire) & !pending | if was_set { pending } else { 0 }
        }
        SetPending::RestThenBit => {
            let rest = lock.val.load(Relaxed) & !pending;
            let was_set = lock.val.test_and_set_bit(_Q_PENDING_OFFSET, Full);
            rest | if was_set { pending } else { 0 }
        }
        SetPending::CmpxchgLoop => {
            let mut val = lock.val.load(Relaxed);
            loop {
                machine.round();
                // The bit is not set where it would have to be cleared again.
                if val & !_Q_LOCKED_MASK != 0 {
                    return val | pending;
                }
                match lock.val.cmpxchg(val, val | pending, Acquire) {
                    Ok(old) => return old,
                    Err(seen) => val = seen,
                }
            }
        }
    }
}

/// The slow path up to the label `queue`: the lock is ours, or C would go there.
fn taken_as_pending(machine: &Machine, lock: &QSpinLock) -> bool {
    let rev = &machine.kernel.qspinlock;
    let val = distil(|| parts(queued_fetch_set_pending_acquire(machine, lock)));
    let not_first = match rev.not_first {
        NotFirst::TailOnly => val & _Q_TAIL_MASK != 0,
        NotFirst::Undo | NotFirst::Leave => val & !_Q_LOCKED_MASK != 0,
    };
    if not_first {
        if val & _Q_PENDING_VAL == 0 && rev.not_first != NotFirst::Leave {
            lock.val.clear_bit(_Q_PENDING_OFFSET);
        }
        return false;
    }
    if val & _Q_LOCKED_MASK != 0 {
        // ORDERING: Acquire, the last holder's section before ours. Pairs with `queued_spin_unlock()`. Without it the
        // sections race: `exclusion`, mutant `relaxed-pending-wait`.
        lock.val.cond_load(Acquire, |val| val & _Q_LOCKED_MASK == 0);
    }
    // `clear_pending_set_locked()`: nobody else takes the lock while PENDING is set.
    lock.val.add(match rev.take_over {
        TakeOver::Replace => _Q_LOCKED_VAL.wrapping_sub(_Q_PENDING_VAL),
        TakeOver::Add => _Q_LOCKED_VAL,
    });
    true
}
