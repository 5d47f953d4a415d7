// SPDX-License-Identifier: GPL-2.0-only
//! A waker and a task that blocks, with each lock and each order of statements between them changed.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine};
use crate::scenarios_barriers::{finish_switch_from, sleeper_and_waker};
use crate::schedule::{self, Dead, do_task_dead, schedule_tail, wait_event};
use crate::task::{Birth, TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE, set_current_state};
use crate::ttwu::{self, OnCpu, Runnable, TaskCpu, Waking, wake_up_process};
use ksync::catalogue::Expected::{Holds, Lockup, LostWakeup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Relaxed, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[HALF_ASLEEP, DYING, ACCOUNTING, MOVED, IRQ, TWO_WAKERS, UNDER_A_LOCK];

const fn mutant(name: &'static str, what: &'static str, ttwu: ttwu::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), ttwu, ..kernel::MAINLINE }
}

const HALF_ASLEEP: Case = Case {
    incident: "try-to-wake-up",
    name: "half-asleep",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: sleeper_and_waker,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "unlocked-runnable",
                "ttwu_runnable() without the runqueue's lock",
                ttwu::Rev { runnable: Runnable::Unlocked, ..ttwu::NOT_STOPPERS },
            ),
            LostWakeup,
        ),
        (
            mutant(
                "on-cpu-is-running",
                "a task with on_cpu set is taken for running",
                ttwu::Rev { on_cpu: OnCpu::Return, ..ttwu::NOT_STOPPERS },
            ),
            LostWakeup,
        ),
    ],
};

const DYING: Case = Case {
    incident: "try-to-wake-up",
    name: "dying-task",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: dying_task,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("late-dead-test", "the state is read after on_cpu = 0"),
                schedule: schedule::Rev { dead: Dead::ReadAfterFinish },
                ..kernel::MAINLINE
            },
            Violated,
        ),
    ],
};

/// A task that blocked on CPU0 is woken on CPU1 and dies there, while CPU0 still finishes the switch.
///
/// Result: Never
pub fn dying_task(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let idle = machine.new_task("swapper/0", 0, Birth::Running);
        let waker = machine.new_task("waker", 1, Birth::Running);
        let p = machine.new_task("p", 0, Birth::Asleep);
        machine.task(p).on_cpu.store(true, Relaxed);
        machine.task_mut(p).wake_cpu = Some(1);
        let machine = Arc::new(machine);
        machine.spawn(setup, idle, move |ctx| finish_switch_from(ctx, p));
        machine.spawn(setup, waker, move |ctx| assert!(wake_up_process(ctx, p)));
        machine.spawn_on(setup, p, 1, |ctx| {
            schedule_tail(ctx);
            do_task_dead(ctx);
        });
        setup.finally(move |_| assert_eq!(machine.task(p).usage.load(Relaxed), 0, "the task is freed once"));
    })
}

const ACCOUNTING: Case = Case {
    incident: "try-to-wake-up",
    name: "accounting",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: uninterruptible,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "early-waking",
                "TASK_WAKING is stored before on_rq is known to be 0",
                ttwu::Rev { waking: Waking::BeforeOnRq, ..ttwu::NOT_STOPPERS },
            ),
            Violated,
        ),
    ],
};

/// A task that counts as load while it sleeps, and does not any more when it runs.
///
/// Result: Never
pub fn uninterruptible(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let waker = machine.new_task("waker", 0, Birth::Running);
        let p = machine.new_task("p", 1, Birth::Running);
        let machine = Arc::new(machine);
        machine.spawn(setup, waker, move |ctx| {
            ctx.machine.task(p).condition.store(true, Relaxed);
            wake_up_process(ctx, p);
        });
        machine.spawn(setup, p, |ctx| wait_event(ctx, TASK_UNINTERRUPTIBLE));
        setup.finally(move |_| assert_eq!(machine.rq(1).nr_uninterruptible.get(), 0, "load that nobody has"));
    })
}

const MOVED: Case = Case {
    incident: "try-to-wake-up",
    name: "moved-task",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("an interrupt does the wakeup, and loom has none"),
    scenario: moved_task,
    rows: &[
        (kernel::HANDED_OVER, Holds),
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "early-task-cpu",
                "task_cpu() is read at the top",
                ttwu::Rev { task_cpu: TaskCpu::AtTop, ..ttwu::NOT_STOPPERS },
            ),
            Violated,
        ),
    ],
};

