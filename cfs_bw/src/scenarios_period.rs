// SPDX-License-Identifier: GPL-2.0-only
//! From one period to the next: what expires, what is carried over, and a handler that takes longer than its period.

use crate::catalogue::Case;
use crate::cfs_bandwidth::{CfsRq, TaskGroup};
use crate::fair::run_a_while;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine, Tunables};
use crate::period_timer::{self, Refill, sched_cfs_period_timer};
use crate::scenarios_distribute::TIMER_CPU;
use ksync::catalogue::Expected::{Holds, Unbounded, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Scenario, Setup, busy};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] =
    &[UNUSED_SLICE, OLD_SLICE, LONG_ITERATION, LONGEST_PERIOD, RATIO, OLD_PERIOD, CARRIED_OVER, LATE];

const fn case(name: &'static str, scenario: fn(Kernel) -> Box<Scenario>) -> Case {
    let loom = LoomUse::CannotCarry("loom has no clock");
    Case { incident: "cfs-period", name, model: Model::Sc, loom, scenario, rows: &[] }
}

/// Two periods of a group on one CPU: `in_first` ns are run at 1, `in_second` ns at 150; then `check`.
fn two_periods(
    setup: &mut Setup,
    (machine, tg): (Machine, Id<TaskGroup>),
    (in_first, in_second): (u64, u64),
    check: fn(&Machine, Id<CfsRq>),
) {
    let mut machine = machine;
    machine.set_clock(ksync::now);
    let cfs_rq = machine.tg_cfs_rq(tg, Id::new(0));
    machine.start_running(cfs_rq, 0);
    let machine = Arc::new(machine);
    machine.spawn(setup, "periods", 1, move |ctx| {
        sched_cfs_period_timer(ctx, tg);
        busy(1);
        run_ns(ctx, cfs_rq, in_first);
        busy(99);
        sched_cfs_period_timer(ctx, tg);
        busy(50);
        run_ns(ctx, cfs_rq, in_second);
        check(ctx.machine, cfs_rq);
    });
}

/// Runs so long, noticing each nanosecond; less if it is throttled.
fn run_ns(ctx: &Ctx, cfs_rq: Id<CfsRq>, ns: u64) {
    run_a_while(ctx, cfs_rq, |_| 0);
    for _ in 0..ns {
        run_a_while(ctx, cfs_rq, |_| 1);
    }
}

/// One CPU in a group with a quota of 4, where a slice is 2 and nothing is returned.
fn one_cpu(kernel: Kernel) -> (Machine, Id<TaskGroup>) {
    let mut machine = Machine::new(&[1], kernel, Tunables { slice: 2, ..Tunables::MODEL });
    let tg = machine.new_group(None, (4, 100));
    (machine, tg)
}

const UNUSED_SLICE: Case = Case {
    rows: &[
        (kernel::ORIGIN, Violated),
        (kernel::UNLOCKED_READS, Holds),
        (kernel::GENERATION, Violated),
        (kernel::NOT_THROTTLED, Violated),
        (kernel::NO_EXPIRY, Holds),
        (kernel::RHEL_7_9, Holds),
        (kernel::BURST, Holds),
    ],
    ..case("unused-slice", unused_slice)
};

/// A CPU that uses half of its slice keeps the rest.
///
/// Result: Violated in `ORIGIN`, and from `GENERATION` to `NO_EXPIRY`
pub fn unused_slice(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        two_periods(setup, one_cpu(kernel), (1, 0), |machine, cfs_rq| {
            assert_eq!(machine.cfs_rq(cfs_rq).runtime_remaining.get(), 1, "what it did not use is still there");
        });
    })
}

const OLD_SLICE: Case = Case {
    rows: &[
        (kernel::ORIGIN, Holds),
        (kernel::UNLOCKED_READS, Violated),
        (kernel::NEAR_INFINITE, Violated),
        (kernel::GENERATION, Holds),
        (kernel::NO_EXPIRY, Violated),
        (kernel::RHEL_7_9, Violated),
        (kernel::BURST, Violated),
    ],
    ..case("old-slice", old_slice)
};

/// The other side of it: in no period is more used than the quota. Since `NO_EXPIRY` that is given up on purpose, by
/// as much as a CPU may keep.
///
/// Result: Violated in `UNLOCKED_READS`, and since `NO_EXPIRY`
pub fn old_slice(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        two_periods(setup, one_cpu(kernel), (1, 9), |machine, cfs_rq| {
            assert!(
                machine.cfs_rq(cfs_rq).sum_exec_runtime.get() <= 1 + 4,
                "1 ns in the first period, then the quota"
            );
        });
    })
}

/// A handler whose only visit takes 12 ns of a period of 10, and a debt that takes for ever to pay.
fn slow_handler(setup: &mut Setup, kernel: Kernel, max_period: u64, quota: u64, bound: u64) -> Arc<Machine> {
    let mut machine = Machine::new(&[1], kernel, Tunables { max_period, ..Tunables::MODEL });
    machine.set_clock(ksync::now);
    let tg = machine.new_group(None, (quota, 10));
    let iterations = setup.bounded_work("iterations", bound);
    machine.on_visit(move |_| {
        iterations.round();
        busy(12);
    });
    machine.start_throttled(machine.tg_cfs_rq(tg, Id::new(0)), DEBT);
    let machine = Arc::new(machine);
    machine.spawn(setup, format!("timer/{TIMER_CPU}"), TIMER_CPU, move |ctx| {
        ctx.current.local_irq_disable();
        sched_cfs_period_timer(ctx, tg);
    });
    machine
}

