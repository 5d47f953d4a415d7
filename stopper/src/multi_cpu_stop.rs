// SPDX-License-Identifier: GPL-2.0-only
//! C: `multi_cpu_stop()`, `kernel/stop_machine.c`, v6.18: stoppers that step through their states together.
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
//! Property: while the function runs on one CPU, all others are in the loop with interrupts off, and all leave.

use crate::cpu_stopper::StopFn;
use crate::machine::Ctx;
use ksync::{Atomic, Full, Id, Relaxed, enum_word, smp_wmb};

/// A revision of `set_state()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What `set_state()` stores first.
    pub first: First,
}

/// What `set_state()` stores first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The count of acks, then the state.
    ThreadAck,
    /// The state, then the count of acks.
    State,
}

/// As it stands in v6.18.
pub const MAINLINE: Rev = Rev { first: First::ThreadAck };

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
    fn next(self) -> Self {
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
    /// The CPU that runs the function; without one it is the first online CPU.
    pub active_cpus: Option<u32>,
    /// Where all are.
    pub state: Atomic<MultiStopState>,
    /// Who still has to come there.
    pub thread_ack: Atomic<u32>,
}

impl MultiStopData {
    /// One with `set_state(PREPARE)` done.
    pub(crate) fn new(
        name: &str,
        (func, data): (Id<StopFn>, u32),
        num_threads: u32,
        active_cpus: Option<u32>,
    ) -> Self {
        MultiStopData {
            func,
            data,
            num_threads,
            active_cpus,
            state: Atomic::named(MultiStopState::Prepare, format_args!("{name}.msdata.state")),
            thread_ack: Atomic::named(num_threads, format_args!("{name}.msdata.thread_ack")),
        }
    }
}

fn set_state(ctx: &Ctx, msdata: &MultiStopData, newstate: MultiStopState) {
    match ctx.machine.kernel.multi_cpu_stop.first {
        First::ThreadAck => {
            // "Reset ack counter."
            msdata.thread_ack.store(msdata.num_threads, Relaxed);
            // ORDERING: the count before the state. Pairs with `multi_cpu_stop()`, the load of `state` and the full
            // barrier of the decrement after it. Without it an ack goes to the old count: `ack-reset`.
            smp_wmb();
            msdata.state.store(newstate, Relaxed);
        }
        First::State => {
            msdata.state.store(newstate, Relaxed);
            smp_wmb();
            msdata.thread_ack.store(msdata.num_threads, Relaxed);
        }
    }
}

/// "Last one to ack a state moves to the next state."
fn ack_state(ctx: &Ctx, msdata: &MultiStopData) {
    // ORDERING: Full: what this CPU did in the state before the next one, and `state` read before the count. Pairs
    // with `set_state()` and with the same decrement on the other CPUs. Without it the function runs before another
    // CPU's interrupts are off: `run-sees-others`.
    if msdata.thread_ack.dec_and_test(Full) {
        set_state(ctx, msdata, msdata.state.load(Relaxed).next());
    }
}

/// `multi_cpu_stop()`: "This is the cpu_stop function which stops the CPU."
pub fn multi_cpu_stop(ctx: &Ctx, data: Id<MultiStopData>) -> i32 {
    let msdata = ctx.machine.msdata(data);
    let current = ctx.current;
    let mut curstate = MultiStopState::None;
    let mut err = 0;
    // "When called from stop_machine_from_inactive_cpu(), irq might already be disabled. Save the state and restore
    // it on exit."
    let was_off = current.irqs_disabled();
    let is_active = msdata.active_cpus.unwrap_or(ctx.machine.cpus()[0]) == current.cpu();
    // "Simple state machine."
    loop {
        // DEVIATION: C's loop relaxes, and beyond PREPARE touches the watchdog and RCU, until the state changes.
        // "Chill out and re-read" is an await here.
        // Relaxed: what orders it is the full barrier of the decrement in `ack_state()`. Pairs with `set_state()`.
        let seen = curstate;
        curstate = msdata.state.cond_load(Relaxed, move |newstate| newstate != seen);
        match curstate {
            MultiStopState::DisableIrq => current.local_irq_disable(),
            MultiStopState::Run if is_active => err = ctx.machine.func(msdata.func).call(ctx, msdata.data),
            _ => {}
        }
        ack_state(ctx, msdata);
        if curstate == MultiStopState::Exit {
            break;
        }
    }
    if !was_off {
        current.local_irq_enable();
    }
    err
}
