// SPDX-License-Identifier: GPL-2.0-only
//! Reads, writes, read-modify-writes and plain accesses.

use super::{ALL, BY_READS, BY_WRITES, CARRIED, Extra, FENCE, Lkmm, OWN, READS, SO_FAR, WRITES, row};
use crate::explore::memory::Shown;
use crate::explore::memory::columns::Col;
use crate::op::{CellId, Order};

/// How a read is ordered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Relaxed,
    Acquire,
    /// By a read-modify-write that returns nothing: `smp_rmb()` does not order it.
    Void,
}

impl Lkmm {
    /// What `smp_mb__after_atomic()` and its like look back at ends with the next access, and an
    /// `smp_mb__before_atomic()` has to remember what was before it.
    fn begin(&mut self, agent: usize) {
        if self.before_rmw >> agent & 1 != 0 {
            self.before_rmw &= !(1 << agent);
            let snapshot = self.ensure_extra(Extra::Before(agent as u8));
            self.cells.views.copy(snapshot, row(agent, SO_FAR));
        }
        self.after_rmw &= !(1 << agent);
        if self.after_lock >> agent & 1 != 0 {
            self.after_lock &= !(1 << agent);
            self.remove_extra(Extra::AfterLock(agent as u8));
        }
    }

    /// The views that bound a read.
    fn before_read(agent: usize, reading: Reading) -> [usize; 2] {
        [row(agent, ALL), row(agent, if reading == Reading::Void { ALL } else { READS })]
    }

    /// The views that bound a write.
    fn before_write(&self, agent: usize, cell: CellId, release: bool) -> [usize; 4] {
        let all = row(agent, ALL);
        let accesses = self.extra(Extra::Accesses(agent as u8, cell)).unwrap_or(all);
        [all, row(agent, WRITES), accesses, if release { row(agent, SO_FAR) } else { all }]
    }

    /// The agent reads the message at `at`, which is not below its bound.
    pub(super) fn read(&mut self, agent: usize, cell: CellId, at: usize, reading: Reading) {
        self.begin(agent);
        if let Some(col) = self.cells.col(Col::messages(cell)) {
            self.cells.views.raise(row(agent, ALL), col, at as u8);
        }
        let (_, mut fence) = self.known(&Self::before_read(agent, reading), None);
        let (message, from) = self.cells.message(cell, at);
        // An own message teaches nothing: what it carries is in the agent's views, and its knowledge need not
        // precede this read.
        let from = from.filter(|&from| usize::from(message.writer) != agent && !self.cells.views.is_zero(from));
        if let Some(from) = from {
            fence = fence.max(self.fence_of(from));
            self.cells.views.join(row(agent, SO_FAR), from);
            if reading != Reading::Void {
                self.cells.views.join(row(agent, BY_READS), from);
            }
            if reading == Reading::Acquire {
                self.cells.views.join(row(agent, ALL), from);
            }
            self.follow(agent, cell, from);
        }
        if reading != Reading::Void {
            if reading == Reading::Acquire {
                self.cells.views.join(row(agent, ALL), row(agent, READS));
            }
            self.follow(agent, cell, row(agent, READS));
        }
        self.cells.views.raise(row(agent, SO_FAR), FENCE, fence);
        self.note(fence, cell, at);
    }

    /// The agent's later writes of this cell know what the view `from` knows.
    fn follow(&mut self, agent: usize, cell: CellId, from: usize) {
        let all = row(agent, ALL);
        let news = |(known, new): (&u8, &u8)| new > known;
        if !self.cells.views.row(all).iter().zip(self.cells.views.row(from)).any(news) {
            return;
        }
        let before = self.extras.len();
        let accesses = self.ensure_extra(Extra::Accesses(agent as u8, cell));
        // A new view moves those that stand behind it.
        let from = if self.extras.len() > before && from >= accesses { from + 1 } else { from };
        self.cells.views.join(accesses, from);
    }

    /// The agent writes just above the message `below`, which it took if it is part of a read-modify-write.
    pub(super) fn write(&mut self, agent: usize, cell: CellId, below: usize, value: u64, release: bool, took: bool) {
        self.begin(agent);
        let at = below + 1;
        let before = self.before_write(agent, cell, release);
        let (_, fence) = self.known(&before, None);
        for seen in self.seen.iter_mut().filter(|seen| seen.cell == cell && seen.at >= at as i16) {
            seen.at += 1;
        }
        let (message, col) = self.cells.insert(cell, at, agent, value);
        let views = &mut self.cells.views;
        views.raise(row(agent, ALL), col, at as u8);
        // What the message carries for its readers.
        views.join(message, row(agent, CARRIED));
        if release {
            views.join(message, row(agent, SO_FAR));
        }
        if took {
            // Cumulativity goes on through read-modify-writes.
            views.join(message, message - 1);
        }
        views.raise(message, col, at as u8);
        // What the write knows is in `message` now, in the cell's accesses and in `WRITES`.
        views.set(message, FENCE, fence);
        if before[2] != before[0] {
            views.join(row(agent, BY_WRITES), before[2]);
        }
        for kind in [BY_WRITES, SO_FAR, OWN] {
            views.join(row(agent, kind), message);
        }
        views.set(row(agent, OWN), FENCE, 0);
        if took {
            self.cells.attach(cell, below);
        }
        self.follow(agent, cell, message);
        self.follow(agent, cell, row(agent, WRITES));
        self.note(fence, cell, at);
    }

