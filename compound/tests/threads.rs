// SPDX-License-Identifier: GPL-2.0-only
//! The locks on real atomics: their size in memory, and their sections on real threads.
#![cfg(not(loom))]

use compound::kernel::{self, Kernel};
use compound::qspinlock::QSpinLock;
use compound::scenarios_spin_lock::on_threads;
use compound::ticket_spinlock::TicketSpinLock;
use static_assertions::assert_eq_size;

// A spinlock is 32 bits, as in C.
assert_eq_size!(QSpinLock, u32);
assert_eq_size!(TicketSpinLock, u32);

/// Enough to go through all ways of waiting, and few for a machine with fewer cores than threads.
const ROUNDS: u32 = 300;

fn excludes(kernel: Kernel) {
    for cpus in 1..=4 {
        ksync::run_threads(&*on_threads(kernel, cpus, ROUNDS));
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
