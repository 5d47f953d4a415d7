// SPDX-License-Identifier: GPL-2.0-only
//! What each revision of `cpu_stop_queue_two_works()`, and of CFS bandwidth, does, in order: the first in full, each
//! further one as the difference from the one before it. The differences are the patches.
#![cfg(loom)]
#![allow(clippy::format_push_string, clippy::format_collect, reason = "the texts are short, and so are these lines")]

use cfs_bw::account::account_cfs_rq_runtime;
use cfs_bw::async_unthrottle::take_csd_interrupt;
use cfs_bw::cfs_bandwidth::CfsRq;
use cfs_bw::fair::run_a_while;
use cfs_bw::kernel::{HISTORY as BANDWIDTH, Kernel as Bandwidth, RHEL_7_9, STARVATION};
use cfs_bw::machine::{Ctx, Tunables};
use cfs_bw::period_timer::sched_cfs_period_timer;
use cfs_bw::set_bandwidth::tg_set_cfs_bandwidth;
use cfs_bw::slack::__return_cfs_rq_runtime;
use expect_test::expect_file;
use ksync::{Id, Model, Options, Scenario, TraceStep, busy};
use loom_tests::catalogue::sources;
use similar::TextDiff;
use std::sync::Arc;
use stopper::kernel::{self, Kernel};
use stopper::machine::{MIGRATE_SWAP_STOP, Machine};
use stopper::task::Birth;
use stopper::two_works::queue_two;

const HISTORY: &[Kernel] = &[
    kernel::DOUBLE_LOCK,
    kernel::IN_PROGRESS,
    kernel::WAKE_Q,
    kernel::AROUND_WAKE,
    kernel::AFTER_QUEUEING,
    kernel::REFLOW,
    kernel::ATOMICALLY,
    kernel::MAINLINE,
];

/// One task asks for CPU1 and CPU26 while nobody else runs. The property is that this never ends, so there is a
/// trace.
fn alone(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let caller = machine.new_task("caller", 26, Birth::Running);
        let call = machine.stop_two_cpus_call("call", 1, MIGRATE_SWAP_STOP, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, caller, move |ctx| {
            call.frame.enter();
            queue_two(ctx, &call, 1, 26).expect("both stoppers are enabled");
        });
        setup.finally(|_| panic!("the end"));
    })
}

/// A machine of CFS bandwidth with two CPUs, for one task that is all of them by turns: so there are no races.
fn bandwidth_alone(
    kernel: Bandwidth,
    start: fn(&mut cfs_bw::machine::Machine, [Id<CfsRq>; 2]),
    turns: fn(&Ctx, [Id<CfsRq>; 2]),
) -> Box<Scenario> {
    Box::new(move |setup| {
        let tunables = Tunables { slice: 1, ..Tunables::MODEL };
        let mut machine = cfs_bw::machine::Machine::new(&[1, 2], kernel, tunables);
        let tg = machine.new_group(None, (3, 10));
        let cfs_rqs = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        start(&mut machine, cfs_rqs);
        Arc::new(machine).spawn(setup, "alone", 1, move |ctx| turns(ctx, cfs_rqs));
        setup.finally(|_| panic!("the end"));
    })
}

/// CPU 2 is throttled, and charged once more; CPU 1 throttles; the timer on CPU 1 pays both; then there is a new quota.
fn a_period(kernel: Bandwidth) -> Box<Scenario> {
    bandwidth_alone(
        kernel,
        |machine, [running, waiter]| {
            machine.start_running(running, 1);
            machine.start_throttled(waiter, 0);
        },
        |ctx, [running, waiter]| {
            account_cfs_rq_runtime(ctx, waiter, 1);
            run_a_while(ctx, running, |_| 1);
            ctx.current.local_irq_disable();
            sched_cfs_period_timer(ctx, Id::new(0));
            if ctx.machine.kernel.distribute.asynchronous.is_some() {
                take_csd_interrupt(ctx, Id::new(1));
            }
            ctx.current.local_irq_enable();
            tg_set_cfs_bandwidth(ctx, Id::new(0), 100, 2, 0).expect("it makes sense");
        },
    )
}

