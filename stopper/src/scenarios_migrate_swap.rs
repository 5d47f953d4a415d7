// SPDX-License-Identifier: GPL-2.0-only
//! Incident 000: `migrate_swap()` against the active balance. CPU numbers and names are the report's.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, MIGRATE_SWAP_STOP, Machine};
use crate::schedule::schedule;
use crate::stopper_thread::smpboot_thread_loop;
use crate::task::Birth;
use crate::ttwu::{self, OnCpu};
use crate::two_works::{queue_two, stop_two_cpus};
use ksync::Scenario;
use ksync::catalogue::Expected::{Holds, Lockup};
use ksync::catalogue::{LoomUse, ModelName};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[S9_INCIDENT, S9_STOPPERS];

const S9_INCIDENT: Case = Case {
    incident: "migrate-swap",
    name: "s9-incident",
    model: ModelName::Sc,
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
    ttwu: ttwu::Rev { on_cpu: OnCpu::SpinUnderRqLock, ..ttwu::NOT_STOPPERS },
    ..kernel::MAINLINE.mutant("spin-under-rq-lock", "the waker spins on on_cpu with the task's runqueue locked")
};

/// The incident's two tasks alone: migration/1 has run dry and finds CPU26 busy while custom_exporter, on CPU26,
/// asks for both CPUs. Nobody waits for the end of the request, since migration/26 does not run here.
///
/// Result: Lockup in BEFORE
pub fn s9_incident(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let exporter = machine.new_task("custom_exporter", 26, Birth::Running);
        let call = machine.stop_two_cpus_call("migrate_swap", 1, MIGRATE_SWAP_STOP, 0);
        machine.idle_finds_busy(1, 26);
        let migration = machine.blocking_stopper(1);
        let machine = Arc::new(machine);
        machine.spawn(setup, exporter, move |ctx| {
            call.frame.enter();
            queue_two(ctx, &call, 1, 26).expect("both stoppers are enabled");
        });
        machine.spawn(setup, migration, schedule).stop_class().daemon();
    })
}

const S9_STOPPERS: Case = Case {
    incident: "migrate-swap",
    name: "s9-stoppers",
    model: ModelName::Sc,
    loom: LoomUse::CannotCarry("who may preempt whom decides, and loom has no CPUs"),
    scenario: s9_stoppers,
    rows: &[
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
        let exporter = machine.new_task("custom_exporter", 26, Birth::Running);
        let swap = machine.stop_fn("swap", |_, _| 0);
        let call = machine.stop_two_cpus_call("migrate_swap", 1, swap, 0);
        machine.idle_finds_busy(1, 26);
        let migration = machine.blocking_stopper(1);
        let machine = Arc::new(machine);
        machine.spawn(setup, exporter, move |ctx| {
            assert_eq!(stop_two_cpus(ctx, &call, 1, 26), Ok(()));
        });
        let migration_1 = |ctx: &Ctx| {
            schedule(ctx);
            smpboot_thread_loop(ctx);
        };
        machine.spawn(setup, migration, migration_1).stop_class().daemon();
        machine.spawn_stoppers(setup, &[26]);
    })
}
