// SPDX-License-Identifier: GPL-2.0-only
//! Who is throttled, on which list, and for how long: groups in groups, groups that wake up.

use crate::account::account_cfs_rq_runtime;
use crate::catalogue::Case;
use crate::cfs_bandwidth::CfsRq;
use crate::distribute::{self, Look};
use crate::enqueue_throttle;
use crate::fair::{dequeue_task_fair, enqueue_task_fair, run_a_while, wait_until_runnable};
use crate::kernel::{self, Kernel};
use crate::list::list_nodes;
use crate::machine::{Ctx, Machine, Tunables};
use crate::period_timer::sched_cfs_period_timer;
use crate::scenarios_async::csd_interrupts;
use crate::scenarios_distribute::TIMER_CPU;
use crate::scenarios_runtime::{assert_no_stall, period_timer};
use crate::throttle::{self, Decide, Up, check_cfs_rq_runtime};
use ksync::catalogue::Expected::{Holds, Unbounded, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Relaxed, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[HIERARCHY, WAKES, WAKES_THROTTLED, TWICE, DEBT];

const fn case(name: &'static str, scenario: fn(Kernel) -> Box<Scenario>) -> Case {
    Case { incident: "cfs-throttle", name, model: Model::Sc, loom: LoomUse::Agrees, scenario, rows: &[] }
}

/// What a machine counts and lists is what its runqueues are: everywhere, when nobody is in the middle of something.
pub(crate) fn assert_consistent(machine: &Machine) {
    for tg in machine.groups() {
        let listed: Vec<Id<CfsRq>> = list_nodes(machine, machine.cfs_b(tg).throttled_cfs_rq)
            .into_iter()
            .map(|node| machine.entry(node))
            .collect();
        for cfs_rq in machine.cfs_rqs(tg) {
            let this = machine.cfs_rq(cfs_rq);
            let throttled = |&tg: &Id<_>| machine.cfs_rq(machine.tg_cfs_rq(tg, this.rq)).throttled.get();
            let count = machine.ancestors(tg).filter(throttled).count();
            assert_eq!(this.throttle_count.get() as usize, count, "throttle_count: those around it, and itself");
            assert_eq!(listed.contains(&cfs_rq), this.throttled.get(), "who is throttled is on the list, once");
            let limbo = list_nodes(machine, this.throttled_limbo_list);
            for task in machine.tasks().map(|task| machine.task(task)).filter(|task| task.cfs_rq == cfs_rq) {
                assert_eq!(limbo.contains(&task.throttle_node), task.throttled.get(), "who is throttled is in limbo");
                assert!(!(task.throttled.get() && task.on_rq.get()), "in limbo and on the runqueue");
                assert!(!task.throttled.get() || count > 0, "in limbo, and its group is not throttled");
            }
        }
    }
}

const HIERARCHY: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::STARVATION, Holds),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Holds),
        (kernel::ASYNC_LISTED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
        (
            Kernel {
                label: Label::mutant("up-alone", "an unthrottle counts the group, and not those in it"),
                throttle: throttle::Rev { up: Up::Alone, ..throttle::UNDER_ONE_LOCK },
                ..kernel::SILENT
            },
            Violated,
        ),
    ],
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    ..case("hierarchy", hierarchy)
};

/// A group in a group, each with a quota that one CPU uses up, and the timers of both.
///
/// Result: Never
pub fn hierarchy(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel, Tunables::MODEL);
        let outer = machine.new_group(None, (1, 100));
        let inner = machine.new_group(Some(outer), (1, 100));
        let [around, cfs_rq] = [outer, inner].map(|tg| machine.tg_cfs_rq(tg, Id::new(0)));
        machine.cfs_rq(around).runtime_remaining.set(1);
        machine.start_running(cfs_rq, 1);
        let machine = Arc::new(machine);
        for (cpu, tg) in [(TIMER_CPU, outer), (TIMER_CPU + 1, inner)] {
            machine.spawn(setup, format!("timer/{cpu}"), cpu, move |ctx| {
                ctx.current.local_irq_disable();
                sched_cfs_period_timer(ctx, tg);
            });
        }
        let run = move |ctx: &Ctx| {
            for _ in 0..3 {
                wait_until_runnable(ctx, cfs_rq);
                run_a_while(ctx, cfs_rq, |_| 1);
            }
        };
        machine.spawn(setup, "runner/1", 1, run).daemon();
        csd_interrupts(setup, &machine);
        setup.finally(move |_| assert_consistent(&machine));
    })
}

const WAKES: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::FROM_THE_POOL, Holds),
        (
            Kernel {
                label: Label::mutant("does-not-ask", "throttles who wakes with a debt, and asks no pool"),
                wakes: enqueue_throttle::Rev::DoesNotAsk,
                ..kernel::FROM_THE_POOL
            },
            Violated,
        ),
        (kernel::SILENT, Holds),
        (
            Kernel {
                label: Label::mutant("wakes-unchecked", "has no check_enqueue_throttle()"),
                wakes: enqueue_throttle::Rev::Nothing,
                ..kernel::SILENT
            },
            Violated,
        ),
        (kernel::ASYNC_LISTED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
    ],
    ..case("wakes-with-a-debt", wakes_with_a_debt)
};

