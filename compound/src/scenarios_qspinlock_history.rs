// SPDX-License-Identifier: GPL-2.0-only
//! The fixes of the queued spinlock, each with what it fixed.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::Machine;
use crate::qspinlock::{
    self, HandOver, QSpinLock, queued_spin_is_contended, queued_spin_is_locked, queued_spin_lock,
    queued_spin_lock_slowpath, queued_spin_unlock,
};
use crate::qspinlock_queue::{MAX_NODES, pass_turn, wait_for_next};
use crate::qspinlock_word::{_Q_LOCKED_VAL, _Q_PENDING_VAL, encode_tail};
use crate::scenarios_qspinlock::{NO_DEPENDENCY, NO_END, STALE_OWNED, STALE_QUEUE, two_in_the_queue};
use ksync::Weakness::{NoFence, RelaxedLoad};
use ksync::catalogue::Expected::{Holds, Lockup, Race, Unbounded, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Atomic, Model, Plain, Relaxed, Scenario, smp_acquire__after_ctrl_dep};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[IS_LOCKED, PUBLICATION, PUBLICATION_RC11, NESTED, ROUNDS, HAND_OVERS, LEVELS];

fn held(name: &str) -> QSpinLock {
    QSpinLock::with_val(_Q_LOCKED_VAL, name)
}

const IS_LOCKED: Case = Case {
    incident: "qspinlock",
    name: "is-locked",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: waiter_is_on_the_lock,
    rows: &[(kernel::QSPINLOCK, Violated), (kernel::IS_LOCKED, Holds)],
};

/// A waiter is seen on the lock; when the lock is free, that waiter is gone.
///
/// Result: Violated in QSPINLOCK
pub fn waiter_is_on_the_lock(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::with_cpus(kernel, 1));
        let lock = Arc::new((held("lock"), Atomic::named(false, format_args!("done"))));
        let (waits, watched) = (lock.clone(), lock.clone());
        machine.spawn(setup, "waiter", 0, move |ctx| {
            queued_spin_lock_slowpath(ctx, &waits.0, STALE_OWNED);
            waits.1.store(true, Relaxed);
            queued_spin_unlock(ctx.machine, &waits.0);
        });
        machine.spawn(setup, "owner", 1, move |ctx| queued_spin_unlock(ctx.machine, &lock.0));
        machine.spawn(setup, "watcher", 2, move |ctx| {
            let (lock, done) = &*watched;
            if queued_spin_is_contended(lock) && !queued_spin_is_locked(ctx.machine, lock) {
                smp_acquire__after_ctrl_dep();
                assert!(done.load(Relaxed), "the lock is free while its waiter takes it");
            }
        });
    })
}

/// The kernel's memory model forbids what 95bcade33a8a fixed, in this form of the lock: a head has read the tail, a
/// release, before it passes its turn, and passing is a release, which orders that read. C stores halves of the word,
/// of which the model says nothing. C11 orders no write behind that read: `publication-rc11`.
const PUBLICATION: Case = Case {
    incident: "qspinlock",
    name: "publication",
    model: Model::Lkmm,
    loom: NO_END,
    scenario: two_in_the_queue,
    rows: &[
        (kernel::XCHG_RELEASE, Holds),
        (kernel::STORE_RELEASE, Holds),
        (kernel::FETCH_OR, Holds),
        (kernel::WMB, Holds),
        (NO_WMB, Lockup),
        (NO_DEPENDENCY, Lockup),
    ],
};

const NO_WMB: Kernel = Kernel {
    label: Label::mutant("no-wmb", "a node is published without a barrier")
        .without(&[("wait_in_queue", NoFence(Fence::Wmb))]),
    ..kernel::MAINLINE
};
const PUBLICATION_RC11: Case = Case {
    name: "publication-rc11",
    model: Model::Rc11,
    rows: &[
        (kernel::XCHG_RELEASE, Lockup),
        (kernel::STORE_RELEASE, Holds),
        (kernel::WMB, Holds),
        (NO_WMB, Lockup),
        (NO_DEPENDENCY, Lockup),
        (
            Kernel {
                label: Label::mutant("relaxed-next", "what a link points to is not ordered behind it")
                    .without(&[("look_for_next", RelaxedLoad), ("wait_for_next", RelaxedLoad)]),
                ..kernel::MAINLINE
            },
            Lockup,
        ),
    ],
    ..PUBLICATION
};

const NESTED: Case = Case {
    incident: "qspinlock",
    name: "interrupted-queueing",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("needs interrupts"),
    scenario: interrupted_queueing,
    rows: &[(kernel::COUNT_LATE, Race), (kernel::COUNT_FIRST, Holds)],
};

