// SPDX-License-Identifier: GPL-2.0-only
//! C: `take_cpu_down()`, `cpuhp_online_idle()`, `kernel/cpu.c`: what CPU hotplug asks of a stopper.
//!
//! Who unparks the stopper of a CPU that comes up (45178ac0cea8):
//!
//! ```text
//! CPU1 comes up                              CPU0, which brings it up
//! tells CPU0 that it is online
//! runs tasks; one asks for CPU1's stopper:
//!   disabled, so its work is only signalled
//!                                            stop_machine_unpark(1)
//! ```
//!
//! Property: where tasks can run, the stopper is enabled.

use crate::machine::Ctx;
use crate::park::{stop_machine_park, stop_machine_unpark};

/// A revision of how a CPU comes up.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Who unparks the stopper.
    pub unpark: Unpark,
}

/// Who unparks the stopper of a CPU that comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpark {
    /// The CPU that brings it up, when it hears that it is online.
    ByAnother,
    /// The CPU itself, before it says so.
    ByItself,
}

/// Before 45178ac0cea8.
pub const ORIGIN: Rev = Rev { unpark: Unpark::ByAnother };
/// 45178ac0cea8: into `cpuhp_online_idle()`.
pub const MAINLINE: Rev = Rev { unpark: Unpark::ByItself };

/// `take_cpu_down()`: runs in `MULTI_STOP_RUN`, on the CPU that goes away.
///
/// DEVIATION: of all that C takes down, the runqueue and the stopper.
pub fn take_cpu_down(ctx: &Ctx) -> i32 {
    let cpu = ctx.current.cpu();
    let rq = ctx.machine.rq(cpu);
    let guard = rq.lock.lock_irqsave(ctx.current);
    rq.online.set(false);
    guard.unlock();
    stop_machine_park(ctx, cpu);
    0
}

/// `cpuhp_online_idle()`: the CPU is up, and will run tasks next.
pub fn cpuhp_online_idle(ctx: &Ctx) {
    let cpu = ctx.current.cpu();
    if ctx.machine.kernel.cpuhp.unpark == Unpark::ByItself {
        stop_machine_unpark(ctx, cpu);
    }
    ctx.machine.done_up(cpu).complete();
}

/// What the CPU that brings another one up does then.
pub fn bringup_wait_for_ap(ctx: &Ctx, cpu: u32) {
    ctx.machine.done_up(cpu).wait_for_completion(ctx.current);
    if ctx.machine.kernel.cpuhp.unpark == Unpark::ByAnother {
        stop_machine_unpark(ctx, cpu);
    }
}