/// A task that was on CPU0 is woken on CPU2 and blocks there again, while a second waker looks for it.
///
/// Result: Never
pub fn moved_task(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1, 2, 3], kernel);
        let first = machine.new_task("first", 1, Birth::Running);
        let second = machine.new_task("second", 3, Birth::Running);
        let p = machine.new_task("p", 0, Birth::Asleep);
        machine.task_mut(p).wake_cpu = Some(2);
        let machine = Arc::new(machine);
        for waker in [first, second] {
            machine.spawn(setup, waker, move |ctx| {
                wake_up_process(ctx, p);
            });
        }
        let blocks_again = |ctx: &Ctx| {
            schedule_tail(ctx);
            set_current_state(ctx, TASK_INTERRUPTIBLE);
            schedule::schedule(ctx);
        };
        machine.spawn_on(setup, p, 2, blocks_again).daemon();
        machine.declare_ipi(setup, 0);
    })
}

const IRQ: Case = Case {
    incident: "try-to-wake-up",
    name: "irq-wakes-too",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("an interrupt wakes the task too, and loom has none"),
    scenario: irq_wakes_too,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "spin-irqs-on",
                "the waker spins on on_cpu with irqs on",
                ttwu::Rev { on_cpu: OnCpu::SpinIrqsOn, ..ttwu::NOT_STOPPERS },
            ),
            Lockup,
        ),
    ],
};

/// The waker is interrupted by another waker of the same task, which is still switching away.
///
/// Result: Never
pub fn irq_wakes_too(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let waker = machine.new_task("waker", 0, Birth::Running);
        let p = machine.new_task("p", 1, Birth::Blocking);
        let machine = Arc::new(machine);
        let handlers = machine.clone();
        let irq = setup.irq("irq", 0, move |current| {
            wake_up_process(&Ctx { machine: &handlers, current, task: waker }, p);
        });
        machine.spawn(setup, waker, move |ctx| {
            irq.raise();
            wake_up_process(ctx, p);
        });
        machine.spawn(setup, p, schedule::schedule);
    })
}

const TWO_WAKERS: Case = Case {
    incident: "try-to-wake-up",
    name: "two-wakers",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: two_wakers,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "unlocked-enqueue",
                "pi_lock is dropped before the enqueue, without TASK_WAKING",
                ttwu::Rev { waking: Waking::NeverAndUnlocked, ..ttwu::NOT_STOPPERS },
            ),
            Violated,
        ),
    ],
};

/// Two wakers of one task that sleeps.
///
/// Result: Never
pub fn two_wakers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        let wakers = [1, 2].map(|cpu| machine.new_task(&format!("waker/{cpu}"), cpu, Birth::Running));
        let p = machine.new_task("p", 0, Birth::Asleep);
        let machine = Arc::new(machine);
        for waker in wakers {
            machine.spawn(setup, waker, move |ctx| {
                wake_up_process(ctx, p);
            });
        }
        machine.spawn(setup, p, schedule_tail);
    })
}

const UNDER_A_LOCK: Case = Case {
    incident: "try-to-wake-up",
    name: "under-a-lock",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("an interrupt does the wakeup, and loom has none"),
    scenario: woken_under_a_lock,
    rows: &[(kernel::WAKE_Q_ORDERED, Lockup), (kernel::HANDED_OVER, Holds), (kernel::MAINLINE, Lockup)],
};

/// A stopper that blocks is woken under a lock that its CPU wants before it is done with the switch: what the kernel of
/// incident 000 did, and none of these does. Who hands the wakeup over gets away with it; but a stopper's wakeup is not
/// handed over any more, so today a wakeup under the stoppers' locks would be the incident again.
///
/// Result: Lockup in MAINLINE
pub fn woken_under_a_lock(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        machine.idle_finds_busy(1, 26);
        let waker = machine.new_task("waker", 26, Birth::Running);
        let migration = machine.blocking_stopper(1);
        let machine = Arc::new(machine);
        machine.spawn(setup, waker, move |ctx| {
            let guard = ctx.machine.cpu_stopper(26).lock.lock_irq(ctx.current);
            wake_up_process(ctx, migration);
            guard.unlock();
        });
        machine.spawn(setup, migration, schedule::schedule).stop_class().daemon();
        machine.declare_ipi(setup, 1);
    })
}
