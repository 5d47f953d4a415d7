// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's model as the search sees it.

use super::{ALL, CARRIED, Extra, FENCE, KINDS, Lkmm, OWN, READS, SO_FAR, row};
use crate::explore::memory::cells::Cells;
use crate::explore::memory::columns::Col;
use crate::explore::memory::{CellKind, Memory, Shown};
use crate::op::{CellId, MemOp, Observe, Order};

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
                let void = order == Order::Relaxed && observe == Observe::Nothing;
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
                self.reads(agent, cell, false, &|value| value != 0, &mut |next, _| {
                    show(next, 0);
                });
                if let Some(next) = self.lock(agent, cell, holder) {
                    show(next, 1);
                }
            }
            MemOp::Unlock { cell } => show(self.unlock(agent, cell), 0),
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
