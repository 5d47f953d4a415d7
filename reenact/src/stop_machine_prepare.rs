// SPDX-License-Identifier: GPL-2.0-only
//! Incident 003: stoppers wait in PREPARE for a CPU that is busy, and the watchdog names those who wait.
//!
//! CPU2 is one thing at a time: `mysqld`, which walks over the tasks of a memory cgroup to say who is killed, or its
//! stopper. The stopper comes when `mysqld` gives the CPU up.

use crate::incident::{Incident, Revision};
use crate::meeting::{Meeting, dawdle, wait};
use crate::run::{Load, Run};
use crate::stack::initialize;
use ksync::{Atomic, Id, Relaxed, Setup};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use stopper::kernel;
use stopper::list::list_empty;
use stopper::machine::{Ctx, Machine, StopCall};
use stopper::schedule::schedule;
use stopper::stop_cpus::stop_cpus;
use stopper::stopper_thread::cpu_stopper_thread;
use stopper::task::{Birth, TASK_INTERRUPTIBLE, TaskStruct, set_current_state};

/// The CPUs whose stoppers wait.
const WAITING: [u32; 2] = [0, 1];
/// The one that they wait for.
const BUSY: u32 = 2;
/// Tasks of the cgroup, where the walk has an end.
const TASKS: u64 = 5000;
/// After so many tasks the walk reschedules, where it does.
const BATCH: u64 = 1000;

/// The incident.
pub const INCIDENT: Incident = Incident {
    name: "stop-machine-prepare",
    about: "003: stoppers wait in PREPARE for a CPU that is busy, soft lockups",
    help: "Incident 003. A CPU prints the tasks of a memory cgroup that ran out of memory, 37 s long and without ever \
        rescheduling. Meanwhile somebody stops the machine: the stoppers of all other CPUs spin in PREPARE until the \
        busy one arrives, and the watchdog reports them, not the CPU that they wait for. The fix is on that side: the \
        walk reschedules.\n\n\
        Real threads show it. Stoppers preempt nobody here, so the CPU that cannot be preempted is played: the stopper \
        of CPU2 waits until mysqld gives the CPU up. mysqld shows heartbeats while it prints, as a serial console does \
        for its writer. Its walk takes as long as the watchdog needs, and ends when that has reported both others. The \
        commit's title stands for its change; the walk is no port.\n\n\
        What they do not show: that a stopper which arrives silences the watchdog from DISABLE_IRQ on.",
    cores: 1,
    revisions,
};

/// When the walk gives up its CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reschedules {
    AtItsEnd,
    EachBatch,
}

fn revisions() -> Vec<Revision> {
    let rows = [
        ("ade81479c7dd^", "the walk over the tasks of a memory cgroup never reschedules", Reschedules::AtItsEnd),
        ("ade81479c7dd", "memcg: fix soft lockup in the OOM process", Reschedules::EachBatch),
    ];
    let row = |(name, what, reschedules)| Revision {
        name,
        what,
        mutant: false,
        locks_up: reschedules == Reschedules::AtItsEnd,
        load: Box::new(move || Arc::new(StopMachine::new(reschedules))),
    };
    rows.map(row).into()
}

/// Who has CPU2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Mysqld,
    Stopper,
}

struct StopMachine {
    reschedules: Reschedules,
    machine: Arc<Machine>,
    caller: Id<TaskStruct>,
    mysqld: Id<TaskStruct>,
    call: StopCall,
    meeting: Meeting,
    owner: Mutex<Owner>,
    handed_over: Condvar,
    /// The round in which the walk is under way.
    walking: Atomic<u64>,
    walk_ends: Atomic<bool>,
}

