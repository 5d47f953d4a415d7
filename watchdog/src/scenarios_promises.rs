// SPDX-License-Identifier: GPL-2.0-only
//! The two promises of a watchdog to those who wait in `multi_cpu_stop()`, and which form of the wait keeps them.
//!
//! - P-a: a CPU that comes within T causes no report. Its walk touches its own watchdog, so only the waiters can
//!   report.
//! - P-b: if a CPU never comes, some CPU is reported within T'.
//!
//! `stopper::patience` has the table; here is the proof of each of its numbers, for every phase of the timer in steps of
//! half a second.

use crate::catalogue::Case;
use crate::furnish::{nobody_is_reported, prints};
use crate::kernel::{self, Kernel};
use crate::machine::{Config, Console, SOFT_ONLY, Watchdog};
use crate::oom::{Walk, dump_tasks};
use crate::scenarios_prepare::{NO_CLOCK, arrive_in_turn, staggered};
use crate::softlockup::Compare;
use crate::units::{SEC, sample_period, timestamp};
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::Label;
use ksync::{Model, Relaxed, Scenario, Setup, busy, nondet};
use std::sync::Arc;
use stopper::kernel as stoppers;
use stopper::machine::Machine;
use stopper::task::Birth;

/// The cases of this file.
pub const CASES: &[Case] =
    &[ACKS_20, ACKS_21, ACKS_44, ACKS_45, NEVER_24, NEVER_48, NAMES, CROSS_24, CROSS_48, GUILTY_ALL];

const BOUNDED: Kernel = Kernel {
    label: Label::mutant("bounded-touch", "a stopper that waits for a missing one touches the watchdog up to 20 s"),
    stopper: stoppers::BOUNDED_TOUCH,
    ..kernel::MAINLINE
};

const PATIENT: Kernel = Kernel {
    label: Label::mutant("patient-touch", "the same, unless the missing one waits in another request"),
    stopper: stoppers::PATIENT_TOUCH,
    ..kernel::MAINLINE
};

const TOUCHES_ALL: Kernel = Kernel {
    label: Label::mutant("touch-all", "the walk touches all watchdogs, as show_state_filter() does"),
    oom: Walk::TouchesAll,
    ..kernel::MAINLINE
};

pub(crate) const HARD_THRESH: Kernel = Kernel {
    label: Label::mutant("hard-thresh", "a soft lockup is reported after watchdog_thresh, not after twice that"),
    compare: Compare::AfterHardThresh,
    ..kernel::MAINLINE
};

const ACKS_20: Case = Case {
    incident: "stop-machine-prepare",
    name: "comes-after-20s",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: |kernel| comes_after(kernel, 20),
    rows: &[
        (kernel::GATED, Holds),
        (kernel::MAINLINE, Holds),
        (kernel::TOUCH_FROM_PREPARE, Holds),
        (BOUNDED, Holds),
        (PATIENT, Holds),
        (HARD_THRESH, Violated),
    ],
};

const ACKS_21: Case = Case {
    name: "comes-after-21s",
    scenario: |kernel| comes_after(kernel, 21),
    rows: &[
        (kernel::MAINLINE, Violated),
        (kernel::TOUCH_FROM_PREPARE, Holds),
        (BOUNDED, Holds),
        (PATIENT, Holds),
        (TOUCHES_ALL, Holds),
    ],
    ..ACKS_20
};

const ACKS_44: Case = Case {
    name: "comes-after-44s",
    scenario: |kernel| comes_after(kernel, 44),
    rows: &[(kernel::MAINLINE, Violated), (kernel::TOUCH_FROM_PREPARE, Holds), (BOUNDED, Holds), (PATIENT, Holds)],
    ..ACKS_20
};

const ACKS_45: Case = Case {
    name: "comes-after-45s",
    scenario: |kernel| comes_after(kernel, 45),
    rows: &[(kernel::TOUCH_FROM_PREPARE, Holds), (TOUCHES_ALL, Holds), (BOUNDED, Violated), (PATIENT, Violated)],
    ..ACKS_20
};

/// CPU1 waits for CPU0, which comes after so many seconds.
///
/// Result: Never, up to the T of the form
fn comes_after(kernel: Kernel, seconds: u64) -> Box<Scenario> {
    Box::new(move |setup| {
        walk_holds_up(setup, (&kernel, SOFT_ONLY), seconds, Box::new(nobody_is_reported));
        setup.horizon((seconds + 1) * SEC);
    })
}

/// The walk has CPU0 for so long when the stoppers of both CPUs are asked for; the timer of CPU1 has any phase.
fn walk_holds_up(setup: &mut Setup, dogs: (&Kernel, Config), seconds: u64, console: Box<Console>) -> Arc<Watchdog> {
    let mut machine = Machine::new(&[0, 1], dogs.0.stopper);
    let watchdog = Watchdog::new(&mut machine, (*dogs.0, dogs.1), console);
    let walker = machine.new_task("mysqld", 0, Birth::Running);
    let nothing = machine.stop_fn("nothing", |_, _| 0);
    let msdata = machine.msdata_for("stop_machine", nothing, None);
    machine.just_asked_all(msdata);
    let machine = Arc::new(machine);
    watchdog.declare(setup, &machine, staggered);
    let phase = watchdog.clone();
    setup.task("phase/1", 1, move |_| choose_phase(&phase, 1));
    let walks = watchdog.clone();
    machine.spawn(setup, walker, move |ctx| dump_tasks(&walks.on(*ctx), seconds));
    arrive_in_turn(setup, &machine);
    watchdog
}

