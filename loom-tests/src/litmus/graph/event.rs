// SPDX-License-Identifier: GPL-2.0-only
//! What an execution consists of.

use super::super::code::{Barrier, Order};
use super::relation::Set;

/// Whether an access is half of a read-modify-write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Half {
    /// An access of its own.
    None,
    /// Of one that succeeded.
    Succeeded,
    /// The read of one that failed.
    Failed,
}

/// What an event is; the names of lock events are those of `lock.cat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The write of an initial value.
    Init,
    Read(Order, Half),
    Write(Order, Half),
    Fence(Barrier),
    /// LKR: the read by which a lock is taken.
    LockRead,
    /// LKW: the write by which a lock is taken.
    LockWrite,
    /// UL.
    Unlock,
    /// LF and RL: a failed trylock, or `spin_is_locked()` that says yes.
    SeenLocked,
    /// RU: `spin_is_locked()` that says no.
    SeenFree,
    RcuLock,
    RcuUnlock,
    RcuSync,
    SrcuLock,
    SrcuUnlock,
    SrcuSync,
}

impl Kind {
    pub(super) fn reads(self) -> bool {
        matches!(self, Kind::Read(..) | Kind::LockRead | Kind::SeenLocked | Kind::SeenFree)
    }

    pub(super) fn writes(self) -> bool {
        matches!(self, Kind::Init | Kind::Write(..) | Kind::LockWrite | Kind::Unlock)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Event {
    pub(super) kind: Kind,
    /// The address, where there is one.
    pub(super) at: i64,
    /// What is read or written.
    pub(super) value: i64,
}

/// One way in which a process can run, given what its reads return. Events are numbered from 0, in program order.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    pub(super) events: Vec<Event>,
    /// For each event, the reads that its address depends on.
    pub(super) addr: Vec<Set>,
    /// For each event, the reads that its value depends on.
    pub(super) data: Vec<Set>,
    /// For each event, the reads that decided that it happens.
    pub(super) ctrl: Vec<Set>,
    /// Successful read-modify-writes, locks included.
    pub(super) rmw: Vec<(usize, usize)>,
    /// What the registers hold in the end.
    pub(super) regs: Vec<i64>,
}
