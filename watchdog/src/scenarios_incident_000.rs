// SPDX-License-Identifier: GPL-2.0-only
//! Incident 000 as the machine saw it, and the hard lockup of an innocent that ce4f06dcbb5d ended.

use crate::catalogue::Case;
use crate::furnish::nobody_is_reported;
use crate::kernel::{self, Kernel};
use crate::machine::{Config, Detector, Dog, SOFT_ONLY, Watchdog};
use crate::message::{Kind, Report};
use crate::oom::dump_tasks;
use crate::scenarios_prepare::{NO_CLOCK, arrive_in_turn, staggered};
use crate::touch::touch_nmi_watchdog;
use crate::units::SEC;
use ksync::catalogue::Expected::{Holds, Violated};
use ksync::catalogue::Label;
use ksync::{Model, Scenario, busy};
use std::sync::Arc;
use stopper::kernel as stoppers;
use stopper::machine::Machine;
use stopper::scenarios_migrate_swap::incident_on;
use stopper::task::Birth;

/// The cases of this file.
pub const CASES: &[Case] = &[S9_WATCHDOG, CHAIN];

/// A machine with the NMIs of the performance counters.
pub(crate) const PERF: Config = Config { detector: Detector::Perf, ..SOFT_ONLY };

const fn rhel_7(commit: &'static str, what: &'static str, stopper: stoppers::Kernel) -> Kernel {
    Kernel { label: Label::commit(commit, what), stopper, ..kernel::V4_12 }
}

const S9_WATCHDOG: Case = Case {
    incident: "migrate-swap",
    name: "s9-watchdog",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: s9_watchdog,
    rows: &[
        (rhel_7("0b26351b910f^", "wakes the stoppers under their locks", stoppers::BEFORE), Violated),
        (rhel_7("0b26351b910f", "collects the wakeups in a wake_q", stoppers::WAKE_Q), Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// The two tasks of incident 000, on CPUs with NMIs.
///
/// Result: Violated in `BEFORE`
pub fn s9_watchdog(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel.stopper);
        let watchdog = Watchdog::new(&mut machine, (kernel, PERF), nobody_is_reported);
        let machine = incident_on(setup, machine);
        // Both NMIs at once: either may be the first. The timers are apart.
        watchdog.declare(setup, &machine, |cpu| (u64::from(cpu) * SEC / 32, 10 * SEC));
        setup.horizon(10 * SEC);
    })
}

const CHAIN: Case = Case {
    incident: "stop-machine-prepare",
    name: "innocent-victim",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: innocent_victim,
    rows: &[
        (
            rhel_7("ce4f06dcbb5d^", "a stopper that waits with interrupts off is reported", stoppers::BEFORE_TOUCH),
            Violated,
        ),
        (rhel_7("ce4f06dcbb5d", "it touches the watchdog after MULTI_STOP_PREPARE", stoppers::TOUCH), Holds),
    ],
};

/// CPU1 waits in `PREPARE` for so long that it is reported, on a console that takes 12 s. Meanwhile CPU0 comes, turns its
/// interrupts off, and waits for CPU1. It is innocent: no hard lockup may be reported.
///
/// Result: Violated in `ce4f06dcbb5d^`
pub fn innocent_victim(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel.stopper);
        let slow = |dog: &Dog<'_>, report: &Report| match report.kind {
            // A line of the trace takes a second, and its console touches the watchdog.
            Kind::Soft { .. } => (0..12).for_each(|_| {
                busy(SEC);
                touch_nmi_watchdog(dog.watchdog, dog.cpu());
            }),
            Kind::Hard { .. } => nobody_is_reported(dog, report),
        };
        let watchdog = Watchdog::new(&mut machine, (kernel, PERF), slow);
        let walker = machine.new_task("sysrq-t", 0, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let msdata = machine.msdata_for("stop_machine", nothing, None);
        machine.just_asked_all(msdata);
        let machine = Arc::new(machine);
        // The NMI of CPU0 comes just after it has begun to wait.
        watchdog.declare(setup, &machine, |cpu| (staggered(cpu).0, 5 * SEC + SEC / 2));
        machine.spawn(setup, walker, move |ctx| dump_tasks(&watchdog.on(*ctx), 25));
        arrive_in_turn(setup, &machine);
        setup.horizon(36 * SEC);
    })
}
