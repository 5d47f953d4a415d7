// SPDX-License-Identifier: GPL-2.0-only
//! Where preemption and interrupts are off around a bit spinlock, and who is stuck where they are not.

use crate::bit_spinlock::{self, Spin, Trylock, bit_spin_lock, bit_spin_trylock, bit_spin_unlock};
use crate::catalogue::Case;
use crate::compound_lock::{self, IrqsOff, compound_lock_irqsave, compound_unlock_irqrestore};
use crate::kernel::{self, Kernel};
use crate::machine::Machine;
use crate::page_flags::PageFlag;
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Model, Relaxed, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[PREEMPTED_HOLDER, PREEMPT_COUNT, SPINNER, INTERRUPTED_HOLDER];

const BIT: u32 = PageFlag::CompoundLock.nr();
const NO_CPUS: LoomUse = LoomUse::CannotCarry("needs tasks that share a CPU, or interrupts");

const fn mutant(name: &'static str, what: &'static str, bit_spinlock: bit_spinlock::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), bit_spinlock, ..kernel::MAINLINE }
}

fn flags() -> Arc<Atomic<u64>> {
    Arc::new(Atomic::named(0, format_args!("head.flags")))
}

const TRYLOCK_PREEMPTIBLE: Kernel = mutant(
    "trylock-preemptible",
    "bit_spin_trylock() leaves preemption on also where it succeeds",
    bit_spinlock::Rev { trylock: Trylock::Never, ..bit_spinlock::MAINLINE },
);

const PREEMPTED_HOLDER: Case = Case {
    incident: "bit-spin-lock",
    name: "preempted-holder",
    model: Model::Sc,
    loom: NO_CPUS,
    scenario: one_cpu_two_tasks,
    rows: &[(kernel::MAINLINE, Holds), (TRYLOCK_PREEMPTIBLE, Lockup)],
};

/// One CPU and two tasks: the second spins with interrupts off, so a holder that it preempted never runs again.
///
/// Result: Never
pub fn one_cpu_two_tasks(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::new(kernel));
        let flags = flags();
        let others = flags.clone();
        machine.spawn(setup, "holder", 0, move |ctx| {
            if bit_spin_trylock(ctx, BIT, &flags) {
                // DEVIATION: the mutant's count would go below zero in the unlock, before the lockup is complete.
                if ctx.current.preempt_count() == 0 {
                    ctx.current.preempt_disable();
                }
                bit_spin_unlock(ctx, BIT, &flags);
            }
        });
        machine.spawn(setup, "waiter", 0, move |ctx| {
            let saved = compound_lock_irqsave(ctx, &others);
            compound_unlock_irqrestore(ctx, &others, saved);
        });
    })
}

const PREEMPT_COUNT: Case = Case {
    incident: "bit-spin-lock",
    name: "preempt-count",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: trylock_fails,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "trylock-leaks",
                "bit_spin_trylock() leaves preemption off also where it fails",
                bit_spinlock::Rev { trylock: Trylock::Always, ..bit_spinlock::MAINLINE },
            ),
            Violated,
        ),
        (TRYLOCK_PREEMPTIBLE, Violated),
    ],
};

/// Preemption is off while the bit is held and on when it is not, whatever trylock said.
///
/// Result: Never
pub fn trylock_fails(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Machine::new(kernel);
        let flags = flags();
        setup.identical_tasks("T", 0, 2, move |current| {
            let ctx = machine.on(current);
            let locked = bit_spin_trylock(&ctx, BIT, &flags);
            assert_eq!(current.preempt_count(), u32::from(locked), "preemption is off where the lock is held");
            if locked {
                bit_spin_unlock(&ctx, BIT, &flags);
            }
        });
    })
}

const SPINNER: Case = Case {
    incident: "bit-spin-lock",
    name: "spinner-is-preempted",
    model: Model::Sc,
    loom: NO_CPUS,
    scenario: holder_waits_for_the_spinners_cpu,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "preempt-off-spin",
                "bit_spin_lock() spins with preemption off",
                bit_spinlock::Rev { spin: Spin::PreemptOff, ..bit_spinlock::MAINLINE },
            ),
            Lockup,
        ),
    ],
};

/// The holder waits for a task on the CPU where another one spins for the bit.
///
/// Result: Never
pub fn holder_waits_for_the_spinners_cpu(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::new(kernel));
        let flags = flags();
        let others = flags.clone();
        let done = Arc::new(Atomic::named(false, format_args!("done")));
        let sets = done.clone();
        machine.spawn(setup, "holder", 0, move |ctx| {
            bit_spin_lock(ctx, BIT, &flags);
            done.cond_load(Relaxed, |done| done);
            bit_spin_unlock(ctx, BIT, &flags);
        });
        machine.spawn(setup, "spinner", 1, move |ctx| {
            bit_spin_lock(ctx, BIT, &others);
            bit_spin_unlock(ctx, BIT, &others);
        });
        machine.spawn(setup, "worker", 1, move |_| sets.store(true, Relaxed));
    })
}

const INTERRUPTED_HOLDER: Case = Case {
    incident: "bit-spin-lock",
    name: "interrupted-holder",
    model: Model::Sc,
    loom: NO_CPUS,
    scenario: put_page_in_a_handler,
    rows: &[
        (kernel::INCIDENT_002, Holds),
        (
            Kernel {
                label: Label::mutant("irqs-on", "the bit is taken with interrupts on"),
                compound_lock: compound_lock::Rev { irqs_off: IrqsOff::Never, ..compound_lock::MAINLINE },
                ..kernel::INCIDENT_002
            },
            Lockup,
        ),
        (
            Kernel {
                label: Label::mutant("irqs-on-early", "interrupts come back before the bit is released"),
                compound_lock: compound_lock::Rev { irqs_off: IrqsOff::UntilUnlock, ..compound_lock::MAINLINE },
                ..kernel::INCIDENT_002
            },
            Lockup,
        ),
    ],
};

/// An interrupt of the holder's CPU takes the same bit.
///
/// Result: Never
pub fn put_page_in_a_handler(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::new(kernel));
        let flags = flags();
        let (handlers, handling) = (flags.clone(), machine.clone());
        let irq = setup.irq("end_io", 0, move |current| {
            let ctx = handling.on(current);
            let saved = compound_lock_irqsave(&ctx, &handlers);
            compound_unlock_irqrestore(&ctx, &handlers, saved);
        });
        machine.spawn(setup, "holder", 0, move |ctx| {
            irq.raise();
            let saved = compound_lock_irqsave(ctx, &flags);
            compound_unlock_irqrestore(ctx, &flags, saved);
        });
    })
}
