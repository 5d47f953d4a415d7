// SPDX-License-Identifier: GPL-2.0-only
//! Incident 002: everybody spins on the lock bit of a compound page, and nobody holds it.
//!
//! One thread takes and releases the bit all the time, and another one sets the bit beside it. Nothing widens the race.
//! When the first one spins, the only one who ever takes the lock waits for it.

use crate::incident::{Incident, Revision, rows_of};
use crate::run::{Load, Run};
use compound::compound_lock::{compound_lock_irqsave, compound_unlock_irqrestore};
use compound::kernel::Kernel;
use compound::machine::{Ctx, Machine};
use compound::page_flags::{PageFlag, set_page_flag};
use compound::scenarios_bit_spin_lock::CASES;
use ksync::{Atomic, Setup};
use std::sync::Arc;

/// The CPU of the report.
const LOCKER: u32 = 10;
/// Sections of a round: one is much shorter than a look at the limits.
const SECTIONS: u32 = 1000;

/// The incident.
pub const INCIDENT: Incident = Incident {
    name: "compound-lock",
    about: "002: the lock bit of a compound page that nobody holds, a hard lockup",
    help: "Incident 002. The lock of a compound page is a bit of page->flags. In the crash dump it is set, all CPUs that \
        want it spin with interrupts off, and no holder was found. The report does not know why. One way to get there \
        is the mutant plain-set: a CPU sets another bit of the word by a read and a write, with an unlock in between; \
        so the lock bit is set again, and nobody holds it.\n\n\
        Real threads show that: one takes the lock and releases it, nobody else does, and in the end it waits for \
        itself. It ends by clearing the bit.\n\n\
        What they do not show is the other ways: a holder that is preempted for ever or interrupted by who wants the \
        same bit needs CPUs that threads share, and interrupts. `cargo lockup prove bit-spin-lock` has them.",
    cores: 2,
    revisions,
};

fn revisions() -> Vec<Revision> {
    rows_of(CASES, "resurrected", |_| true, |kernel| Arc::new(CompoundLock::new(kernel)))
}

struct CompoundLock {
    machine: Arc<Machine>,
    flags: Atomic<u64>,
}

impl CompoundLock {
    fn new(kernel: Kernel) -> Self {
        CompoundLock { machine: Arc::new(Machine::new(kernel)), flags: Atomic::new(PageFlag::Head.mask()) }
    }

    /// Takes and releases the lock of the page.
    fn locker(&self, ctx: &Ctx, run: &Run) {
        let watched = run.watch(ctx.current);
        while run.begins_round() {
            for _ in 0..SECTIONS {
                let flags = compound_lock_irqsave(ctx, &self.flags);
                compound_unlock_irqrestore(ctx, &self.flags, flags);
                watched.touch();
            }
        }
    }

    /// Sets the bit beside it.
    fn mark_page_accessed(&self, ctx: &Ctx, run: &Run) {
        let watched = run.watch(ctx.current);
        while !run.over() {
            set_page_flag(ctx, PageFlag::Referenced, &self.flags);
            watched.touch();
        }
    }
}

impl Load for CompoundLock {
    fn declare(self: Arc<Self>, setup: &mut Setup, run: &Arc<Run>) {
        let (load, of) = (self.clone(), run.clone());
        self.machine.spawn(setup, "fas_readwriter", LOCKER, move |ctx| load.locker(ctx, &of));
        let (load, of) = (self.clone(), run.clone());
        self.machine.spawn(setup, "kswapd", 0, move |ctx| load.mark_page_accessed(ctx, &of));
    }

    fn stuck_cpus(&self) -> &'static [u32] {
        &[LOCKER]
    }

    fn release(&self) {
        self.flags.clear_bit(PageFlag::CompoundLock.nr());
    }

    fn released_by(&self) -> &'static str {
        "PG_compound_lock = 0"
    }
}
