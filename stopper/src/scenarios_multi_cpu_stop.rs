// SPDX-License-Identifier: GPL-2.0-only
//! Stoppers in `multi_cpu_stop()`, and the tasks that wait for them.

use crate::catalogue::Case;
use crate::cpu_stopper::cpu_stop_signal_done;
use crate::kernel::{self, Kernel};
use crate::machine::{Machine, StopCall};
use crate::multi_cpu_stop::multi_cpu_stop;
use crate::multi_stop_data::{self, First};
use crate::park::{self, Disable, stop_machine_park};
use crate::queue_work::stop_one_cpu;
use crate::task::Birth;
use crate::two_works::{self, CallerRev, Done, ENOENT, stop_two_cpus};
use ksync::Weakness::{NoFence, RelaxedRmw};
use ksync::catalogue::Expected::{Holds, Lockup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Atomic, Model, Plain, Relaxed, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[ACK_RESET, ACK_RESET_SC, THREE, RUN, RET, SIGNAL, PARK];

const NO_WMB: Kernel = Kernel {
    label: Label::mutant("no-wmb", "set_state() without its smp_wmb()")
        .without(&[("set_state", NoFence(Fence::Wmb))]),
    ..kernel::MAINLINE
};

const STATE_FIRST: Kernel = Kernel {
    label: Label::mutant("state-first", "set_state() publishes the state, then resets thread_ack"),
    set_state: multi_stop_data::Rev { first: First::State, ..multi_stop_data::MAINLINE },
    ..kernel::MAINLINE
};

const ACK_RESET: Case = Case {
    incident: "multi-cpu-stop",
    name: "ack-reset",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("its read-modify-writes see every store executed before, so it needs no smp_wmb()"),
    scenario: two_stoppers,
    rows: &[(kernel::MAINLINE, Holds), (NO_WMB, Lockup)],
};

const ACK_RESET_SC: Case = Case {
    incident: "multi-cpu-stop",
    name: "ack-reset-order",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: two_stoppers,
    rows: &[(kernel::MAINLINE, Holds), (STATE_FIRST, Lockup)],
};

/// Two stoppers go through all states.
///
/// Result: Never
pub fn two_stoppers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| stoppers(setup, kernel, &[0, 1]))
}

const THREE: Case = Case {
    incident: "multi-cpu-stop",
    name: "three-stoppers",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: three_stoppers,
    rows: &[(kernel::MAINLINE, Holds), (NO_WMB, Lockup)],
};

/// Three stoppers go through all states.
///
/// Result: Never
pub fn three_stoppers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| stoppers(setup, kernel, &[0, 1, 2]))
}

fn stoppers(setup: &mut ksync::Setup, kernel: Kernel, cpus: &[u32]) {
    let mut machine = Machine::new(cpus, kernel);
    let ran = Arc::new(Atomic::named(0u32, format_args!("ran")));
    let runs = ran.clone();
    let func = machine.stop_fn("count", move |ctx, _| {
        assert!(ctx.current.irqs_disabled());
        runs.inc();
        0
    });
    let msdata = machine.msdata_for("all", func, None);
    let machine = Arc::new(machine);
    for &cpu in cpus {
        let thread = machine.cpu_stopper(cpu).thread;
        machine.spawn(setup, thread, move |ctx| assert_eq!(multi_cpu_stop(ctx, msdata), 0));
    }
    setup.finally(move |_| assert_eq!(ran.load(Relaxed), 1, "the function runs once"));
}

const RUN: Case = Case {
    incident: "multi-cpu-stop",
    name: "run-sees-others",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("it finds another failure of the mutant: the race on what the function patches"),
    scenario: run_sees_others,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-ack", "ack_state() decrements without order")
                    .without(&[("ack_state", RelaxedRmw)]),
                ..kernel::MAINLINE
            },
            Lockup,
        ),
    ],
};

/// The function patches what the other CPU uses before and after.
///
/// Result: Never
pub fn run_sees_others(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let text = Arc::new(Plain::named(0u32, format_args!("text")));
        let patched = text.clone();
        let patch = machine.stop_fn("patch", move |_, _| {
            patched.set(patched.get() + 1);
            0
        });
        let msdata = machine.msdata_for("all", patch, Some(&[0]));
        let machine = Arc::new(machine);
        let (active, other) = (machine.cpu_stopper(0).thread, machine.cpu_stopper(1).thread);
        machine.spawn(setup, active, move |ctx| assert_eq!(multi_cpu_stop(ctx, msdata), 0));
        machine.spawn(setup, other, move |ctx| {
            text.set(1);
            multi_cpu_stop(ctx, msdata);
            assert_eq!(text.get(), 2, "the patch is seen");
        });
    })
}

