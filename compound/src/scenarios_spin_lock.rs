// SPDX-License-Identifier: GPL-2.0-only
//! What every spinlock promises, whatever it is made of.

use crate::kernel::Kernel;
use crate::machine::{Ctx, Machine};
use crate::spinlock::{Arch, RawSpinLock};
use ksync::{Current, Plain, Scenario, Setup, distil};
use std::sync::Arc;

/// A lock and what it guards.
pub(crate) struct Guarded {
    pub(crate) lock: RawSpinLock,
    data: Plain<u32>,
}

impl Guarded {
    pub(crate) fn new(kernel: &Kernel) -> Arc<Self> {
        Arc::new(Guarded { lock: RawSpinLock::new(kernel.arch, "lock"), data: Plain::named(0, format_args!("data")) })
    }

    /// The section.
    pub(crate) fn count(&self) {
        self.data.set(self.data.get() + 1);
    }

    /// The section under the lock. Which way led into it plays no part any more once it has begun.
    fn section(&self, ctx: &Ctx) {
        distil(|| self.lock.lock(ctx));
        distil(|| self.count());
        self.lock.unlock(ctx);
    }

    /// After all tasks: nobody holds the lock, and so many sections were whole.
    pub(crate) fn check(&self, ctx: &Ctx, sections: u32) {
        assert_eq!(self.data.get(), sections);
        assert!(!self.lock.is_locked(ctx), "nobody holds the lock");
    }
}

/// So many CPUs take the lock, so often each.
pub(crate) fn exclusion(setup: &mut Setup, kernel: Kernel, cpus: u32, rounds: u32) {
    let machine = Arc::new(Machine::with_cpus(kernel, cpus));
    let guarded = Guarded::new(&kernel);
    let (on, shared) = (machine.clone(), guarded.clone());
    let body = Arc::new(move |current: &Current| {
        let ctx = on.on(current);
        for _ in 0..rounds {
            distil(|| shared.section(&ctx));
        }
    });
    if kernel.arch == Arch::Queued {
        // A waiter asks which CPU it is on, so no two of them are alike.
        for cpu in 0..cpus {
            let body = body.clone();
            setup.task(format!("T{cpu}"), cpu, move |current| body(current));
        }
    } else {
        setup.identical_tasks("T", 0, cpus, move |current| body(current));
    }
    setup.finally(move |current| guarded.check(&machine.on(current), cpus * rounds));
}

/// As many CPUs and sections as real threads can do.
///
/// Result: Never
pub fn on_threads(kernel: Kernel, cpus: u32, rounds: u32) -> Box<Scenario> {
    Box::new(move |setup| exclusion(setup, kernel, cpus, rounds))
}

/// Two CPUs, twice each.
///
/// Result: Never
pub fn two_by_two(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| exclusion(setup, kernel, 2, 2))
}

/// Three CPUs, once each.
///
/// Result: Never
pub fn three_by_one(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| exclusion(setup, kernel, 3, 1))
}

/// Four CPUs, once each.
///
/// Result: Never
pub fn four_by_one(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| exclusion(setup, kernel, 4, 1))
}

/// Four CPUs, twice each.
///
/// Result: Never
pub fn four_by_two(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| exclusion(setup, kernel, 4, 2))
}

/// Three CPUs, twice each.
///
/// Result: Never
pub fn three_by_two(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| exclusion(setup, kernel, 3, 2))
}

/// One CPU tries, the other waits.
///
/// Result: Never
pub fn trylock_and_lock(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::with_cpus(kernel, 2));
        let guarded = Guarded::new(&kernel);
        let waits = guarded.clone();
        machine.spawn(setup, "tries", 0, move |ctx| {
            if guarded.lock.trylock(ctx) {
                guarded.count();
                guarded.lock.unlock(ctx);
            }
            assert_eq!(ctx.current.preempt_count(), 0);
        });
        machine.spawn(setup, "waits", 1, move |ctx| {
            waits.lock.lock(ctx);
            waits.count();
            waits.lock.unlock(ctx);
        });
    })
}
