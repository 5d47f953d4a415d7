// SPDX-License-Identifier: GPL-2.0-only
//! What a task can ask of the engine, as plain data: an operation on memory, or something of the machine around it.
//!
//! Every facade call of a model build becomes one of these.

use crate::op::{CellId, Cond, MemOp};

/// Everything that a task can ask the engine for.
// Real threads have no engine to ask, so there some of it is never asked for.
#[cfg_attr(not(loom), allow(dead_code))]
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// An operation on shared memory.
    Mem(MemOp),
    /// The preempt count leaves zero, or comes back to it.
    PreemptOff(bool),
    /// The CPU's interrupts go off, or on.
    IrqsOff(bool),
    /// Gives up the CPU until the newest value of the word satisfies the condition.
    Sleep {
        /// The word that a waker writes.
        cell: CellId,
        /// What ends the sleep.
        cond: Cond,
        /// What the sleeper really waits for: if it holds while the task sleeps for ever, the wakeup was lost.
        wants: Option<(CellId, Cond)>,
    },
    /// The number of the CPU that the task is on.
    Cpu,
    /// The task may run on these CPUs only (a bit for each CPU index).
    SetAllowed(u64),
    /// An explicit choice among `0..n`.
    Nondet(u64),
    /// Makes an interrupt pending.
    Raise(IrqId),
    /// An interrupt handler ends; interrupts were off (`true`) or on before it.
    IrqReturn(bool),
    /// One unit of bounded work at this site.
    Work(WorkId),
    /// The object of this frame comes to life, or dies; an access to its cells outside of its life is a violation.
    Frame(FrameId, bool),
    /// The task computes for so many nanoseconds of virtual time.
    Busy(u64),
    /// The task sleeps for so many.
    Away(u64),
    /// Nothing to do: waits for interrupts, for ever.
    Idle,
    /// A block begins of which only the result will be kept: see [`distil`](crate::distil()).
    Distil,
    /// It ends. Nobody sees that.
    Distilled {
        /// Its result.
        result: u64,
        /// The preempt count that it leaves; the engine fills it in.
        preempt_count: u32,
        /// Whether it leaves interrupts off; the engine fills it in.
        irqs_off: bool,
    },
    /// The virtual time in nanoseconds.
    Now,
    /// The machine stops: nothing happens any more.
    Halt,
    /// Makes an interrupt pending at this virtual time, or disarms it.
    Timer(IrqId, Option<u64>),
}

#[cfg(loom)]
impl Request {
    /// Whether it only tells the engine what a task has forgotten.
    pub(crate) fn is_distilling(&self) -> bool {
        matches!(self, Request::Distil | Request::Distilled { .. })
    }

    /// What it waits for.
    pub(crate) fn conditions(&mut self) -> impl Iterator<Item = &mut Cond> {
        let (cond, wants) = match self {
            Request::Mem(MemOp::Await { cond, .. }) => (Some(cond), None),
            Request::Sleep { cond, wants, .. } => (Some(cond), wants.as_mut().map(|(_, cond)| cond)),
            _ => (None, None),
        };
        cond.into_iter().chain(wants)
    }
}

/// An interrupt source that the setup declared.
pub(crate) type IrqId = u8;
/// A site of bounded work that the setup declared.
pub(crate) type WorkId = u8;
/// A group of cells that live and die together.
pub(crate) type FrameId = u8;
