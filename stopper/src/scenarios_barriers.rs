// SPDX-License-Identifier: GPL-2.0-only
//! A waker and a task that blocks, with each barrier between them taken away.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine};
use crate::schedule::{self, finish_task_switch, schedule_tail, wait_event};
use crate::task::{Birth, TASK_INTERRUPTIBLE, TASK_RUNNING, TASK_WAKING, TaskStruct, set_current_state};
use crate::ttwu::{self, wake_up_process};
use ksync::Weakness::{NoFence, RelaxedLoad, RelaxedRmw, RelaxedStore};
use ksync::catalogue::Expected::{Holds, Lockup, LostWakeup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Atomic, Id, Model, Relaxed, Scenario, smp_mb};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[SB, HAND_OVER, WAKELIST, STALE_ON_RQ, STALE_ON_CPU];

const SB: Case = Case {
    incident: "try-to-wake-up",
    name: "sb-wakeup",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: sleeper_and_waker,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("no-mb-after-pi-lock", "the lock is enough")
                    .without(&[("try_to_wake_up", NoFence(Fence::AfterSpinlock))]),
                ..kernel::MAINLINE
            },
            LostWakeup,
        ),
        (
            Kernel {
                label: Label::mutant("plain-set-state", "__set_current_state() instead of set_current_state()")
                    .without(&[("set_current_state", NoFence(Fence::Mb))]),
                ..kernel::MAINLINE
            },
            LostWakeup,
        ),
    ],
};

/// C's idiom: the sleeper stores its state and tests the condition, the waker stores it and tests the state.
///
/// Result: Never
pub fn sleeper_and_waker(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let waker = machine.new_task("waker", 0, Birth::Running);
        let p = machine.new_task("p", 1, Birth::Running);
        let machine = Arc::new(machine);
        machine.spawn(setup, waker, move |ctx| {
            ctx.machine.task(p).condition.store(true, Relaxed);
            wake_up_process(ctx, p);
        });
        machine.spawn(setup, p, |ctx| wait_event(ctx, TASK_INTERRUPTIBLE));
    })
}

const HAND_OVER: Case = Case {
    incident: "try-to-wake-up",
    name: "on-cpu-hand-over",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: on_cpu_hand_over,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("plain-on-cpu-store", "finish_task() clears on_cpu without release")
                    .without(&[("finish_task", RelaxedStore)]),
                ..kernel::MAINLINE
            },
            Race,
        ),
        (
            Kernel {
                label: Label::mutant("plain-on-cpu-spin", "the waker spins on on_cpu without acquire")
                    .without(&[("try_to_wake_up", RelaxedLoad)]),
                ..kernel::MAINLINE
            },
            Race,
        ),
    ],
};

/// A task that blocked on CPU0 is enqueued on CPU2, while CPU0 still finishes the switch.
///
/// Result: Never
pub fn on_cpu_hand_over(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        let idle = machine.new_task("swapper/0", 0, Birth::Running);
        let waker = machine.new_task("waker", 1, Birth::Running);
        let p = machine.new_task("p", 0, Birth::Asleep);
        machine.task(p).on_cpu.store(true, Relaxed);
        machine.task_mut(p).wake_cpu = Some(2);
        let machine = Arc::new(machine);
        machine.spawn(setup, idle, move |ctx| finish_switch_from(ctx, p));
        machine.spawn(setup, waker, move |ctx| assert!(wake_up_process(ctx, p)));
        machine.spawn_on(setup, p, 2, schedule_tail);
    })
}

/// The end of `__schedule()` on CPU0, which left `prev`.
pub(crate) fn finish_switch_from(ctx: &Ctx, prev: Id<TaskStruct>) {
    let rq = ctx.machine.rq(0);
    ctx.current.local_irq_disable();
    let guard = rq.lock.lock(ctx.current);
    finish_task_switch(ctx, rq, guard, prev);
}

const WAKELIST: Case = Case {
    incident: "try-to-wake-up",
    name: "wakelist-hand-over",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("an interrupt does the wakeup, and loom has none"),
    scenario: handed_over,
    rows: &[
        (kernel::HANDED_OVER, Holds),
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("plain-wake-list-take", "the wake_list is emptied without acquire")
                    .without(&[("sched_ttwu_pending", RelaxedRmw)]),
                ..kernel::MAINLINE
            },
            Violated,
        ),
        (
            Kernel {
                label: Label::mutant("plain-wake-list", "the wake_list is filled without release")
                    .without(&[("ttwu_queue_wakelist", RelaxedRmw)]),
                ..kernel::MAINLINE
            },
            Violated,
        ),
    ],
};

