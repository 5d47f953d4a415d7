// SPDX-License-Identifier: GPL-2.0-only
//! The locks and the pages on real threads, where they are real.
#![cfg(not(loom))]

use compound::kernel::{self, Kernel};
use compound::kernel_page;
use compound::raw_mutex::{RawBitSpinLock, RawTicketSpinLock};
use compound::scenarios_pins::two_pins_and_split;
use compound::scenarios_pte::head_is_reused;
use compound::scenarios_raw_mutex::guards;
use compound::scenarios_reused_head::head_is_a_slab;
use compound::scenarios_spin_lock::on_threads;
use compound::scenarios_split::tail_is_looked_up;
use lock_api::Mutex;

/// Enough to go through all ways of waiting, and few for a machine with fewer cores than threads.
const ROUNDS: u32 = 300;

fn excludes(kernel: Kernel) {
    for cpus in 1..=4 {
        ksync::run_threads(&*on_threads(kernel, cpus, ROUNDS));
        ksync::run_threads(&*guards(kernel, cpus, ROUNDS));
    }
}

#[test]
fn queued() {
    excludes(kernel::QUEUED);
}

#[test]
fn queued_as_on_x86() {
    excludes(kernel::X86);
}

#[test]
fn ticket() {
    excludes(kernel::TICKET);
}

#[test]
fn bit() {
    excludes(kernel::BIT);
}

/// A constant will do for a lock that needs no machine.
#[test]
fn static_locks() {
    static TICKET: Mutex<RawTicketSpinLock, u32> = Mutex::new(0);
    static BIT: Mutex<RawBitSpinLock, u32> = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    *TICKET.lock() += 1;
                    *BIT.lock() += 1;
                }
            });
        }
    });
    assert_eq!((*TICKET.lock(), *BIT.lock()), (3 * ROUNDS, 3 * ROUNDS));
    let held = TICKET.lock();
    assert!(TICKET.try_lock().is_none() && TICKET.is_locked());
    drop(held);
}

/// References of pages on real threads: all come back, whoever drops the last.
fn all_come_back(scenario: fn(Kernel) -> Box<ksync::Scenario>, kernels: &[Kernel]) {
    for kernel in kernels {
        for _ in 0..ROUNDS {
            ksync::run_threads(&*scenario(*kernel));
        }
    }
}

#[test]
fn pins_beside_a_split() {
    all_come_back(two_pins_and_split, &[kernel::INCIDENT_002, kernel_page::ROBUST]);
}

#[test]
fn pins_beside_the_next_owner() {
    all_come_back(head_is_a_slab, &[kernel::INCIDENT_002, kernel_page::ROBUST]);
}

#[test]
fn lookups_beside_a_split_of_today() {
    all_come_back(tail_is_looked_up, &[kernel::MAINLINE]);
    all_come_back(head_is_reused, &[kernel::MAINLINE]);
}
