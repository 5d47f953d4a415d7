// SPDX-License-Identifier: GPL-2.0-only
//! C: `multi_cpu_stop()`, `kernel/stop_machine.c`, up to v6.18: stoppers that step through their states together.
//!
//! What a stopper does while it waits for the others (ce4f06dcbb5d, and incident 003 against it):
//!
//! ```text
//! state         interrupts   the others                 a report of this CPU blames
//! PREPARE       on           one may not be here yet    it, for the one that is missing
//! DISABLE_IRQ…  off          all are in the loop        it, for nothing: so it touches the watchdog
//! ```
//!
//! Property: while the function runs on one CPU, all others are in the loop with interrupts off, and all leave.

use crate::hooks::{rcu_momentary_eqs, stop_machine_yield, touch_nmi_watchdog};
use crate::machine::Ctx;
use crate::multi_stop_data::{MultiStopData, MultiStopState, ack_state, after_ack, assigned};
use crate::patience::Patience;
use ksync::{Id, Relaxed};

/// A revision of `multi_cpu_stop()`: what it does while it waits.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// When it touches the watchdog.
    pub touch: Touch,
    /// When it tells RCU that it holds nobody up.
    pub rcu: Rcu,
}

/// A revision of the steps of `multi_cpu_stop()`. All kernels have the same; wrong patches move them.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    /// Where interrupts go off and come back.
    pub irqs: Irqs,
    /// The state in which the function runs.
    pub runs_in: MultiStopState,
    /// The state that nobody waits behind.
    pub leaves_at: MultiStopState,
}

/// Where interrupts go off and come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Irqs {
    /// Off before `DISABLE_IRQ` is acked, back behind the loop.
    OffThroughout,
    /// Off when `DISABLE_IRQ` is acked, back behind the loop.
    OffAfterAck,
    /// Off before `DISABLE_IRQ` is acked, back when this CPU is done with `RUN`.
    BackAfterRun,
    /// Off before `DISABLE_IRQ` is acked, back behind the loop whether or not they were on before it.
    BackInAnyCase,
}

/// As it stands since 1142d810298e.
pub const STEPS: Steps =
    Steps { irqs: Irqs::OffThroughout, runs_in: MultiStopState::Run, leaves_at: MultiStopState::Exit };

/// Which CPUs of a mask run the function. All kernels agree; a wrong patch does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsActive {
    /// All of them.
    InMask,
    /// The first one.
    FirstOfMask,
}

/// When a waiting stopper touches the watchdog of its CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Never.
    Never,
    /// When all are in the loop.
    BeyondPrepare,
    /// As soon as it is in the loop itself.
    FromPrepare,
    /// The same, but in `PREPARE` for a while only: see [`crate::patience`].
    Bounded,
    /// The same, and only as long as no missing stopper waits in another request.
    Patient,
}

/// When a stopper tells RCU that it holds nobody up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rcu {
    /// Never.
    Never,
    /// In every iteration.
    EveryIteration,
    /// While it waits with interrupts off.
    BeyondPrepare,
}

/// It only waits.
pub const ORIGIN: Rev = Rev { touch: Touch::Never, rcu: Rcu::Never };
/// ce4f06dcbb5d: touches the NMI watchdog after `MULTI_STOP_PREPARE`.
pub const TOUCH: Rev = Rev { touch: Touch::BeyondPrepare, ..ORIGIN };
/// 366237e7b083 "Provide RCU quiescent state in multi_cpu_stop()".
pub const RCU: Rev = Rev { rcu: Rcu::EveryIteration, ..TOUCH };
/// c861cac950fb: only where interrupts are off; as it stands in v6.18.
pub const MAINLINE: Rev = Rev { rcu: Rcu::BeyondPrepare, ..RCU };
/// What the report of incident 003 tried: `>=` for `>`.
pub const FROM_PREPARE: Rev = Rev { touch: Touch::FromPrepare, ..MAINLINE };
/// A candidate: touches for a while, and knows who is missing.
pub const BOUNDED: Rev = Rev { touch: Touch::Bounded, ..MAINLINE };
/// A candidate: the same, but does not wait where nobody is held up by a task.
pub const PATIENT: Rev = Rev { touch: Touch::Patient, ..MAINLINE };

