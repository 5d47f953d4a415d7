// SPDX-License-Identifier: GPL-2.0-only
//! One CPU: what may happen between two lines of a sample, or while a report is printed.

use crate::catalogue::Case;
use crate::furnish::nobody_is_reported;
use crate::kernel::{self, Kernel};
use crate::machine::{Dog, SOFT_ONLY, Watchdog};
use crate::message::Report;
use crate::scenarios_feed::held;
use crate::scenarios_prepare::{NO_CLOCK, staggered};
use crate::softlockup::Fed;
use crate::sysctl::proc_watchdog_thresh;
use crate::timer::{self, Reads, Renew};
use crate::touch::touch_nmi_watchdog;
use crate::units::SEC;
use ksync::catalogue::Expected::{Holds, Violated};
use ksync::catalogue::Label;
use ksync::{Atomic, Model, Relaxed, Scenario, Setup, busy};
use std::sync::Arc;
use stopper::machine::Machine;
use stopper::task::Birth;

/// The cases of this file.
pub const CASES: &[Case] = &[NMI_TOUCHES, NMI_IN_FEED, NMI_IS_LONG, SLOW_CONSOLE, THRESH, PANIC];

const PERIOD_FIRST: Kernel = Kernel {
    label: Label::mutant("period-first", "a sample reads report_ts before the time"),
    timer: timer::Rev { reads: Reads::PeriodFirst, ..timer::GATED },
    ..kernel::MAINLINE
};

const PERIOD_TWICE: Kernel = Kernel {
    label: Label::mutant("period-twice", "a sample reads report_ts twice"),
    timer: timer::Rev { reads: Reads::PeriodTwice, ..timer::GATED },
    ..kernel::MAINLINE
};

const NMI_TOUCHES: Case = Case {
    incident: "watchdog",
    name: "nmi-touches",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: |kernel| nmi_on_an_idle_cpu(kernel, 0),
    rows: &[(kernel::GATED, Holds), (kernel::V5_13, Holds), (kernel::MAINLINE, Holds), (PERIOD_TWICE, Violated)],
};

const FEED_CMPXCHG: Kernel = Kernel {
    label: Label::mutant("feed-cmpxchg", "a candidate: a feed leaves report_ts alone if it was touched meanwhile"),
    fed: Fed::UnlessTouched,
    ..kernel::MAINLINE
};

const NMI_IN_FEED: Case = Case {
    name: "nmi-in-the-feed",
    scenario: |kernel| nmi_on_an_idle_cpu(kernel, 30 * SEC),
    rows: &[(kernel::GATED, Violated), (kernel::MAINLINE, Violated), (FEED_CMPXCHG, Holds)],
    ..NMI_TOUCHES
};

/// An idle CPU. Just when its second sample is taken, and its feed runs, an NMI comes, which prints for so long, and
/// touches.
///
/// Result: Violated in all kernels if the NMI is long, and comes between the lines of the feed: the time that the feed
/// has read is old when it is written, and hides the touch
fn nmi_on_an_idle_cpu(kernel: Kernel, long: u64) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0], kernel.stopper);
        let watchdog = Watchdog::new(&mut machine, (kernel, SOFT_ONLY), nobody_is_reported);
        let machine = Arc::new(machine);
        watchdog.declare(setup, &machine, staggered);
        machine.spawn_stoppers(setup, &[0]);
        nmi_at_second_sample(setup, watchdog, long);
        setup.horizon(long + 9 * SEC);
    })
}

fn nmi_at_second_sample(setup: &mut Setup, watchdog: Arc<Watchdog>, long: u64) {
    let nmi = setup.nmi("prints", 0, move |current| {
        if long != 0 {
            busy(long);
        }
        touch_nmi_watchdog(&watchdog, current.cpu());
    });
    setup.armed(nmi, 8 * SEC + staggered(0).0);
}

const NMI_IS_LONG: Case = Case {
    name: "nmi-is-long",
    scenario: nmi_in_a_sample,
    rows: &[(kernel::GATED, Violated), (kernel::V5_13, Holds), (kernel::MAINLINE, Holds), (PERIOD_FIRST, Violated)],
    ..NMI_TOUCHES
};

