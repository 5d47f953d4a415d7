// SPDX-License-Identifier: GPL-2.0-only
//! The period timer as it runs: armed by who needs it, called in interrupt context, and stopped when nobody does.

use crate::catalogue::Case;
use crate::cfs_bandwidth::{CfsRq, TaskGroup};
use crate::distribute::{self, Look};
use crate::fair::{dequeue_task_fair, run_a_while, run_in_kernel, wait_until_runnable};
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine, Tunables};
use crate::period_timer::{self, Stop, sched_cfs_period_timer};
use crate::scenarios_async::csd_interrupts;
use crate::scenarios_distribute::TIMER_CPU;
use crate::slack::do_sched_cfs_slack_timer;
use crate::task_throttle::exit_to_user_mode;
use crate::timer::{self, __run_hrtimer};
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Id, Model, Relaxed, Scenario, Setup, Sleeper, busy};
use std::sync::{Arc, OnceLock};

/// The cases of this file.
pub const CASES: &[Case] = &[STOPS, LOCK_ORDER, HOLDER];

const fn case(name: &'static str, scenario: fn(Kernel) -> Box<Scenario>) -> Case {
    let loom = LoomUse::CannotCarry("loom has no clock");
    Case { incident: "cfs-timer", name, model: Model::Sc, loom, scenario, rows: &[] }
}

/// CPU 1 with a group that may run 1 ns in 100, its first task about to run, and a timer on a CPU of its own that
/// nobody has armed yet.
fn machine_with_period_timer(setup: &mut Setup, kernel: Kernel) -> (Arc<Machine>, Id<TaskGroup>, Id<CfsRq>) {
    let later = Arc::new(OnceLock::<Arc<Machine>>::new());
    let machine_of = later.clone();
    let irq = setup.irq("period_timer", TIMER_CPU, move |current| {
        let machine = machine_of.get().expect("the setup is over");
        let (ctx, tg) = (&Ctx { machine, current }, Id::new(0));
        __run_hrtimer(ctx, &machine.cfs_b(tg).period_timer, || sched_cfs_period_timer(ctx, tg));
    });
    let mut machine = Machine::new(&[1], kernel, Tunables::MODEL);
    machine.set_clock(ksync::now);
    let tg = machine.new_group(None, (1, 100));
    machine.cfs_b(tg).period_active.set(false);
    machine.cfs_b(tg).period_timer.fires(irq);
    let cfs_rq = machine.tg_cfs_rq(tg, Id::new(0));
    machine.start_running(cfs_rq, 1);
    let machine = Arc::new(machine);
    later.set(machine.clone()).expect("once");
    csd_interrupts(setup, &machine);
    (machine, tg, cfs_rq)
}

const STOPS: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::STARVATION, Holds),
        (kernel::REFILLS_FIRST, Holds),
        (IDLE_ALONE, Lockup),
        (kernel::UNDER_ONE_LOCK, Holds),
        (kernel::BURST, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
        (
            Kernel {
                label: Label::mutant("said-later", "clears period_active in a section behind the one that decides"),
                period: period_timer::Rev { stop: Stop::SaidLater, ..period_timer::BURST },
                ..kernel::BURST
            },
            Lockup,
        ),
        // Who is on the list has emptied the pool first, and so `idle` is false: the test of the list is not needed.
        (
            Kernel {
                label: Label::mutant("idle-alone-since", "as idle-alone, where it does no harm any more"),
                period: period_timer::Rev { stop: Stop::NobodyTook, ..period_timer::BURST },
                ..kernel::BURST
            },
            Holds,
        ),
    ],
    ..case("stops-when-idle", stops_when_idle)
};

const IDLE_ALONE: Kernel = Kernel {
    label: Label::mutant("idle-alone", "stops when nobody took anything, without a look at the list"),
    period: period_timer::Rev { stop: Stop::NobodyTook, ..period_timer::REFILLS_FIRST },
    ..kernel::REFILLS_FIRST
};

