// SPDX-License-Identifier: GPL-2.0-only
//! What becomes of the runtime: nothing is spent twice, nobody waits while there is some, and nobody gets all of it.

use crate::account::{self, account_cfs_rq_runtime};
use crate::catalogue::Case;
use crate::cfs_bandwidth::TaskGroup;
use crate::distribute::{self, Look, Pay, Source};
use crate::fair::{run_a_while, run_for_ever, wait_until_runnable};
use crate::kernel::{self, Kernel};
use crate::list::list_empty;
use crate::machine::{Ctx, Machine, Tunables};
use crate::period_timer::sched_cfs_period_timer;
use crate::scenarios_async::csd_interrupts;
use crate::scenarios_distribute::TIMER_CPU;
use crate::slack::do_sched_cfs_slack_timer;
use crate::throttle::{self, Decide, Enlist, Insert};
use ksync::catalogue::Expected::{Holds, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Scenario, Setup, busy};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[SPENT_ONCE, STALL, ONE_GETS_ALL, FRONT, FRONT_RACE, TWO_TIMERS];

const fn mutant(name: &'static str, what: &'static str, distribute: distribute::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), distribute, ..kernel::SILENT }
}

/// Declares the period timer of a group: so many periods.
pub(crate) fn period_timer(setup: &mut Setup, machine: &Arc<Machine>, tg: Id<TaskGroup>, periods: u32) {
    machine.spawn(setup, format!("timer/{TIMER_CPU}"), TIMER_CPU, move |ctx| {
        ctx.current.local_irq_disable();
        for period in 0..periods {
            if period > 0 {
                busy(ctx.machine.cfs_b(tg).period.get());
            }
            sched_cfs_period_timer(ctx, tg);
        }
    });
}

/// Nobody waits for runtime while there is some.
pub(crate) fn assert_no_stall(machine: &Machine, tg: Id<TaskGroup>) {
    let cfs_b = machine.cfs_b(tg);
    let waits = !list_empty(machine, cfs_b.throttled_cfs_rq);
    assert!(!(waits && cfs_b.runtime.get() > 0), "throttled until the next period, with runtime in the pool");
}

const SPENT_ONCE: Case = Case {
    incident: "cfs-distribute",
    name: "spent-once",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: spent_once,
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::NEAR_INFINITE, Violated),
        (kernel::STARVATION, Violated),
        (kernel::DOUBLED, Violated),
        (kernel::FROM_THE_POOL, Holds),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Violated),
        (
            mutant(
                "written-back",
                "what is left of the snapshot becomes the pool",
                distribute::Rev { source: Source::SnapshotWrittenBack, ..distribute::SILENT },
            ),
            Violated,
        ),
    ],
};

/// What was run, what the CPUs have left and what is in the pool are together what the refill brought.
///
/// Result: Violated from `NEAR_INFINITE` to `FROM_THE_POOL`
pub fn spent_once(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (4, 100));
        let [first, second] = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        machine.start_throttled(first, 1);
        machine.start_throttled(second, 0);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        machine.spawn(setup, "busy/1", 1, move |ctx| run_for_ever(ctx, first)).daemon();
        csd_interrupts(setup, &machine);
        setup.finally(move |_| {
            let all = || machine.cfs_rqs(tg).map(|cfs_rq| machine.cfs_rq(cfs_rq));
            let run: u64 = all().map(|cfs_rq| cfs_rq.sum_exec_runtime.get()).sum();
            let left: i64 = all().map(|cfs_rq| cfs_rq.runtime_remaining.get()).sum();
            let pool = machine.cfs_b(tg).runtime.get();
            assert_eq!(run as i64 + left + pool as i64, 4 - 1, "the quota, less the debt");
        });
    })
}

const STALL: Case = Case {
    incident: "cfs-throttle",
    name: "refill-races-throttle",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: refill_races_throttle,
    rows: &[
        (kernel::BEFORE, Violated),
        (kernel::STARVATION, Violated),
        (kernel::REFILLS_FIRST, Violated),
        (kernel::UNDER_ONE_LOCK, Holds),
        (kernel::SILENT, Holds),
        (kernel::ASYNC, Holds),
        (kernel::ASYNC_LISTED, Holds),
        (kernel::TASK_BASED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
        (kernel::RHEL_7_9, Violated),
        (
            Kernel {
                label: Label::mutant("two-sections", "looks into the pool again, but unlocks before it inserts"),
                throttle: throttle::Rev { decide: Decide::InTwoSections, ..throttle::UNDER_ONE_LOCK },
                ..kernel::SILENT
            },
            Violated,
        ),
        (LISTED_LATER, Violated),
    ],
};

/// The runqueue is marked in a section of its lock, and put on the list outside of it.
pub(crate) const LISTED_LATER: Kernel = Kernel {
    label: Label::mutant("listed-later", "is throttled first, and on the list when its lock is free again"),
    throttle: throttle::Rev { enlist: Enlist::AfterUnlock, ..throttle::UNDER_ONE_LOCK },
    ..kernel::SILENT
};

/// A CPU runs out of runtime while the period's timer comes.
///
/// Result: Violated up to `FROM_THE_POOL`
pub fn refill_races_throttle(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (3, 100));
        let cfs_rq = machine.tg_cfs_rq(tg, Id::new(0));
        machine.start_running(cfs_rq, 1);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        machine.spawn(setup, "busy/1", 1, move |ctx| run_for_ever(ctx, cfs_rq)).daemon();
        csd_interrupts(setup, &machine);
        setup.finally(move |_| assert_no_stall(&machine, tg));
    })
}

