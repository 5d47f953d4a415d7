// SPDX-License-Identifier: GPL-2.0-only
//! The spin locks behind the mutex of `lock_api`.

use crate::catalogue::Case;
use crate::kernel::{BIT, Kernel, QUEUED, TICKET};
use crate::machine::Machine;
use crate::raw_mutex::{RawBitSpinLock, RawQueuedSpinLock, RawTicketSpinLock};
use crate::spinlock::Arch;
use ksync::Weakness::RelaxedRmw;
use ksync::catalogue::Expected::{Holds, Race};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Plain, Scenario, Setup, distil};
use lock_api::{Mutex, RawMutex};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[GUARDED];

const GUARDED: Case = Case {
    incident: "raw-mutex",
    name: "guarded",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in a minute"),
    scenario: three_guards,
    rows: &[
        (BIT, Holds),
        (TICKET, Holds),
        (QUEUED, Holds),
        (
            Kernel {
                label: Label::mutant("bit-relaxed-unlock", "the bit is cleared without order")
                    .without(&[("unlock", RelaxedRmw)]),
                ..BIT
            },
            Race,
        ),
        (
            Kernel {
                label: Label::mutant("ticket-relaxed-unlock", "the next ticket is served without order")
                    .without(&[("ticket_spin_unlock", RelaxedRmw)]),
                ..TICKET
            },
            Race,
        ),
        (
            Kernel {
                label: Label::mutant("queued-relaxed-unlock", "the locked byte is cleared without order")
                    .without(&[("queued_spin_unlock", RelaxedRmw)]),
                ..QUEUED
            },
            Race,
        ),
    ],
};

/// Three CPUs take the mutex once each.
///
/// Result: Never
pub fn three_guards(kernel: Kernel) -> Box<Scenario> {
    guards(kernel, 3, 1)
}

/// So many CPUs take the mutex so often.
///
/// Result: Never
pub fn guards(kernel: Kernel, cpus: u32, rounds: u32) -> Box<Scenario> {
    Box::new(move |setup| match kernel.arch {
        Arch::Bit => guarded(setup, RawBitSpinLock::named("lock"), cpus, rounds),
        Arch::Ticket => guarded(setup, RawTicketSpinLock::named("lock"), cpus, rounds),
        Arch::Queued => {
            let machine = Arc::new(Machine::with_cpus(kernel, cpus));
            guarded(setup, RawQueuedSpinLock::named(machine, "lock"), cpus, rounds);
        }
    })
}

fn guarded<R: RawMutex + Send + Sync + 'static>(setup: &mut Setup, lock: R, cpus: u32, rounds: u32) {
    let mutex = Arc::new(Mutex::from_raw(lock, Plain::named(0u32, format_args!("data"))));
    for cpu in 0..cpus {
        let mutex = mutex.clone();
        setup.task(format!("T{cpu}"), cpu, move |_| {
            for _ in 0..rounds {
                distil(|| {
                    let data = mutex.lock();
                    data.set(data.get() + 1);
                });
            }
        });
    }
    setup.finally(move |_| {
        assert!(!mutex.is_locked(), "nobody holds the lock");
        // SAFETY: nobody holds the lock, and all tasks are done. A final check only reads, so it cannot take it.
        assert_eq!(unsafe { &*mutex.data_ptr() }.get(), cpus * rounds);
    });
}
