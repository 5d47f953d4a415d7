// SPDX-License-Identifier: GPL-2.0-only
//! One CPU with the NMI of its performance counter: false reports, late ones, and repeated ones.

use crate::catalogue::Case;
use crate::enable::{Offline, Order, takedown_cpu, watchdog_disable};
use crate::furnish::{nobody_is_reported, prints};
use crate::hardlockup::{self, Warned};
use crate::kernel::{self, Kernel};
use crate::machine::{Config, Console, Detector, Dog, Watchdog};
use crate::message::{Kind, Report};
use crate::scenarios_incident_000::PERF;
use crate::scenarios_prepare::{NO_CLOCK, staggered};
use crate::scenarios_promises::OBSERVER;
use crate::touch::touch_nmi_watchdog;
use crate::units::SEC;
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::Label;
use ksync::{Atomic, Model, Relaxed, Scenario, Setup, busy};
use std::sync::Arc;
use stopper::machine::Machine;
use stopper::task::Birth;

/// The cases of this file.
pub const CASES: &[Case] = &[TURBO, PARKS, STALE, ONCE, OFFLINE];

/// A CPU with a stopper, and a task on it.
fn with_task(
    setup: &mut Setup,
    dogs: (&Kernel, Config),
    console: Box<Console>,
    does: impl Fn(&Dog<'_>) + Send + Sync + 'static,
) -> Arc<Watchdog> {
    let mut machine = Machine::new(&[0], dogs.0.stopper);
    let watchdog = Watchdog::new(&mut machine, (*dogs.0, dogs.1), console);
    let task = machine.new_task("task", 0, Birth::Running);
    let machine = Arc::new(machine);
    watchdog.declare(setup, &machine, staggered);
    let on = watchdog.clone();
    machine.spawn(setup, task, move |ctx| does(&on.on(*ctx)));
    machine.spawn_stoppers(setup, &[0]);
    watchdog
}

const TURBO: Case = Case {
    incident: "watchdog",
    name: "turbo",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: turbo,
    rows: &[
        (kernel::V4_12, Violated),
        (kernel::CHECK_TIMESTAMP, Holds),
        (kernel::V5_13, Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// A CPU that does nothing, at three times its nominal clock.
///
/// Result: Violated before `7edaeb6841df`
fn turbo(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let config = Config { nmi_period: 10 * SEC / 3, ..PERF };
        with_task(setup, (&kernel, config), Box::new(nobody_is_reported), |_| ());
        setup.horizon(30 * SEC);
    })
}

const PARKS: Case = Case {
    name: "parks",
    scenario: parks,
    rows: &[
        (kernel::UNANNOUNCED, Violated),
        (kernel::ANNOUNCED, Holds),
        (kernel::V4_18, Holds),
        (kernel::MAINLINE, Holds),
        (TIMER_FIRST, Violated),
    ],
    ..TURBO
};

const TIMER_FIRST: Kernel = Kernel {
    label: Label::mutant("timer-first", "watchdog_disable() cancels the timer before the NMI"),
    disable: Order::TimerFirst,
    ..kernel::MAINLINE
};

/// A CPU goes on a busy machine, and waits long for its turn.
///
/// Result: Violated in `b94f51183b06^`
fn parks(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let config = Config { parks_for: 25 * SEC, ..PERF };
        with_task(setup, (&kernel, config), Box::new(nobody_is_reported), |dog| {
            busy(5 * SEC);
            watchdog_disable(dog);
        });
        setup.horizon(40 * SEC);
    })
}

const FROM_PROGRESS: Kernel = Kernel {
    label: Label::mutant("warned-from-progress", "a check that finds progress sets the flag that it should clear"),
    hardlockup: hardlockup::Rev { warned: Warned::FromProgress, ..hardlockup::RESYNC },
    ..kernel::MAINLINE
};

const STALE: Case = Case {
    name: "locks-up-after-a-touch",
    scenario: locks_up_after_a_touch,
    rows: &[
        (kernel::V5_13, Violated),
        (kernel::V6_18, Violated),
        (kernel::RESYNC, Holds),
        (kernel::MAINLINE, Holds),
        (FROM_PROGRESS, Violated),
    ],
    ..TURBO
};

/// A CPU makes progress, is touched, and then locks up with interrupts off: two NMIs later it is reported.
///
/// Result: Violated before v7.1, where the NMI after the touch still sees old progress
fn locks_up_after_a_touch(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let watchdog = with_task(setup, (&kernel, PERF), Box::new(prints), |dog| {
            busy(19 * SEC);
            touch_nmi_watchdog(dog.watchdog, dog.cpu());
            dog.ctx.current.local_irq_disable();
            busy(100 * SEC);
        });
        setup.task("observer", OBSERVER, move |_| {
            busy(31 * SEC);
            assert!(watchdog.has_reported(), "the NMIs at 20 s and 30 s say nothing");
        });
        setup.horizon(32 * SEC);
    })
}

const UNTIL_TOUCH: Kernel = Kernel {
    label: Label::mutant("warned-until-touch", "a touch forgets that the CPU was reported"),
    hardlockup: hardlockup::Rev { warned: Warned::UntilTouch, ..hardlockup::RESYNC },
    ..kernel::MAINLINE
};

const ONCE: Case = Case {
    name: "reports-once",
    scenario: reports_once,
    rows: &[(kernel::V5_13, Holds), (kernel::MAINLINE, Holds), (UNTIL_TOUCH, Violated)],
    ..TURBO
};

/// A CPU locks up for good, and touches itself now and then. One report is enough.
///
/// Result: Violated in `UNTIL_TOUCH`
fn reports_once(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let reports = Atomic::named(0u32, format_args!("printed"));
        let console = move |_: &Dog<'_>, report: &Report| {
            assert!(matches!(report.kind, Kind::Hard { .. }), "{report}");
            assert_eq!(reports.fetch_add(1, Relaxed), 0, "{report}, again");
        };
        with_task(setup, (&kernel, PERF), Box::new(console), |dog| {
            dog.ctx.current.local_irq_disable();
            for _ in 0..3 {
                busy(25 * SEC);
                touch_nmi_watchdog(dog.watchdog, dog.cpu());
            }
            busy(100 * SEC);
        });
        setup.horizon(80 * SEC);
    })
}

const STOPPER_FIRST: Kernel = Kernel {
    label: Label::mutant("stopper-first", "a CPU that goes parks its stopper before its watchdog"),
    offline: Offline::StopperFirst,
    ..kernel::MAINLINE
};

const OFFLINE: Case = Case {
    name: "goes-offline",
    scenario: goes_offline,
    rows: &[(kernel::GATED, Holds), (kernel::MAINLINE, Holds), (STOPPER_FIRST, Lockup)],
    ..TURBO
};

/// A CPU goes down just when a sample is due. `watchdog_disable()` waits for the feed, which a parked stopper refuses, and
/// nobody looks at that.
///
/// Result: Lockup in `STOPPER_FIRST`
fn goes_offline(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let config = Config { detector: Detector::None, ..PERF };
        with_task(setup, (&kernel, config), Box::new(nobody_is_reported), |dog| {
            busy(4 * SEC + staggered(0).0);
            takedown_cpu(dog);
        });
    })
}
