// SPDX-License-Identifier: GPL-2.0-only
//! The memory models behind one interface: `sc`, `rc11` and `lkmm`.
//!
//! An *agent* is what the model calls a thread: here a CPU. A memory is a value: the search clones it, steps it
//! and compares it. None of the models has load buffering (`po | rf` cycles).

mod cells;
mod columns;
mod lkmm;
mod plain;
mod rc11;
mod sc;
mod views;

pub use lkmm::Lkmm;
pub use rc11::Rc11;
pub use sc::Sc;

use crate::op::{CellId, MemOp};
use std::hash::Hash;

/// What kind of word a cell is; it decides which operations may touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CellKind {
    /// Atomic accesses only.
    Atomic,
    /// A spin lock's word.
    Lock,
    /// Plain accesses only, checked for races.
    Plain,
}

/// What one step shows to the agent that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The value that the operation returns; 0 if it returns nothing.
    Value(u64),
    /// A plain access that races with an earlier access of this cell. The memory that comes with it is spent.
    Race(CellId),
}

/// A shared memory under some model.
pub trait Memory: Clone + Eq + Hash {
    /// A memory of `agents` CPUs in which every CPU knows every initial value.
    fn new(agents: usize, cells: &[(CellKind, u64)]) -> Self;

    /// Calls `each` once for every way in which `agent` can perform `op` now, with the memory that follows and
    /// what the caller is shown. Calls nothing if the operation has to wait.
    fn step(&self, agent: usize, op: &MemOp, each: &mut dyn FnMut(Self, Shown));

    /// Whether [`Memory::step`] would call back at least once. Must be cheap.
    fn ready(&self, agent: usize, op: &MemOp) -> bool;

    /// Whether the operation may be performed as soon as its agent comes to it, without looking at other
    /// orders: it can be put anywhere in the order of its kind.
    fn eager(op: &MemOp) -> bool;

    /// The newest value in the cell's modification order.
    fn newest(&self, cell: CellId) -> u64;

    /// `agent` learns everything that `from` knows, as over a full barrier: what a task brings along that the
    /// engine itself moved between CPUs.
    fn learn(&mut self, agent: usize, from: usize);

    /// The agent will never access memory again; what only it could still see can be forgotten.
    fn retire(&mut self, agent: usize);

    /// Drops what no agent can reach any more and renumbers the rest, so that equal futures compare equal.
    fn canon(&mut self);

    /// Renames the agents: the agent `i` becomes `to[i]`.
    fn rename(&mut self, to: &[usize]);
}