impl StopMachine {
    fn new(reschedules: Reschedules) -> Self {
        let mut machine = Machine::new(&[WAITING[0], WAITING[1], BUSY], kernel::MAINLINE);
        let caller = machine.new_task("stop_machine", WAITING[0], Birth::Running);
        let mysqld = machine.new_task("mysqld", BUSY, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let call = machine.stop_machine_call("stop_machine", nothing, 0);
        for cpu in machine.cpus().to_vec() {
            machine.blocking_stopper(cpu);
        }
        StopMachine {
            reschedules,
            machine: Arc::new(machine),
            caller,
            mysqld,
            call,
            meeting: Meeting::of(5),
            owner: Mutex::new(Owner::Mysqld),
            handed_over: Condvar::new(),
            walking: Atomic::new(0),
            walk_ends: Atomic::new(false),
        }
    }

    /// Gives CPU2 to the other one, and sleeps until it comes back.
    fn hand_over(&self, from: Owner, to: Owner) {
        *self.owner.lock() = to;
        self.handed_over.notify_all();
        if from == Owner::Mysqld {
            self.sleep_until(from);
        }
    }

    fn sleep_until(&self, mine: Owner) {
        let mut owner = self.owner.lock();
        self.handed_over.wait_while(&mut owner, |owner| *owner != mine);
    }

    /// `migration/N`: sleeps and serves one request in each round.
    fn stopper(&self, ctx: &Ctx, run: &Run) {
        let watched = run.watch(ctx.current);
        loop {
            set_current_state(ctx, TASK_INTERRUPTIBLE);
            if self.meeting.next_round(run, &watched).is_none() {
                break;
            }
            watched.touch();
            schedule(ctx);
            let cpu = ctx.current.cpu();
            if cpu == BUSY {
                // It is runnable, and waits for its CPU.
                self.sleep_until(Owner::Stopper);
            }
            cpu_stopper_thread(ctx, cpu);
            if cpu == BUSY {
                self.hand_over(Owner::Stopper, Owner::Mysqld);
            }
        }
    }

    /// Stops the machine when the walk is under way.
    fn caller(&self, ctx: &Ctx, run: &Run) {
        let watched = run.watch(ctx.current);
        loop {
            initialize(ctx.machine, &self.call);
            let Some(round) = self.meeting.next_round(run, &watched) else { break };
            wait(&watched, || (self.walking.load(Relaxed) == round || run.failed()).then_some(()));
            assert_eq!(stop_cpus(ctx, &self.call), Ok(()));
        }
    }

    /// Out of memory: `dump_header()` walks over the tasks of the cgroup and prints each.
    fn mysqld(&self, ctx: &Ctx, run: &Run) {
        let watched = run.watch(ctx.current);
        while let Some(round) = self.meeting.next_round(run, &watched) {
            self.walking.store(round, Relaxed);
            let mut served = false;
            for task in 1.. {
                // A line on the console, whose driver touches the watchdog.
                watched.touch();
                dawdle(100);
                let wanted = || !list_empty(&ctx.machine.cpu_stopper(BUSY).works);
                if self.reschedules == Reschedules::EachBatch && task % BATCH == 0 && !served && wanted() {
                    self.hand_over(Owner::Mysqld, Owner::Stopper);
                    served = true;
                }
                if self.walk_is_over(task) || run.failed() {
                    break;
                }
            }
            if !served {
                self.hand_over(Owner::Mysqld, Owner::Stopper);
            }
        }
    }

    fn walk_is_over(&self, task: u64) -> bool {
        match self.reschedules {
            Reschedules::AtItsEnd => self.walk_ends.load(Relaxed),
            Reschedules::EachBatch => task == TASKS,
        }
    }
}

impl Load for StopMachine {
    fn declare(self: Arc<Self>, setup: &mut Setup, run: &Arc<Run>) {
        for &cpu in self.machine.cpus() {
            let (load, of) = (self.clone(), run.clone());
            let thread = self.machine.cpu_stopper(cpu).thread;
            self.machine.spawn(setup, thread, move |ctx| load.stopper(ctx, &of));
        }
        let (load, of) = (self.clone(), run.clone());
        self.machine.spawn(setup, self.caller, move |ctx| load.caller(ctx, &of));
        let (load, of) = (self.clone(), run.clone());
        self.machine.spawn(setup, self.mysqld, move |ctx| load.mysqld(ctx, &of));
    }

    fn stuck_cpus(&self) -> &'static [u32] {
        &WAITING
    }

    fn release(&self) {
        self.walk_ends.store(true, Relaxed);
    }

    fn released_by(&self) -> &'static str {
        "the end of mysqld's walk"
    }
}
