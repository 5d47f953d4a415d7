// SPDX-License-Identifier: GPL-2.0-only
//! The rules of `wake_q`, each with what breaks it.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine};
use crate::park::stop_machine_unpark;
use crate::queue_work::{self, stop_one_cpu};
use crate::schedule::{do_task_dead, schedule_tail, wait_event};
use crate::task::{Birth, TASK_INTERRUPTIBLE, TaskStruct, get_task_struct};
use crate::two_works::{ENOENT, Wake};
use crate::wake_q::{self, Caller, Clear, Reference, WakeQHead, wake_q_add, wake_q_add_safe, wake_up_q};
use ksync::catalogue::Expected::{Holds, LostWakeup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Id, Model, Relaxed, Scenario, SpinLock};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[Q4, Q3_Q5, Q6, Q7, REFERENCES, ABANDONED];

const fn mutant(name: &'static str, what: &'static str, wake_q: wake_q::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), wake_q, ..kernel::MAINLINE }
}

const Q4: Case = Case {
    incident: "wake-q",
    name: "q4-condition",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("a cmpxchg() that fails still has its fences there"),
    scenario: condition_is_seen,
    rows: &[
        (kernel::WAKE_Q_UNORDERED, LostWakeup),
        (kernel::WAKE_Q_ORDERED, Holds),
        (mutant("cmpxchg-is-enough", "a plain cmpxchg(): \"it is fully ordered\"", wake_q::ORIGIN), LostWakeup),
    ],
};

const Q3_Q5: Case = Case {
    incident: "wake-q",
    name: "q5-clear-first",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: condition_is_seen,
    rows: &[
        (kernel::WAKE_Q_ORDERED, Holds),
        (
            mutant(
                "add-before-condition",
                "the task is queued before its condition is stored",
                wake_q::Rev { caller: Caller::AddFirst, ..wake_q::ORDERED },
            ),
            LostWakeup,
        ),
        (
            mutant(
                "clear-after-wake",
                "the node is cleared after the wakeup",
                wake_q::Rev { clear: Clear::AfterWake, ..wake_q::ORDERED },
            ),
            LostWakeup,
        ),
    ],
};

/// A waker whose condition the task waits for, while another one has the task on its queue.
///
/// Result: LostWakeup in `WAKE_Q_UNORDERED`
pub fn condition_is_seen(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        let winner = machine.new_task("winner", 0, Birth::Running);
        let loser = machine.new_task("loser", 1, Birth::Running);
        let sleeper = machine.new_task("sleeper", 2, Birth::Asleep);
        let machine = Arc::new(machine);
        machine.spawn(setup, winner, move |ctx| {
            let mut wakeq = WakeQHead::new();
            wake_q_add(ctx.machine, &mut wakeq, sleeper);
            wake_up_q(ctx, &mut wakeq);
        });
        machine.spawn(setup, loser, move |ctx| store_and_wake(ctx, sleeper));
        machine.spawn(setup, sleeper, |ctx| {
            schedule_tail(ctx);
            wait_event(ctx, TASK_INTERRUPTIBLE);
        });
    })
}

/// What futex and rwsem do, under their locks and after them.
fn store_and_wake(ctx: &Ctx, sleeper: Id<TaskStruct>) {
    let mut wakeq = WakeQHead::new();
    let add_first = ctx.machine.kernel.wake_q.caller == Caller::AddFirst;
    if add_first {
        wake_q_add(ctx.machine, &mut wakeq, sleeper);
    }
    ctx.machine.task(sleeper).condition.store(true, Relaxed);
    if !add_first {
        wake_q_add(ctx.machine, &mut wakeq, sleeper);
    }
    wake_up_q(ctx, &mut wakeq);
}

const Q6: Case = Case {
    incident: "wake-q",
    name: "q6-two-sleepers",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: two_sleepers,
    rows: &[
        (kernel::WAKE_Q_ORDERED, Holds),
        (
            mutant(
                "next-after-clear",
                "the next node is read after this one was cleared",
                wake_q::Rev { clear: Clear::BeforeNext, ..wake_q::ORDERED },
            ),
            LostWakeup,
        ),
    ],
};

/// Two tasks on one queue.
///
/// Result: Never
pub fn two_sleepers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        let waker = machine.new_task("waker", 0, Birth::Running);
        let sleepers = [1, 2].map(|cpu| machine.new_task(&format!("sleeper/{cpu}"), cpu, Birth::Asleep));
        let machine = Arc::new(machine);
        machine.spawn(setup, waker, move |ctx| {
            let mut wakeq = WakeQHead::new();
            for sleeper in sleepers {
                ctx.machine.task(sleeper).condition.store(true, Relaxed);
                wake_q_add(ctx.machine, &mut wakeq, sleeper);
            }
            wake_up_q(ctx, &mut wakeq);
        });
        for sleeper in sleepers {
            machine.spawn(setup, sleeper, schedule_tail);
        }
    })
}

