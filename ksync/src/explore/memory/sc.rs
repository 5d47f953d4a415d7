// SPDX-License-Identifier: GPL-2.0-only
//! Sequential consistency: one value in each cell, and no ordering says anything.

use super::{CellKind, Memory, Shown};
use crate::op::{CellId, MemOp};
use smallvec::SmallVec;

/// A memory in which every access takes effect at once, for everybody. It does not look for races: that is left
/// to whoever sees which accesses can happen next to each other.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Sc {
    values: SmallVec<[u64; 8]>,
}

impl Clone for Sc {
    fn clone(&self) -> Self {
        Sc { values: SmallVec::from_slice(&self.values) } // The derived clone goes value by value.
    }
}

impl Sc {
    fn at(&self, cell: CellId) -> u64 {
        self.values[cell as usize]
    }

    fn with(&self, cell: CellId, value: u64) -> Sc {
        let mut next = self.clone();
        next.values[cell as usize] = value;
        next
    }
}

impl Memory for Sc {
    fn new(_agents: usize, cells: &[(CellKind, u64)]) -> Self {
        Sc { values: cells.iter().map(|&(_, value)| value).collect() }
    }

    fn step(&self, agent: usize, op: &MemOp, each: &mut dyn FnMut(Self, Shown)) {
        if !self.ready(agent, op) {
            return;
        }
        let (next, shown) = match *op {
            MemOp::Load { cell, .. } | MemOp::Await { cell, .. } | MemOp::Read { cell } => {
                (self.clone(), self.at(cell))
            }
            MemOp::Store { cell, value, .. } | MemOp::Write { cell, value } => (self.with(cell, value), 0),
            MemOp::Rmw { cell, rmw, mask, observe, .. } => {
                let old = self.at(cell);
                let new = rmw.apply(old, mask);
                (self.with(cell, new.unwrap_or(old)), observe.of(old, new))
            }
            MemOp::Lock { cell, holder } => (self.with(cell, holder), 0),
            MemOp::TryLock { cell, holder } if self.at(cell) == 0 => (self.with(cell, holder), 1),
            MemOp::TryLock { .. } | MemOp::Fence(_) => (self.clone(), 0),
            MemOp::Unlock { cell } => {
                assert_ne!(self.at(cell), 0, "unlock of a free lock");
                (self.with(cell, 0), 0)
            }
            MemOp::IsLocked { cell } => (self.clone(), u64::from(self.at(cell) != 0)),
        };
        each(next, Shown::Value(shown));
    }

    fn ready(&self, _agent: usize, op: &MemOp) -> bool {
        match op {
            MemOp::Await { cell, cond, .. } => cond.holds(self.at(*cell)),
            MemOp::Lock { cell, .. } => self.at(*cell) == 0,
            _ => true,
        }
    }

    fn eager(op: &MemOp) -> bool {
        matches!(op, MemOp::Fence(_))
    }

    fn newest(&self, cell: CellId) -> u64 {
        self.at(cell)
    }

    fn learn(&mut self, _agent: usize, _from: usize) {}

    fn retire(&mut self, _agent: usize) {}

    fn canon(&mut self) {}

    fn rename(&mut self, _to: &[usize]) {}
}
