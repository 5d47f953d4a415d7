// SPDX-License-Identifier: GPL-2.0-only
//! Incident 000: `migrate_swap()` against the active balance. CPU numbers and names are the report's.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, MIGRATE_SWAP_STOP, Machine, StopCall};
use crate::migrate_swap::{MigrationSwapArg, migrate_swap};
use crate::schedule::schedule;
use crate::stopper_thread::smpboot_thread_loop;
use crate::task::{Birth, TaskStruct};
use crate::ttwu::{self, OnCpu};
use ksync::catalogue::Expected::{Holds, Lockup};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Scenario, Setup};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[S9_INCIDENT, S9_STOPPERS];

const S9_INCIDENT: Case = Case {
    incident: "migrate-swap",
    name: "s9-incident",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: s9_incident,
    rows: &[
        (kernel::DOUBLE_LOCK, Lockup),
        (kernel::IN_PROGRESS, Lockup),
        (kernel::BEFORE, Lockup),
        (kernel::WAKE_Q, Holds),
        (kernel::AROUND_WAKE, Holds),
        (kernel::AFTER_QUEUEING, Holds),
        (kernel::REFLOW, Holds),
        (kernel::ATOMICALLY, Holds),
        (kernel::MAINLINE, Holds),
        (SPIN_UNDER_RQ_LOCK, Lockup),
    ],
};

const SPIN_UNDER_RQ_LOCK: Kernel = Kernel {
    label: Label::mutant("spin-under-rq-lock", "the waker spins on on_cpu with the task's runqueue locked"),
    ttwu: ttwu::Rev { on_cpu: OnCpu::SpinUnderRqLock, ..ttwu::NOT_STOPPERS },
    ..kernel::MAINLINE
};

/// The incident's two tasks alone: migration/1 has run dry and finds CPU26 busy while custom_exporter, on CPU26,
/// swaps itself with a task on CPU1. Without migration/26 the swap has no end, and nobody has to see it.
///
/// Result: Lockup in BEFORE
pub fn s9_incident(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| _ = incident_on(setup, Machine::new(&[1, 26], kernel)))
}

/// The incident on a machine with the CPUs 1 and 26, which may have a watchdog.
pub fn incident_on(setup: &mut Setup, mut machine: Machine) -> Arc<Machine> {
    let (exporter, call, arg) = exporter_swaps(&mut machine);
    machine.idle_finds_busy(1, 26);
    let migration = machine.blocking_stopper(1);
    let machine = Arc::new(machine);
    machine.spawn(setup, exporter, move |ctx| _ = migrate_swap(ctx, &call, arg)).daemon();
    machine.spawn(setup, migration, schedule).stop_class().daemon();
    machine
}

/// custom_exporter on CPU26, and its swap with a task on CPU1.
fn exporter_swaps(machine: &mut Machine) -> (Id<TaskStruct>, StopCall, Id<MigrationSwapArg>) {
    let src_task = machine.new_task("custom_exporter", 26, Birth::Running);
    let dst_task = machine.new_task("other", 1, Birth::Running);
    let arg = machine.migration_swap_arg(MigrationSwapArg { src_task, dst_task, src_cpu: 26, dst_cpu: 1 });
    let call = machine.stop_two_cpus_call("migrate_swap", 1, MIGRATE_SWAP_STOP, arg.index() as u32);
    (src_task, call, arg)
}

const S9_STOPPERS: Case = Case {
    incident: "migrate-swap",
    name: "s9-stoppers",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("who may preempt whom decides, and loom has no CPUs"),
    scenario: s9_stoppers,
    rows: &[
        (kernel::DOUBLE_LOCK, Lockup),
        (kernel::IN_PROGRESS, Lockup),
        (kernel::BEFORE, Lockup),
        (kernel::WAKE_Q, Lockup),
        (kernel::AROUND_WAKE, Lockup),
        (kernel::AFTER_QUEUEING, Holds),
        (kernel::REFLOW, Holds),
        (kernel::ATOMICALLY, Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// The same with both stoppers running, until the request is served.
///
/// Result: Lockup in BEFORE; in WAKE_Q and AROUND_WAKE too, where migration/26, woken by the active balance, preempts
/// the waker between unlock and wakeup (S10 and S11).
pub fn s9_stoppers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let (exporter, call, arg) = exporter_swaps(&mut machine);
        machine.idle_finds_busy(1, 26);
        let migration = machine.blocking_stopper(1);
        let machine = Arc::new(machine);
        machine.spawn(setup, exporter, move |ctx| assert_eq!(migrate_swap(ctx, &call, arg), Ok(())));
        let migration_1 = |ctx: &Ctx| {
            schedule(ctx);
            smpboot_thread_loop(ctx);
        };
        machine.spawn(setup, migration, migration_1).stop_class().daemon();
        machine.spawn_stoppers(setup, &[26]);
    })
}