const Q7: Case = Case {
    incident: "wake-q",
    name: "q7-exit",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: task_exits_early,
    rows: &[
        (kernel::WAKE_Q_ORDERED, Holds),
        (
            mutant(
                "put-before-wake",
                "the reference is dropped before the wakeup",
                wake_q::Rev { reference: Reference::DroppedEarly, ..wake_q::ORDERED },
            ),
            Violated,
        ),
    ],
};

/// A task that sees its condition by itself, and exits before it is woken.
///
/// Result: Never
pub fn task_exits_early(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let waker = machine.new_task("waker", 0, Birth::Running);
        let sleeper = machine.mortal_task("sleeper", 1, Birth::Running);
        let bucket =
            Arc::new((SpinLock::named(format_args!("bucket.lock")), Atomic::named(false, format_args!("queued"))));
        let hashed = bucket.clone();
        let machine = Arc::new(machine);
        machine.spawn(setup, waker, move |ctx| {
            let mut wakeq = WakeQHead::new();
            let guard = bucket.0.lock(ctx.current);
            if bucket.1.load(Relaxed) {
                get_task_struct(ctx.machine, sleeper);
                ctx.machine.task(sleeper).condition.store(true, Relaxed);
                wake_q_add_safe(ctx.machine, &mut wakeq, sleeper);
            }
            guard.unlock();
            wake_up_q(ctx, &mut wakeq);
        });
        machine.spawn(setup, sleeper, move |ctx| queue_wait_exit(ctx, &hashed.0, &hashed.1)).daemon();
    })
}

/// `futex_wait()`, then the end of the task.
fn queue_wait_exit(ctx: &Ctx, bucket: &SpinLock, queued: &Atomic<bool>) {
    ctx.task().memory.expect("a mortal task").enter();
    let guard = bucket.lock(ctx.current);
    queued.store(true, Relaxed);
    guard.unlock();
    wait_event(ctx, TASK_INTERRUPTIBLE);
    do_task_dead(ctx);
}

const REFERENCES: Case = Case {
    incident: "wake-q",
    name: "references",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: references,
    rows: &[
        (kernel::WAKE_Q_ORDERED, Holds),
        (
            mutant(
                "get-before-cmpxchg",
                "the reference is taken before the attempt, and kept if it fails",
                wake_q::Rev { reference: Reference::BeforeAttempt, ..wake_q::ORDERED },
            ),
            Violated,
        ),
        (
            mutant(
                "safe-without-put",
                "wake_q_add_safe() keeps the caller's reference if it fails",
                wake_q::Rev { reference: Reference::SafeForgets, ..wake_q::ORDERED },
            ),
            Violated,
        ),
    ],
};

/// Two wakers, one of which brings a reference: in the end nobody has one.
///
/// Result: Never
pub fn references(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let adds = machine.new_task("adds", 0, Birth::Running);
        let adds_safe = machine.new_task("adds_safe", 1, Birth::Running);
        let sleeper = machine.new_task("sleeper", 1, Birth::Asleep);
        let machine = Arc::new(machine);
        machine.spawn(setup, adds, move |ctx| {
            let mut wakeq = WakeQHead::new();
            wake_q_add(ctx.machine, &mut wakeq, sleeper);
            wake_up_q(ctx, &mut wakeq);
        });
        machine.spawn(setup, adds_safe, move |ctx| {
            let mut wakeq = WakeQHead::new();
            get_task_struct(ctx.machine, sleeper);
            wake_q_add_safe(ctx.machine, &mut wakeq, sleeper);
            wake_up_q(ctx, &mut wakeq);
        });
        setup.finally(move |_| assert_eq!(machine.task(sleeper).usage.load(Relaxed), 1, "a reference leaked"));
    })
}

const ABANDONED: Case = Case {
    incident: "wake-q",
    name: "abandoned-head",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: refused_then_accepted,
    rows: &[
        (kernel::WAKE_Q_ORDERED, Holds),
        (
            Kernel {
                label: Label::mutant(
                    "conditional-wake",
                    "a stopper is queued for its wakeup always, but woken only if enabled",
                ),
                queue_work: queue_work::Rev { wake: Wake::WakeQUnconditional, ..queue_work::ATOMICALLY },
                ..kernel::WAKE_Q_ORDERED
            },
            LostWakeup,
        ),
    ],
};

/// A work for a stopper that is not enabled yet, and one more when it is.
///
/// Result: Never
pub fn refused_then_accepted(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[26], kernel);
        let t = machine.new_task("T", 1, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let calls = ["first", "second"].map(|name| machine.stop_one_cpu_call(name, nothing, 0));
        machine.cpu_stopper(26).enabled.store(false, Relaxed);
        let machine = Arc::new(machine);
        machine.spawn(setup, t, move |ctx| {
            assert_eq!(stop_one_cpu(ctx, &calls[0], 26), Err(ENOENT));
            stop_machine_unpark(ctx, 26);
            assert_eq!(stop_one_cpu(ctx, &calls[1], 26), Ok(()));
        });
        machine.spawn_stoppers(setup, &[26]);
    })
}
