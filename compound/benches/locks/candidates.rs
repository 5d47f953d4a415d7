// SPDX-License-Identifier: GPL-2.0-only
//! The locks that take part.
#![allow(clippy::disallowed_types, reason = "what the ports are compared with")]

use compound::bit_spinlock::{__bit_spin_unlock, bit_spin_lock};
use compound::kernel::{self, Kernel};
use compound::machine::Machine;
use compound::page_flags::PageFlag;
use compound::raw_mutex::{RawBitSpinLock, RawQueuedSpinLock, RawTicketSpinLock};
use ksync::{Atomic, Current};
use lock_api::RawMutex;
use spin_time::{Block, Contention, Lock, Stage, contended, uncontended};
use std::sync::Arc;

/// The most threads that an experiment has: each is a CPU of the machine.
const CPUS: u32 = 8;
const BIT: u32 = PageFlag::CompoundLock.nr();

/// A lock of any type.
pub(crate) trait AnyLock: Send {
    fn uncontended(&self, stage: &Stage, rounds: u64) -> Block;
    fn contended(&self, stage: &Stage, how: &Contention) -> Result<Block, String>;
}

impl<L: Lock + Send> AnyLock for L {
    fn uncontended(&self, stage: &Stage, rounds: u64) -> Block {
        uncontended(stage, rounds, self)
    }

    fn contended(&self, stage: &Stage, how: &Contention) -> Result<Block, String> {
        contended(stage, how, self)
    }
}

/// A name, and how to make such a lock.
pub(crate) type Candidate = (&'static str, fn() -> Box<dyn AnyLock>);

/// What the others are compared with.
pub(crate) const STD: Candidate = ("std::sync::Mutex", || Box::new(std::sync::Mutex::new(())));
/// Sleeps where it has to wait.
pub(crate) const PARKING_LOT: Candidate = ("parking_lot::Mutex", || Box::new(parking_lot::Mutex::new(())));
/// Test and test-and-set.
pub(crate) const SPIN: Candidate =
    ("spin::SpinMutex", || Box::new(lock_api::Mutex::from_raw(spin::mutex::SpinMutex::<()>::new(()), ())));
/// A bit of a word of which others change the rest.
pub(crate) const BIT_SPIN: Candidate = ("bit_spin_lock", || Box::new(bit_spin()));
/// The ticket lock.
pub(crate) const TICKET: Candidate = ("ticket_spin_lock", || Box::new(Port::new(RawTicketSpinLock::named("ticket"))));
/// The queued lock, generic.
pub(crate) const QUEUED: Candidate = ("queued_spin_lock", || Box::new(queued(kernel::QUEUED)));

/// All of them.
pub(crate) const ALL: &[Candidate] = &[
    STD,
    PARKING_LOT,
    SPIN,
    BIT_SPIN,
    ("__bit_spin_unlock", || Box::new(OwnWord { word: Atomic::new(0), machine: Machine::new(kernel::BIT) })),
    TICKET,
    QUEUED,
    ("queued_spin_lock, x86", || Box::new(queued(kernel::X86))),
];

/// A port behind `lock_api`. Lines of its own: a neighbour would be measured too.
#[repr(align(128))]
pub(crate) struct Port<R>(lock_api::Mutex<R, ()>);

impl<R: RawMutex> Port<R> {
    fn new(raw: R) -> Self {
        Port(lock_api::Mutex::from_raw(raw, ()))
    }
}

pub(crate) fn bit_spin() -> Port<RawBitSpinLock> {
    Port::new(RawBitSpinLock::named("bit"))
}

pub(crate) fn queued(kernel: Kernel) -> Port<RawQueuedSpinLock> {
    Port::new(RawQueuedSpinLock::named(Arc::new(Machine::with_cpus(kernel, CPUS)), "queued"))
}

impl<R: RawMutex + Sync> Lock for Port<R> {
    /// Who queues asks for its CPU.
    type Thread = Current;

    fn thread(&self, number: u32) -> Current {
        Current::outside("bench", number)
    }

    #[inline]
    fn with<T>(&self, _: &Current, section: impl FnOnce() -> T) -> T {
        let _guard = self.0.lock();
        section()
    }
}

/// A word of which only the holder of its bit changes the rest: `bit_spin_lock()`, and `__bit_spin_unlock()`. They
/// count preemption too, which `lock_api` has no place for.
#[repr(align(128))]
struct OwnWord {
    word: Atomic<u64>,
    machine: Machine,
}

impl Lock for OwnWord {
    type Thread = Current;

    fn thread(&self, number: u32) -> Current {
        Current::outside("bench", number)
    }

    #[inline]
    fn with<T>(&self, thread: &Current, section: impl FnOnce() -> T) -> T {
        let ctx = &self.machine.on(thread);
        bit_spin_lock(ctx, BIT, &self.word);
        let result = section();
        __bit_spin_unlock(ctx, BIT, &self.word);
        result
    }
}
