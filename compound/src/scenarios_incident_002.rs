// SPDX-License-Identifier: GPL-2.0-only
//! Incident 002: what could have left the lock bit of a head page set. [`crate::investigation`] weighs them.
//!
//! Each scenario has the stacks of the dump: several CPUs in `put_page()` of one tail. What differs is who else is
//! there, and the revision adds what a hypothesis needs beyond the code as it was read.

use crate::catalogue::Case;
use crate::compound_lock::{self, InSection, IrqsOff, compound_lock_irqsave, compound_unlock_irqrestore};
use crate::kernel::{INCIDENT_002, Kernel};
use crate::machine::Machine;
use crate::page::{Kind, PageInit};
use crate::page_flags::{self, PageFlag, Set, set_page_flag};
use crate::put_page::put_page;
use crate::scenarios_compound_lock::{HEAD, TAIL};
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Model, Relaxed, Scenario, Setup, busy};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[SWITCHED_OUT, LOST_RELEASE, INTERRUPT, STOPPED_VCPU];

/// The task of CPU 3, whose stack in the dump is unlike the others.
pub const TASK_24194: &str = "fas_readwriter/24194";
/// The task of CPU 10, where the watchdog hit.
pub const TASK_24023: &str = "fas_readwriter/24023";
/// One more of the 34.
pub const ANOTHER: &str = "fas_readwriter/another";

const fn lock(name: &'static str, what: &'static str, compound_lock: compound_lock::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), compound_lock, ..INCIDENT_002 }
}

/// A machine with the compound page of the dump: mapped, and with a pin of the tail for each task.
fn dump(kernel: Kernel, pins: i32) -> Arc<Machine> {
    Arc::new(Machine::new(kernel).with_pages(&[
        PageInit::new("head", Kind::Head).refcount(1 + pins),
        PageInit::new("tail", Kind::Tail(0)).mapcount(pins),
    ]))
}

/// A task that drops its pin of the tail, as `get_futex_key()` does.
fn drops_its_pin(setup: &mut Setup, machine: &Arc<Machine>, task: &str, cpu: u32) {
    machine.spawn(setup, task, cpu, |ctx| put_page(ctx, TAIL));
}

const SWITCHED_OUT: Case = Case {
    incident: "compound-lock",
    name: "holder-switched-out",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("who may preempt whom decides, and loom has no CPUs"),
    scenario: holder_switched_out,
    rows: &[
        (INCIDENT_002, Holds),
        (
            lock(
                "schedules",
                "the section calls something that leads into the scheduler",
                compound_lock::Rev { in_section: InSection::Schedules, ..compound_lock::MAINLINE },
            ),
            Lockup,
        ),
    ],
};

/// The task of CPU 3 has company there.
///
/// Result: Never
pub fn holder_switched_out(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = dump(kernel, 3);
        drops_its_pin(setup, &machine, TASK_24194, 3);
        drops_its_pin(setup, &machine, ANOTHER, 3);
        drops_its_pin(setup, &machine, TASK_24023, 10);
    })
}

const LOST_RELEASE: Case = Case {
    incident: "compound-lock",
    name: "lost-release",
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: lost_release,
    rows: &[
        (INCIDENT_002, Holds),
        (
            Kernel {
                label: Label::mutant("plain-set", "another flag of the head is set by a plain read and write"),
                page_flags: page_flags::Rev { set: Set::Plain },
                ..INCIDENT_002
            },
            Lockup,
        ),
    ],
    ..SWITCHED_OUT
};

/// Beside the split, another CPU sets a flag of the head.
///
/// Result: Never
pub fn lost_release(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = dump(kernel, 2);
        machine.spawn(setup, "split_huge_page", 5, |ctx| {
            let flags = compound_lock_irqsave(ctx, &ctx.page(HEAD).flags);
            compound_unlock_irqrestore(ctx, &ctx.page(HEAD).flags, flags);
        });
        drops_its_pin(setup, &machine, TASK_24023, 10);
        drops_its_pin(setup, &machine, ANOTHER, 11);
        machine.spawn(setup, "mark_page_accessed", 12, |ctx| {
            set_page_flag(ctx, PageFlag::Referenced, &ctx.page(HEAD).flags);
        });
    })
}

const INTERRUPT: Case = Case {
    incident: "compound-lock",
    name: "interrupted-holder",
    loom: LoomUse::CannotCarry("needs interrupts"),
    scenario: interrupted_holder,
    rows: &[
        (INCIDENT_002, Holds),
        (
            lock(
                "irqs-on-early",
                "interrupts come back before the bit is released",
                compound_lock::Rev { irqs_off: IrqsOff::UntilUnlock, ..compound_lock::MAINLINE },
            ),
            Lockup,
        ),
    ],
    ..SWITCHED_OUT
};

/// An interrupt of CPU 10 drops a pin too.
///
/// Result: Never
pub fn interrupted_holder(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = dump(kernel, 3);
        let handling = machine.clone();
        let irq = setup.irq("end_io", 10, move |current| put_page(&handling.on(current), TAIL));
        machine.spawn(setup, TASK_24023, 10, move |ctx| {
            irq.raise();
            put_page(ctx, TAIL);
        });
        drops_its_pin(setup, &machine, ANOTHER, 11);
    })
}

const STOPPED_VCPU: Case = Case {
    incident: "compound-lock",
    name: "stopped-vcpu",
    loom: LoomUse::CannotCarry("loom has no clock"),
    scenario: stopped_vcpu,
    rows: &[
        (INCIDENT_002, Holds),
        (
            lock(
                "vcpu-stops",
                "the machine is a guest, and its host does not run the holder's CPU",
                compound_lock::Rev { in_section: InSection::VcpuStops, ..compound_lock::MAINLINE },
            ),
            Violated,
        ),
    ],
    ..SWITCHED_OUT
};

const SECOND: u64 = 1_000_000_000;

/// A CPU that splits the page has the bit, and the watchdog of CPU 10 looks whether its timer came in ten seconds.
///
/// Result: Never
pub fn stopped_vcpu(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = dump(kernel, 2);
        let ticks = Arc::new(Atomic::named(0u32, format_args!("hrtimer_interrupts")));
        let looks = ticks.clone();
        let hrtimer = setup.irq("watchdog_timer", 10, move |_| ticks.inc());
        let nmi = setup.nmi("watchdog_overflow", 10, move |_| {
            assert!(looks.load(Relaxed) > 0, "Watchdog detected hard LOCKUP on cpu 10");
        });
        machine.spawn(setup, "split_huge_page", 5, move |ctx| {
            let flags = compound_lock_irqsave(ctx, &ctx.page(HEAD).flags);
            hrtimer.arm(4 * SECOND);
            nmi.arm(10 * SECOND);
            if kernel.compound_lock.in_section == InSection::VcpuStops {
                busy(12 * SECOND);
            }
            compound_unlock_irqrestore(ctx, &ctx.page(HEAD).flags, flags);
        });
        drops_its_pin(setup, &machine, TASK_24023, 10);
        drops_its_pin(setup, &machine, ANOTHER, 11);
    })
}
