// SPDX-License-Identifier: GPL-2.0-only
//! The ring of the buddies: who joins and who leaves is not reported, and who is stuck is.

use crate::buddy::{self, watchdog_buddy_check_hardlockup, watchdog_hardlockup_disable, watchdog_hardlockup_enable};
use crate::catalogue::Case;
use crate::furnish::{nobody_is_reported, prints};
use crate::hardlockup::{self, Reset};
use crate::kernel::{self, Kernel};
use crate::machine::{Config, Detector, Dog, SOFT_ONLY, Watchdog};
use crate::scenarios_prepare::{NO_CLOCK, staggered};
use crate::scenarios_promises::OBSERVER;
use crate::units::SEC;
use ksync::Weakness::NoFence;
use ksync::catalogue::Expected::{Holds, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Model, Relaxed, Scenario, Setup, busy};
use std::sync::Arc;
use stopper::machine::Machine;
use stopper::task::Birth;

/// The cases of this file.
pub const CASES: &[Case] = &[JOINS, LEAVES, FINDS];

const BUDDIES: Config = Config { detector: Detector::Buddy, ..SOFT_ONLY };

const NO_WMB_JOIN: Kernel = Kernel {
    label: Label::mutant("no-wmb", "a CPU joins the ring without the smp_wmb()")
        .without(&[("watchdog_hardlockup_enable", NoFence(Fence::Wmb))]),
    ..kernel::BUDDY
};
const NO_WMB_LEAVE: Kernel = Kernel {
    label: Label::mutant("no-wmb", "a CPU leaves the ring without the smp_wmb()")
        .without(&[("watchdog_hardlockup_disable", NoFence(Fence::Wmb))]),
    ..kernel::BUDDY
};
const NO_RMB: Kernel = Kernel {
    label: Label::mutant("no-rmb", "the buddy looks without the smp_rmb()")
        .without(&[("watchdog_buddy_check_hardlockup", NoFence(Fence::Rmb))]),
    ..kernel::BUDDY
};
const SELF_ONLY: Kernel = Kernel {
    label: Label::mutant("touch-self", "the next CPU of the ring is not touched"),
    buddy: buddy::Rev::SelfOnly,
    ..kernel::BUDDY
};
const NEXT_ONLY: Kernel = Kernel {
    label: Label::mutant("touch-next", "a CPU that joins is not touched"),
    buddy: buddy::Rev::NextOnly,
    ..kernel::BUDDY
};

const JOINS: Case = Case {
    incident: "buddy",
    name: "buddy-joins",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry(
        "its fences are C11's: an acquire fence behind a relaxed read is enough for a read after it",
    ),
    scenario: joins,
    rows: &[
        (kernel::BUDDY, Holds),
        (NO_WMB_JOIN, Violated),
        (NO_RMB, Violated),
        (SELF_ONLY, Violated),
        (NEXT_ONLY, Violated),
    ],
};

/// The number of a sample at which a buddy looks, in every kernel.
const LOOKS: u32 = 3;

/// Three CPUs, and a task on each of the first two.
fn ring(
    setup: &mut Setup,
    kernel: Kernel,
    members: &[u32],
    first: impl Fn(&Dog<'_>) + Send + Sync + 'static,
    second: impl Fn(&Dog<'_>) + Send + Sync + 'static,
) -> Arc<Watchdog> {
    let mut machine = Machine::new(&[0, 1, 2], kernel.stopper);
    let watchdog = Watchdog::new(&mut machine, (kernel, BUDDIES), nobody_is_reported);
    watchdog.watchdog_cpus.store(members.iter().map(|cpu| 1 << cpu).sum(), Relaxed);
    let tasks = [0, 1].map(|cpu| machine.new_task(&format!("timer/{cpu}"), cpu, Birth::Running));
    let machine = Arc::new(machine);
    let dogs = watchdog.clone();
    machine.spawn(setup, tasks[0], move |ctx| first(&dogs.on(*ctx)));
    let dogs = watchdog.clone();
    machine.spawn(setup, tasks[1], move |ctx| second(&dogs.on(*ctx)));
    watchdog
}

/// CPU1 joins the ring between CPU0 and CPU2, and looks at CPU2, which CPU0 looked at a moment ago. Meanwhile CPU0 looks
/// at the next one. All timers come.
///
/// Result: Never
fn joins(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let looks = |dog: &Dog<'_>| watchdog_buddy_check_hardlockup(dog, LOOKS);
        let watchdog = ring(setup, kernel, &[0, 2], looks, move |dog| {
            watchdog_hardlockup_enable(dog);
            looks(dog);
        });
        // CPU2 has made progress since CPU0 looked; when it looks again it saves that.
        watchdog.per_cpu(2).hrtimer_interrupts.store(1, Relaxed);
    })
}