/// `multi_cpu_stop()`: "This is the cpu_stop function which stops the CPU."
pub fn multi_cpu_stop(ctx: &Ctx, data: Id<MultiStopData>) -> i32 {
    let msdata = ctx.machine.msdata(data);
    let current = ctx.current;
    let mut curstate = MultiStopState::None;
    let mut err = 0;
    // "When called from stop_machine_from_inactive_cpu(), irq might already be disabled. Save the state and restore
    // it on exit."
    let was_off = current.irqs_disabled();
    let is_active = is_active(ctx, msdata);
    let steps = &ctx.machine.kernel.steps;
    let patience = Patience::begin(ctx, data);
    // "Simple state machine."
    loop {
        // "Chill out and re-read multi_stop_state".
        stop_machine_yield(ctx);
        // DEVIATION: C's loop is an await here. Its body is what C does in an iteration that finds nothing new, up to
        // the read in the next one.
        // Relaxed: what orders it is the full barrier of the decrement in `ack_state()`. Pairs with `set_state()`.
        let seen = curstate;
        let changed = move |newstate| newstate != seen;
        let newstate = msdata.state.cond_load_with(Relaxed, changed, || nothing_new(ctx, seen, &patience));
        curstate = assigned(ctx, msdata, newstate);
        // DEVIATION: C does not check it; all else rests on it.
        assert_eq!(curstate, seen.next(), "a state is skipped");
        patience.enters(ctx, curstate);
        if curstate == MultiStopState::DisableIrq && steps.irqs != Irqs::OffAfterAck {
            current.local_irq_disable();
        }
        if curstate == steps.runs_in && is_active {
            err = ctx.machine.func(msdata.func).call(ctx, msdata.data);
        }
        ack_state(ctx, msdata, curstate);
        match (curstate, steps.irqs) {
            (MultiStopState::DisableIrq, Irqs::OffAfterAck) => current.local_irq_disable(),
            (MultiStopState::Run, Irqs::BackAfterRun) => current.local_irq_enable(),
            _ => {}
        }
        curstate = after_ack(ctx, msdata, curstate);
        in_every_iteration(ctx);
        if curstate == steps.leaves_at {
            break;
        }
    }
    if !was_off || steps.irqs == Irqs::BackInAnyCase {
        current.local_irq_enable();
    }
    err
}

/// Whether this CPU runs the function.
fn is_active(ctx: &Ctx, msdata: &MultiStopData) -> bool {
    let cpu = ctx.current.cpu();
    match (msdata.active_cpus, ctx.machine.kernel.is_active) {
        (None, _) => cpu == ctx.machine.cpus()[0],
        (Some(mask), IsActive::InMask) => mask & 1 << cpu != 0,
        (Some(mask), IsActive::FirstOfMask) => cpu == mask.trailing_zeros(),
    }
}

/// An iteration of `multi_cpu_stop()` that finds the state that it has acked.
///
/// "At this stage all other CPUs we depend on must spin in the same loop. Any reason for hard-lockup should be
/// detected and reported on their side."
fn nothing_new(ctx: &Ctx, curstate: MultiStopState, patience: &Patience) {
    let Rev { touch, rcu } = ctx.machine.kernel.multi_cpu_stop;
    let beyond_prepare = curstate > MultiStopState::Prepare;
    let touches = match touch {
        Touch::Never => false,
        Touch::BeyondPrepare => beyond_prepare,
        Touch::FromPrepare => true,
        Touch::Bounded | Touch::Patient => beyond_prepare || patience.is_left(ctx),
    };
    if touches {
        touch_nmi_watchdog(ctx);
    }
    if rcu == Rcu::BeyondPrepare && beyond_prepare {
        rcu_momentary_eqs(ctx);
    }
    in_every_iteration(ctx);
    // At the top of the next iteration.
    stop_machine_yield(ctx);
}

/// What stands at the end of the loop, behind both branches.
fn in_every_iteration(ctx: &Ctx) {
    if ctx.machine.kernel.multi_cpu_stop.rcu == Rcu::EveryIteration {
        rcu_momentary_eqs(ctx);
    }
}
