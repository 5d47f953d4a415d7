// SPDX-License-Identifier: GPL-2.0-only
//! The Linux kernel memory model without load buffering, as an operational machine of views.
//!
//! Two ideas carry it. *Knowledge* travels along happens-before (`hb` in the kernel's cat file): what an event knows is which
//! messages have reached its agent before it, and the last strong fence before it. A read or a write is bound
//! to come above what it knows. And strong fences are elements of *one order with insertion*: a fence that runs
//! later may be put before others. An event after a fence is bound by all that was before that fence or any
//! lower one; that is `pb`. An insertion is refused if an event after a higher fence has accessed a message
//! below what was before the new one.
//!
//! So a view has a number for each cell with several messages, and the number of a fence, in column 0. An agent
//! has several views, because what a barrier does to reads it need not do to writes. What they are called in the
//! comments of this module:
//!
//! - *so far*: everything that the agent has read or written, with all that the messages carried;
//! - *carried*: what each later write takes along, for whoever reads it (cumulativity: `cumul-fence`);
//! - a *snapshot*: what was so far at some point; a strong fence orders it before all later events.
//!
//! Simpler than the full model, without a difference that a test shows: knowledge is about the knowing agent
//! only. And weaker, so that it can only show more: `smp_mb__after_atomic()`, `smp_mb__after_spinlock()` and
//! `smp_mb__after_unlock_lock()` have to stand before the agent's next access, plain ones included; elsewhere
//! they do nothing. There are no dependencies, because running Rust does not show them; one through memory belongs to these: that
//! reading one's own `atomic_inc()` comes after the read in it.

mod access;
mod canon;
mod fences;
mod locks;
mod memory;

use super::cells::Cells;
use super::columns::Col;
use crate::op::CellId;

/// The column of the last strong fence that is known to precede.
const FENCE: usize = 0;

// The views of an agent. The first five say what its own later events know.

/// What orders everything later: acquires and strong fences. Also coherence: the newest message of each cell that the agent
/// itself has read or written.
const ALL: usize = 0;
/// What orders later reads: the reads before the last `smp_rmb()`.
const READS: usize = 1;
/// What orders later writes: the writes before the last `smp_wmb()`.
const WRITES: usize = 2;
/// What reads have known so far, for the next `smp_rmb()`.
const BY_READS: usize = 3;
/// What writes have known so far, for the next `smp_wmb()`.
const BY_WRITES: usize = 4;
/// What a release, or a strong fence now, orders.
const SO_FAR: usize = 5;
/// What the agent's own writes carried so far, for the next `smp_wmb()` or unlock.
const OWN: usize = 6;
/// What every later write carries.
const CARRIED: usize = 7;
/// Number of views of an agent.
const KINDS: usize = 8;

/// Views that exist only while they say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Extra {
    /// What an agent's accesses of a cell have known: a later write there follows them (`overwrite & int`).
    Accesses(u8, CellId),
    /// The snapshot of an `smp_mb__before_atomic()` that is not of now any more, until the next read-modify-write.
    Before(u8),
    /// The snapshot of the last unlock: it is before everything after a later lock.
    Unlock(u8),
    /// What the agent's own writes before its last unlock carried.
    UnlockOwn(u8),
    /// The snapshot for an `smp_mb__after_unlock_lock()`: this agent's last unlock, and the unlock whose lock was
    /// taken; until the next access.
    AfterLock(u8),
    /// What the own writes of the last unlocker of a lock carried.
    Handed(CellId),
}

impl Extra {
    fn agent(&mut self) -> Option<&mut u8> {
        match self {
            Extra::Accesses(agent, _)
            | Extra::Before(agent)
            | Extra::Unlock(agent)
            | Extra::UnlockOwn(agent)
            | Extra::AfterLock(agent) => Some(agent),
            Extra::Handed(_) => None,
        }
    }
}

/// The lowest message of a cell that an event after a strong fence has accessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Seen {
    /// The number of the fence; the first is 1.
    fence: u8,
    cell: CellId,
    /// -1 is below all that can still be read.
    at: i16,
}

/// A memory that shows every behaviour that the kernel's model allows and that needs no `po | rf` cycle.
///
/// The rows of the table: the views of the agents, then for each strong fence everything that was before it or a
/// lower one, then the extra views, then those of the messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lkmm {
    agents: u8,
    /// Number of strong fences that still make a difference.
    fences: u8,
    // A bit for each agent.
    retired: u16,
    /// An `smp_mb__before_atomic()` ran since the last access.
    before_rmw: u16,
    /// The last access was a read-modify-write.
    after_rmw: u16,
    /// The last access took a lock.
    after_lock: u16,
    extras: Vec<Extra>,
    seen: Vec<Seen>,
    cells: Cells,
}

/// The row of an agent's view.
fn row(agent: usize, kind: usize) -> usize {
    agent * KINDS + kind
}

impl Lkmm {
    fn gone(&self, agent: usize) -> bool {
        self.retired >> agent & 1 != 0
    }

    /// The row of a strong fence.
    fn fence_row(&self, fence: usize) -> usize {
        self.agents as usize * KINDS + fence - 1
    }

    fn extra_row(&self, index: usize) -> usize {
        self.agents as usize * KINDS + self.fences as usize + index
    }

    /// The row of an extra view that exists.
    fn extra(&self, extra: Extra) -> Option<usize> {
        self.extras.binary_search(&extra).ok().map(|at| self.extra_row(at))
    }

    /// The row of an extra view, which knows nothing if it is new.
    fn ensure_extra(&mut self, extra: Extra) -> usize {
        match self.extras.binary_search(&extra) {
            Ok(at) => self.extra_row(at),
            Err(at) => {
                self.extras.insert(at, extra);
                self.cells.insert_own(self.extra_row(at));
                self.extra_row(at)
            }
        }
    }

    fn remove_extra(&mut self, extra: Extra) {
        if let Ok(at) = self.extras.binary_search(&extra) {
            self.extras.remove(at);
            self.cells.remove_own(self.agents as usize * KINDS + self.fences as usize + at);
        }
    }

    /// The last strong fence that a view knows.
    fn fence_of(&self, row: usize) -> u8 {
        self.cells.views.get(row, FENCE)
    }

    /// What an event with these views is bound to see in a column, and the last strong fence that precedes it.
    fn known(&self, rows: &[usize], col: Option<usize>) -> (usize, u8) {
        let fence = rows.iter().map(|&row| self.fence_of(row)).max().unwrap_or(0);
        let known = rows.iter().map(|&row| self.cells.known(row, col)).max().unwrap_or(0);
        let forced = if fence == 0 { 0 } else { self.cells.known(self.fence_row(fence.into()), col) };
        (known.max(forced), fence)
    }

    /// The lowest message of the cell that an event with these views may read, or write above.
    fn bound(&self, rows: &[usize], cell: CellId) -> usize {
        self.known(rows, self.cells.col(Col::messages(cell))).0
    }

    /// Remembers that an event after a strong fence accessed a message.
    fn note(&mut self, fence: u8, cell: CellId, at: usize) {
        if fence > 0 {
            let at = at as i16;
            match self.seen.binary_search_by_key(&(fence, cell), |seen| (seen.fence, seen.cell)) {
                Ok(index) => self.seen[index].at = self.seen[index].at.min(at),
                Err(index) => self.seen.insert(index, Seen { fence, cell, at }),
            }
        }
    }
}
