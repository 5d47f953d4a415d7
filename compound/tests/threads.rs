// SPDX-License-Identifier: GPL-2.0-only
//! The locks on real threads, where they are real locks.
#![cfg(not(loom))]

use compound::kernel::{self, Kernel};
use compound::raw_mutex::{RawBitSpinLock, RawTicketSpinLock};
use compound::scenarios_raw_mutex::guards;
use compound::scenarios_spin_lock::on_threads;
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