const LEAVES: Case = Case {
    name: "buddy-leaves",
    scenario: leaves,
    rows: &[(kernel::BUDDY, Holds), (NO_WMB_LEAVE, Violated), (NO_RMB, Violated), (SELF_ONLY, Violated)],
    ..JOINS
};

/// CPU1 has just looked at CPU2, and leaves the ring. CPU0 takes CPU2 over, and looks at once.
///
/// Result: Never
fn leaves(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let looks = |dog: &Dog<'_>| watchdog_buddy_check_hardlockup(dog, LOOKS);
        let watchdog = ring(setup, kernel, &[0, 1, 2], looks, watchdog_hardlockup_disable);
        // CPU1 has made progress since CPU0 looked; CPU2 has not since CPU1 did.
        watchdog.per_cpu(1).hrtimer_interrupts.store(1, Relaxed);
    })
}

const EVERY_CHECK: Kernel = Kernel {
    label: Label::mutant("reset-on-check", "each check counts the misses from 0"),
    hardlockup: hardlockup::Rev { reset: Reset::OnCheck, ..hardlockup::RESYNC },
    ..kernel::MAINLINE
};

const NEVER_MISSES: Kernel = Kernel {
    label: Label::mutant("third-of-thirds", "three misses in a row, and a look at every third sample only"),
    hardlockup: hardlockup::Rev { every: 3, ..hardlockup::RESYNC },
    ..kernel::MAINLINE
};

const FINDS: Case = Case {
    incident: "buddy",
    name: "finds-a-hard-lockup",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: finds_a_hard_lockup,
    rows: &[(kernel::MAINLINE, Holds), (EVERY_CHECK, Violated), (NEVER_MISSES, Violated)],
};

/// CPU1 locks up with interrupts off at 5 s. CPU0 sees three samples without progress, and reports it within 16 s.
///
/// Result: Violated in `EVERY_CHECK`
fn finds_a_hard_lockup(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let watchdog = stuck(setup, kernel, &[1]);
        setup.task("observer", OBSERVER, move |_| {
            busy(21 * SEC);
            assert!(watchdog.has_reported(), "stuck for 16 s");
            assert_eq!(watchdog.reported_cpu.load(Relaxed), 1);
        });
        setup.horizon(22 * SEC);
    })
}

/// These of two CPUs turn their interrupts off at 5 s, for good.
fn stuck(setup: &mut Setup, kernel: Kernel, cpus: &[u32]) -> Arc<Watchdog> {
    let mut machine = Machine::new(&[0, 1], kernel.stopper);
    let watchdog = Watchdog::new(&mut machine, (kernel, BUDDIES), prints);
    let tasks: Vec<_> =
        cpus.iter().map(|&cpu| machine.new_task(&format!("stuck/{cpu}"), cpu, Birth::Running)).collect();
    let machine = Arc::new(machine);
    watchdog.declare(setup, &machine, staggered);
    for task in tasks {
        machine.spawn(setup, task, |ctx| {
            busy(5 * SEC);
            ctx.current.local_irq_disable();
            busy(100 * SEC);
        });
    }
    machine.spawn_stoppers(setup, &[0, 1]);
    watchdog
}