const ONE_GETS_ALL: Case = Case {
    incident: "cfs-throttle",
    name: "throttled-is-charged",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: throttled_is_charged,
    rows: &[
        (kernel::NEAR_INFINITE, Violated),
        (kernel::SLACK_LEFT, Violated),
        (kernel::NOT_THROTTLED, Holds),
        (kernel::DOUBLED, Holds),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Violated),
        (
            Kernel {
                label: Label::mutant("charge-throttled", "without the early return for who is throttled"),
                account: account::ORIGIN,
                ..kernel::SILENT
            },
            Violated,
        ),
    ],
};

/// CPU 1 is throttled and looks for work elsewhere, which charges it once more.
///
/// Result: Violated before `NOT_THROTTLED`
pub fn throttled_is_charged(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables { slice: 2, ..Tunables::MODEL });
        let tg = machine.new_group(None, (6, 100));
        let [charged, victim] = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        machine.start_throttled(charged, 1);
        machine.start_throttled(victim, 1);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        machine.spawn(setup, "idle_balance/1", 1, move |ctx| {
            let guard = ctx.machine.rq_of(charged).lock.lock_irq(ctx.current);
            account_cfs_rq_runtime(ctx, charged, 1);
            guard.unlock();
        });
        setup.finally(move |_| assert!(!machine.cfs_rq(victim).throttled.get(), "6 ns pay both debts and a slice"));
    })
}

const FRONT: Case = Case {
    incident: "cfs-throttle",
    name: "small-quota",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("loom has no clock"),
    scenario: |kernel| small_quota(kernel, 1),
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::NEAR_INFINITE, Violated),
        (kernel::GENERATION, Violated),
        (kernel::STARVATION, Holds),
        (kernel::FROM_THE_POOL, Holds),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Holds),
        (
            Kernel {
                label: Label::mutant("head-insert", "always at the head, behind any walker"),
                throttle: throttle::Rev { insert: Insert::Head, ..throttle::UNDER_ONE_LOCK },
                ..kernel::SILENT
            },
            Violated,
        ),
    ],
};

const FRONT_RACE: Case = Case {
    incident: "cfs-throttle",
    name: "small-quota-race",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("loom has no clock"),
    scenario: |kernel| small_quota(kernel, 0),
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::NEAR_INFINITE, Violated),
        (kernel::STARVATION, Violated),
        (kernel::FROM_THE_POOL, Violated),
        (kernel::UNDER_ONE_LOCK, Holds),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Violated),
    ],
};

/// A quota that pays for one CPU in each period; CPU 1 always runs into debt again, `after` ns from when it may run:
/// 0 is at once, while the walker still walks. CPU 2 must have its turn.
///
/// Result: Violated in `NEAR_INFINITE`, and in `STARVATION` if `after` is 0
pub fn small_quota(kernel: Kernel, after: u64) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables::MODEL);
        machine.set_clock(ksync::now);
        let tg = machine.new_group(None, (2, 100));
        let [greedy, victim] = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        machine.start_throttled(greedy, 1);
        machine.start_throttled(victim, 1);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 3);
        machine.spawn(setup, "greedy/1", 1, move |ctx| overrun_for_ever(ctx, greedy, after)).daemon();
        setup.finally(move |_| assert!(!machine.cfs_rq(victim).throttled.get(), "3 periods pay for both"));
    })
}

/// A CPU that notices late, by 1 ns, that it has run too long.
fn overrun_for_ever(ctx: &Ctx, cfs_rq: Id<crate::cfs_bandwidth::CfsRq>, after: u64) {
    loop {
        wait_until_runnable(ctx, cfs_rq);
        if after > 0 {
            busy(after);
        }
        run_a_while(ctx, cfs_rq, |remaining| remaining.max(0) as u64 + 1);
    }
}

const TWO_TIMERS: Case = Case {
    incident: "cfs-distribute",
    name: "two-timers",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: two_timers,
    rows: &[
        (kernel::STARVATION, Violated),
        (kernel::UNDER_ONE_LOCK, Violated),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Violated),
        (
            mutant(
                "pay-anybody",
                "pays first, and looks whether it was throttled afterwards",
                distribute::Rev { pay: Pay::ToAnybody, ..distribute::SILENT },
            ),
            Violated,
        ),
        (
            mutant(
                "look-before-lock",
                "looks whether a runqueue is throttled before it takes its lock",
                distribute::Rev { look: Look::BeforeLock, ..distribute::SILENT },
            ),
            Race,
        ),
    ],
};

/// The slack timer distributes what is left while the period's timer comes.
///
/// Result: Violated in revisions that let one of them give way
pub fn two_timers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables { slice: 1, ..Tunables::MODEL });
        let tg = machine.new_group(None, (4, 100));
        machine.cfs_rqs(tg).for_each(|cfs_rq| machine.start_throttled(cfs_rq, 1));
        machine.cfs_b(tg).runtime.set(2);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        machine.spawn(setup, "slack_timer/3", 3, move |ctx| {
            ctx.current.local_irq_disable();
            do_sched_cfs_slack_timer(ctx, tg);
        });
        setup.finally(move |_| assert_no_stall(&machine, tg));
    })
}
