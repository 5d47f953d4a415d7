// SPDX-License-Identifier: GPL-2.0-only
//! The incident at its size, on a clock: the ports, driven by events of many CPUs in one thread.
//!
//! Each CPU has a task that never sleeps. A visit of a distribution takes a fixed time, in which the other CPUs go
//! on: a CPU that was unthrottled runs after a latency, and is charged in fixed intervals. What happens within a
//! visit is not interleaved; that is for the explorer.

use crate::cfs_bandwidth::{CfsRq, TaskGroup};
use crate::fair::run_a_while;
use crate::kernel::Kernel;
use crate::machine::{Ctx, Machine, Tunables};
use crate::period_timer::sched_cfs_period_timer;
use ksync::{Current, Id, Plain, Relaxed};
use std::sync::Arc;

/// `watchdog_thresh`, in ns: with interrupts off for so long, the NMI watchdog reports a hard lockup.
const WATCHDOG_THRESH: u64 = 10_000_000_000;

/// A group on a machine. Times are in ns.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// CPUs, all of them throttled when the first period starts.
    pub cpus: u32,
    /// What a refill brings.
    pub quota: u64,
    /// How often that is.
    pub period: u64,
    /// What a visit takes: the lock, the walk over the groups, the enqueue and the interrupt.
    pub visit: u64,
    /// From the unthrottle until the task runs.
    pub latency: u64,
    /// How long a task runs until it is charged.
    pub interval: u64,
    /// Periods to simulate.
    pub periods: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Visits of all distributions.
    pub visits: u64,
    /// The longest time with interrupts off in one call of the period timer's handler, in ns.
    pub irqs_off: u64,
    /// The watchdog would have reported a hard lockup; the simulation let it go from there.
    pub hard_lockup: bool,
    /// What each CPU ran, in ns.
    pub consumed: Vec<u64>,
}

impl Outcome {
    /// What all CPUs ran, in ns.
    pub fn total(&self) -> u64 {
        self.consumed.iter().sum()
    }

    /// CPUs that never ran.
    pub fn starved(&self) -> usize {
        self.consumed.iter().filter(|&&consumed| consumed == 0).count()
    }
}

/// The events: when each CPU is charged next.
struct Events {
    load: Load,
    clock: Plain<u64>,
    /// When the handler that runs was entered.
    entered: Plain<u64>,
    visits: Plain<u64>,
    /// By CPU; `u64::MAX` where nothing runs.
    due: Vec<Plain<u64>>,
    hard_lockup: Plain<bool>,
}

/// No event.
const NEVER: u64 = u64::MAX;

/// Simulates a kernel under a load, outside of any model.
pub fn simulate(current: &Current, kernel: Kernel, load: Load) -> Outcome {
    let events = Arc::new(Events {
        load,
        clock: Plain::new(0),
        entered: Plain::new(0),
        visits: Plain::new(0),
        due: (0..load.cpus).map(|_| Plain::new(NEVER)).collect(),
        hard_lockup: Plain::new(false),
    });
    let cpus: Vec<u32> = (0..load.cpus).collect();
    let mut machine = Machine::new(&cpus, kernel, Tunables::KERNEL);
    let tg = machine.new_group(None, (load.quota, load.period));
    machine.cfs_rqs(tg).for_each(|cfs_rq| machine.start_throttled(cfs_rq, (load.interval / 2) as i64));
    let (time, visit) = (events.clone(), events.clone());
    machine.set_clock(move || time.clock.get());
    machine.on_visit(move |ctx| visit.visit(ctx, tg));
    let ctx = Ctx { machine: &machine, current };
    let mut irqs_off = 0;
    for period in 0..load.periods {
        events.run_until(&ctx, tg, period * load.period);
        events.entered.set(events.clock.get());
        sched_cfs_period_timer(&ctx, tg);
        events.schedule(&ctx, tg);
        irqs_off = irqs_off.max(events.clock.get() - events.entered.get());
        if events.hard_lockup.get() {
            break;
        }
    }
    if !events.hard_lockup.get() {
        events.run_until(&ctx, tg, load.periods * load.period);
    }
    Outcome {
        visits: events.visits.get(),
        irqs_off,
        hard_lockup: events.hard_lockup.get(),
        consumed: machine.cfs_rqs(tg).map(|cfs_rq| machine.cfs_rq(cfs_rq).sum_exec_runtime.get()).collect(),
    }
}

impl Events {
    /// Time passes on the timer's CPU, and the others go on meanwhile.
    fn visit(&self, ctx: &Ctx, tg: Id<TaskGroup>) {
        self.visits.set(self.visits.get() + 1);
        self.schedule(ctx, tg);
        let now = self.clock.get() + self.load.visit;
        if now - self.entered.get() >= WATCHDOG_THRESH {
            // Nobody throttles any more, so the handler comes to its end.
            self.hard_lockup.set(true);
            self.clock.set(now);
            return;
        }
        self.run_until(ctx, tg, now);
    }

    /// CPUs that were unthrottled since will run.
    fn schedule(&self, ctx: &Ctx, tg: Id<TaskGroup>) {
        for (cfs_rq, due) in ctx.machine.cfs_rqs(tg).zip(&self.due) {
            if due.get() == NEVER && runs(ctx, cfs_rq) {
                due.set(self.clock.get() + self.load.latency + self.load.interval);
            }
        }
    }

    /// Everything that happens up to then, in order.
    fn run_until(&self, ctx: &Ctx, tg: Id<TaskGroup>, end: u64) {
        loop {
            let next = ctx.machine.cfs_rqs(tg).zip(&self.due).min_by_key(|(_, due)| due.get());
            let Some((cfs_rq, due)) = next.filter(|(_, due)| due.get() <= end) else { break };
            self.clock.set(due.get().max(self.clock.get()));
            run_a_while(ctx, cfs_rq, |_| self.load.interval);
            due.set(if runs(ctx, cfs_rq) { due.get() + self.load.interval } else { NEVER });
        }
        self.clock.set(end.max(self.clock.get()));
    }
}

/// Whether the CPU has a task that may run.
fn runs(ctx: &Ctx, cfs_rq: Id<CfsRq>) -> bool {
    ctx.machine.rq_of(cfs_rq).nr_running.load(Relaxed) > 0
}
