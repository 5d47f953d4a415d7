// SPDX-License-Identifier: GPL-2.0-only
//! The lockup detectors, in their eras.

use crate::{Scene, history, patch, steps, text, the_end};
use expect_test::expect_file;
use ksync::{Scenario, busy};
use std::sync::Arc;
use stopper::machine::Machine;
use stopper::task::Birth;
use watchdog::enable::watchdog_disable;
use watchdog::kernel::{self, Kernel};
use watchdog::machine::{Config, Detector, Dog, SOFT_ONLY, Watchdog};
use watchdog::perf::watchdog_overflow_callback;
use watchdog::sysctl::proc_watchdog_thresh;
use watchdog::timer::watchdog_timer_fn;
use watchdog::touch::touch_nmi_watchdog;
use watchdog::units::SEC;

const TO_V5_13: &[Kernel] =
    &[kernel::V4_12, kernel::CHECK_TIMESTAMP, kernel::V4_18, kernel::STOP_WORK, kernel::GATED, kernel::V5_13];

const ALL: &[Scene<Kernel>] = &[
    ("a sample", |kernel| alone(kernel, Detector::None, |dog| sample_at(dog, 5))),
    ("a touched CPU", |kernel| alone(kernel, Detector::None, touched)),
    ("a CPU that is not fed", |kernel| alone(kernel, Detector::None, not_fed)),
    ("an NMI", |kernel| alone(kernel, Detector::Perf, an_nmi)),
    ("a CPU goes", |kernel| alone(kernel, Detector::Perf, watchdog_disable)),
];

const FROM_V6_5: &[Kernel] = &[kernel::BUDDY, kernel::STAGED, kernel::RESYNC, kernel::MAINLINE];

const BUDDIES: &[Scene<Kernel>] = &[
    ("a threshold is written", |kernel| alone(kernel, Detector::None, |dog| proc_watchdog_thresh(dog, 5))),
    ("three samples of a buddy", |kernel| alone(kernel, Detector::Buddy, three_samples)),
    ("a buddy is touched", |kernel| alone(kernel, Detector::Buddy, buddy_is_touched)),
];

/// A task on CPU 1 with interrupts off, so that nothing comes but what it does itself. A buddy has CPU 2 beside it.
fn alone(kernel: Kernel, detector: Detector, does: fn(&Dog)) -> Box<Scenario> {
    Box::new(move |setup| {
        let cpus: &[u32] = if detector == Detector::Buddy { &[1, 2] } else { &[1] };
        let mut machine = Machine::new(cpus, kernel.stopper);
        let config = Config { detector, ..SOFT_ONLY };
        let watchdog = Watchdog::new(&mut machine, (kernel, config), |_, _| {});
        let task = machine.new_task("alone", 1, Birth::Running);
        let machine = Arc::new(machine);
        watchdog.declare(setup, &machine, |_| (0, 10 * SEC));
        machine.spawn(setup, task, move |ctx| {
            ctx.current.local_irq_disable();
            does(&watchdog.on(*ctx));
            // The last step of a trace has no value.
            ctx.current.preempt_disable();
            the_end();
        });
    })
}

fn sample_at(dog: &Dog, second: u64) {
    busy(second * SEC - ksync::now());
    watchdog_timer_fn(dog);
}

fn touched(dog: &Dog) {
    touch_nmi_watchdog(dog.watchdog, dog.cpu());
    sample_at(dog, 5);
}

fn not_fed(dog: &Dog) {
    sample_at(dog, 30);
    sample_at(dog, 34);
}

fn an_nmi(dog: &Dog) {
    busy(SEC);
    watchdog_overflow_callback(dog);
}

fn three_samples(dog: &Dog) {
    (1..4).for_each(|sample| sample_at(dog, 5 * sample));
}

fn buddy_is_touched(dog: &Dog) {
    touch_nmi_watchdog(dog.watchdog, 2);
    three_samples(dog);
}

/// What the detectors do. Of a wakeup, that it is one.
fn own(scenario: &Scenario) -> String {
    let mut steps = steps(scenario);
    steps.retain(|step| !step.place.contains("ttwu.rs") || step.action.ends_with(".pi_lock"));
    text(&steps)
}

#[test]
fn two_revisions_differ_by_the_patch() {
    let text = history(TO_V5_13, ALL, own)
        + &patch([kernel::UNANNOUNCED, kernel::ANNOUNCED], ALL, own)
        + &history(FROM_V6_5, BUDDIES, own);
    expect_file!["watchdog.txt"].assert_eq(&text);
}