    /// Every read of a message with a wanted value.
    pub(super) fn reads(
        &self,
        agent: usize,
        cell: CellId,
        acquire: bool,
        wanted: &dyn Fn(u64) -> bool,
        each: &mut dyn FnMut(Self, u64),
    ) {
        let reading = if acquire { Reading::Acquire } else { Reading::Relaxed };
        let bound = self.bound(&Self::before_read(agent, reading), cell);
        for (at, (message, _)) in self.cells.messages(cell).enumerate().skip(bound) {
            if wanted(message.value) {
                let mut next = self.clone();
                next.read(agent, cell, at, reading);
                each(next, message.value);
            }
        }
    }

    /// Every place for a write.
    pub(super) fn writes(&self, agent: usize, cell: CellId, value: u64, release: bool, each: &mut dyn FnMut(Self)) {
        let bound = self.bound(&self.before_write(agent, cell, release), cell);
        for (below, (message, _)) in self.cells.messages(cell).enumerate().skip(bound) {
            if !message.attached {
                let mut next = self.clone();
                next.write(agent, cell, below, value, release, false);
                each(next);
            }
        }
    }

    /// Every read-modify-write. `new` is `None` for old values on which it fails: then it is a relaxed read of
    /// any message and orders nothing, whatever its order.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn rmw(
        &self,
        agent: usize,
        cell: CellId,
        order: Order,
        void: bool,
        new: &dyn Fn(u64) -> Option<u64>,
        can_fail: bool,
        each: &mut dyn FnMut(Self, u64, Option<u64>),
    ) {
        self.pending(agent, &mut |start| {
            if can_fail {
                start.reads(agent, cell, false, &|old| new(old).is_none(), &mut |mut next, old| {
                    next.after_rmw |= 1 << agent;
                    each(next, old, None);
                });
            }
            if order != Order::Full {
                start.updates(agent, cell, order, void, new, &mut |next, old, new| {
                    each(next, old, Some(new));
                });
                return;
            }
            start.strong(agent, row(agent, SO_FAR), &mut |fenced| {
                fenced.updates(agent, cell, order, void, new, &mut |done, old, new| {
                    done.strong(agent, row(agent, SO_FAR), &mut |next| {
                        each(next, old, Some(new));
                    });
                });
            });
        });
    }

    /// Every read-modify-write that succeeds, without the strong fences around it.
    fn updates(
        &self,
        agent: usize,
        cell: CellId,
        order: Order,
        void: bool,
        new: &dyn Fn(u64) -> Option<u64>,
        each: &mut dyn FnMut(Self, u64, u64),
    ) {
        let reading = match order {
            Order::Acquire => Reading::Acquire,
            _ if void => Reading::Void,
            _ => Reading::Relaxed,
        };
        let release = order == Order::Release;
        let bound = self.bound(&Self::before_read(agent, reading), cell);
        for (at, (message, _)) in self.cells.messages(cell).enumerate().skip(bound) {
            let Some(new) = new(message.value).filter(|_| !message.attached) else {
                continue;
            };
            let mut next = self.clone();
            next.read(agent, cell, at, reading);
            // The write may know more than the read: then it cannot stand right above this message.
            if next.bound(&next.before_write(agent, cell, release), cell) <= at {
                next.write(agent, cell, at, new, release, true);
                next.after_rmw |= 1 << agent;
                each(next, message.value, new);
            }
        }
    }

    /// A plain access: like a relaxed one, but it races unless it is bound to see all that conflicts.
    pub(super) fn plain(&self, agent: usize, cell: CellId, write: Option<u64>) -> (Self, Shown) {
        let before = [row(agent, ALL), row(agent, if write.is_some() { WRITES } else { READS })];
        let mut next = self.clone();
        if self.cells.races(agent, cell, write.is_some(), |col| self.known(&before, Some(col)).0 == 1) {
            return (next, Shown::Race(cell));
        }
        next.begin(agent);
        let (_, fence) = self.known(&before, None);
        let (col, shown) = match write {
            Some(value) => (next.cells.plain_write(cell, value), 0),
            None => (next.cells.plain_read(agent, cell), self.cells.newest(cell)),
        };
        let views = &mut next.cells.views;
        views.set(row(agent, ALL), col, 1);
        views.set(row(agent, SO_FAR), col, 1);
        views.raise(row(agent, SO_FAR), FENCE, fence);
        if write.is_some() {
            views.set(row(agent, OWN), col, 1);
        }
        (next, Shown::Value(shown))
    }
}
