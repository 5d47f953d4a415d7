// SPDX-License-Identifier: GPL-2.0-only
//! RC11 as the search sees it.

use super::{ACQUIRE, CURRENT, KINDS, Rc11, row};
use crate::explore::memory::cells::Cells;
use crate::explore::memory::{CellKind, Memory, Shown};
use crate::op::{CellId, Fence, MemOp, Order};

impl Memory for Rc11 {
    fn new(agents: usize, cells: &[(CellKind, u64)]) -> Self {
        assert!(agents <= 16, "more than 16 agents");
        Rc11 { agents: agents as u8, retired: 0, cells: Cells::new(cells, agents * KINDS + 1, Vec::new()) }
    }

    fn step(&self, agent: usize, op: &MemOp, each: &mut dyn FnMut(Self, Shown)) {
        let mut show = |next, value| each(next, Shown::Value(value));
        match *op {
            MemOp::Load { cell, order } => {
                self.reads(agent, cell, order == Order::Acquire, &|_| true, &mut show);
            }
            MemOp::Await { cell, ref cond, order } => {
                self.reads(agent, cell, order == Order::Acquire, &|value| cond.holds(value), &mut show);
            }
            MemOp::Store { cell, value, order } => {
                self.writes(agent, cell, value, order == Order::Release, &mut |next| {
                    show(next, 0);
                });
            }
            MemOp::Rmw { cell, rmw, mask, order, observe } => {
                if rmw.can_fail() {
                    let fails = |old| rmw.apply(old, mask).is_none();
                    self.reads(agent, cell, false, &fails, &mut |next, old| {
                        show(next, observe.of(old, None));
                    });
                }
                self.updates(agent, cell, order, &|old| rmw.apply(old, mask), &mut |next, old| {
                    show(next, observe.of(old, rmw.apply(old, mask)));
                });
            }
            MemOp::Fence(fence) => {
                let mut next = self.clone();
                next.fence(agent, fence);
                show(next, 0);
            }
            MemOp::Lock { cell, holder } => {
                self.locks(agent, cell, holder, &mut |next| show(next, 0));
            }
            MemOp::TryLock { cell, holder } => {
                let taken = |value| value != 0;
                self.reads(agent, cell, false, &taken, &mut |next, _| show(next, 0));
                self.locks(agent, cell, holder, &mut |next| show(next, 1));
            }
            MemOp::Unlock { cell } => {
                assert_ne!(self.cells.newest(cell), 0, "unlock of a free lock");
                let mut next = self.clone();
                next.write(agent, cell, self.cells.live(cell) - 1, 0, true, false);
                show(next, 0);
            }
            MemOp::IsLocked { cell } => {
                self.reads(agent, cell, false, &|_| true, &mut |next, value| {
                    show(next, u64::from(value != 0));
                });
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
            MemOp::Await { cell, cond, .. } => self
                .cells
                .messages(*cell)
                .skip(self.bound(agent, *cell))
                .any(|(message, _)| cond.holds(message.value)),
            MemOp::Lock { cell, .. } => self.cells.newest(*cell) == 0,
            _ => true,
        }
    }

    /// Stores can be put anywhere in modification order, and release and acquire fences concern their agent
    /// alone. SC fences take effect in the order in which they run, so that order has to be explored.
    fn eager(op: &MemOp) -> bool {
        match op {
            MemOp::Store { .. } | MemOp::Unlock { .. } | MemOp::Read { .. } | MemOp::Write { .. } => true,
            MemOp::Fence(fence) => {
                matches!(fence, Fence::Wmb | Fence::Rmb | Fence::AcquireAfterCtrlDep)
            }
            _ => false,
        }
    }

    fn newest(&self, cell: CellId) -> u64 {
        self.cells.newest(cell)
    }

    fn learn(&mut self, agent: usize, from: usize) {
        self.sc_fence(from);
        self.cells.views.join(row(agent, CURRENT), row(from, CURRENT));
        self.sc_fence(agent);
    }

    fn retire(&mut self, agent: usize) {
        self.retired |= 1 << agent;
        for kind in 0..KINDS {
            self.cells.views.row_mut(row(agent, kind)).fill(0);
        }
    }

    fn canon(&mut self) {
        let agents = 0..self.agents as usize;
        let live = agents.clone().filter(|&agent| !self.gone(agent));
        let base = self.cells.least(live.map(|agent| self.cells.views.row(row(agent, CURRENT))));
        for agent in agents {
            // An acquire fence adds to the current view, so what that knows already says nothing.
            self.cells.views.subtract(row(agent, ACQUIRE), row(agent, CURRENT));
        }
        self.cells.rebase(&base);
        // Who wrote a message makes no difference here.
        self.cells.settle(|_| true);
    }

    fn rename(&mut self, to: &[usize]) {
        let mut rows = vec![self.sc(); self.sc() + 1];
        let mut retired = 0;
        for (old, &new) in to.iter().enumerate() {
            retired |= u16::from(self.gone(old)) << new;
            for kind in 0..KINDS {
                rows[row(new, kind)] = row(old, kind);
            }
        }
        self.retired = retired;
        self.cells.rename(to, rows);
    }
}
