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
//! only. `smp_mb__after_atomic()` and `smp_mb__after_spinlock()` have to stand before the agent's next access;
//! elsewhere they do nothing. There are no dependencies: running Rust does not show them.

mod access;
mod canon;
mod fences;
mod locks;

use super::cells::{Cells, Col};
use super::{CellKind, Memory, Shown};
use crate::op::{CellId, MemOp, Order};

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

impl Memory for Lkmm {
    fn new(agents: usize, cells: &[(CellKind, u64)]) -> Self {
        assert!(agents <= 16, "more than 16 agents");
        Lkmm {
            agents: agents as u8,
            fences: 0,
            retired: 0,
            before_rmw: 0,
            after_rmw: 0,
            after_lock: 0,
            extras: Vec::new(),
            seen: Vec::new(),
            cells: Cells::new(cells, agents * KINDS, vec![Col::FENCES]),
        }
    }

    fn step(&self, agent: usize, op: &MemOp, each: &mut dyn FnMut(Self, Shown)) {
        let mut show = |next, value| each(next, Shown::Value(value));
        match *op {
            MemOp::Load { cell, order } => self.reads(agent, cell, order == Order::Acquire, &|_| true, &mut show),
            MemOp::Await { cell, ref cond, order } => {
                self.reads(agent, cell, order == Order::Acquire, &|value| cond.holds(value), &mut show);
            }
            MemOp::Store { cell, value, order } => {
                self.writes(agent, cell, value, order == Order::Release, &mut |next| show(next, 0));
            }
            MemOp::Rmw { cell, rmw, mask, order, observe } => {
                let void = order == Order::Relaxed && observe == crate::op::Observe::Nothing;
                self.rmw(
                    agent,
                    cell,
                    order,
                    void,
                    &|old| rmw.apply(old, mask),
                    rmw.can_fail(),
                    &mut |next, old, new| {
                        show(next, observe.of(old, new));
                    },
                );
            }
            MemOp::Fence(fence) => self.fence(agent, fence, &mut |next| show(next, 0)),
            MemOp::Lock { cell, holder } => {
                if let Some(next) = self.lock(agent, cell, holder) {
                    show(next, 0);
                }
            }
            MemOp::TryLock { cell, holder } => {
                self.reads(agent, cell, false, &|value| value != 0, &mut |next, _| show(next, 0));
                if let Some(next) = self.lock(agent, cell, holder) {
                    show(next, 1);
                }
            }
            MemOp::Unlock { cell } => show(self.unlock(agent, cell), 0),
            MemOp::IsLocked { cell } => {
                self.reads(agent, cell, false, &|_| true, &mut |next, value| show(next, u64::from(value != 0)));
            }
            MemOp::Read { cell } => {
                let (next, shown) = self.plain(agent, cell, None);
                each(next, shown);
            }
            MemOp::Write { cell, value } => {
                let (next, shown) = self.plain(agent, cell, Some(value));
                each(next, shown);
            }
        }
    }

    fn ready(&self, agent: usize, op: &MemOp) -> bool {
        match op {
            MemOp::Await { cell, cond, .. } => {
                let bound = self.bound(&[row(agent, ALL), row(agent, READS)], *cell);
                self.cells.messages(*cell).skip(bound).any(|(message, _)| cond.holds(message.value))
            }
            MemOp::Lock { cell, .. } => self.cells.newest(*cell) == 0,
            _ => true,
        }
    }

    /// Writes and fences can be put anywhere in their orders, also later, and a plain access is a race or not
    /// whenever it runs: only reads, read-modify-writes and locks have to be interleaved.
    fn eager(op: &MemOp) -> bool {
        matches!(
            op,
            MemOp::Store { .. } | MemOp::Fence(_) | MemOp::Unlock { .. } | MemOp::Read { .. } | MemOp::Write { .. }
        )
    }

    fn newest(&self, cell: CellId) -> u64 {
        self.cells.newest(cell)
    }

    /// Everything but the store buffering that a full barrier forbids: that would be a strong fence, which has
    /// many possible places.
    fn learn(&mut self, agent: usize, from: usize) {
        let views = &mut self.cells.views;
        for kind in [ALL, SO_FAR] {
            views.join(row(agent, ALL), row(from, kind));
            views.join(row(agent, SO_FAR), row(from, kind));
        }
        for kind in [CARRIED, OWN] {
            views.join(row(agent, kind), row(from, SO_FAR));
            views.set(row(agent, kind), FENCE, 0);
        }
    }

    fn retire(&mut self, agent: usize) {
        if self.gone(agent) {
            return;
        }
        self.retired |= 1 << agent;
        for bits in [&mut self.before_rmw, &mut self.after_rmw, &mut self.after_lock] {
            *bits &= !(1 << agent);
        }
        for kind in 0..KINDS {
            self.cells.views.row_mut(row(agent, kind)).fill(0);
        }
        let mine = |mut extra: Extra| extra.agent() == Some(&mut (agent as u8));
        while let Some(&extra) = self.extras.iter().find(|&&extra| mine(extra)) {
            self.remove_extra(extra);
        }
    }

    fn canon(&mut self) {
        self.canonical();
    }

    fn rename(&mut self, to: &[usize]) {
        let permuted = |bits: u16| to.iter().enumerate().fold(0, |new, (old, &at)| new | (bits >> old & 1) << at);
        self.retired = permuted(self.retired);
        self.before_rmw = permuted(self.before_rmw);
        self.after_rmw = permuted(self.after_rmw);
        self.after_lock = permuted(self.after_lock);
        let mut rows = vec![0; self.extra_row(self.extras.len())];
        for (at, row) in rows.iter_mut().enumerate() {
            *row = at;
        }
        for (old, &new) in to.iter().enumerate() {
            for kind in 0..KINDS {
                rows[row(new, kind)] = row(old, kind);
            }
        }
        let first = self.extra_row(0);
        let mut extras: Vec<(Extra, usize)> = self.extras.iter().copied().zip(first..).collect();
        for (extra, _) in &mut extras {
            if let Some(agent) = extra.agent() {
                *agent = to[*agent as usize] as u8;
            }
        }
        extras.sort_unstable();
        rows.truncate(first);
        rows.extend(extras.iter().map(|&(_, row)| row));
        self.extras = extras.into_iter().map(|(extra, _)| extra).collect();
        self.cells.rename(to, rows);
    }
}
