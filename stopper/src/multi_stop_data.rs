// SPDX-License-Identifier: GPL-2.0-only
//! C: `struct multi_stop_data`, `set_state()`, `ack_state()`, `kernel/stop_machine.c`: how stoppers keep in step.
//!
//! ```text
//! last acker, set_state(s)               another stopper
//! thread_ack = num_threads
//! smp_wmb()
//! state = s                              sees s, acks: --thread_ack
//!
//! the other way round: it sees s, acks the old count, and the ack is lost
//! when thread_ack is set               -> all spin for ever
//! ```
//!
//! Property: the state goes on by one when all have acked it, and every ack counts.

use crate::cpu_stopper::StopFn;
use crate::machine::Ctx;
use ksync::{Atomic, Full, Id, Plain, Relaxed, enum_word, smp_wmb};

/// A revision of `set_state()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What `set_state()` stores first.
    pub first: First,
    /// How the state is stored, and read again.
    pub access: Access,
}

/// What `set_state()` stores first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The count of acks, then the state.
    ThreadAck,
    /// The state, then the count of acks.
    State,
}

/// How `set_state()` stores the state, and how `multi_cpu_stop()` reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A plain store; one plain read to compare, and another one to assign.
    PlainTwice,
    /// `WRITE_ONCE()`; one `READ_ONCE()` to compare and to assign.
    Once,
    /// `WRITE_ONCE()`; a `READ_ONCE()` to compare, and another one to assign.
    OnceTwice,
    /// `WRITE_ONCE()`; a `READ_ONCE()` to compare and to assign, and another one to assign when the state is acked.
    OnceAndAfterAck,
}

/// A revision of `ack_state()`.
#[derive(Debug, Clone, Copy)]
pub struct AckRev {
    /// How the last one knows that it is the last.
    pub last: Last,
    /// What the next state is computed from.
    pub next: NextOf,
}

/// How the last one to ack knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// Its decrement says so.
    ByDecrement,
    /// A read behind the decrement says so.
    ByReadAfter,
}

/// What the last one to ack computes the next state from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextOf {
    /// The shared state, read again.
    State,
    /// The state that it acks.
    Curstate,
}

/// Before the accesses were marked.
pub const ORIGIN: Rev = Rev { first: First::ThreadAck, access: Access::PlainTwice };
/// b1fc58333575 "Avoid potential race behaviour"; as it stands in v6.18.
pub const MAINLINE: Rev = Rev { access: Access::Once, ..ORIGIN };
/// `ack_state()` as it stands in v6.18.
pub const ACK_MAINLINE: AckRev = AckRev { last: Last::ByDecrement, next: NextOf::State };
/// A patch of 2023 that was not merged: the caller passes its state.
pub const ACK_CURSTATE: AckRev = AckRev { next: NextOf::Curstate, ..ACK_MAINLINE };

/// `enum multi_stop_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MultiStopState {
    /// "Dummy starting state for thread."
    None = 0,
    /// "Awaiting everyone to be scheduled."
    Prepare = 1,
    /// "Disable interrupts."
    DisableIrq = 2,
    /// "Run the function."
    Run = 3,
    /// "Exit."
    Exit = 4,
    /// What the last acker of `Exit` stores; C has no name for it.
    Done = 5,
}
enum_word!(MultiStopState { None, Prepare, DisableIrq, Run, Exit, Done });

impl MultiStopState {
    pub(crate) fn next(self) -> Self {
        match self {
            MultiStopState::None => MultiStopState::Prepare,
            MultiStopState::Prepare => MultiStopState::DisableIrq,
            MultiStopState::DisableIrq => MultiStopState::Run,
            MultiStopState::Run => MultiStopState::Exit,
            MultiStopState::Exit | MultiStopState::Done => MultiStopState::Done,
        }
    }
}

