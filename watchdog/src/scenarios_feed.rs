// SPDX-License-Identifier: GPL-2.0-only
//! One CPU: who feeds it, and what a report says of one that is not fed (P9).

use crate::catalogue::Case;
use crate::furnish::{nobody_is_reported, prints};
use crate::kernel::{self, Kernel};
use crate::machine::{Config, Console, SOFT_ONLY, Watchdog};
use crate::scenarios_prepare::{NO_CLOCK, staggered};
use crate::scenarios_promises::{HARD_THRESH, OBSERVER, choose_phase};
use crate::softlockup::{Compare, Feed};
use crate::touch::{Touch, touch_softlockup_watchdog};
use crate::units::SEC;
use ksync::catalogue::Expected::{Holds, Violated};
use ksync::catalogue::Label;
use ksync::{Model, Relaxed, Scenario, Setup, busy};
use std::sync::Arc;
use stopper::machine::{Ctx, Machine};
use stopper::task::Birth;

/// The cases of this file.
pub const CASES: &[Case] = &[DEADLINE, DOUBLE, IN_TIME, IN_TIME_1S, NOT_FED, TOTAL, COUNTS];

/// A machine of one CPU with a stopper, and a task that has the CPU with preemption off while it does `holds`.
pub(crate) fn held(
    setup: &mut Setup,
    dogs: (&Kernel, Config),
    console: Box<Console>,
    holds: impl Fn(&crate::machine::Dog<'_>) + Send + Sync + 'static,
) -> Arc<Watchdog> {
    let mut machine = Machine::new(&[0], dogs.0.stopper);
    let watchdog = Watchdog::new(&mut machine, (*dogs.0, dogs.1), console);
    let task = machine.new_task("holder", 0, Birth::Running);
    let machine = Arc::new(machine);
    watchdog.declare(setup, &machine, staggered);
    let dogs = watchdog.clone();
    machine.spawn(setup, task, move |ctx| {
        ctx.current.preempt_disable();
        holds(&dogs.on(*ctx));
        ctx.current.preempt_enable();
    });
    machine.spawn_stoppers(setup, &[0]);
    watchdog
}

const DEADLINE: Case = Case {
    name: "deadline-task",
    scenario: deadline_task,
    rows: &[(kernel::V4_18, Violated), (kernel::STOP_WORK, Holds), (kernel::MAINLINE, Holds)],
    ..DOUBLE
};

/// A `SCHED_DEADLINE` task has the CPU for 30 s, as it may: the CPU is not stuck, and its stopper runs.
///
/// Result: Violated up to v4.18, where `watchdog/N` is not of the stop class
fn deadline_task(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0], kernel.stopper);
        let watchdog = Watchdog::new(&mut machine, (kernel, SOFT_ONLY), nobody_is_reported);
        let task = machine.new_task("deadline", 0, Birth::Running);
        let machine = Arc::new(machine);
        let looks = watchdog.clone();
        let runs = move |_: &Ctx<'_>| {
            // It is on its CPU before it computes.
            assert!(!looks.has_reported());
            busy(30 * SEC);
        };
        machine.spawn(setup, task, runs).deadline_class();
        watchdog.declare(setup, &machine, staggered);
        machine.spawn_stoppers(setup, &[0]);
        setup.horizon(31 * SEC);
    })
}

const DOUBLE: Case = Case {
    incident: "watchdog",
    name: "double-queue",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: |kernel| holds_for(kernel, 10 * SEC),
    rows: &[(kernel::V4_18, Holds), (kernel::STOP_WORK, Violated), (kernel::GATED, Holds), (kernel::MAINLINE, Holds)],
};

/// A task has the CPU for some samples, so that the feed does not come to run. It is not reported.
///
/// Result: Violated in `STOP_WORK`, where the second sample queues the work once more
fn holds_for(kernel: Kernel, ns: u64) -> Box<Scenario> {
    Box::new(move |setup| {
        held(setup, (&kernel, SOFT_ONLY), Box::new(nobody_is_reported), move |dog| {
            choose_phase(dog.watchdog, 0);
            busy(ns);
        });
        setup.horizon(ns + SEC);
    })
}

const TIMER_FEEDS: Kernel = Kernel {
    label: Label::mutant("timer-feeds", "the timer feeds the CPU itself, without the stopper"),
    feed: Feed::Timer,
    ..kernel::MAINLINE
};

const NOT_BEFORE: Kernel = Kernel {
    label: Label::mutant("not-before", "the threshold itself is too long"),
    compare: Compare::NotBefore,
    ..kernel::MAINLINE
};

