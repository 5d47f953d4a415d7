// SPDX-License-Identifier: GPL-2.0-only
//! What a task can ask of memory, as plain data.
//!
//! The operations keep their kernel kind: `smp_wmb()` is not just some fence, and a fully ordered read-modify-write is
//! one operation. All else that a task can ask for stands in `request.rs`.

use std::fmt;
use std::rc::Rc;

/// A word of shared memory; numbered in the order in which the setup made them.
pub type CellId = u32;

/// How an access is ordered, as the kernel names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Order {
    /// `READ_ONCE`, `WRITE_ONCE`, `_relaxed`, and read-modify-writes without a return value.
    Relaxed,
    /// `smp_load_acquire`, `_acquire`.
    Acquire,
    /// `smp_store_release`, `_release`.
    Release,
    /// A full barrier before and after: read-modify-writes without a suffix that return a value.
    Full,
}

/// A barrier, as the kernel names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fence {
    /// `smp_mb()`.
    Mb,
    /// `smp_wmb()`: earlier writes before later writes, and nothing else.
    Wmb,
    /// `smp_rmb()`: earlier reads before later reads, and nothing else.
    Rmb,
    /// `smp_mb__before_atomic()`.
    BeforeAtomic,
    /// `smp_mb__after_atomic()`.
    AfterAtomic,
    /// `smp_mb__after_spinlock()`.
    AfterSpinlock,
    /// `smp_mb__after_unlock_lock()`.
    AfterUnlockLock,
    /// `smp_acquire__after_ctrl_dep()`: earlier reads before everything that follows.
    AcquireAfterCtrlDep,
}

/// What a read-modify-write does to the old value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rmw {
    /// Stores the value.
    Xchg(u64),
    /// Stores `new` if the old value is `old`; otherwise it fails: a relaxed read that orders nothing.
    CmpXchg {
        /// The value that must be there.
        old: u64,
        /// The value to store.
        new: u64,
    },
    /// Adds, wrapping at the width of the word.
    Add(u64),
    /// Adds `add` unless the old value is `unless`; then it fails, like [`Rmw::CmpXchg`].
    AddUnless {
        /// The value to add.
        add: u64,
        /// The value that forbids it.
        unless: u64,
    },
    /// Keeps the bits that are set in the mask.
    And(u64),
    /// Sets the bits of the mask.
    Or(u64),
    /// Flips the bits of the mask.
    Xor(u64),
    /// Stores the bits of `mask`, and keeps the others.
    Bits {
        /// The bits to store.
        mask: u64,
        /// What to store there; no other bits are set.
        new: u64,
    },
}

impl Rmw {
    /// The new value, or `None` where the operation fails on this old value. `mask` is the width of the word.
    pub fn apply(self, old: u64, mask: u64) -> Option<u64> {
        match self {
            Rmw::Xchg(new) => Some(new),
            Rmw::CmpXchg { old: expected, new } => (old == expected).then_some(new),
            Rmw::Add(add) => Some(old.wrapping_add(add) & mask),
            Rmw::AddUnless { add, unless } => (old != unless).then_some(old.wrapping_add(add) & mask),
            Rmw::And(bits) => Some(old & bits),
            Rmw::Or(bits) => Some(old | bits),
            Rmw::Xor(bits) => Some(old ^ bits),
            Rmw::Bits { mask, new } => Some(old & !mask | new),
        }
    }

    /// Whether some old value makes the operation fail.
    pub fn can_fail(self) -> bool {
        matches!(self, Rmw::CmpXchg { .. } | Rmw::AddUnless { .. })
    }
}

/// How much of a read-modify-write its caller sees. Less seen, fewer states: `atomic_dec_and_test()` returns a
/// bool, not the old count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Observe {
    /// The old value.
    Old,
    /// Nothing: `atomic_inc()`, which also orders less ("void" read-modify-writes are not ordered by `smp_rmb()`).
    Nothing,
    /// Whether the new value is zero.
    NewIsZero,
    /// Whether it did not fail.
    Success,
    /// Whether any bit of the mask was set before.
    OldHas(u64),
    /// The old value of the bits of the mask.
    OldBits(u64),
}

