// SPDX-License-Identifier: GPL-2.0-only
//! Requests for all CPUs: from a task, from two tasks, from a CPU that is not there yet, and beside one for two CPUs.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::Machine;
use crate::multi_cpu_stop::{self, Irqs, Steps};
use crate::stop_cpus::{self, queue_stop_cpus_work};
use crate::stop_machine::{self, Threads, Waits, stop_machine, stop_machine_from_inactive_cpu};
use crate::task::Birth;
use crate::two_works::{Done, ENOENT, queue_two};
use ksync::catalogue::Expected::{Holds, Lockup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Model, Relaxed, Scenario, busy, now};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[ALL, ONE_AT_A_TIME, STATIC_WORK, INACTIVE, INACTIVE_TOO, BEHIND_A_PAIR];

const TOO_LONG: LoomUse = LoomUse::CannotCarry("no end in 20 seconds");

const ACTIVE_SIGNALS: Kernel = Kernel {
    label: Label::mutant("active-signals-only", "nr_todo counts the CPU that runs the function only"),
    stop_cpus: stop_cpus::Rev { done: Done::ActiveOnly, ..stop_cpus::IN_PROGRESS },
    ..kernel::MAINLINE
};

const NO_MUTEX: Kernel = Kernel {
    label: Label::mutant("no-stop-cpus-mutex", "two callers of stop_cpus() share the stoppers' static works"),
    stop_cpus: stop_cpus::Rev { one_at_a_time: false, ..stop_cpus::IN_PROGRESS },
    ..kernel::MAINLINE
};

const fn inactive(name: &'static str, what: &'static str, from_inactive: stop_machine::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), from_inactive, ..kernel::MAINLINE }
}

const ALL: Case = Case {
    incident: "stop-machine",
    name: "all",
    model: Model::Sc,
    loom: TOO_LONG,
    scenario: all,
    rows: &[(kernel::MAINLINE, Holds), (ACTIVE_SIGNALS, Violated)],
};

/// A task stops both CPUs, gets the function's value, and leaves its stack to nobody.
///
/// Result: Never
pub fn all(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let t = machine.new_task("T", 2, Birth::Running);
        let func = machine.stop_fn("again", |_, _| -11);
        let call = machine.stop_machine_call("T", func, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, t, move |ctx| assert_eq!(stop_machine(ctx, &call), Err(-11)));
        machine.spawn_stoppers(setup, &[0, 1]);
    })
}

const ONE_AT_A_TIME: Case = Case {
    incident: "stop-machine",
    name: "two-callers",
    model: Model::Sc,
    loom: TOO_LONG,
    scenario: two_callers,
    rows: &[(kernel::MAINLINE, Holds), (NO_MUTEX, Violated)],
};

/// Two tasks stop the machine, which has one CPU beside theirs.
///
/// Result: Never
pub fn two_callers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0], kernel);
        let tasks = [1, 2].map(|cpu| machine.new_task(&format!("T{cpu}"), cpu, Birth::Running));
        let func = machine.stop_fn("again", |_, _| -11);
        let calls = ["first", "second"].map(|name| machine.stop_machine_call(name, func, 0));
        let machine = Arc::new(machine);
        for (task, call) in tasks.into_iter().zip(calls) {
            machine.spawn(setup, task, move |ctx| assert_eq!(stop_machine(ctx, &call), Err(-11)));
        }
        machine.spawn_stoppers(setup, &[0]);
    })
}

const STATIC_WORK: Case = Case {
    incident: "stop-machine",
    name: "static-work",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: static_work,
    rows: &[(kernel::MAINLINE, Holds), (NO_MUTEX, Race)],
};

/// Two tasks fill the one static work of a stopper, which is disabled, so that nothing but the mutex orders them.
///
/// Result: Never
pub fn static_work(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0], kernel);
        let tasks = [1, 2].map(|cpu| machine.new_task(&format!("T{cpu}"), cpu, Birth::Running));
        let func = machine.stop_fn("nothing", |_, _| 0);
        let calls = ["first", "second"].map(|name| machine.stop_machine_call(name, func, 0));
        machine.cpu_stopper(0).enabled.store(false, Relaxed);
        let machine = Arc::new(machine);
        for (task, call) in tasks.into_iter().zip(calls) {
            machine.spawn(setup, task, move |ctx| assert_eq!(stop_machine(ctx, &call), Err(ENOENT)));
        }
    })
}

