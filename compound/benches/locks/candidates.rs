// SPDX-License-Identifier: GPL-2.0-only
//! The locks that take part.
#![allow(clippy::disallowed_types, reason = "what the ports are compared with")]

use compound::bit_spinlock::{__bit_spin_unlock, bit_spin_lock, bit_spin_unlock};
use compound::kernel::{self, Kernel};
use compound::machine::Machine;
use compound::page_flags::PageFlag;
use compound::qspinlock::{QSpinLock, queued_spin_lock, queued_spin_unlock};
use compound::ticket_spinlock::TicketSpinLock;
use ksync::{Atomic, Current};
use spin_time::{Block, Contention, Lock, Stage, contended, uncontended};

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
/// `bit_spin_lock()` as it stands.
pub(crate) const BIT_SPIN: Candidate = ("bit_spin_lock", || Box::new(Port::new(Atomic::new(0), kernel::BIT)));
/// The ticket lock.
pub(crate) const TICKET: Candidate =
    ("ticket_spin_lock", || Box::new(Port::new(TicketSpinLock::starting_at(0, "ticket"), kernel::TICKET)));
/// The queued lock, generic.
pub(crate) const QUEUED: Candidate =
    ("queued_spin_lock", || Box::new(Port::new(QSpinLock::with_val(0, "queued"), kernel::QUEUED)));

/// All of them.
pub(crate) const ALL: &[Candidate] = &[
    STD,
    PARKING_LOT,
    SPIN,
    BIT_SPIN,
    ("__bit_spin_unlock", || Box::new(Port::new(OwnWord(Atomic::new(0)), kernel::BIT))),
    TICKET,
    QUEUED,
    ("queued_spin_lock, x86", || Box::new(Port::new(QSpinLock::with_val(0, "queued"), kernel::X86))),
];

/// A ported lock on its machine. Lines of its own: a neighbour would be measured too.
#[repr(align(128))]
struct Port<T> {
    lock: T,
    machine: Machine,
}

impl<T> Port<T> {
    fn new(lock: T, kernel: Kernel) -> Self {
        Port { lock, machine: Machine::with_cpus(kernel, CPUS) }
    }
}

/// A word of which only the holder of its bit changes the rest: `bit_spin_lock()`, and `__bit_spin_unlock()`.
struct OwnWord(Atomic<u64>);

/// Implements [`Lock`] for a port, given its two calls.
macro_rules! lock {
    ($type:ty, |$ctx:ident, $lock:ident| $take:expr, $release:expr) => {
        impl Lock for Port<$type> {
            type Thread = Current;

            fn thread(&self, number: u32) -> Current {
                Current::of_thread("bench", number)
            }

            #[inline]
            fn with<R>(&self, thread: &Current, section: impl FnOnce() -> R) -> R {
                let ($ctx, $lock) = (&self.machine.on(thread), &self.lock);
                $take;
                let result = section();
                $release;
                result
            }
        }
    };
}

lock!(Atomic<u64>, |ctx, word| bit_spin_lock(ctx, BIT, word), bit_spin_unlock(ctx, BIT, word));
lock!(OwnWord, |ctx, own| bit_spin_lock(ctx, BIT, &own.0), __bit_spin_unlock(ctx, BIT, &own.0));
// What `raw_spin_lock()` does around each of them.
lock!(
    TicketSpinLock,
    |ctx, lock| {
        ctx.current.preempt_disable();
        lock.ticket_spin_lock();
    },
    {
        lock.ticket_spin_unlock(ctx.machine.kernel.ticket);
        ctx.current.preempt_enable();
    }
);
lock!(
    QSpinLock,
    |ctx, lock| {
        ctx.current.preempt_disable();
        queued_spin_lock(ctx, lock);
    },
    {
        queued_spin_unlock(ctx, lock);
        ctx.current.preempt_enable();
    }
);