impl Observe {
    /// What the caller sees of this transition; `new` is `None` where the operation failed.
    pub fn of(self, old: u64, new: Option<u64>) -> u64 {
        match self {
            Observe::Old => old,
            Observe::Nothing => 0,
            Observe::NewIsZero => u64::from(new == Some(0)),
            Observe::Success => u64::from(new.is_some()),
            Observe::OldHas(mask) => u64::from(old & mask != 0),
            Observe::OldBits(mask) => old & mask,
        }
    }
}

/// The condition of an await. It is a pure function of the awaited word.
#[derive(Clone)]
pub struct Cond(pub Rc<dyn Fn(u64) -> bool>);

impl Cond {
    /// Whether this value ends the wait.
    pub fn holds(&self, value: u64) -> bool {
        (self.0)(value)
    }
}

impl fmt::Debug for Cond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cond")
    }
}

/// One operation on shared memory.
#[derive(Debug, Clone)]
pub enum MemOp {
    /// A read of an atomic word.
    Load {
        /// The word.
        cell: CellId,
        /// `Relaxed` or `Acquire`.
        order: Order,
    },
    /// A write of an atomic word.
    Store {
        /// The word.
        cell: CellId,
        /// What to write.
        value: u64,
        /// `Relaxed` or `Release`.
        order: Order,
    },
    /// A read-modify-write, in one step whatever its ordering.
    Rmw {
        /// The word.
        cell: CellId,
        /// What it does.
        rmw: Rmw,
        /// Bits of the word's type.
        mask: u64,
        /// Any ordering.
        order: Order,
        /// What the caller sees.
        observe: Observe,
    },
    /// A spin until the condition holds: it cannot happen before, and then it is one read.
    Await {
        /// The word.
        cell: CellId,
        /// What ends the spin.
        cond: Cond,
        /// `Relaxed` or `Acquire`.
        order: Order,
    },
    /// A barrier.
    Fence(Fence),
    /// Takes a spin lock: waits until it is free, then writes `holder` (never 0). An acquire.
    Lock {
        /// The lock word; 0 is free.
        cell: CellId,
        /// Who takes it, for reports; the engine fills it in and the caller never sees it.
        holder: u64,
    },
    /// Takes a spin lock if a read finds it free; observes 1 then, else 0 (a relaxed read, possibly stale).
    TryLock {
        /// The lock word.
        cell: CellId,
        /// Who takes it; the engine fills it in.
        holder: u64,
    },
    /// Releases a spin lock: a release write of 0, right behind the lock's own write.
    Unlock {
        /// The lock word.
        cell: CellId,
    },
    /// Whether a spin lock is taken: a relaxed read, observes 0 or 1.
    IsLocked {
        /// The lock word.
        cell: CellId,
    },
    /// A plain read; a race if any conflicting access is not ordered before it.
    Read {
        /// The race-checked word.
        cell: CellId,
    },
    /// A plain write; a race if any conflicting access is not ordered before it.
    Write {
        /// The race-checked word.
        cell: CellId,
        /// What to write.
        value: u64,
    },
}

impl MemOp {
    /// The word that is accessed; a barrier accesses none.
    pub fn cell(&self) -> Option<CellId> {
        match *self {
            MemOp::Fence(_) => None,
            MemOp::Load { cell, .. }
            | MemOp::Store { cell, .. }
            | MemOp::Rmw { cell, .. }
            | MemOp::Await { cell, .. }
            | MemOp::Lock { cell, .. }
            | MemOp::TryLock { cell, .. }
            | MemOp::Unlock { cell }
            | MemOp::IsLocked { cell }
            | MemOp::Read { cell }
            | MemOp::Write { cell, .. } => Some(cell),
        }
    }

    /// Whether it is a plain access.
    pub fn is_plain(&self) -> bool {
        matches!(self, MemOp::Read { .. } | MemOp::Write { .. })
    }

    /// Whether it may change the word.
    pub fn writes(&self) -> bool {
        use MemOp::{Lock, Rmw, Store, TryLock, Unlock, Write};
        matches!(self, Store { .. } | Rmw { .. } | Lock { .. } | TryLock { .. } | Unlock { .. } | Write { .. })
    }
}
