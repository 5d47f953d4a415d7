// SPDX-License-Identifier: GPL-2.0-only
//! Incident 003: stoppers that wait in `PREPARE` for one that a task holds up for 37 s. CPU0 has the task.

use crate::catalogue::Case;
use crate::furnish::nobody_is_reported;
use crate::kernel::{self, Kernel};
use crate::machine::{SOFT_ONLY, Watchdog};
use crate::oom::dump_tasks;
use crate::units::SEC;
use ksync::catalogue::Expected::{Holds, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Scenario, Setup, away};
use std::sync::Arc;
use stopper::machine::{Ctx, Machine};
use stopper::stopper_thread::smpboot_thread_fn;
use stopper::task::Birth;

/// The cases of this file.
pub const CASES: &[Case] = &[THREE, SIXTEEN];

pub(crate) const NO_CLOCK: LoomUse = LoomUse::CannotCarry("loom has no clock");

/// The walk of the report: from 15:19:25 to 15:20:02.
const WALK: u64 = 37;
/// A moment while it still goes on.
const BEFORE_ITS_END: u64 = WALK * SEC - 1;

/// No two timers at the same moment, and none when the walk takes a step: CPUs come up one after the other.
pub(crate) fn staggered(cpu: u32) -> (u64, u64) {
    (u64::from(cpu + 1) * SEC / 32, 10 * SEC + u64::from(cpu) * SEC / 64)
}

const THREE: Case = Case {
    incident: "stop-machine-prepare",
    name: "oom-walk",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: oom_walk,
    rows: &[(kernel::V4_18, Violated), (kernel::MAINLINE, Violated), (kernel::TOUCH_FROM_PREPARE, Holds)],
};

/// Three CPUs. The walk begins on CPU0 when the stoppers are woken.
///
/// Result: Violated
pub fn oom_walk(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        walk_holds_up(setup, kernel, 3);
        setup.horizon(BEFORE_ITS_END);
    })
}

const SIXTEEN: Case = Case {
    name: "oom-walk-16",
    scenario: oom_walk_16,
    rows: &[(kernel::V4_18, Violated), (VENDOR_PROPOSAL, Holds)],
    ..THREE
};

/// The proposal on the incident's kernel.
const VENDOR_PROPOSAL: Kernel = Kernel {
    label: Label::mutant(
        "touch-from-prepare",
        "a stopper that waits for a missing one touches the watchdog: `>=` for `>`",
    ),
    stopper: stopper::kernel::TOUCH_FROM_PREPARE,
    ..kernel::V4_18
};

/// The same on 16 CPUs.
///
/// Result: Violated
pub fn oom_walk_16(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        walk_holds_up(setup, kernel, 16);
        setup.horizon(BEFORE_ITS_END);
    })
}

/// The walk has CPU0 when the stoppers of all CPUs are asked for, and nobody may be reported.
fn walk_holds_up(setup: &mut Setup, kernel: Kernel, cpus: u32) {
    let cpus: Vec<u32> = (0..cpus).collect();
    let mut machine = Machine::new(&cpus, kernel.stopper);
    let watchdog = Watchdog::new(&mut machine, (kernel, SOFT_ONLY), nobody_is_reported);
    let walker = machine.new_task("mysqld", 0, Birth::Running);
    let nothing = machine.stop_fn("nothing", |_, _| 0);
    let msdata = machine.msdata_for("stop_machine", nothing, None);
    machine.just_asked_all(msdata);
    let machine = Arc::new(machine);
    watchdog.declare(setup, &machine, staggered);
    machine.spawn(setup, walker, move |ctx| dump_tasks(&watchdog.on(*ctx), WALK));
    arrive_in_turn(setup, &machine);
}

/// The stoppers come to run one after the other, 1 us apart: the wakeups take that long.
pub(crate) fn arrive_in_turn(setup: &mut Setup, machine: &Arc<Machine>) {
    for &cpu in machine.cpus() {
        let thread = machine.cpu_stopper(cpu).thread;
        let arrives = move |ctx: &Ctx| {
            away(u64::from(cpu + 1) * 1000);
            smpboot_thread_fn(ctx);
        };
        machine.spawn(setup, thread, arrives).stop_class().daemon();
    }
}