const INACTIVE: Case = Case {
    incident: "stop-machine",
    name: "from-inactive",
    model: Model::Sc,
    loom: TOO_LONG,
    scenario: from_inactive,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            inactive(
                "one-thread-short",
                "num_threads does not count the CPU that is not active",
                stop_machine::Rev { threads: Threads::Active, ..stop_machine::MAINLINE },
            ),
            Violated,
        ),
        (
            inactive(
                "signals-itself",
                "nr_todo counts the CPU that is not active",
                stop_machine::Rev { signals: Threads::ActiveAndLocal, ..stop_machine::MAINLINE },
            ),
            Lockup,
        ),
        (
            inactive(
                "done-without-lock",
                "completion_done() does not wait for the wait lock",
                stop_machine::Rev { waits: Waits::DoneWithoutLock, ..stop_machine::MAINLINE },
            ),
            Violated,
        ),
        (
            inactive(
                "waits-for-no-completion",
                "it returns when it is through all states itself",
                stop_machine::Rev { waits: Waits::Nothing, ..stop_machine::MAINLINE },
            ),
            Violated,
        ),
        (
            Kernel {
                label: Label::mutant("irqs-back-in-any-case", "multi_cpu_stop() ends with local_irq_enable()"),
                steps: Steps { irqs: Irqs::BackInAnyCase, ..multi_cpu_stop::STEPS },
                ..kernel::MAINLINE
            },
            Violated,
        ),
    ],
};

/// A CPU that comes up stops the other one, with interrupts off, and goes through the states itself.
///
/// Result: Never
pub fn from_inactive(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0], kernel);
        let boot = machine.new_task("boot", 1, Birth::Running);
        let ran = Arc::new(Atomic::named(0u32, format_args!("ran")));
        let runs = ran.clone();
        let func = machine.stop_fn("func", move |ctx, _| {
            assert!(ctx.current.irqs_disabled());
            runs.inc();
            -11
        });
        let call = machine.from_inactive_call("boot", func, Some(&[0, 1]));
        let machine = Arc::new(machine);
        machine.spawn(setup, boot, move |ctx| {
            ctx.current.local_irq_disable();
            assert_eq!(stop_machine_from_inactive_cpu(ctx, &call), Err(-11));
            assert_eq!(ran.load(Relaxed), 2, "the function has ended on both CPUs");
            assert!(ctx.current.irqs_disabled(), "interrupts are as they were");
        });
        machine.spawn_stoppers(setup, &[0]);
    })
}

const INACTIVE_TOO: Case = Case {
    incident: "stop-machine",
    name: "inactive-against-task",
    model: Model::Sc,
    loom: TOO_LONG,
    scenario: inactive_against_task,
    rows: &[(kernel::MAINLINE, Holds), (NO_MUTEX, Violated)],
};

/// A CPU that comes up stops the other one, which a task on it stops, too.
///
/// Result: Never
pub fn inactive_against_task(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0], kernel);
        let boot = machine.new_task("boot", 1, Birth::Running);
        let t = machine.new_task("T", 0, Birth::Running);
        let func = machine.stop_fn("again", |_, _| -11);
        let calls = (machine.from_inactive_call("boot", func, None), machine.stop_machine_call("T", func, 0));
        let machine = Arc::new(machine);
        machine.spawn(setup, boot, move |ctx| {
            assert_eq!(stop_machine_from_inactive_cpu(ctx, &calls.0), Err(-11));
        });
        machine.spawn(setup, t, move |ctx| assert_eq!(stop_machine(ctx, &calls.1), Err(-11)));
        machine.spawn_stoppers(setup, &[0]);
    })
}

const BEHIND_A_PAIR: Case = Case {
    incident: "stop-machine",
    name: "behind-a-pair",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("loom has no interrupts"),
    scenario: behind_a_pair,
    rows: &[
        (kernel::INTRODUCED, Holds),
        (kernel::LOCAL_LOCK, Violated),
        (kernel::DOUBLE_LOCK, Violated),
        (kernel::IN_PROGRESS, Holds),
        (kernel::BEFORE, Holds),
        (kernel::REFLOW, Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// An interrupt comes to who stops two CPUs, and takes its time. Who stops all of them, with preemption off, does not
/// wait for that: the stoppers' locks are taken with interrupts off, but the lglock was not. Nobody reported this.
///
/// Result: Violated in `DOUBLE_LOCK`
pub fn behind_a_pair(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let a = machine.new_task("A", 1, Birth::Running);
        let b = machine.new_task("B", 0, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let all = machine.stop_machine_call("all", nothing, 0);
        let two = machine.stop_two_cpus_call("two", 0, nothing, 0);
        let machine = Arc::new(machine);
        let irq = setup.irq("irq", 0, |_| busy(1_000_000));
        machine.spawn(setup, a, move |ctx| {
            all.frame.enter();
            assert!(queue_stop_cpus_work(ctx, &all));
            assert!(now() == 0, "it waited for an interrupt");
        });
        machine.spawn(setup, b, move |ctx| {
            irq.raise();
            two.frame.enter();
            assert_eq!(queue_two(ctx, &two, 0, 1), Ok(()));
        });
    })
}
