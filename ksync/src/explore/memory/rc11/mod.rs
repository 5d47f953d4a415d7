// SPDX-License-Identifier: GPL-2.0-only
//! RC11 without load buffering: the memory of Rust and C11, as an operational machine of views.
//!
//! A read may take any message that is not below what its agent knows. A write may go anywhere above it, never
//! between a read-modify-write and the message that it took. A message carries the view that an acquire takes
//! over. Kernel primitives are mapped as on real atomics: `smp_mb()` and its relatives are SC fences,
//! `smp_wmb()` is a release fence, `smp_rmb()` an acquire fence, and a fully ordered read-modify-write is a
//! relaxed one between two SC fences. A read-modify-write that fails is a relaxed read, whatever its order.

mod memory;

use super::Shown;
use super::cells::Cells;
use super::columns::Col;
use crate::op::{CellId, Fence, Order};

/// What the agent knows: lower bounds of its reads and writes.
const CURRENT: usize = 0;
/// What an acquire fence would add.
const ACQUIRE: usize = 1;
/// What the last release fence knew: relaxed writes carry it.
const RELEASE: usize = 2;
/// Views of an agent.
const KINDS: usize = 3;

/// A memory that shows every behaviour of RC11 in which no `po | rf` cycle takes part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rc11 {
    agents: u8,
    /// A bit for each agent that is gone.
    retired: u16,
    cells: Cells,
}

fn row(agent: usize, kind: usize) -> usize {
    agent * KINDS + kind
}

impl Rc11 {
    /// The view in which SC fences meet.
    fn sc(&self) -> usize {
        self.agents as usize * KINDS
    }

    fn gone(&self, agent: usize) -> bool {
        self.retired >> agent & 1 != 0
    }

    /// The lowest message that the agent may still read.
    fn bound(&self, agent: usize, cell: CellId) -> usize {
        self.cells.known(row(agent, CURRENT), self.cells.col(Col::messages(cell)))
    }

    fn read(&mut self, agent: usize, cell: CellId, at: usize, acquire: bool) {
        if let Some(col) = self.cells.col(Col::messages(cell)) {
            self.cells.views.raise(row(agent, CURRENT), col, at as u8);
        }
        if let (_, Some(from)) = self.cells.message(cell, at) {
            self.cells.views.join(row(agent, if acquire { CURRENT } else { ACQUIRE }), from);
        }
    }

    /// A write just above the message `below`, which it took if it is part of a read-modify-write.
    fn write(&mut self, agent: usize, cell: CellId, below: usize, value: u64, release: bool, took: bool) {
        let at = below + 1;
        let (message, col) = self.cells.insert(cell, at, agent, value);
        let views = &mut self.cells.views;
        views.raise(row(agent, CURRENT), col, at as u8);
        views.join(message, row(agent, if release { CURRENT } else { RELEASE }));
        if took {
            // A release sequence goes on through read-modify-writes.
            views.join(message, message - 1);
            self.cells.attach(cell, below);
        }
        self.cells.views.raise(message, col, at as u8);
    }

    fn acquire_fence(&mut self, agent: usize) {
        self.cells.views.join(row(agent, CURRENT), row(agent, ACQUIRE));
    }

    fn release_fence(&mut self, agent: usize) {
        self.cells.views.copy(row(agent, RELEASE), row(agent, CURRENT));
    }

    fn sc_fence(&mut self, agent: usize) {
        let (current, sc) = (row(agent, CURRENT), self.sc());
        self.acquire_fence(agent);
        self.cells.views.join(current, sc);
        self.cells.views.copy(sc, current);
        // The order of SC fences bounds reads; it is no synchronisation, so it excuses no race.
        for col in 0..self.cells.cols().len() {
            if self.cells.cols()[col].is_plain() {
                self.cells.views.set(sc, col, 0);
            }
        }
        self.release_fence(agent);
    }

    fn fence(&mut self, agent: usize, fence: Fence) {
        match fence {
            Fence::Wmb => self.release_fence(agent),
            Fence::Rmb | Fence::AcquireAfterCtrlDep => self.acquire_fence(agent),
            Fence::Mb | Fence::BeforeAtomic | Fence::AfterAtomic | Fence::AfterSpinlock | Fence::AfterUnlockLock => {
                self.sc_fence(agent);
            }
        }
    }

    /// Every read that the agent may make of a message whose value is `wanted`.
    fn reads(
        &self,
        agent: usize,
        cell: CellId,
        acquire: bool,
        wanted: &dyn Fn(u64) -> bool,
        each: &mut dyn FnMut(Self, u64),
    ) {
        for (at, (message, _)) in self.cells.messages(cell).enumerate().skip(self.bound(agent, cell)) {
            if wanted(message.value) {
                let mut next = self.clone();
                next.read(agent, cell, at, acquire);
                each(next, message.value);
            }
        }
    }

    /// Every place for a write.
    fn writes(&self, agent: usize, cell: CellId, value: u64, release: bool, each: &mut dyn FnMut(Self)) {
        let messages = self.cells.messages(cell).enumerate();
        for (below, (message, _)) in messages.skip(self.bound(agent, cell)) {
            if !message.attached {
                let mut next = self.clone();
                next.write(agent, cell, below, value, release, false);
                each(next);
            }
        }
    }

    /// Takes the lock if it is free. Of its messages, only the newest can be free and not yet taken.
    fn locks(&self, agent: usize, cell: CellId, holder: u64, each: &mut dyn FnMut(Self)) {
        let free = |value| (value == 0).then_some(holder);
        self.updates(agent, cell, Order::Acquire, &free, &mut |next, _| {
            each(next);
        });
    }

    /// Every read-modify-write that finds an old value for which there is a new one.
    fn updates(
        &self,
        agent: usize,
        cell: CellId,
        order: Order,
        new: &dyn Fn(u64) -> Option<u64>,
        each: &mut dyn FnMut(Self, u64),
    ) {
        let full;
        let start = if order == Order::Full {
            let mut fenced = self.clone();
            fenced.sc_fence(agent);
            full = fenced;
            &full
        } else {
            self
        };
        for (at, (message, _)) in start.cells.messages(cell).enumerate().skip(start.bound(agent, cell)) {
            if message.attached {
                continue;
            }
            if let Some(new) = new(message.value) {
                let mut next = start.clone();
                next.read(agent, cell, at, order == Order::Acquire);
                next.write(agent, cell, at, new, order == Order::Release, true);
                if order == Order::Full {
                    next.sc_fence(agent);
                }
                each(next, message.value);
            }
        }
    }

    fn plain(&self, agent: usize, cell: CellId, write: Option<u64>) -> (Self, Shown) {
        let current = row(agent, CURRENT);
        let mut next = self.clone();
        if self.cells.races(agent, cell, write.is_some(), |col| self.cells.views.get(current, col) == 1) {
            return (next, Shown::Race(cell));
        }
        let (col, shown) = match write {
            Some(value) => (next.cells.plain_write(cell, value), 0),
            None => (next.cells.plain_read(agent, cell), self.cells.newest(cell)),
        };
        next.cells.views.set(current, col, 1);
        (next, Shown::Value(shown))
    }
}
