// SPDX-License-Identifier: GPL-2.0-only
//! CFS bandwidth: the writes, locks and barriers. What is read differs in too many places to be a patch.

use crate::{Scene, effects, history, patch, the_end};
use cfs_bw::account::account_cfs_rq_runtime;
use cfs_bw::async_unthrottle::take_csd_interrupt;
use cfs_bw::cfs_bandwidth::CfsRq;
use cfs_bw::fair::run_a_while;
use cfs_bw::kernel::{HISTORY, Kernel, RHEL_7_9, STARVATION};
use cfs_bw::machine::{Ctx, Machine, Tunables};
use cfs_bw::period_timer::sched_cfs_period_timer;
use cfs_bw::set_bandwidth::tg_set_cfs_bandwidth;
use cfs_bw::slack::__return_cfs_rq_runtime;
use expect_test::expect_file;
use ksync::{Id, Scenario, busy};
use std::sync::Arc;

const SCENES: &[Scene<Kernel>] = &[
    ("a period", a_period),
    ("a late timer", a_late_timer),
    ("two returns", two_returns),
    ("two quotas", two_quotas),
];

/// A machine of CFS bandwidth with two CPUs, for one task that is all of them by turns: so there are no races.
fn alone(kernel: Kernel, start: fn(&mut Machine, [Id<CfsRq>; 2]), turns: fn(&Ctx, [Id<CfsRq>; 2])) -> Box<Scenario> {
    Box::new(move |setup| {
        let tunables = Tunables { slice: 1, ..Tunables::MODEL };
        let mut machine = Machine::new(&[1, 2], kernel, tunables);
        let tg = machine.new_group(None, (3, 10));
        let cfs_rqs = [0, 1].map(|cpu| machine.tg_cfs_rq(tg, Id::new(cpu)));
        start(&mut machine, cfs_rqs);
        Arc::new(machine).spawn(setup, "alone", 1, move |ctx| turns(ctx, cfs_rqs));
        setup.finally(|_| the_end());
    })
}

/// CPU 2 is throttled, and charged once more; CPU 1 throttles; the timer on CPU 1 pays both.
fn a_period(kernel: Kernel) -> Box<Scenario> {
    alone(
        kernel,
        |machine, [running, waiter]| {
            machine.start_running(running, 1);
            machine.start_throttled(waiter, 0);
        },
        |ctx, [running, waiter]| {
            account_cfs_rq_runtime(ctx, waiter, 1);
            run_a_while(ctx, running, |_| 1);
            ctx.current.local_irq_disable();
            sched_cfs_period_timer(ctx, Id::new(0));
            if ctx.machine.kernel.distribute.asynchronous.is_some() {
                take_csd_interrupt(ctx, Id::new(1));
            }
            ctx.current.local_irq_enable();
        },
    )
}

/// Each visit takes longer than a period, and there is a debt of four.
fn a_late_timer(kernel: Kernel) -> Box<Scenario> {
    alone(
        kernel,
        |machine, [_, waiter]| {
            machine.set_clock(ksync::now);
            machine.on_visit(|_| busy(12));
            machine.start_throttled(waiter, 12);
        },
        |ctx, _| {
            ctx.current.local_irq_disable();
            sched_cfs_period_timer(ctx, Id::new(0));
        },
    )
}

/// CPU 1 gives back what it does not need, twice.
fn two_returns(kernel: Kernel) -> Box<Scenario> {
    alone(
        kernel,
        |machine, [running, waiter]| {
            machine.cfs_b(Id::new(0)).period_timer.expires.set(1000);
            machine.start_running(running, 4);
            machine.start_throttled(waiter, 0);
        },
        |ctx, [running, _]| {
            for _ in 0..2 {
                ctx.machine.cfs_rq(running).runtime_remaining.set(4);
                __return_cfs_rq_runtime(ctx, running);
            }
        },
    )
}

/// CPU 2 is throttled, and there is a new quota, with a burst, which nobody uses before the next one.
fn two_quotas(kernel: Kernel) -> Box<Scenario> {
    alone(
        kernel,
        |machine, [_, waiter]| machine.start_throttled(waiter, 0),
        |ctx, _| {
            for _ in 0..2 {
                tg_set_cfs_bandwidth(ctx, Id::new(0), 100, 2, 1).expect("it makes sense");
            }
        },
    )
}

#[test]
fn two_revisions_differ_by_the_patch() {
    let text = history(HISTORY, SCENES, effects) + &patch([STARVATION, RHEL_7_9], SCENES, effects);
    expect_file!["cfs_bw.txt"].assert_eq(&text);
}
