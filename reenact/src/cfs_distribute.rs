// SPDX-License-Identifier: GPL-2.0-only
//! Incident 001: a distribution of CFS bandwidth that visits the same runqueue again and again.
//!
//! Each round is a period: its timer distributes the quota, with all runqueues throttled. One thread is the CPUs of all
//! of them: it runs their tasks in turn, and polls as an idle CPU does under `idle=poll`. So they throttle again as
//! fast as they can, and two cores are enough.

use crate::incident::{Incident, Revision, rows_of};
use crate::meeting::{Meeting, dawdle, wait};
use crate::run::{Load, Run};
use cfs_bw::cfs_bandwidth::{CfsRq, TaskGroup};
use cfs_bw::fair::run_a_while;
use cfs_bw::kernel::Kernel;
use cfs_bw::machine::{Ctx, Machine, Tunables};
use cfs_bw::period_timer::sched_cfs_period_timer;
use cfs_bw::scenarios_distribute::{CASES, TIMER_CPU};
use indicatif::HumanCount;
use ksync::{Atomic, Current, Id, Relaxed, Setup};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;

/// The CPUs, each with a task that never sleeps.
const CPUS: [u32; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
/// What a refill brings, and how often, in ns.
const QUOTA: u64 = 1_000_000;
const PERIOD: u64 = 100_000_000;
/// What C does in a visit and the port leaves out, in steps of about 1 ns: the walk over the groups, the enqueue, the
/// interrupt. The more, the longer the CPUs have until the walk comes back to them.
const VISIT: u64 = 3_000;
/// A distribution that visits so often is what the incident is. Each runqueue once, and one that comes back, will do.
const NEAR_INFINITE: u64 = 200;

/// The incident.
pub const INCIDENT: Incident = Incident {
    name: "cfs-distribute",
    about: "001: distribute_cfs_runtime() that comes to no end, a hard lockup",
    help: "Incident 001. The period timer hides the pool and pays each throttled runqueue its debt and 1 ns, with \
        interrupts off. A CPU that got 1 ns has run it soon, throttles, and stands at the end of the list, in front of \
        the walk: until the quota is gone, 1 ns at a time.\n\n\
        Real threads show the repetition, so visits are counted: 200 of eight runqueues in one distribution, where \
        nine will do, is the incident. It ends by itself.\n\n\
        What they do not show is the 10 s of the report. The walk goes on only while the other thread, which is all \
        eight CPUs, keeps up: the first time that it loses its core the list is empty. And that the walk of later \
        kernels may turn back when a CPU throttles just as the walk stands on it is for `cargo lockup prove \
        cfs-distribute`.",
    cores: 2,
    revisions,
};

fn revisions() -> Vec<Revision> {
    // The mutant of this scenario goes on for ever also when nobody throttles any more.
    rows_of(CASES, "period-timer", |label| !label.mutant, |kernel| Arc::new(Distribute::new(kernel)))
}

/// A machine at the start of a period, with everything throttled.
struct Period {
    machine: Machine,
    tg: Id<TaskGroup>,
    visits: Arc<Atomic<u64>>,
}

impl Period {
    fn new(kernel: Kernel) -> Self {
        let mut machine = Machine::new(&CPUS, kernel, Tunables::KERNEL);
        let tg = machine.new_group(None, (QUOTA, PERIOD));
        machine.cfs_rqs(tg).for_each(|cfs_rq| machine.start_throttled(cfs_rq, 0));
        let visits = Arc::new(Atomic::new(0));
        let count = visits.clone();
        machine.on_visit(move |_| {
            count.store(count.load(Relaxed) + 1, Relaxed);
            dawdle(VISIT);
        });
        Period { machine, tg, visits }
    }

    /// Runs the task of this group on this CPU, if it may run.
    fn run(&self, current: &Current, cfs_rq: Id<CfsRq>) {
        if self.machine.rq_of(cfs_rq).nr_running.load(Relaxed) > 0 {
            let ctx = Ctx { machine: &self.machine, current };
            run_a_while(&ctx, cfs_rq, |remaining| remaining.max(1) as u64);
        }
    }
}

struct Distribute {
    kernel: Kernel,
    period: Mutex<Arc<Period>>,
    meeting: Meeting,
    /// The timer's handler is done with this round.
    done: Atomic<u64>,
}

impl Distribute {
    fn new(kernel: Kernel) -> Self {
        let period = Mutex::new(Arc::new(Period::new(kernel)));
        Distribute { kernel, period, meeting: Meeting::of(2), done: Atomic::new(0) }
    }

    /// The CPU of the period timer.
    fn timer(&self, current: &Current, run: &Run) {
        let watched = run.watch(current);
        loop {
            let period = Arc::new(Period::new(self.kernel));
            *self.period.lock() = period.clone();
            let Some(round) = self.meeting.next_round(run, &watched) else { break };
            watched.touch();
            let ctx = Ctx { machine: &period.machine, current };
            let started = Instant::now();
            current.local_irq_disable();
            sched_cfs_period_timer(&ctx, period.tg);
            current.local_irq_enable();
            self.done.store(round, Relaxed);
            let visits = period.visits.load(Relaxed);
            if visits >= NEAR_INFINITE {
                let ms = started.elapsed().as_secs_f64() * 1000.0;
                let visits = HumanCount(visits);
                run.found(format!(
                    "timer/{TIMER_CPU}: one distribution visited {} runqueues {visits} times, with interrupts off \
                     for {ms:.1} ms",
                    CPUS.len()
                ));
            }
        }
    }

    /// The CPUs with tasks that never sleep.
    fn busy(&self, current: &Current, run: &Run) {
        let watched = run.watch(current);
        while let Some(round) = self.meeting.next_round(run, &watched) {
            let period = self.period.lock().clone();
            wait(&watched, || {
                period.machine.cfs_rqs(period.tg).for_each(|cfs_rq| period.run(current, cfs_rq));
                (self.done.load(Relaxed) == round || run.failed()).then_some(())
            });
        }
    }
}

impl Load for Distribute {
    fn declare(self: Arc<Self>, setup: &mut Setup, run: &Arc<Run>) {
        let (load, of) = (self.clone(), run.clone());
        setup.task(format!("timer/{TIMER_CPU}"), TIMER_CPU, move |current| load.timer(current, &of));
        let (load, of) = (self, run.clone());
        setup.task("busy", CPUS[0], move |current| load.busy(current, &of));
    }

    /// Nobody is stuck for good: the load counts.
    fn stuck_cpus(&self) -> &'static [u32] {
        &[]
    }

    fn release(&self) {}

    fn released_by(&self) -> &'static str {
        "itself"
    }
}
