// SPDX-License-Identifier: GPL-2.0-only
//! When returned runtime comes to those who wait for it.

use crate::catalogue::Case;
use crate::cfs_bandwidth::CfsRq;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine, Tunables};
use crate::scenarios_distribute::TIMER_CPU;
use crate::slack::{self, __return_cfs_rq_runtime, Again, do_sched_cfs_slack_timer};
use ksync::catalogue::Expected::{Holds, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Scenario, Setup, busy};
use std::sync::{Arc, OnceLock};

/// The cases of this file.
pub const CASES: &[Case] = &[PUSHED, AGAIN];

const PUSHED: Case = Case {
    incident: "cfs-slack",
    name: "steady-returns",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("loom has no interrupts"),
    scenario: steady_returns,
    rows: &[
        (kernel::BEFORE, Violated),
        (kernel::LIMITED, Violated),
        (kernel::SLACK_LEFT, Holds),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Violated),
    ],
};

const AGAIN: Case = Case {
    incident: "cfs-slack",
    name: "return-while-distributing",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("loom has no interrupts"),
    scenario: return_while_distributing,
    rows: &[
        (kernel::SLACK_LEFT, Holds),
        (kernel::SILENT, Holds),
        (
            Kernel {
                label: Label::mutant("started-cleared-last", "slack_started is cleared after the distribution"),
                slack: slack::Rev { again: Again::Last, ..slack::LEFT },
                ..kernel::SILENT
            },
            Violated,
        ),
    ],
};

/// A machine with two CPUs, whose slack timer fires on a third.
fn machine_with_slack_timer(setup: &mut Setup, kernel: Kernel, slack_period: u64) -> Arc<Machine> {
    let later = Arc::new(OnceLock::<Arc<Machine>>::new());
    let machine_of = later.clone();
    let irq = setup.irq("slack_timer", TIMER_CPU, move |current| {
        let machine = machine_of.get().expect("the setup is over");
        do_sched_cfs_slack_timer(&Ctx { machine, current }, Id::new(0));
    });
    let mut machine = Machine::new(&[1, 2], kernel, Tunables { slice: 1, slack_period, ..Tunables::MODEL });
    machine.set_clock(ksync::now);
    let tg = machine.new_group(None, (100, 1000));
    machine.cfs_b(tg).period_timer.expires.set(1000);
    machine.cfs_b(tg).slack_timer.fires(irq);
    let machine = Arc::new(machine);
    later.set(machine.clone()).expect("once");
    machine
}

/// CPU 1 gives 2 ns back every 3 ns, four times; CPU 2 waits, and needs 1 ns.
///
/// Result: Violated before `SLACK_LEFT`
pub fn steady_returns(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = machine_with_slack_timer(setup, kernel, 5);
        let [sleeper, waiter] = [0, 1].map(|cpu| machine.tg_cfs_rq(Id::new(0), Id::new(cpu)));
        machine.start_throttled(waiter, 0);
        machine.spawn(setup, "sleeper/1", 1, move |ctx| {
            for _ in 0..4 {
                busy(3);
                give_back(ctx, sleeper, 2);
            }
            let guard = ctx.machine.rq_of(waiter).lock.lock_irq(ctx.current);
            let waits = ctx.machine.cfs_rq(waiter).throttled.get();
            guard.unlock();
            assert!(!waits, "at 12 ns: the first return was at 3, and the slack period is 5");
        });
    })
}

/// CPU 1 gives back what pays a part of the debt of CPU 2, and the rest just when the slack timer fires.
///
/// Result: Never
pub fn return_while_distributing(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = machine_with_slack_timer(setup, kernel, 3);
        let [sleeper, waiter] = [0, 1].map(|cpu| machine.tg_cfs_rq(Id::new(0), Id::new(cpu)));
        machine.start_throttled(waiter, 5);
        machine.spawn(setup, "sleeper/1", 1, move |ctx| {
            for slack in [3, 4] {
                busy(3);
                give_back(ctx, sleeper, slack);
            }
        });
        setup.finally(move |_| assert!(!machine.cfs_rq(waiter).throttled.get(), "7 ns pay the debt of 5"));
    })
}

/// The last task sleeps, with so much runtime left beyond the minimum.
fn give_back(ctx: &Ctx, cfs_rq: Id<CfsRq>, slack: i64) {
    let guard = ctx.machine.rq_of(cfs_rq).lock.lock_irq(ctx.current);
    let minimum = ctx.machine.tunables.min_runtime;
    ctx.machine.cfs_rq(cfs_rq).runtime_remaining.set(minimum + slack);
    __return_cfs_rq_runtime(ctx, cfs_rq);
    guard.unlock();
}
