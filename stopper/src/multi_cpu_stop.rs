// SPDX-License-Identifier: GPL-2.0-only
//! C: `multi_cpu_stop()`, `kernel/stop_machine.c`, v4.8 to v6.18: stoppers that step through their states together.
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

use crate::hooks::{rcu_momentary_eqs, touch_nmi_watchdog};
use crate::machine::Ctx;
use crate::multi_stop_data::{MultiStopData, MultiStopState, ack_state, assigned};
use ksync::{Id, Relaxed};

/// A revision of `multi_cpu_stop()`: what it does while it waits.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// When it touches the watchdog.
    pub touch: Touch,
    /// When it tells RCU that it holds nobody up.
    pub rcu: Rcu,
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

/// `multi_cpu_stop()`: "This is the cpu_stop function which stops the CPU."
pub fn multi_cpu_stop(ctx: &Ctx, data: Id<MultiStopData>) -> i32 {
    let msdata = ctx.machine.msdata(data);
    let current = ctx.current;
    let mut curstate = MultiStopState::None;
    let mut err = 0;
    // "When called from stop_machine_from_inactive_cpu(), irq might already be disabled. Save the state and restore
    // it on exit."
    let was_off = current.irqs_disabled();
    let is_active = match msdata.active_cpus {
        None => ctx.machine.cpus()[0] == current.cpu(),
        Some(mask) => mask & 1 << current.cpu() != 0,
    };
    // "Simple state machine."
    loop {
        // DEVIATION: "Chill out and re-read multi_stop_state" is an await here, and what C's loop does in an
        // iteration that finds nothing new is its body.
        // Relaxed: what orders it is the full barrier of the decrement in `ack_state()`. Pairs with `set_state()`.
        let seen = curstate;
        let changed = move |newstate| newstate != seen;
        let newstate = msdata.state.cond_load_with(Relaxed, changed, || nothing_new(ctx, seen));
        curstate = assigned(ctx, msdata, newstate);
        match curstate {
            MultiStopState::DisableIrq => current.local_irq_disable(),
            MultiStopState::Run if is_active => err = ctx.machine.func(msdata.func).call(ctx, msdata.data),
            _ => {}
        }
        ack_state(ctx, msdata);
        in_every_iteration(ctx);
        if curstate == MultiStopState::Exit {
            break;
        }
    }
    if !was_off {
        current.local_irq_enable();
    }
    err
}

/// An iteration of `multi_cpu_stop()` that finds the state that it has acked.
///
/// "At this stage all other CPUs we depend on must spin in the same loop. Any reason for hard-lockup should be
/// detected and reported on their side."
fn nothing_new(ctx: &Ctx, curstate: MultiStopState) {
    let Rev { touch, rcu } = ctx.machine.kernel.multi_cpu_stop;
    let beyond_prepare = curstate > MultiStopState::Prepare;
    if (touch == Touch::BeyondPrepare && beyond_prepare) || touch == Touch::FromPrepare {
        touch_nmi_watchdog(ctx);
    }
    if rcu == Rcu::BeyondPrepare && beyond_prepare {
        rcu_momentary_eqs(ctx);
    }
    in_every_iteration(ctx);
}

/// What stands at the end of the loop, behind both branches.
fn in_every_iteration(ctx: &Ctx) {
    if ctx.machine.kernel.multi_cpu_stop.rcu == Rcu::EveryIteration {
        rcu_momentary_eqs(ctx);
    }
}