const DEBT: i64 = 1_000_000;

const LONG_ITERATION: Case = Case {
    rows: &[
        (kernel::BEFORE, Unbounded),
        (kernel::STARVATION, Unbounded),
        (kernel::LIMITED, Holds),
        (kernel::DOUBLED, Holds),
        (kernel::RHEL_7_9, Holds),
        (kernel::BURST, Holds),
    ],
    ..case("long-iteration", long_iteration)
};

/// Each iteration of the handler takes longer than the period.
///
/// Result: Unbounded before `LIMITED`
pub fn long_iteration(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        slow_handler(setup, kernel, 1000, 20, 40);
    })
}

const LONGEST_PERIOD: Case = Case {
    rows: &[
        (kernel::STARVATION, Unbounded),
        (kernel::LIMITED, Holds),
        (kernel::DOUBLED, Unbounded),
        (kernel::RHEL_7_9, Unbounded),
        (kernel::BURST, Unbounded),
    ],
    ..case("longest-period", longest_period)
};

/// The same where twice the period would be beyond the longest one: C only warns.
///
/// Result: Unbounded before `LIMITED`, and again since `DOUBLED`
pub fn longest_period(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        slow_handler(setup, kernel, 15, 20, 40);
    })
}

const RATIO: Case = Case {
    rows: &[
        (kernel::LIMITED, Violated),
        (kernel::NO_EXPIRY, Violated),
        (kernel::DOUBLED, Holds),
        (kernel::RHEL_7_9, Holds),
        (kernel::BURST, Holds),
    ],
    ..case("ratio", ratio)
};

/// After it was scaled, the group has the share that it had: children are measured by `(quota << 20) / period`.
///
/// Result: Violated from `LIMITED` to `DOUBLED`
pub fn ratio(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = slow_handler(setup, kernel, 1000, 3, 40);
        setup.finally(move |_| {
            let cfs_b = machine.cfs_b(Id::new(0));
            assert_eq!((cfs_b.quota.get() << 20) / cfs_b.period.get(), (3 << 20) / 10, "the share");
        });
    })
}

const OLD_PERIOD: Case = Case {
    rows: &[
        (kernel::LIMITED, Violated),
        (kernel::DOUBLED, Violated),
        (kernel::FROM_THE_POOL, Violated),
        (kernel::REFILLS_FIRST, Holds),
        (kernel::BURST, Holds),
        (kernel::RHEL_7_9, Violated),
    ],
    ..case("refill-before-scale", refill_before_scale)
};

/// What was paid is no more than the periods that went by brought.
///
/// Result: Violated before `REFILLS_FIRST`
pub fn refill_before_scale(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = slow_handler(setup, kernel, 1000, 20, 40);
        setup.finally(move |_| {
            let remaining = machine.cfs_rq(machine.tg_cfs_rq(Id::new(0), Id::new(0))).runtime_remaining.get();
            let periods = machine.cfs_b(Id::new(0)).period_timer.expires.get() / 10;
            assert!(remaining + DEBT <= 20 * periods as i64, "20 ns for each 10 ns");
        });
    })
}

const CARRIED_OVER: Case =
    Case { rows: &[(kernel::SILENT, Violated), (kernel::BURST, Holds)], ..case("carried-over", carried_over) };

/// A burst of 1 ns: of the 2 ns that the first period leaves in the pool, the second one has 1 more.
///
/// Result: Violated before `BURST`
pub fn carried_over(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let (machine, tg) = one_cpu(kernel);
        machine.cfs_b(tg).burst.set(1);
        two_periods(setup, (machine, tg), (1, 9), |machine, cfs_rq| {
            let run = machine.cfs_rq(cfs_rq).sum_exec_runtime.get();
            assert_eq!(run, 2 + 4 + 1, "a slice of the first period, the quota, and the burst");
        });
    })
}

const LATE: Case = Case {
    rows: &[
        (kernel::BEFORE, Holds),
        (kernel::BURST, Holds),
        (
            Kernel {
                label: Label::mutant("times-overrun", "a late timer refills for all periods that it missed"),
                period: period_timer::Rev { refill: Refill::TimesOverrun, ..period_timer::REFILLS_FIRST },
                ..kernel::SILENT
            },
            Violated,
        ),
    ],
    ..case("late-timer", late_timer)
};

/// Interrupts were off for three periods; then one quota is there, and no more.
///
/// Result: Never
pub fn late_timer(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let (mut machine, tg) = one_cpu(kernel);
        machine.set_clock(ksync::now);
        let machine = Arc::new(machine);
        machine.spawn(setup, format!("timer/{TIMER_CPU}"), TIMER_CPU, move |ctx| {
            ctx.current.local_irq_disable();
            busy(350);
            sched_cfs_period_timer(ctx, tg);
        });
        setup.finally(move |_| assert_eq!(machine.cfs_b(tg).runtime.get(), 4, "one quota"));
    })
}
