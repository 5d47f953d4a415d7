// SPDX-License-Identifier: GPL-2.0-only
//! Incident 000: `migrate_swap()` against the active balance. CPU numbers and names are the report's.
//!
//! Each round migration/1 runs dry and goes to sleep, while custom_exporter swaps itself with a task of CPU1. They
//! begin together, each after a delay that changes from round to round: that makes the window of the race wide. Both
//! run the ports from end to end, and migration/26 serves its works as always.

use crate::incident::{Incident, Revision, rows_of};
use crate::meeting::{Meeting, dawdle, wait};
use crate::run::{Load, Run};
use crate::stack::initialize;
use ksync::{Id, Relaxed, Setup};
use std::sync::Arc;
use stopper::kernel::Kernel;
use stopper::list::list_empty;
use stopper::machine::{Ctx, MIGRATE_SWAP_STOP, Machine, StopCall};
use stopper::migrate_swap::{MigrationSwapArg, migrate_swap};
use stopper::scenarios_migrate_swap::CASES;
use stopper::schedule::schedule;
use stopper::stopper_thread::cpu_stopper_thread;
use stopper::task::{Birth, TASK_INTERRUPTIBLE, TaskStruct, set_current_state};

/// Where migration/1 runs.
const IDLE: u32 = 1;
/// Where custom_exporter runs.
const BUSY: u32 = 26;

/// The incident.
pub const INCIDENT: Incident = Incident {
    name: "migrate-swap",
    about: "000: migrate_swap() against the active balance, a hard lockup",
    help: "Incident 000. custom_exporter on CPU26 swaps itself with a task on CPU1: it locks both stoppers, and wakes \
        migration/1. migration/1 is on its way to sleep, and asks the stopper of CPU26 to push a task to CPU1. Where \
        the wakeup stands under the locks, each of them spins for the other.\n\n\
        Real threads show it: both begin each round together, after delays that change. It ends by a write of 0 to \
        migration/1's on_cpu, which custom_exporter spins on.\n\n\
        What they do not show: interrupts stay on, so it is the soft lockup detector that reports it; and a stopper \
        preempts nobody, so the two kernels after the fix, which need that to lock up, run through here. `cargo lockup \
        prove migrate-swap` has them.",
    cores: 2,
    revisions,
};

fn revisions() -> Vec<Revision> {
    rows_of(CASES, "s9-incident", |_| true, |kernel| Arc::new(MigrateSwap::new(kernel)))
}

/// A delay in about ns, on a scale that goes from 16 to 1024 and begins anew: how wide the window of the race is depends
/// on the machine.
fn delay(round: u64, step: u64) -> u64 {
    round * step % (16 << (round % 7))
}

/// A swap, and where the first of the two tasks is before it.
type Swap = (Id<MigrationSwapArg>, StopCall);

struct MigrateSwap {
    machine: Arc<Machine>,
    migration: Id<TaskStruct>,
    exporter: Id<TaskStruct>,
    /// From CPU26 to CPU1, and back.
    swaps: [Swap; 2],
    meeting: Meeting,
}

impl MigrateSwap {
    fn new(kernel: Kernel) -> Self {
        let mut machine = Machine::new(&[IDLE, BUSY], kernel);
        let src_task = machine.new_task("custom_exporter", BUSY, Birth::Running);
        let dst_task = machine.new_task("other", IDLE, Birth::Running);
        let swaps = [(BUSY, IDLE), (IDLE, BUSY)].map(|(src_cpu, dst_cpu)| {
            let arg = machine.migration_swap_arg(MigrationSwapArg { src_task, dst_task, src_cpu, dst_cpu });
            let call = machine.stop_two_cpus_call("migrate_swap", dst_cpu, MIGRATE_SWAP_STOP, arg.index() as u32);
            (arg, call)
        });
        machine.idle_finds_busy(IDLE, BUSY);
        let migration = machine.blocking_stopper(IDLE);
        let machine = Arc::new(machine);
        MigrateSwap { machine, migration, exporter: src_task, swaps, meeting: Meeting::of(2) }
    }

    /// custom_exporter: swaps in each round.
    fn exporter(&self, ctx: &Ctx, run: &Run) {
        let watched = run.watch(ctx.current);
        loop {
            wait(&watched, || (self.migration_26_sleeps() || run.failed()).then_some(()));
            let there = ctx.task().cpu.load(Relaxed) == BUSY;
            let (arg, call) = &self.swaps[usize::from(!there)];
            initialize(ctx.machine, call);
            let Some(round) = self.meeting.next_round(run, &watched) else { break };
            watched.touch();
            dawdle(delay(round, 17));
            assert_eq!(migrate_swap(ctx, call, *arg), Ok(()), "nobody else moves the two");
        }
    }

    /// migration/1: `smpboot_thread_fn()`, with a round in each turn of its loop.
    fn migration(&self, ctx: &Ctx, run: &Run) {
        let watched = run.watch(ctx.current);
        loop {
            set_current_state(ctx, TASK_INTERRUPTIBLE);
            // DEVIATION: C looks for works here. There are none, since the round has not begun.
            ctx.machine.rq(IDLE).imbalance.set(1);
            let Some(round) = self.meeting.next_round(run, &watched) else { break };
            watched.touch();
            dawdle(delay(round, 29));
            schedule(ctx);
            cpu_stopper_thread(ctx, IDLE);
        }
    }

    /// The last active balance is over, so that the next one finds the flag clear and a CPU that does not stop.
    fn migration_26_sleeps(&self) -> bool {
        let thread = self.machine.task(self.machine.cpu_stopper(BUSY).thread);
        list_empty(&self.machine.cpu_stopper(BUSY).works) && !thread.on_cpu.load(Relaxed)
    }
}

impl Load for MigrateSwap {
    fn declare(self: Arc<Self>, setup: &mut Setup, run: &Arc<Run>) {
        let (load, of) = (self.clone(), run.clone());
        self.machine.spawn(setup, self.exporter, move |ctx| load.exporter(ctx, &of));
        let (load, of) = (self.clone(), run.clone());
        self.machine.spawn(setup, self.migration, move |ctx| load.migration(ctx, &of));
        self.machine.spawn_stoppers(setup, &[BUSY]);
    }

    fn stuck_cpus(&self) -> &'static [u32] {
        &[IDLE, BUSY]
    }

    fn release(&self) {
        self.machine.task(self.migration).on_cpu.store(false, Relaxed);
    }

    fn released_by(&self) -> &'static str {
        "migration/1.on_cpu = 0"
    }
}
