// SPDX-License-Identifier: GPL-2.0-only
//! Paid by the timer, unthrottled by each CPU.

use crate::async_unthrottle::{self, Ipi, More, Paid, take_csd_interrupts};
use crate::catalogue::Case;
use crate::cfs_bandwidth::RUNTIME_INF;
use crate::distribute;
use crate::kernel::{self, Kernel};
use crate::machine::{Machine, Tunables};
use crate::period_timer::sched_cfs_period_timer;
use crate::scenarios_runtime::spent_once;
use crate::slack::do_sched_cfs_slack_timer;
use ksync::catalogue::Expected::{Holds, Unbounded, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Scenario, Setup};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[REMOTE_WALKS, PAID_ONCE, SPENT_ONCE];

const fn mutant(name: &'static str, what: &'static str, rev: async_unthrottle::Rev) -> Kernel {
    Kernel {
        label: Label::mutant(name, what),
        distribute: distribute::Rev { asynchronous: Some(rev), ..distribute::ASYNC_LISTED },
        ..kernel::ASYNC_LISTED
    }
}

/// Each CPU takes its interrupts, in kernels that send some.
pub(crate) fn csd_interrupts(setup: &mut Setup, machine: &Arc<Machine>) {
    if machine.kernel.distribute.asynchronous.is_none() {
        return;
    }
    for (number, &cpu) in machine.cpus().iter().enumerate() {
        let rq = Id::new(number as u32);
        machine.spawn(setup, format!("csd/{cpu}"), cpu, move |ctx| take_csd_interrupts(ctx, rq)).daemon();
    }
}

const REMOTE_WALKS: Case = Case {
    incident: "cfs-distribute",
    name: "remote-walks",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: remote_walks,
    rows: &[
        (kernel::BEFORE, Unbounded),
        (kernel::BURST, Unbounded),
        (kernel::ASYNC, Holds),
        (kernel::ASYNC_LISTED, Holds),
    ],
};

/// A group with a group in it, throttled on two CPUs: the timer, on a third, leaves the way through the groups to
/// them.
///
/// Result: Unbounded before `ASYNC`
pub fn remote_walks(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (8, 100));
        let child = machine.new_group(Some(tg), (RUNTIME_INF, 100));
        let walks = setup.bounded_work("groups on other CPUs", 0);
        machine.on_remote_walk(move |_| walks.round());
        machine.cfs_rqs(tg).for_each(|cfs_rq| machine.start_throttled(cfs_rq, 1));
        machine.cfs_rqs(child).for_each(|cfs_rq| machine.cfs_rq(cfs_rq).throttle_count.set(1));
        let machine = Arc::new(machine);
        machine.spawn(setup, "timer/0", 0, move |ctx| {
            ctx.current.local_irq_disable();
            sched_cfs_period_timer(ctx, tg);
        });
        csd_interrupts(setup, &machine);
        setup.finally(move |_| {
            for cfs_rq in machine.cfs_rqs(tg).chain(machine.cfs_rqs(child)) {
                assert_eq!(machine.cfs_rq(cfs_rq).throttle_count.get(), 0, "it and its ancestors go on");
            }
        });
    })
}

const SPENT_ONCE: Case = Case {
    incident: "cfs-distribute",
    name: "spent-once-async",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("it takes a minute for each row"),
    scenario: spent_once,
    rows: &[
        (kernel::DOUBLED, Violated),
        (kernel::BURST, Holds),
        (kernel::ASYNC, Holds),
        (kernel::ASYNC_LISTED, Holds),
        (kernel::TASK_BASED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
    ],
};

const PAID_ONCE: Case = Case {
    incident: "cfs-distribute",
    name: "paid-not-unthrottled",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in a minute"),
    scenario: paid_not_unthrottled,
    rows: &[
        (kernel::BURST, Holds),
        (kernel::ASYNC, Violated),
        (kernel::ASYNC_LISTED, Holds),
        (
            mutant(
                "pays-again",
                "does not look whether a runqueue is on a csd list already",
                async_unthrottle::Rev { paid: Paid::PaidAgain, ..async_unthrottle::LOCAL_LIST },
            ),
            Violated,
        ),
        (
            mutant(
                "list-says",
                "walks again while somebody is on the list, as before",
                async_unthrottle::Rev { more: More::List, ..async_unthrottle::LOCAL_LIST },
            ),
            Unbounded,
        ),
        (
            mutant(
                "ipi-after-add",
                "interrupts a CPU if its csd list is empty after the addition",
                async_unthrottle::Rev { ipi: Ipi::ListIsEmpty, ..async_unthrottle::LOCAL_LIST },
            ),
            Violated,
        ),
    ],
};

/// The period timer on CPU 0 and the slack timer on CPU 3 pay CPU 0 and CPU 1. Both are paid once and go on; each
/// walk visits each once, and each timer has a second walk at most.
///
/// Result: Violated in `ASYNC`
pub fn paid_not_unthrottled(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel, Tunables { slice: 1, ..Tunables::MODEL });
        let tg = machine.new_group(None, (8, 100));
        let visits = setup.bounded_work("visits", 8);
        machine.on_visit(move |_| visits.round());
        machine.cfs_rqs(tg).for_each(|cfs_rq| machine.start_throttled(cfs_rq, 1));
        machine.cfs_b(tg).runtime.set(2);
        let machine = Arc::new(machine);
        machine.spawn(setup, "timer/0", 0, move |ctx| {
            ctx.current.local_irq_disable();
            sched_cfs_period_timer(ctx, tg);
        });
        machine.spawn(setup, "slack_timer/3", 3, move |ctx| {
            ctx.current.local_irq_disable();
            do_sched_cfs_slack_timer(ctx, tg);
        });
        csd_interrupts(setup, &machine);
        setup.finally(move |_| {
            for cfs_rq in machine.cfs_rqs(tg).map(|cfs_rq| machine.cfs_rq(cfs_rq)) {
                assert!(!cfs_rq.throttled.get(), "10 ns pay both debts");
                assert_eq!(cfs_rq.runtime_remaining.get(), 1, "the debt and 1 ns, once");
            }
        });
    })
}
