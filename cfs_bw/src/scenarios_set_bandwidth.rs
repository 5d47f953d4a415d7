// SPDX-License-Identifier: GPL-2.0-only
//! A quota is set, changed or lifted while CPUs throttle and timers pay.

use crate::catalogue::Case;
use crate::cfs_bandwidth::RUNTIME_INF;
use crate::distribute::{self, Look};
use crate::fair::{run_a_while, update_curr};
use crate::kernel::{self, Kernel};
use crate::machine::{Machine, Tunables};
use crate::scenarios_async::csd_interrupts;
use crate::scenarios_runtime::{LISTED_LATER, period_timer};
use crate::scenarios_throttle::assert_consistent;
use crate::set_bandwidth::{self, Throttled, tg_set_cfs_bandwidth};
use ksync::catalogue::Expected::{Holds, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[LIFTED, CHANGED, INNER];

const fn case(name: &'static str, scenario: fn(Kernel) -> Box<Scenario>) -> Case {
    Case { incident: "cfs-set-bandwidth", name, model: Model::Sc, loom: LoomUse::Agrees, scenario, rows: &[] }
}

const LIFTED: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::SILENT, Holds),
        (kernel::ASYNC_LISTED, Holds),
        (kernel::TASK_BASED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
        (
            Kernel {
                label: Label::mutant("left-to-the-timer", "tg_set_cfs_bandwidth() unthrottles nobody"),
                set_bandwidth: set_bandwidth::Rev { throttled: Throttled::LeftToTheTimer, ..set_bandwidth::ORIGIN },
                ..kernel::SILENT
            },
            Violated,
        ),
        (
            Kernel {
                label: Label::mutant(
                    "look-before-lock",
                    "looks whether a runqueue is throttled before it takes its lock",
                ),
                distribute: distribute::Rev { look: Look::BeforeLock, ..distribute::SILENT },
                ..kernel::SILENT
            },
            Race,
        ),
        (LISTED_LATER, Violated),
    ],
    loom: LoomUse::CannotCarry("five tasks, and loom has four"),
    ..case("limit-lifted", |kernel| new_limit(kernel, RUNTIME_INF))
};

const CHANGED: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::SILENT, Holds),
        (kernel::ASYNC_LISTED, Holds),
        (kernel::TASK_BASED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
        (
            Kernel {
                label: Label::mutant("unthrottles-first", "unthrottles, and then gives what it starts with"),
                set_bandwidth: set_bandwidth::Rev { throttled: Throttled::UnthrottledFirst, ..set_bandwidth::ONE },
                ..kernel::STARTS_WITH_ONE
            },
            Violated,
        ),
    ],
    ..case("limit-changed", |kernel| new_limit(kernel, 2))
};

/// A group gets another quota, or none, while CPU 2 is throttled and the timer comes; if none, CPU 1 runs out of runtime
/// meanwhile. Who is throttled in the end owes something, and without a quota nobody is.
///
/// Result: Never
pub fn new_limit(kernel: Kernel, quota: u64) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (1, 100));
        let [running, waiter] = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        machine.start_throttled(waiter, 0);
        let runs = quota == RUNTIME_INF;
        if runs {
            machine.start_running(running, 1);
        }
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        if runs {
            machine.spawn(setup, "runner/1", 1, move |ctx| run_a_while(ctx, running, |_| 1));
        }
        machine.spawn(setup, "setter/3", 3, move |ctx| {
            tg_set_cfs_bandwidth(ctx, tg, 100, quota, 0).expect("it makes sense");
        });
        csd_interrupts(setup, &machine);
        setup.finally(move |_| {
            assert_consistent(&machine);
            for this in machine.cfs_rqs(tg).map(|cfs_rq| machine.cfs_rq(cfs_rq)).filter(|this| this.throttled.get()) {
                assert!(quota != RUNTIME_INF, "throttled without a quota");
                assert!(this.runtime_remaining.get() <= 0, "throttled, and owes nothing");
            }
        });
    })
}

const INNER: Case = Case {
    rows: &[(kernel::TASK_BASED, Violated), (kernel::STARTS_WITH_ONE, Holds)],
    ..case("inner-quota", inner_quota)
};

/// Two tasks of an inner group are in limbo on CPU 1, where the outer one is throttled. The inner one gets a quota, of
/// which CPU 2 takes all; then the outer one is unthrottled.
///
/// Result: Violated in `TASK_BASED`
pub fn inner_quota(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables::MODEL);
        let outer = machine.new_group(None, (4, 100));
        let inner = machine.new_group(Some(outer), (RUNTIME_INF, 100));
        let [limbo, taker] = [0, 1].map(|cpu| machine.tg_cfs_rq(inner, Id::new(cpu)));
        machine.cfs_rqs(inner).for_each(|cfs_rq| machine.cfs_rq(cfs_rq).runtime_enabled.set(false));
        machine.start_throttled(machine.tg_cfs_rq(outer, Id::new(0)), 1);
        let second = machine.new_task(limbo);
        for task in [machine.task_of(limbo), second] {
            machine.start_in_limbo(task);
        }
        machine.start_running(taker, 0);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, outer, 1);
        machine.spawn(setup, "setter/2", 2, move |ctx| {
            tg_set_cfs_bandwidth(ctx, inner, 100, 4, 0).expect("it makes sense");
            let guard = ctx.machine.rq_of(taker).lock.lock_irq(ctx.current);
            update_curr(ctx, taker, 1);
            guard.unlock();
        });
        csd_interrupts(setup, &machine);
        setup.finally(move |_| assert_consistent(&machine));
    })
}
