// SPDX-License-Identifier: GPL-2.0-only
//! How long a distribution is: the incident, and what is left of it after the fix.

use crate::catalogue::Case;
use crate::distribute::{self, Pay, Source};
use crate::fair::run_for_ever;
use crate::kernel::{self, Kernel};
use crate::machine::{Machine, Tunables};
use crate::period_timer::sched_cfs_period_timer;
use crate::scenarios_async::csd_interrupts;
use crate::throttle;
use ksync::Weakness::RelaxedStore;
use ksync::catalogue::Expected::{Holds, Unbounded};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[PERIOD_TIMER, PUBLISH, CURSOR];

/// The CPU of the period timer, as in the incident.
pub const TIMER_CPU: u32 = 50;

// The bounds are N + 1: each runqueue once, and one that comes back and finds the pool empty.

const PERIOD_TIMER: Case = Case {
    incident: "cfs-distribute",
    name: "period-timer",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: |kernel| walk(kernel, Walk { quota: 5, throttled: 2, busy: 1, bound: 3 }),
    rows: &[
        (kernel::BEFORE, Unbounded),
        (kernel::NEAR_INFINITE, Holds),
        (kernel::STARVATION, Holds),
        (kernel::FROM_THE_POOL, Holds),
        (kernel::UNDER_ONE_LOCK, Holds),
        (kernel::SILENT, Holds),
        (kernel::RHEL_7_9, Holds),
        (
            Kernel {
                label: Label::mutant("debt-only", "pays the debt without the 1 ns, and nobody may go on"),
                distribute: distribute::Rev { pay: Pay::Debt, ..distribute::SILENT },
                ..kernel::SILENT
            },
            Unbounded,
        ),
    ],
};

// What the release of `rcu_assign_pointer()` is for here: nothing.
const PUBLISH: Case = Case {
    incident: "cfs-distribute",
    name: "publish",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: |kernel| walk(kernel, Walk { quota: 4, throttled: 2, busy: 1, bound: 3 }),
    rows: &[
        (kernel::BEFORE, Unbounded),
        (kernel::SILENT, Holds),
        (
            Kernel {
                label: Label::mutant(
                    "plain-publish",
                    "list_add_tail_rcu() publishes the node without order: harmless here",
                )
                .without(&[("__list_add_rcu", RelaxedStore)]),
                ..kernel::SILENT
            },
            Holds,
        ),
    ],
};

// Two CPUs that come back while the walker stands on their entries: it follows their new `next` to the front.
const CURSOR: Case = Case {
    incident: "cfs-distribute",
    name: "cursor-put-back",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("it takes ten seconds for each row"),
    scenario: |kernel| walk(kernel, Walk { quota: 4, throttled: 2, busy: 2, bound: 3 }),
    rows: &[
        (kernel::BEFORE, Unbounded),
        (kernel::NEAR_INFINITE, Unbounded),
        (kernel::STARVATION, Unbounded),
        (kernel::FROM_THE_POOL, Holds),
        (kernel::UNDER_ONE_LOCK, Holds),
        (kernel::SILENT, Holds),
        (kernel::ASYNC_LISTED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
        (kernel::RHEL_7_9, Unbounded),
        (TAIL_ONLY, Unbounded),
        (HIDDEN_POOL, Unbounded),
    ],
};

const TAIL_ONLY: Kernel = Kernel {
    label: Label::mutant("tail-insert", "always at the tail, for the sake of fairness, from a snapshot"),
    throttle: throttle::ORIGIN,
    ..kernel::STARVATION
};

const HIDDEN_POOL: Kernel = Kernel {
    label: Label::mutant("hidden-pool", "keeps the pool empty meanwhile, so that nobody steals it"),
    distribute: distribute::Rev { source: Source::Hidden, ..distribute::ANNOUNCED },
    ..kernel::STARVATION
};

/// A group that is throttled on some CPUs, and one period.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    /// The refill, in ns.
    pub quota: u64,
    /// CPUs that are throttled at the start, without debts.
    pub throttled: u32,
    /// The first of them have a task that never sleeps; on the others nothing runs.
    pub busy: u32,
    /// So many visits are fine.
    pub bound: u64,
}

/// One period's timer, while CPUs that it unthrottles throttle again as fast as they can.
///
/// Result: Unbounded in `BEFORE`
pub fn walk(kernel: Kernel, size: Walk) -> Box<Scenario> {
    Box::new(move |setup| {
        let cpus: Vec<u32> = (1..=size.throttled).collect();
        let mut machine = Machine::new(&cpus, kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (size.quota, 100));
        let visits = setup.bounded_work("visits", size.bound);
        machine.on_visit(move |_| visits.round());
        machine.cfs_rqs(tg).for_each(|cfs_rq| machine.start_throttled(cfs_rq, 0));
        let machine = Arc::new(machine);
        machine.spawn(setup, format!("timer/{TIMER_CPU}"), TIMER_CPU, move |ctx| {
            ctx.current.local_irq_disable();
            sched_cfs_period_timer(ctx, tg);
        });
        for (cfs_rq, &cpu) in machine.cfs_rqs(tg).zip(&cpus).take(size.busy as usize) {
            machine.spawn(setup, format!("busy/{cpu}"), cpu, move |ctx| run_for_ever(ctx, cfs_rq)).daemon();
        }
        csd_interrupts(setup, &machine);
    })
}
