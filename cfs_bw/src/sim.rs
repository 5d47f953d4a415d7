// SPDX-License-Identifier: GPL-2.0-only
//! The incident at its size, on a clock: the ports, driven by events of many CPUs in one thread.
//!
//! Each CPU has a task that never sleeps. A visit of a distribution takes a fixed time, in which the other CPUs go
//! on: a CPU that was unthrottled runs after a latency, and is charged in fixed intervals. What happens within a
//! visit is not interleaved; that is for the explorer.
//!
//! The timer has a CPU of its own. Since 8ad075c2eb1f it sends an interrupt instead of the walk over the groups; a
//! visit is taken to last as long as before, so there the time with interrupts off is an upper bound.

use crate::async_unthrottle::take_csd_interrupt;
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
    /// Virtual time at the end, in ns.
    pub elapsed: u64,
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
    tg: Id<TaskGroup>,
    clock: Plain<u64>,
    /// When the handler that runs was entered.
    entered: Plain<u64>,
    visits: Plain<u64>,
    cpus: Vec<Cpu>,
    hard_lockup: Plain<bool>,
}

/// A CPU of the group.
struct Cpu {
    number: u32,
    cfs_rq: Id<CfsRq>,
    /// When something happens here; [`NEVER`] where nothing runs.
    due: Plain<u64>,
}

/// No event.
const NEVER: u64 = u64::MAX;

/// Simulates a kernel under a load.
///
/// # Panics
/// Inside of a model, and if the load has no CPU, no period or no time between two charges.
pub fn simulate(kernel: Kernel, load: Load) -> Outcome {
    assert!(load.cpus > 0 && load.period > 0 && load.interval > 0, "nothing to simulate: {load:?}");
    let numbers: Vec<u32> = (0..load.cpus).collect();
    let mut machine = Machine::new(&numbers, kernel, Tunables::KERNEL);
    let tg = machine.new_group(None, (load.quota, load.period));
    machine.cfs_rqs(tg).for_each(|cfs_rq| machine.start_throttled(cfs_rq, load.debt() as i64));
    let cpu = |(cfs_rq, number)| Cpu { number, cfs_rq, due: Plain::new(NEVER) };
    let cpus = machine.cfs_rqs(tg).zip(0..).map(cpu).collect();
    let [clock, entered, visits] = std::array::from_fn(|_| Plain::new(0));
    let events = Arc::new(Events { load, tg, clock, entered, visits, cpus, hard_lockup: Plain::new(false) });
    let (time, visit) = (events.clone(), events.clone());
    machine.set_clock(move || time.clock.get());
    machine.on_visit(move |ctx| visit.visit(ctx.machine));
    let irqs_off = events.run_periods(&machine);
    Outcome {
        visits: events.visits.get(),
        irqs_off,
        elapsed: events.clock.get(),
        hard_lockup: events.hard_lockup.get(),
        consumed: machine.cfs_rqs(tg).map(|cfs_rq| machine.cfs_rq(cfs_rq).sum_exec_runtime.get()).collect(),
    }
}

impl Load {
    /// What each CPU owes at the start: it was throttled in the middle of an interval.
    pub fn debt(&self) -> u64 {
        self.interval / 2
    }
}

impl Events {
    /// All periods, or up to the hard lockup; the longest time with interrupts off.
    fn run_periods(&self, machine: &Machine) -> u64 {
        let timer = Current::outside("timer", self.load.cpus);
        let mut irqs_off = 0;
        for period in 0..self.load.periods {
            self.run_until(machine, period * self.load.period);
            self.entered.set(self.clock.get());
            sched_cfs_period_timer(&Ctx { machine, current: &timer }, self.tg);
            self.schedule(machine);
            irqs_off = irqs_off.max(self.clock.get() - self.entered.get());
            if self.hard_lockup.get() {
                return irqs_off;
            }
        }
        self.run_until(machine, self.load.periods * self.load.period);
        irqs_off
    }

    /// Time passes on the timer's CPU, and the others go on meanwhile.
    fn visit(&self, machine: &Machine) {
        self.visits.set(self.visits.get() + 1);
        self.schedule(machine);
        let now = self.clock.get() + self.load.visit;
        if now - self.entered.get() >= WATCHDOG_THRESH {
            // Nobody throttles any more, so the handler comes to its end.
            self.hard_lockup.set(true);
            self.clock.set(now);
            return;
        }
        self.run_until(machine, now);
    }

    /// CPUs that were unthrottled since, or get an interrupt for it, will do something.
    fn schedule(&self, machine: &Machine) {
        for cpu in self.cpus.iter().filter(|cpu| cpu.due.get() == NEVER) {
            if machine.rq_of(cpu.cfs_rq).cfsb_csd.load(Relaxed) {
                cpu.due.set(self.clock.get() + self.load.latency);
            } else if cpu.runs(machine) {
                cpu.due.set(self.clock.get() + self.load.latency + self.load.interval);
            }
        }
    }

    /// Everything that happens up to then, in order.
    fn run_until(&self, machine: &Machine, end: u64) {
        loop {
            let next = self.cpus.iter().min_by_key(|cpu| cpu.due.get());
            let Some(cpu) = next.filter(|cpu| cpu.due.get() <= end) else { break };
            let due = cpu.due.get();
            self.clock.set(due.max(self.clock.get()));
            let ctx = Ctx { machine, current: &Current::outside("task", cpu.number) };
            if machine.rq_of(cpu.cfs_rq).cfsb_csd.load(Relaxed) {
                take_csd_interrupt(&ctx, machine.cfs_rq(cpu.cfs_rq).rq);
            } else {
                run_a_while(&ctx, cpu.cfs_rq, |_| self.load.interval);
            }
            cpu.due.set(if cpu.runs(machine) { due + self.load.interval } else { NEVER });
        }
        self.clock.set(end.max(self.clock.get()));
    }
}

impl Cpu {
    /// It has a task that may run.
    fn runs(&self, machine: &Machine) -> bool {
        machine.rq_of(self.cfs_rq).nr_running.load(Relaxed) > 0
    }
}
