// SPDX-License-Identifier: GPL-2.0-only
//! The ticket spinlock.

use crate::catalogue::Case;
use crate::kernel::{Kernel, TICKET};
use crate::machine::Machine;
use crate::scenarios_spin_lock::{four_by_two, three_by_two, trylock_and_lock};
use crate::ticket_spinlock::{self, TicketSpinLock, Unlock};
use ksync::Weakness::{self, NoFence, RelaxedLoad, RelaxedRmw};
use ksync::catalogue::Expected::{Holds, Lockup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Atomic, Model, Relaxed, Scenario, smp_mb};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[EXCLUSION, EXCLUSION_RC11, EXCLUSION_SC, TRYLOCK, WRAPS, THIRD_CPU];

const NO_END: LoomUse = LoomUse::CannotCarry("no end in a minute");

const fn weak(name: &'static str, what: &'static str, weaken: &'static [(&'static str, Weakness)]) -> Kernel {
    Kernel { label: Label::mutant(name, what).without(weaken), ..TICKET }
}

const RELAXED_UNLOCK: Kernel =
    weak("relaxed-unlock", "ticket_spin_unlock() orders nothing", &[("ticket_spin_unlock", RelaxedRmw)]);
const RELAXED_TICKET: Kernel =
    weak("relaxed-ticket", "a ticket that is served at once orders nothing", &[("ticket_spin_lock", RelaxedRmw)]);
const RELAXED_WAIT: Kernel = weak(
    "relaxed-wait",
    "the wait for a ticket orders nothing",
    &[("ticket_spin_lock", RelaxedLoad), ("ticket_spin_lock", NoFence(Fence::Mb))],
);
const UNLOCK_WORD: Kernel = Kernel {
    label: Label::mutant("unlock-word", "ticket_spin_unlock() writes both halves back"),
    ticket: ticket_spinlock::Rev { unlock: Unlock::Word },
    ..TICKET
};
const UNLOCK_SUM: Kernel = Kernel {
    label: Label::mutant("unlock-sum", "ticket_spin_unlock() adds one to the whole word"),
    ticket: ticket_spinlock::Rev { unlock: Unlock::Sum },
    ..TICKET
};

const EXCLUSION: Case = Case {
    incident: "ticket-lock",
    name: "exclusion",
    model: Model::Lkmm,
    loom: NO_END,
    scenario: three_by_two,
    rows: &[(TICKET, Holds), (RELAXED_UNLOCK, Race), (RELAXED_TICKET, Race), (RELAXED_WAIT, Race)],
};

const EXCLUSION_RC11: Case = Case {
    name: "exclusion-rc11",
    model: Model::Rc11,
    rows: &[(TICKET, Holds), (RELAXED_UNLOCK, Race), (RELAXED_WAIT, Race)],
    ..EXCLUSION
};

const EXCLUSION_SC: Case = Case {
    name: "exclusion-sc",
    model: Model::Sc,
    scenario: four_by_two,
    rows: &[(TICKET, Holds), (UNLOCK_WORD, Race)],
    ..EXCLUSION
};

const TRYLOCK: Case = Case {
    incident: "ticket-lock",
    name: "trylock-exclusion",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: trylock_and_lock,
    rows: &[
        (TICKET, Holds),
        (
            weak("relaxed-trylock", "ticket_spin_trylock() orders nothing", &[("ticket_spin_trylock", RelaxedRmw)]),
            Race,
        ),
    ],
};

const WRAPS: Case = Case {
    incident: "ticket-lock",
    name: "wraps",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: last_ticket,
    rows: &[(TICKET, Holds), (UNLOCK_SUM, Lockup)],
};

/// The ticket after the last one is number zero.
///
/// Result: Never
pub fn last_ticket(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let lock = Arc::new(TicketSpinLock::starting_at(u16::MAX, "lock"));
        setup.identical_tasks("T", 0, 2, move |_| {
            lock.ticket_spin_lock();
            lock.ticket_spin_unlock(kernel.ticket);
        });
    })
}

const THIRD_CPU: Case = Case {
    incident: "ticket-lock",
    name: "third-cpu",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: seen_by_a_third_cpu,
    rows: &[
        (TICKET, Holds),
        (
            weak(
                "no-mb",
                "the wait for a ticket is an acquire and no more",
                &[("ticket_spin_lock", NoFence(Fence::Mb))],
            ),
            Violated,
        ),
    ],
};

/// What was written under the lock is written for a CPU that does not take it, once the next holder reads on.
///
/// Result: Never
pub fn seen_by_a_third_cpu(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::new(kernel));
        let lock = Arc::new(TicketSpinLock::starting_at(0, "lock"));
        let words = ["x", "y", "r1", "r2"].map(|name| Arc::new(Atomic::named(0u32, format_args!("{name}"))));
        let [x, y, r1, r2] = words.clone();
        let writes = lock.clone();
        machine.spawn(setup, "first", 0, move |_| {
            writes.ticket_spin_lock();
            x.store(1, Relaxed);
            writes.ticket_spin_unlock(kernel.ticket);
        });
        let sees = words[0].clone();
        let reads = y.clone();
        machine.spawn(setup, "next", 1, move |_| {
            lock.ticket_spin_lock();
            // 2 says that it was not the next.
            r1.store(if sees.load(Relaxed) == 0 { 2 } else { reads.load(Relaxed) }, Relaxed);
            lock.ticket_spin_unlock(kernel.ticket);
        });
        let x = words[0].clone();
        machine.spawn(setup, "third", 2, move |_| {
            y.store(1, Relaxed);
            smp_mb();
            r2.store(x.load(Relaxed), Relaxed);
        });
        setup.finally(move |_| {
            let [_, _, r1, r2] = &words;
            assert!(r1.load(Relaxed) != 0 || r2.load(Relaxed) != 0, "the sections have one order for all CPUs");
        });
    })
}