/// The last sample of this CPU, which fed it, was at any half second up to one period ago.
pub(crate) fn choose_phase(watchdog: &Watchdog, cpu: u32) {
    let this = watchdog.per_cpu(cpu);
    let period = sample_period(watchdog.config.thresh);
    let first = period - nondet(period / (SEC / 2)) * SEC / 2 + SEC / 16;
    let fed = timestamp(watchdog.config.uptime + first - period);
    this.watchdog_touch_ts.store(fed, Relaxed);
    this.watchdog_report_ts.store(fed, Relaxed);
    this.expires.set(first);
    this.arm_first_sample(first);
}

const NEVER_24: Case = Case {
    name: "never-comes-24s",
    scenario: |kernel| never_comes(kernel, 24),
    rows: &[
        (kernel::V4_18, Holds),
        (kernel::MAINLINE, Holds),
        (kernel::TOUCH_FROM_PREPARE, Violated),
        (TOUCHES_ALL, Violated),
        (BOUNDED, Violated),
        (PATIENT, Violated),
    ],
    ..ACKS_20
};

const NEVER_48: Case = Case {
    name: "never-comes-48s",
    scenario: |kernel| never_comes(kernel, 48),
    rows: &[
        (kernel::MAINLINE, Holds),
        (kernel::TOUCH_FROM_PREPARE, Violated),
        (TOUCHES_ALL, Violated),
        (BOUNDED, Holds),
        (PATIENT, Holds),
    ],
    ..ACKS_20
};

/// CPU1 waits for CPU0, whose walk has no end and touches its own watchdog. Somebody is reported within so many seconds.
///
/// Result: Never, from the T' of the form on
fn never_comes(kernel: Kernel, seconds: u64) -> Box<Scenario> {
    Box::new(move |setup| {
        let watchdog = walk_holds_up(setup, (&kernel, SOFT_ONLY), seconds + 10, Box::new(prints));
        setup.task("observer", OBSERVER, move |_| {
            busy(seconds * SEC + SEC / 8);
            assert!(watchdog.has_reported(), "CPU0 never comes, and nobody is reported");
        });
        setup.horizon((seconds + 1) * SEC);
    })
}

/// The CPU of somebody who only looks.
pub(crate) const OBSERVER: u32 = 99;

const NAMES: Case = Case {
    name: "names-the-missing",
    scenario: names_the_missing,
    rows: &[(kernel::MAINLINE, Violated), (BOUNDED, Holds), (PATIENT, Holds)],
    ..ACKS_20
};

/// A report of a CPU that waits says for whom.
///
/// Result: Violated in MAINLINE
fn names_the_missing(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let names = |_: &crate::machine::Dog<'_>, report: &crate::message::Report| {
            assert_eq!((report.cpu, report.waits_for), (1, 1 << 0), "CPU1 waits for CPU0: {report}");
        };
        walk_holds_up(setup, (&kernel, SOFT_ONLY), 60, Box::new(names));
        setup.horizon(50 * SEC);
    })
}

const CROSS_24: Case = Case {
    name: "requests-cross-24s",
    scenario: |kernel| requests_cross(kernel, 24),
    rows: &[
        (kernel::MAINLINE, Holds),
        (kernel::TOUCH_FROM_PREPARE, Lockup),
        (BOUNDED, Lockup),
        (PATIENT, Holds),
        (TOUCHES_ALL, Holds),
    ],
    ..ACKS_20
};

const CROSS_48: Case = Case {
    name: "requests-cross-48s",
    scenario: |kernel| requests_cross(kernel, 48),
    rows: &[(kernel::MAINLINE, Holds), (kernel::TOUCH_FROM_PREPARE, Lockup), (BOUNDED, Holds), (PATIENT, Holds)],
    ..ACKS_20
};

/// Two requests stand in two orders on the FIFOs of two CPUs (S3), and each stopper waits for the other. The first
/// report stops the machine, which is no lockup; at the horizon a silent deadlock is one.
///
/// Result: Lockup in TOUCH_FROM_PREPARE
fn requests_cross(kernel: Kernel, seconds: u64) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel.stopper);
        let panics = Config { softlockup_panic: 1, ..SOFT_ONLY };
        let watchdog = Watchdog::new(&mut machine, (kernel, panics), prints);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let [all, two] = ["all", "two"].map(|name| machine.msdata_for(name, nothing, None));
        for (cpu, msdata) in [(0, all), (0, two), (1, two), (1, all)] {
            machine.just_asked(cpu, msdata);
        }
        let machine = Arc::new(machine);
        watchdog.declare(setup, &machine, staggered);
        arrive_in_turn(setup, &machine);
        setup.finally(move |_| assert!(watchdog.has_reported()));
        setup.horizon(seconds * SEC + SEC / 2);
    })
}

const RESCHEDULES: Kernel = Kernel {
    label: Label::commit("ade81479c7dd", "memcg: fix soft lockup in the OOM process"),
    oom: Walk::Reschedules,
    ..kernel::MAINLINE
};

const BEFORE_RESCHED: Kernel = Kernel {
    label: Label::commit("ade81479c7dd^", "the walk over a group's tasks holds its CPU"),
    ..kernel::MAINLINE
};

const GUILTY_ALL: Case = Case {
    name: "guilty-side",
    scenario: |kernel| comes_after(kernel, 37),
    rows: &[(BEFORE_RESCHED, Violated), (RESCHEDULES, Holds), (TOUCHES_ALL, Holds)],
    ..ACKS_20
};
