// SPDX-License-Identifier: GPL-2.0-only
//! The stopper's protocol on the locks of this crate: `cpu_stop_queue_two_works()` takes the locks of two stoppers, and
//! each stopper takes its own for every work.
//!
//! The port of the stopper runs on `ksync`'s lock, which is one step. Here is what its lock is for, on locks of which
//! each step is seen.

use crate::catalogue::Case;
use crate::kernel::{Kernel, QUEUED, TICKET};
use crate::machine::{Ctx, Machine};
use crate::spinlock::RawSpinLock;
use ksync::Weakness::RelaxedRmw;
use ksync::catalogue::Expected::{Holds, Lockup, Race};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Model, Plain, Relaxed, Scenario, distil};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[TWO_WORKS, TWO_WORKS_LKMM];

/// `struct cpu_stopper`, with room for the works of the scenario.
struct Stopper {
    lock: RawSpinLock,
    works: [Plain<u32>; 2],
    queued: Plain<u32>,
    /// The wakeup.
    wakeups: Atomic<u32>,
}

impl Stopper {
    fn new(kernel: &Kernel, cpu: u32) -> Self {
        Stopper {
            lock: RawSpinLock::new(kernel.arch, &format!("stopper{cpu}.lock")),
            works: std::array::from_fn(|n| Plain::named(0, format_args!("stopper{cpu}.works[{n}]"))),
            queued: Plain::named(0, format_args!("stopper{cpu}.queued")),
            wakeups: Atomic::named(0, format_args!("migration/{cpu}.wakeups")),
        }
    }

    /// `list_add_tail()`, under the lock.
    fn add(&self, work: u32) {
        let place = self.queued.get();
        self.works[place as usize].set(work);
        self.queued.set(place + 1);
    }

    /// The work of this number, in the order of the FIFO.
    fn take(&self, ctx: &Ctx, n: u32) -> u32 {
        self.wakeups.cond_load(Relaxed, move |wakeups| wakeups > n);
        distil(|| self.lock.lock(ctx));
        let work = self.works[n as usize].get();
        self.lock.unlock(ctx);
        work
    }
}

const TWO_WORKS: Case = Case {
    incident: "stopper-lock",
    name: "two-works",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in a minute"),
    scenario: two_requests,
    rows: &[(TICKET, Holds), (QUEUED, Holds), (ONE_BY_ONE_TICKET, Lockup), (ONE_BY_ONE_QUEUED, Lockup)],
};

const TWO_WORKS_LKMM: Case = Case {
    name: "one-request-lkmm",
    model: Model::Lkmm,
    scenario: one_request,
    rows: &[
        (TICKET, Holds),
        (QUEUED, Holds),
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
    ..TWO_WORKS
};

/// Two requests for the same two CPUs.
///
/// Result: Never
pub fn two_requests(kernel: Kernel) -> Box<Scenario> {
    requests(kernel, 2)
}

/// One request for two CPUs.
///
/// Result: Never
pub fn one_request(kernel: Kernel) -> Box<Scenario> {
    requests(kernel, 1)
}

/// Stoppers on CPUs 0 and 1, and so many CPUs that want both: no work starts before both stoppers have come to it.
fn requests(kernel: Kernel, requests: u32) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::with_cpus(kernel, 2 + requests));
        let stoppers = Arc::new([0, 1].map(|cpu| Stopper::new(&kernel, cpu)));
        let acks = Arc::new([1, 2].map(|work| Atomic::named(2u32, format_args!("work{work}.thread_ack"))));
        for request in 0..requests {
            let stoppers = stoppers.clone();
            machine.spawn(setup, &format!("stop_two_cpus/{request}"), 2 + request, move |ctx| {
                queue_two_works(ctx, &stoppers, request + 1);
            });
        }
        for cpu in 0..2 {
            let (stoppers, acks) = (stoppers.clone(), acks.clone());
            machine.spawn(setup, &format!("migration/{cpu}"), cpu, move |ctx| {
                for n in 0..requests {
                    let ack = &acks[stoppers[cpu as usize].take(ctx, n) as usize - 1];
                    ack.dec();
                    ack.cond_load(Relaxed, |left| left == 0);
                }
            });
        }
    })
}

/// `cpu_stop_queue_two_works()`: both works go in under both locks, then both stoppers are woken.
fn queue_two_works(ctx: &Ctx, stoppers: &[Stopper; 2], work: u32) {
    let [first, second] = stoppers;
    distil(|| first.lock.lock(ctx));
    if ctx.machine.kernel.two_works == TwoWorks::OneByOne {
        first.add(work);
        first.lock.unlock(ctx);
        distil(|| second.lock.lock(ctx));
    } else {
        distil(|| second.lock.lock(ctx));
        first.add(work);
    }
    second.add(work);
    second.lock.unlock(ctx);
    if ctx.machine.kernel.two_works == TwoWorks::BothLocks {
        first.lock.unlock(ctx);
    }
    for stopper in stoppers {
        stopper.wakeups.inc();
    }
}

/// Which locks are held while two works are queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwoWorks {
    /// Those of both stoppers.
    BothLocks,
    /// One after the other.
    OneByOne,
}

const ONE_BY_ONE_TICKET: Kernel = Kernel {
    label: Label::mutant("one-by-one-ticket", "the works go in under one lock after the other"),
    two_works: TwoWorks::OneByOne,
    ..TICKET
};
const ONE_BY_ONE_QUEUED: Kernel = Kernel {
    label: Label::mutant("one-by-one-queued", "the works go in under one lock after the other"),
    two_works: TwoWorks::OneByOne,
    ..QUEUED
};