const IN_TIME: Case = Case {
    name: "fed-in-time",
    scenario: |kernel| holds_for(kernel, 20 * SEC),
    rows: &[
        (kernel::V4_18, Holds),
        (kernel::GATED, Holds),
        (kernel::V5_13, Holds),
        (kernel::MAINLINE, Holds),
        (HARD_THRESH, Violated),
    ],
    ..DOUBLE
};

/// The shortest threshold: two units of 2^30 ns, sampled every 0.4 s.
const ONE_SECOND: Config = Config { thresh: 1, ..SOFT_ONLY };

const IN_TIME_1S: Case = Case {
    name: "fed-in-time-1s",
    scenario: fed_in_time_1s,
    rows: &[(kernel::V4_18, Holds), (kernel::MAINLINE, Holds), (NOT_BEFORE, Violated), (HARD_THRESH, Violated)],
    ..DOUBLE
};

/// With a threshold of 1 s a task may have the CPU for 2 s.
///
/// Result: Violated in `NOT_BEFORE`
fn fed_in_time_1s(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        held(setup, (&kernel, ONE_SECOND), Box::new(nobody_is_reported), |dog| {
            // Any phase against the units: the CPU is fed meanwhile.
            dog.ctx.current.preempt_enable();
            busy(ksync::nondet(10) * SEC / 10 + 4 * SEC);
            dog.ctx.current.preempt_disable();
            busy(2 * SEC);
        });
        setup.horizon(8 * SEC);
    })
}

const NOT_FED: Case = Case {
    name: "not-fed",
    scenario: not_fed,
    rows: &[
        (kernel::V4_18, Holds),
        (kernel::GATED, Holds),
        (kernel::V5_13, Holds),
        (kernel::MAINLINE, Holds),
        (TIMER_FEEDS, Violated),
    ],
    ..DOUBLE
};

/// A task has the CPU for good. It is reported 24 s after the last feed, in any phase of the timer: before the threshold
/// and two samples are over.
///
/// Result: Violated in `TIMER_FEEDS`
fn not_fed(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let watchdog = held(setup, (&kernel, SOFT_ONLY), Box::new(prints), |dog| {
            choose_phase(dog.watchdog, 0);
            busy(100 * SEC);
        });
        setup.task("observer", OBSERVER, move |_| {
            busy(24 * SEC + SEC / 8);
            assert!(watchdog.has_reported(), "not fed for the threshold and two samples");
        });
        setup.horizon(25 * SEC);
    })
}

const TOTAL: Case = Case {
    name: "total-time",
    scenario: total_time,
    rows: &[(kernel::V4_18, Violated), (kernel::GATED, Violated), (kernel::V5_13, Holds), (kernel::MAINLINE, Holds)],
    ..DOUBLE
};

/// A task has the CPU for 60 s. The last report says more than 40.
///
/// Result: Violated up to v5.12, which reports once
fn total_time(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let watchdog = held(setup, (&kernel, SOFT_ONLY), Box::new(prints), |_| busy(60 * SEC));
        setup.task("observer", OBSERVER, move |_| {
            busy(59 * SEC);
            assert!(watchdog.reported_duration.load(Relaxed) > 40, "nobody says how long it takes");
        });
        setup.horizon(61 * SEC);
    })
}

const TOUCH_FEEDS: Kernel = Kernel {
    label: Label::mutant("touch-feeds", "a touch writes the timestamp of the last feed, too"),
    touch: Touch::DelayAndFeed,
    ..kernel::MAINLINE
};

const COUNTS: Case = Case {
    name: "panics-after-two",
    scenario: panics_after_two,
    rows: &[(kernel::MAINLINE, Holds), (TOUCH_FEEDS, Violated)],
    ..DOUBLE
};

/// With `softlockup_panic` 2 the machine stops when a lockup lasts for two thresholds, also if the task touches the watchdog
/// between its reports.
///
/// Result: Violated in `TOUCH_FEEDS`
fn panics_after_two(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let config = Config { softlockup_panic: 2, ..SOFT_ONLY };
        held(setup, (&kernel, config), Box::new(prints), |dog| {
            loop {
                busy(28 * SEC);
                touch_softlockup_watchdog(dog.watchdog, dog.cpu());
            }
        });
        setup.task("observer", OBSERVER, |_| {
            busy(100 * SEC);
            panic!("the machine goes on after a lockup of 100 s");
        });
        setup.horizon(101 * SEC);
    })
}