/// `struct multi_stop_data`.
#[derive(Debug)]
pub struct MultiStopData {
    /// `fn`, which is a keyword here.
    pub func: Id<StopFn>,
    /// Its argument.
    pub data: u32,
    /// "Like num_online_cpus(), but hotplug cpu uses us, so we need this."
    pub num_threads: u32,
    /// The CPUs that run the function, a bit for each CPU number; without a mask it is the first online CPU.
    pub active_cpus: Option<u64>,
    /// Where all are.
    pub state: Atomic<MultiStopState>,
    /// Who still has to come there.
    pub thread_ack: Atomic<u32>,
    /// The CPUs that take part, a bit for each CPU number: see [`crate::patience`].
    pub cpus: Atomic<u64>,
    /// Those of them that have acked `PREPARE`.
    pub here: Atomic<u64>,
    /// `state` as [`Access::PlainTwice`] accesses it.
    ///
    /// DEVIATION: C's one word is two here, stored together: a wait is on a marked word, and a race is a plain one's.
    plain_state: Plain<MultiStopState>,
}

impl MultiStopData {
    /// One with `set_state(PREPARE)` done.
    pub(crate) fn new(
        name: &str,
        (func, data): (Id<StopFn>, u32),
        num_threads: u32,
        active_cpus: Option<&[u32]>,
    ) -> Self {
        MultiStopData {
            func,
            data,
            num_threads,
            active_cpus: active_cpus.map(|cpus| cpus.iter().map(|cpu| 1 << cpu).sum()),
            state: Atomic::named(MultiStopState::Prepare, format_args!("{name}.msdata.state")),
            thread_ack: Atomic::named(num_threads, format_args!("{name}.msdata.thread_ack")),
            cpus: Atomic::named(0, format_args!("{name}.msdata.cpus")),
            here: Atomic::named(0, format_args!("{name}.msdata.here")),
            plain_state: Plain::named(MultiStopState::Prepare, format_args!("{name}.msdata.state")),
        }
    }
}

/// `set_state()`.
fn set_state(ctx: &Ctx, msdata: &MultiStopData, newstate: MultiStopState) {
    let rev = &ctx.machine.kernel.set_state;
    if rev.first == First::State {
        store_state(msdata, newstate, rev.access);
        smp_wmb();
    }
    // "Reset ack counter."
    msdata.thread_ack.store(msdata.num_threads, Relaxed);
    if rev.first == First::ThreadAck {
        // ORDERING: the count before the state. Pairs with `multi_cpu_stop()`, the load of `state` and the full
        // barrier of the decrement after it. Without it an ack goes to the old count: `ack-reset`.
        smp_wmb();
        store_state(msdata, newstate, rev.access);
    }
}

fn store_state(msdata: &MultiStopData, newstate: MultiStopState, access: Access) {
    if access == Access::PlainTwice {
        msdata.plain_state.set(newstate);
    }
    msdata.state.store(newstate, Relaxed);
}

/// The value that `multi_cpu_stop()` assigns to `curstate`, when it has found `newstate`.
pub(crate) fn assigned(ctx: &Ctx, msdata: &MultiStopData, newstate: MultiStopState) -> MultiStopState {
    match ctx.machine.kernel.set_state.access {
        Access::PlainTwice => msdata.plain_state.get(),
        Access::Once | Access::OnceAndAfterAck => newstate,
        Access::OnceTwice => msdata.state.load(Relaxed),
    }
}

/// `curstate` behind `ack_state()`.
pub(crate) fn after_ack(ctx: &Ctx, msdata: &MultiStopData, curstate: MultiStopState) -> MultiStopState {
    match ctx.machine.kernel.set_state.access {
        Access::OnceAndAfterAck => msdata.state.load(Relaxed),
        _ => curstate,
    }
}

/// "Last one to ack a state moves to the next state."
pub(crate) fn ack_state(ctx: &Ctx, msdata: &MultiStopData, curstate: MultiStopState) {
    let AckRev { last, next } = ctx.machine.kernel.ack_state;
    // ORDERING: Full: what this CPU did in the state before the next one, and `state` read before the count. Pairs
    // with `set_state()` and with the same decrement on the other CPUs. Without it the function runs before another
    // CPU's interrupts are off: `run-sees-others`.
    let mut is_last = msdata.thread_ack.dec_and_test(Full);
    if last == Last::ByReadAfter {
        is_last = msdata.thread_ack.load(Relaxed) == 0;
    }
    if is_last {
        // C reads `state` plainly: nobody else writes it now.
        let state = if next == NextOf::State { msdata.state.load(Relaxed) } else { curstate };
        set_state(ctx, msdata, state.next());
    }
}