/// Each visit takes longer than a period, and there is a debt of four.
fn a_late_timer(kernel: Bandwidth) -> Box<Scenario> {
    bandwidth_alone(
        kernel,
        |machine, [_, waiter]| {
            machine.set_clock(ksync::now);
            machine.on_visit(|_| busy(12));
            machine.start_throttled(waiter, 12);
        },
        |ctx, _| {
            ctx.current.local_irq_disable();
            sched_cfs_period_timer(ctx, Id::new(0));
        },
    )
}

/// CPU 1 gives back what it does not need, twice.
fn two_returns(kernel: Bandwidth) -> Box<Scenario> {
    bandwidth_alone(
        kernel,
        |machine, [running, waiter]| {
            machine.cfs_b(Id::new(0)).period_timer.expires.set(1000);
            machine.start_running(running, 4);
            machine.start_throttled(waiter, 0);
        },
        |ctx, [running, _]| {
            for _ in 0..2 {
                ctx.machine.cfs_rq(running).runtime_remaining.set(4);
                __return_cfs_rq_runtime(ctx, running);
            }
        },
    )
}

/// The primitives in order, with the function that performs each.
fn primitives(scenario: &Scenario) -> String {
    let report = ksync::explore::check(scenario, &Options::new(Model::Sc));
    let trace = report.trace.expect("the scenario ends in a violation");
    let steps = trace.steps.iter().filter(|step| !step.operation.starts_with("Frame("));
    // The drop of a guard has no place in a port.
    let function = |step: &TraceStep| if step.function.contains(':') { "..." } else { &*step.function }.to_owned();
    steps.map(|step| format!("{:<26} {}\n", function(step), step.action)).collect()
}

/// What differs, as a patch.
fn diff(now: &str, then: &str) -> String {
    TextDiff::from_lines(then, now).unified_diff().context_radius(2).to_string()
}

fn stopper_patches() -> String {
    let first = &HISTORY[0];
    let mut text = format!("=== {}: {}\n{}", first.commit, first.what, primitives(&*alone(*first)));
    for pair in HISTORY.windows(2) {
        let [parent, kernel] = [pair[0], pair[1]];
        let diff = diff(&primitives(&*alone(kernel)), &primitives(&*alone(parent)));
        let diff = if diff.is_empty() { "(the same)\n".to_owned() } else { diff };
        text += &format!("\n=== {} over {}: {}\n{diff}", kernel.commit, parent.commit, kernel.what);
    }
    text
}

/// The writes, locks and barriers of a scene.
fn effects(scenario: &Scenario) -> String {
    let is_read = |line: &&str| line.get(27..).is_some_and(|action| action.starts_with("read "));
    primitives(scenario).lines().filter(|line| !is_read(line)).map(|line| format!("{line}\n")).collect()
}

/// Of each revision of CFS bandwidth the first scene that it changes.
fn bandwidth_patches() -> String {
    let scenes = [("a period", a_period as fn(_) -> _), ("a late timer", a_late_timer), ("two returns", two_returns)];
    let first = &BANDWIDTH[0];
    let in_full = |(name, scene): (&str, fn(Bandwidth) -> Box<Scenario>)| {
        format!("\n=== {}, {name}: {}\n{}", first.commit, first.what, effects(&*scene(*first)))
    };
    let mut text: String = scenes.map(in_full).concat();
    for pair in BANDWIDTH.windows(2).chain([&[STARVATION, RHEL_7_9][..]]) {
        let [parent, kernel] = [pair[0], pair[1]];
        text += &format!("\n=== {} over {}: {}\n", kernel.commit, parent.commit, kernel.what);
        let patches = scenes.map(|(name, scene)| {
            let diff = diff(&effects(&*scene(kernel)), &effects(&*scene(parent)));
            (!diff.is_empty()).then(|| format!("--- {name}\n{diff}"))
        });
        text += &patches.into_iter().flatten().next().unwrap_or_else(|| panic!("{} changes nothing", kernel.commit));
    }
    text
}

#[test]
fn two_revisions_differ_by_the_patch() {
    ksync::register_sources(&sources());
    expect_file!["revisions.txt"].assert_eq(&(stopper_patches() + &bandwidth_patches()));
}