/// A CPU queues for one lock; its interrupt handler queues for another, of which a neighbour is the first, with its
/// last node. Then the neighbour queues for the lock of the task.
///
/// Result: Race in COUNT_LATE
pub fn interrupted_queueing(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::with_cpus(kernel, 2));
        let data = Plain::named(0u32, format_args!("data"));
        let locks = Arc::new((held("outer"), QSpinLock::with_val(encode_tail(1, 3), "inner"), data));
        let (handlers, others, owned) = (locks.clone(), locks.clone(), locks.clone());
        let handling = machine.clone();
        let irq = setup.irq("irq", 0, move |current| {
            queued_spin_lock_slowpath(&handling.on(current), &handlers.1, STALE_QUEUE);
            queued_spin_unlock(&handling, &handlers.1);
        });
        machine.spawn(setup, "T", 0, move |ctx| {
            irq.raise();
            queued_spin_lock_slowpath(ctx, &locks.0, STALE_QUEUE);
            locks.2.set(locks.2.get() + 1);
            queued_spin_unlock(ctx.machine, &locks.0);
        });
        machine.spawn(setup, "neighbour", 1, move |ctx| {
            let next = wait_for_next(&ctx.machine.qnodes(1)[3]).expect("the handler comes");
            pass_turn(ctx.machine.qnode(next));
            queued_spin_lock_slowpath(ctx, &others.0, STALE_QUEUE);
            others.2.set(others.2.get() + 1);
            queued_spin_unlock(ctx.machine, &others.0);
        });
        machine.spawn(setup, "owner", 2, move |ctx| queued_spin_unlock(ctx.machine, &owned.0));
    })
}

const ROUNDS: Case = Case {
    incident: "qspinlock",
    name: "announces-itself",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: lock_comes_and_goes,
    rows: &[(kernel::CMPXCHG_LOOP, Unbounded), (kernel::FETCH_OR, Holds)],
};

/// A waiter announces itself while another CPU takes and releases the lock again and again: twice as many times as
/// the waiter may try.
///
/// Result: Unbounded in CMPXCHG_LOOP
pub fn lock_comes_and_goes(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let tries = setup.bounded_work("attempts to announce a waiter", 2);
        let machine = Arc::new(Machine::with_cpus(kernel, 2).counting(tries));
        let lock = Arc::new(QSpinLock::with_val(0, "lock"));
        let others = lock.clone();
        machine.spawn(setup, "waiter", 0, move |ctx| {
            queued_spin_lock_slowpath(ctx, &lock, STALE_OWNED);
            queued_spin_unlock(ctx.machine, &lock);
        });
        machine.spawn(setup, "others", 1, move |ctx| {
            for _ in 0..4 {
                queued_spin_lock(ctx, &others);
                queued_spin_unlock(ctx.machine, &others);
            }
        });
    })
}

const HAND_OVERS: Case = Case {
    incident: "qspinlock",
    name: "stream-of-hand-overs",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: lock_is_handed_over_often,
    rows: &[(kernel::MAINLINE, Holds), (WAITS_FOR_EACH, Unbounded)],
};

/// As v4.17 had it, beside another such loop.
const WAITS_FOR_EACH: Kernel = Kernel {
    label: Label::mutant("waits-for-each", "a newcomer waits for every hand-over that it finds"),
    qspinlock: qspinlock::Rev { hand_over: HandOver::Unbounded, ..qspinlock::MAINLINE },
    ..kernel::MAINLINE
};

/// A newcomer finds the lock in the middle of a hand-over, while two other CPUs hand it to each other.
///
/// Result: Unbounded in WAITS_FOR_EACH
pub fn lock_is_handed_over_often(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let looks = setup.bounded_work("hand-overs that a newcomer waits for", 2);
        let machine = Arc::new(Machine::with_cpus(kernel, 3).counting(looks));
        let owners = Arc::new(machine.uncounted());
        let lock = Arc::new(QSpinLock::with_val(0, "lock"));
        let newcomers = lock.clone();
        machine.spawn(setup, "newcomer", 0, move |ctx| {
            queued_spin_lock_slowpath(ctx, &newcomers, _Q_PENDING_VAL);
            queued_spin_unlock(ctx.machine, &newcomers);
        });
        for cpu in [1, 2] {
            let lock = lock.clone();
            owners.spawn(setup, &format!("owner/{cpu}"), cpu, move |ctx| {
                for _ in 0..2 {
                    queued_spin_lock(ctx, &lock);
                    queued_spin_unlock(ctx.machine, &lock);
                }
            });
        }
    })
}

const LEVELS: Case = Case {
    incident: "qspinlock",
    name: "five-levels",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: five_levels,
    rows: &[(kernel::FOUR_LEVELS, Violated), (kernel::NO_NODE, Holds)],
};

/// A CPU whose four nodes are in use queues once more.
///
/// Result: Violated in FOUR_LEVELS
pub fn five_levels(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::with_cpus(kernel, 2));
        let guarded = Arc::new((held("lock"), Plain::named(0u32, format_args!("data"))));
        let after = guarded.clone();
        for (cpu, in_use) in [(0, MAX_NODES as u32), (1, 0)] {
            let guarded = guarded.clone();
            machine.spawn(setup, &format!("T{cpu}"), cpu, move |ctx| {
                let count = &ctx.machine.qnodes(cpu)[0].count;
                count.set(in_use);
                queued_spin_lock_slowpath(ctx, &guarded.0, STALE_QUEUE);
                guarded.1.set(guarded.1.get() + 1);
                queued_spin_unlock(ctx.machine, &guarded.0);
                assert_eq!(count.get(), in_use, "the node is free again");
            });
        }
        let owned = guarded.clone();
        machine.spawn(setup, "owner", 2, move |ctx| queued_spin_unlock(ctx.machine, &owned.0));
        setup.finally(move |_| assert_eq!(after.1.get(), 2));
    })
}