/// The same with a task that keeps the feed from running: then the NMI comes between the lines of the sample only. A virtual
/// machine that its host stops is the same.
///
/// Result: Violated before v5.13
fn nmi_in_a_sample(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let released = released_at(setup, 9 * SEC);
        let watchdog = held(setup, (&kernel, SOFT_ONLY), Box::new(nobody_is_reported), move |_| {
            released.cond_load(Relaxed, |released| released);
        });
        nmi_at_second_sample(setup, watchdog, 30 * SEC);
        setup.horizon(39 * SEC);
    })
}

const AFTER_PRINT: Kernel = Kernel {
    label: Label::mutant("renew-after-print", "report_ts is written after the report is printed"),
    timer: timer::Rev { renew: Renew::AfterPrint, ..timer::GATED },
    ..kernel::MAINLINE
};

const SLOW_CONSOLE: Case = Case {
    name: "slow-console",
    scenario: slow_console,
    rows: &[(kernel::V5_13, Holds), (kernel::MAINLINE, Holds), (AFTER_PRINT, Violated)],
    ..NMI_TOUCHES
};

/// A report takes 30 s on a console that touches the watchdog. The next one comes 20 s after it at the earliest.
///
/// Result: Violated in `AFTER_PRINT`
fn slow_console(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let printed = Atomic::named(0u64, format_args!("printed"));
        let console = move |dog: &Dog<'_>, _: &Report| {
            let before = printed.load(Relaxed);
            assert!(before == 0 || ksync::now() > before + 20 * SEC, "the next report at once");
            busy(30 * SEC);
            touch_nmi_watchdog(dog.watchdog, dog.cpu());
            printed.store(ksync::now(), Relaxed);
        };
        let released = released_at(setup, 90 * SEC);
        held(setup, (&kernel, SOFT_ONLY), Box::new(console), move |_| {
            released.cond_load(Relaxed, |released| released);
        });
        setup.horizon(80 * SEC);
    })
}

/// A word that somebody on another CPU sets then.
fn released_at(setup: &mut Setup, ns: u64) -> Arc<Atomic<bool>> {
    let word = Arc::new(Atomic::named(false, format_args!("released")));
    let sets = word.clone();
    setup.task("other", 1, move |_| {
        busy(ns);
        sets.store(true, Relaxed);
    });
    word
}

const THRESH: Case = Case {
    name: "thresh-is-written",
    scenario: thresh_is_written,
    rows: &[(kernel::AT_ONCE, Violated), (kernel::STAGED, Holds), (kernel::MAINLINE, Holds)],
    ..NMI_TOUCHES
};

/// `watchdog_thresh` goes from 10 to 1 just when the second sample is due.
///
/// Result: Violated in `7123dbbef88c^`
fn thresh_is_written(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0], kernel.stopper);
        let watchdog = Watchdog::new(&mut machine, (kernel, SOFT_ONLY), nobody_is_reported);
        let writer = machine.new_task("sysctl", 0, Birth::Running);
        let machine = Arc::new(machine);
        watchdog.declare(setup, &machine, staggered);
        machine.spawn(setup, writer, move |ctx| {
            busy(8 * SEC + staggered(0).0);
            proc_watchdog_thresh(&watchdog.on(*ctx), 1);
        });
        machine.spawn_stoppers(setup, &[0]);
        setup.horizon(9 * SEC);
    })
}

const PANIC: Case = Case {
    name: "panic-in-progress",
    scenario: panic_in_progress,
    rows: &[(kernel::RESYNC, Violated), (kernel::MAINLINE, Holds)],
    ..NMI_TOUCHES
};

/// A machine that panics takes its time over it, and reports nothing else.
///
/// Result: Violated before v7.1
fn panic_in_progress(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        held(setup, (&kernel, SOFT_ONLY), Box::new(nobody_is_reported), |dog| {
            dog.watchdog.panic_in_progress.store(true, Relaxed);
            busy(60 * SEC);
        });
        setup.horizon(61 * SEC);
    })
}