/// A group wakes up on CPU 1 with a debt, while CPU 2 takes what is in the pool.
///
/// Result: Never
pub fn wakes_with_a_debt(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables { slice: 1, ..Tunables::MODEL });
        let tg = machine.new_group(None, (4, 100));
        machine.cfs_b(tg).runtime.set(4);
        let [woken, other] = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        machine.cfs_rq(woken).runtime_remaining.set(-1);
        machine.start_running(other, 1);
        let machine = Arc::new(machine);
        machine.spawn(setup, "waker/1", 1, move |ctx| {
            let this = ctx.machine.cfs_rq(woken);
            let guard = ctx.machine.rq_of(woken).lock.lock_irq(ctx.current);
            enqueue_task_fair(ctx, ctx.machine.task_of(woken));
            assert!(this.throttled.get() || this.runtime_remaining.get() > 0, "it runs on a debt");
            guard.unlock();
        });
        machine.spawn(setup, "charged/2", 2, move |ctx| {
            let guard = ctx.machine.rq_of(other).lock.lock_irq(ctx.current);
            account_cfs_rq_runtime(ctx, other, 3);
            guard.unlock();
        });
        setup.finally(move |_| assert_no_stall(&machine, tg));
    })
}

const WAKES_THROTTLED: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::SILENT, Holds),
        (
            Kernel {
                label: Label::mutant("throttled-too", "throttles who wakes in a group that is throttled already"),
                wakes: enqueue_throttle::Rev::ThrottledToo,
                ..kernel::SILENT
            },
            Violated,
        ),
        (kernel::ASYNC_LISTED, Holds),
    ],
    ..case("wakes-throttled", wakes_throttled)
};

/// A throttled group's only task went to sleep, and wakes up while the timer comes.
///
/// Result: Never
pub fn wakes_throttled(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (3, 100));
        let cfs_rq = machine.tg_cfs_rq(tg, Id::new(0));
        machine.start_throttled(cfs_rq, 1);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        machine.spawn(setup, "waker/1", 1, move |ctx| {
            for turn in [dequeue_task_fair, enqueue_task_fair] {
                let guard = ctx.machine.rq_of(cfs_rq).lock.lock_irq(ctx.current);
                turn(ctx, ctx.machine.task_of(cfs_rq));
                guard.unlock();
            }
        });
        csd_interrupts(setup, &machine);
        setup.finally(move |_| {
            assert_consistent(&machine);
            assert_eq!(machine.rq_of(cfs_rq).nr_running.load(Relaxed), 1, "3 ns pay its debt, and it runs");
        });
    })
}

const TWICE: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::REFILLS_FIRST, Holds),
        (kernel::UNDER_ONE_LOCK, Holds),
        (
            Kernel {
                label: Label::mutant("looks-at-pool", "sees that there is runtime, and takes none of it"),
                throttle: throttle::Rev { decide: Decide::Looks, ..throttle::UNDER_ONE_LOCK },
                ..kernel::UNDER_ONE_LOCK
            },
            Violated,
        ),
    ],
    ..case("asked-twice", asked_twice)
};

/// CPU 1 asks twice in one `schedule()` whether its group is throttled, in the pick and in the put. The timer refills
/// the pool meanwhile, and CPU 2 takes all of it.
///
/// Result: Never
pub fn asked_twice(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (2, 100));
        let [asking, taker] = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        machine.start_running(asking, 0);
        machine.start_running(taker, 1);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        machine.spawn(setup, "schedule/1", 1, move |ctx| {
            let guard = ctx.machine.rq_of(asking).lock.lock_irq(ctx.current);
            let [pick, put] = [0, 1].map(|_| check_cfs_rq_runtime(ctx, asking));
            assert_eq!(pick, put, "the task was picked as one that may run, and put as one that may not");
            guard.unlock();
        });
        machine.spawn(setup, "taker/2", 2, move |ctx| {
            let guard = ctx.machine.rq_of(taker).lock.lock_irq(ctx.current);
            account_cfs_rq_runtime(ctx, taker, 1);
            guard.unlock();
        });
    })
}

const DEBT: Case = Case {
    incident: "cfs-distribute",
    rows: &[
        (kernel::NOT_THROTTLED, Holds),
        (kernel::FROM_THE_POOL, Holds),
        (kernel::SILENT, Holds),
        (
            Kernel {
                label: Label::mutant("stale-debt", "computes the debt in a section of rq->lock before it pays"),
                distribute: distribute::Rev { look: Look::DebtBefore, ..distribute::SILENT },
                ..kernel::SILENT
            },
            Unbounded,
        ),
    ],
    ..case("debt-and-one", debt_and_one)
};

/// A throttled CPU looks for work elsewhere, which charges it once more, while the timer pays it. A visit pays what is
/// owed then and 1 ns, so there is one.
///
/// Result: Never
pub fn debt_and_one(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (4, 100));
        let cfs_rq = machine.tg_cfs_rq(tg, Id::new(0));
        let visits = setup.bounded_work("visits", 1);
        machine.on_visit(move |_| visits.round());
        machine.start_throttled(cfs_rq, 1);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        machine.spawn(setup, "idle_balance/1", 1, move |ctx| {
            let guard = ctx.machine.rq_of(cfs_rq).lock.lock_irq(ctx.current);
            account_cfs_rq_runtime(ctx, cfs_rq, 1);
            guard.unlock();
        });
    })
}