/// A CPU sleeps, and runs again just when the timer comes, or stops. Who is throttled is unthrottled some time.
///
/// Result: Never
pub fn stops_when_idle(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let (machine, _, cfs_rq) = machine_with_period_timer(setup, kernel);
        machine.spawn(setup, "runner/1", 1, move |ctx| {
            for pause in [0, 100, 300, 0] {
                busy(pause);
                wait_until_runnable(ctx, cfs_rq);
                run_a_while(ctx, cfs_rq, |remaining| remaining.max(1) as u64);
                wait_until_runnable(ctx, cfs_rq);
                run_a_while(ctx, cfs_rq, |remaining| remaining.max(1) as u64);
            }
        });
    })
}

const LOCK_ORDER: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::STARVATION, Holds),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Holds),
        (
            Kernel {
                label: Label::mutant("under-base-lock", "the handler is called with the timer base's lock"),
                run_hrtimer: timer::Rev::HoldsLock,
                ..kernel::SILENT
            },
            Lockup,
        ),
        (
            Kernel {
                label: Label::mutant(
                    "under-pool-lock",
                    "a visit takes rq->lock under cfs_b->lock, to hold the entry",
                ),
                distribute: distribute::Rev { look: Look::UnderPoolLock, ..distribute::SILENT },
                ..kernel::SILENT
            },
            Lockup,
        ),
    ],
    loom: LoomUse::Agrees,
    ..case("lock-order", lock_order)
};

/// The order is `rq->lock`, `cfs_b->lock`, the timer base's. The period timer pays CPU 1, and so does the slack timer
/// on CPU 3, which the last task of CPU 2 arms when it goes to sleep.
///
/// Result: Never
pub fn lock_order(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables { slice: 1, ..Tunables::MODEL });
        let tg = machine.new_group(None, (4, 100));
        let [waiter, sleeper] = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        machine.start_throttled(waiter, 1);
        machine.start_running(sleeper, 4);
        let machine = Arc::new(machine);
        machine.spawn(setup, format!("timer/{TIMER_CPU}"), TIMER_CPU, move |ctx| {
            ctx.current.local_irq_disable();
            __run_hrtimer(ctx, &ctx.machine.cfs_b(tg).period_timer, || sched_cfs_period_timer(ctx, tg));
        });
        machine.spawn(setup, "sleeper/2", 2, move |ctx| sleep(ctx, sleeper));
        machine.spawn(setup, "slack_timer/3", 3, move |ctx| {
            ctx.current.local_irq_disable();
            do_sched_cfs_slack_timer(ctx, tg);
        });
    })
}

/// The group's only task on a CPU goes to sleep.
fn sleep(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let guard = ctx.machine.rq_of(cfs_rq).lock.lock_irq(ctx.current);
    dequeue_task_fair(ctx, ctx.machine.task_of(cfs_rq));
    guard.unlock();
}

const HOLDER: Case = Case {
    rows: &[
        (kernel::BEFORE, Violated),
        (kernel::SILENT, Violated),
        (kernel::ASYNC_LISTED, Violated),
        (kernel::TASK_BASED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
    ],
    ..case("holder-in-kernel", holder_in_kernel)
};

/// A task of the group holds something in the kernel when its runtime ends; a task of no group waits for that.
///
/// Result: Violated before `TASK_BASED`
pub fn holder_in_kernel(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let (machine, _, cfs_rq) = machine_with_period_timer(setup, kernel);
        let semaphore = Arc::new((Atomic::named(false, format_args!("semaphore.released")), Sleeper::new()));
        let released = semaphore.clone();
        machine.spawn(setup, "holder/1", 1, move |ctx| {
            let task = ctx.machine.task_of(cfs_rq);
            run_in_kernel(ctx, task, |remaining| remaining as u64);
            wait_until_runnable(ctx, cfs_rq);
            released.0.store(true, Relaxed);
            released.1.kick();
            exit_to_user_mode(ctx, task);
        });
        machine.spawn(setup, "waiter/2", 2, move |ctx| {
            semaphore.1.sleep_until::<bool, bool>(ctx.current, &semaphore.0, |released| released, None);
            assert!(ksync::now() < 100, "it waits until the next period");
        });
    })
}