const RET: Case = Case {
    incident: "multi-cpu-stop",
    name: "stop-two-ret",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: stop_two_ret,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("active-signals-only", "nr_todo counts the CPU that runs the function only"),
                stop_two_cpus: CallerRev { done: Done::ActiveOnly, ..two_works::CALLER_ASCENDING },
                ..kernel::MAINLINE
            },
            Violated,
        ),
    ],
};

/// The waiter gets the function's value, and leaves its stack to nobody.
///
/// Result: Never
pub fn stop_two_ret(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel);
        let t = machine.new_task("T", 0, Birth::Running);
        let func = machine.stop_fn("again", |_, _| -11);
        let call: StopCall = machine.stop_two_cpus_call("T", 1, func, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, t, move |ctx| assert_eq!(stop_two_cpus(ctx, &call, 1, 2), Err(-11)));
        machine.spawn_stoppers(setup, &[1, 2]);
    })
}

const SIGNAL: Case = Case {
    incident: "multi-cpu-stop",
    name: "signal-done",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: signal_done,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-signal", "cpu_stop_signal_done() decrements without order")
                    .without(&[("cpu_stop_signal_done", RelaxedRmw)]),
                ..kernel::MAINLINE
            },
            Race,
        ),
    ],
};

/// Two stoppers are done; the first has left a value for the waiter.
///
/// Result: Never
pub fn signal_done(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        let [first, second, waiter] =
            [0, 1, 2].map(|cpu| machine.new_task(&format!("task/{cpu}"), cpu, Birth::Running));
        let done = machine.done_for("call", 2);
        let machine = Arc::new(machine);
        machine.spawn(setup, first, move |ctx| {
            ctx.machine.done(done).ret.set(-11);
            cpu_stop_signal_done(ctx, done);
        });
        machine.spawn(setup, second, move |ctx| cpu_stop_signal_done(ctx, done));
        machine.spawn(setup, waiter, move |ctx| {
            let done = ctx.machine.done(done);
            done.completion.wait_for_completion(ctx.current);
            assert_eq!(done.ret.get(), -11);
        });
    })
}

/// A stopper accepts works until it parks, and has flushed its list before.
pub(crate) const DISABLE_WHEN_PARKED: Kernel = Kernel {
    label: Label::mutant("disable-when-parked", "enabled goes off in the park callback"),
    park: park::Rev { disable: Disable::InParkCallback, ..park::MAINLINE },
    ..kernel::MAINLINE
};

const PARK: Case = Case {
    incident: "stop-cpus",
    name: "park",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: parks_while_queued,
    rows: &[(kernel::MAINLINE, Holds), (DISABLE_WHEN_PARKED, Violated)],
};

/// A stopper parks itself while a work is queued: either it is refused, or it runs.
///
/// Result: Never
pub fn parks_while_queued(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel);
        let down = machine.new_task("cpu_down", 0, Birth::Running);
        let user = machine.new_task("user", 2, Birth::Running);
        let ran = Arc::new(Atomic::named(false, format_args!("ran")));
        let runs = ran.clone();
        let take_cpu_down = machine.stop_fn("take_cpu_down", |ctx, cpu| {
            stop_machine_park(ctx, cpu);
            0
        });
        let func = machine.stop_fn("func", move |_, _| {
            runs.store(true, Relaxed);
            0
        });
        let calls = [("down", take_cpu_down), ("user", func)].map(|(name, f)| machine.stop_one_cpu_call(name, f, 1));
        let machine = Arc::new(machine);
        machine.spawn(setup, down, move |ctx| assert_eq!(stop_one_cpu(ctx, &calls[0], 1), Ok(())));
        machine.spawn(setup, user, move |ctx| match stop_one_cpu(ctx, &calls[1], 1) {
            Ok(()) => assert!(ran.load(Relaxed), "accepted, so it ran"),
            Err(error) => assert_eq!((error, ran.load(Relaxed)), (ENOENT, false), "refused, so it did not run"),
        });
        machine.spawn_stoppers(setup, &[1]);
    })
}
