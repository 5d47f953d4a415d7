// SPDX-License-Identifier: GPL-2.0-only
//! How often a waiter is passed by others.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::Machine;
use crate::scenarios_spin_lock::Guarded;
use ksync::catalogue::Expected::{Holds, Unbounded};
use ksync::catalogue::LoomUse;
use ksync::{Atomic, Model, Relaxed, Scenario, distil};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[BYPASS, PUMP, LATE_COMERS];

const NO_END: LoomUse = LoomUse::CannotCarry("no end in 20 seconds");

const BYPASS: Case = Case {
    incident: "bit-spin-lock",
    name: "bypass",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: never_passed,
    rows: &[(kernel::TICKET, Holds), (kernel::QUEUED, Holds), (kernel::BIT, Unbounded)],
};

/// Another CPU takes the lock three times. Once the waiter is seen on the lock, it is next.
///
/// Result: Unbounded in BIT
pub fn never_passed(kernel: Kernel) -> Box<Scenario> {
    bypass(kernel, 3, 0)
}

const PUMP: Case = Case { name: "bypass-pump", loom: NO_END, scenario: passed_again_and_again, ..BYPASS };

/// The same with eight times: a bit lets the waiter be passed again and again, as long as somebody comes.
///
/// Result: Unbounded in BIT
pub fn passed_again_and_again(kernel: Kernel) -> Box<Scenario> {
    bypass(kernel, 8, 4)
}

const LATE_COMERS: Case = Case { name: "late-comers", loom: NO_END, scenario: nobody_passes, ..BYPASS };

/// Three CPUs. Who waits on the lock is passed by none of two others that come later, twice each: so with three CPUs
/// a waiter is passed twice at most, by those that were there before it.
///
/// Result: Unbounded in BIT
pub fn nobody_passes(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let passes = setup.bounded_work("sections of those who came later", 0);
        let machine = Arc::new(Machine::with_cpus(kernel, 3));
        let guarded = Guarded::new(&kernel);
        let flags =
            ["held", "waits", "entered", "seen"].map(|name| Arc::new(Atomic::named(false, format_args!("{name}"))));
        let [held, waits, entered, _] = flags.clone();
        let waiters = guarded.clone();
        machine.spawn(setup, "waiter", 0, move |ctx| {
            held.cond_load(Relaxed, |held| held);
            waits.store(true, Relaxed);
            distil(|| waiters.lock.lock(ctx));
            entered.store(true, Relaxed);
            waiters.lock.unlock(ctx);
        });
        for (name, cpu) in [("holder", 1), ("late-comer", 2)] {
            let (guarded, [held, waits, entered, seen]) = (guarded.clone(), flags.clone());
            machine.spawn(setup, name, cpu, move |ctx| {
                if cpu == 1 {
                    guarded.lock.lock(ctx);
                    held.store(true, Relaxed);
                    guarded.lock.await_contention(&waits);
                    seen.store(true, Relaxed);
                    guarded.lock.unlock(ctx);
                }
                seen.cond_load(Relaxed, |seen| seen);
                for _ in 0..2 {
                    distil(|| guarded.lock.lock(ctx));
                    if !entered.load(Relaxed) {
                        passes.round();
                    }
                    guarded.lock.unlock(ctx);
                }
            });
        }
    })
}

/// One CPU waits once, the other takes the lock `rounds` times; it may pass the waiter `bound` times.
///
/// A ticket or queued lock shows in its word that somebody waits. A bit does not: there the waiter says so itself,
/// after it has found the lock taken.
fn bypass(kernel: Kernel, rounds: u32, bound: u64) -> Box<Scenario> {
    Box::new(move |setup| {
        let passes = setup.bounded_work("sections of others while a CPU waits", bound);
        let machine = Arc::new(Machine::with_cpus(kernel, 2));
        let guarded = Guarded::new(&kernel);
        let flags = ["waits", "entered"].map(|name| Arc::new(Atomic::named(false, format_args!("{name}"))));
        let [waits, entered] = flags.clone();
        let waiters = guarded.clone();
        machine.spawn(setup, "waiter", 0, move |ctx| {
            if !waiters.lock.trylock(ctx) {
                waits.store(true, Relaxed);
                waiters.lock.lock(ctx);
            }
            entered.store(true, Relaxed);
            waiters.lock.unlock(ctx);
        });
        machine.spawn(setup, "others", 1, move |ctx| {
            let [waits, entered] = &flags;
            let mut waiting = false;
            for _ in 0..rounds {
                guarded.lock.lock(ctx);
                if waiting && !entered.load(Relaxed) {
                    passes.round();
                }
                waiting = guarded.lock.is_contended().unwrap_or_else(|| waits.load(Relaxed));
                guarded.lock.unlock(ctx);
            }
        });
    })
}