/// The task's CPU takes interrupts, so it is left to it to finish the wakeup.
///
/// Result: Never
pub fn handed_over(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let waker = machine.new_task("waker", 0, Birth::Running);
        let p = machine.new_task("p", 1, Birth::Asleep);
        let machine = Arc::new(machine);
        machine.spawn(setup, waker, move |ctx| assert!(wake_up_process(ctx, p)));
        machine.spawn(setup, p, schedule_tail);
        machine.declare_ipi(setup, 1);
        setup.finally(move |_| {
            assert_eq!(machine.task(p).state.load(Relaxed), TASK_RUNNING, "the waker's store came last");
        });
    })
}

/// Wakers spin, as until v5.7.
const SPINNING: Kernel = Kernel { ttwu: ttwu::ORIGIN, ..kernel::WAKE_Q_ORDERED };

const STALE_ON_RQ: Case = Case {
    incident: "try-to-wake-up",
    name: "stale-on-rq",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("an interrupt does the wakeup, and loom has none"),
    scenario: woken_again,
    rows: &[
        (
            Kernel {
                label: Label::commit("135e8c9250dd^", "nothing orders the state before on_rq")
                    .without(&[("try_to_wake_up", NoFence(Fence::Rmb))]),
                ..SPINNING
            },
            Lockup,
        ),
        (
            Kernel {
                label: Label::commit(
                    "135e8c9250dd",
                    "sched/core: Fix a race between try_to_wake_up() and a woken up task",
                ),
                ..SPINNING
            },
            Holds,
        ),
    ],
};

/// The task was woken and is about to wait again, for a waker that owes it one thing more than the wakeup.
/// The first waker has left the wakeup to the task's CPU; its half of it is in the setup.
///
/// Result: Lockup in 135e8c9250dd^
pub fn woken_again(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let p = machine.new_task("p", 0, Birth::Asleep);
        let waker = machine.new_task("waker", 1, Birth::Running);
        let owed = Arc::new(Atomic::named(false, format_args!("owed")));
        let paid = owed.clone();
        leave_to_cpu0(&machine, p);
        let machine = Arc::new(machine);
        machine.spawn(setup, p, move |ctx| {
            schedule_tail(ctx);
            // What it does before it waits again orders on_cpu before its next state.
            smp_mb();
            wait_event(ctx, TASK_INTERRUPTIBLE);
            owed.cond_load(Relaxed, |owed| owed);
        });
        machine.spawn(setup, waker, move |ctx| {
            ctx.machine.rq(0).ipi.get().expect("declared").raise();
            ctx.machine.task(p).condition.store(true, Relaxed);
            wake_up_process(ctx, p);
            paid.store(true, Relaxed);
        });
        machine.declare_ipi(setup, 0);
    })
}

/// The first waker's half of a wakeup, up to its interrupt.
fn leave_to_cpu0(machine: &Machine, p: Id<TaskStruct>) {
    machine.task(p).state.store(TASK_WAKING, Relaxed);
    machine.rq(0).wake_list.store(Some(p), Relaxed);
}

const STALE_ON_CPU: Case = Case {
    incident: "try-to-wake-up",
    name: "stale-on-cpu",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("an interrupt does the wakeup, and loom has none"),
    scenario: blocks_again,
    rows: &[
        (
            Kernel {
                label: Label::commit("ecf7d01c229d^", "nothing orders on_rq before on_cpu")
                    .without(&[("try_to_wake_up", NoFence(Fence::AcquireAfterCtrlDep))]),
                ..SPINNING
            },
            Race,
        ),
        (
            Kernel {
                label: Label::commit(
                    "ecf7d01c229d",
                    "sched/core: Fix an SMP ordering race in try_to_wake_up() vs. schedule()",
                ),
                ..SPINNING
            },
            Holds,
        ),
    ],
};

/// The task was woken and blocks again, and its second waker takes it to another CPU. The first waker has left the
/// wakeup to the task's CPU; its half of it is in the setup.
/// DEVIATION: the task itself stays on CPU0; that CPU2 has it enqueued is what counts.
///
/// Result: Race in ecf7d01c229d^
pub fn blocks_again(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        let p = machine.new_task("p", 0, Birth::Asleep);
        let waker = machine.new_task("waker", 1, Birth::Running);
        leave_to_cpu0(&machine, p);
        machine.task_mut(p).wake_cpu = Some(2);
        let machine = Arc::new(machine);
        let blocks_for_good = |ctx: &Ctx| {
            schedule_tail(ctx);
            set_current_state(ctx, TASK_INTERRUPTIBLE);
            schedule::schedule(ctx);
        };
        machine.spawn(setup, p, blocks_for_good).daemon();
        machine.spawn(setup, waker, move |ctx| {
            ctx.machine.rq(0).ipi.get().expect("declared").raise();
            // No condition: any task may be woken at any time.
            wake_up_process(ctx, p);
        });
        machine.declare_ipi(setup, 0);
    })
}
