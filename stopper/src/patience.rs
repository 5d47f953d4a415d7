// SPDX-License-Identifier: GPL-2.0-only
//! A candidate for `multi_cpu_stop()`, never posted: how long a stopper waits for one that is missing before it lets
//! the watchdog of its CPU report that, and whom the report can name.
//!
//! A report of a waiting stopper is a false alarm if the missing one is only late, and the only alarm if it never
//! comes. No clock can tell the two apart, so each form of the wait keeps two promises up to a time. With samples every
//! 4 s and a threshold of 20 units, for each phase of the timer (`watchdog`, the scenarios `comes-after-*`, `never-comes-*`
//! and `requests-cross-*`):
//!
//! | form | P-a: no report of a wait that ends within T | P-b: a report of one that does not end, within T' |
//! |---|---|---|
//! | `>`, mainline | 20 s | 24 s |
//! | `>=`, incident 003 | any | never |
//! | [`Touch::Bounded`] | 44 s | 48 s |
//! | [`Touch::Patient`], a task holds the missing one up | 44 s | 48 s |
//! | [`Touch::Patient`], it waits in another request | as mainline | 24 s |
//!
//! T' - T is one sample in each form that has a T': a detector that only samples cannot do better, since it looks once
//! in a period and does not know when the wait began. So T is bought with T', second for second, and the form only chooses
//! how much, and where. `Bounded` buys 24 s everywhere, so a deadlock of stoppers (S3 and its kin) is silent for 48 s.
//! `Patient` buys them where the missing CPU has a task that is late. Where the missing stopper waits in another request it
//! buys nothing: that may be a deadlock, and is one if that request waits for this one. (If that one waits for a late task
//! in its turn, both are reported as by mainline.) Both forms know who is missing, so that a report need not stop at the
//! victim. The price is a mask that each stopper writes once, and a look at the clock in the wait.

use crate::machine::{Ctx, Machine};
use crate::multi_cpu_stop::Touch;
use crate::multi_stop_data::{MultiStopData, MultiStopState};
use ksync::{Id, Relaxed};
use std::ops::Range;

/// When a stopper that waits in `PREPARE` touches the watchdog, in ns since it came: for half a soft threshold. Not at once:
/// a feed is at most one sample old then, and a touch would put off the report of a deadlock that is seen in a moment.
pub const PATIENCE: Range<u64> = 10_000_000_000..20_000_000_000;

/// What a waiting stopper has left; other revisions of `multi_cpu_stop()` have no such thing.
pub(crate) struct Patience(Option<Began>);

struct Began {
    msdata: Id<MultiStopData>,
    at: u64,
}

/// These CPUs take part in the request.
pub(crate) fn takes_part(ctx: &Ctx, msdata: Id<MultiStopData>, cpus: &[u32]) {
    if is_kept(ctx.machine) {
        ctx.machine.msdata(msdata).cpus.store(cpus.iter().map(|cpu| 1 << cpu).sum(), Relaxed);
    }
}

fn is_kept(machine: &Machine) -> bool {
    matches!(machine.kernel.multi_cpu_stop.touch, Touch::Bounded | Touch::Patient)
}

impl Patience {
    pub(crate) fn begin(ctx: &Ctx, msdata: Id<MultiStopData>) -> Patience {
        Patience(is_kept(ctx.machine).then(|| Began { msdata, at: ksync::now() }))
    }

    /// This stopper enters a state: in `PREPARE` it waits, and it is no longer missing; then all are in the loop.
    pub(crate) fn enters(&self, ctx: &Ctx, curstate: MultiStopState) {
        let Some(Began { msdata, .. }) = self.0 else { return };
        let cpu = ctx.current.cpu();
        let waits_in = &ctx.machine.cpu_stopper(cpu).waits_in;
        match curstate {
            MultiStopState::Prepare => {
                waits_in.store(Some(msdata), Relaxed);
                ctx.machine.msdata(msdata).here.fetch_or(1 << cpu, Relaxed);
            }
            MultiStopState::DisableIrq => waits_in.store(None, Relaxed),
            _ => {}
        }
    }

    /// Whether the wait may go on without a report.
    pub(crate) fn is_left(&self, ctx: &Ctx) -> bool {
        let Some(Began { msdata, at }) = self.0 else { return false };
        let machine = ctx.machine;
        if !PATIENCE.contains(&(ksync::now() - at)) {
            return false;
        }
        let elsewhere =
            |cpu: &u32| machine.cpu_stopper(*cpu).waits_in.load(Relaxed).is_some_and(|other| other != msdata);
        let deadlock = || cpus_of(machine, machine.missing_in(msdata)).any(|cpu| elsewhere(&cpu));
        machine.kernel.multi_cpu_stop.touch == Touch::Bounded || !deadlock()
    }
}

fn cpus_of(machine: &Machine, mask: u64) -> impl Iterator<Item = u32> {
    machine.cpus().iter().copied().filter(move |cpu| mask & (1 << cpu) != 0)
}

impl Machine {
    fn missing_in(&self, msdata: Id<MultiStopData>) -> u64 {
        let msdata = self.msdata(msdata);
        msdata.cpus.load(Relaxed) & !msdata.here.load(Relaxed)
    }

    /// The CPUs that the stopper of this one waits for in `PREPARE`, a bit for each CPU number; 0 where the kernel does
    /// not know.
    pub fn missing(&self, cpu: u32) -> u64 {
        if !is_kept(self) {
            return 0;
        }
        self.cpu_stopper(cpu).waits_in.load(Relaxed).map_or(0, |msdata| self.missing_in(msdata))
    }
}
