// SPDX-License-Identifier: GPL-2.0-only
//! C: `is_hardlockup()`, `watchdog_hardlockup_check()`, `kernel/watchdog.c`: does the timer of a CPU still come?
//!
//! Who asks is the CPU's own NMI ([`crate::perf`]) or the timer of another CPU ([`crate::buddy`]). The answer is
//! whether `hrtimer_interrupts` moved since the last question.
//!
//! Property: a CPU whose timer comes is never reported; one whose timer does not come is, and once.

use crate::machine::{Dog, PerCpu};
use crate::message::{Kind, Report};
use ksync::Relaxed;

/// A revision of the check.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What a touch does to the count.
    pub on_touch: OnTouch,
    /// How often in a row a buddy has to find no progress.
    pub misses: u32,
    /// When the misses are counted from 0 again.
    pub reset: Reset,
    /// How long a CPU counts as reported.
    pub warned: Warned,
    /// At which of its samples a buddy looks: every so-many-th.
    pub every: u32,
}

/// What the check does to the saved count of a CPU that was touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTouch {
    /// Nothing: the next check always sees progress.
    Keep,
    /// It saves the count.
    Resync,
}

/// When the misses are counted from 0 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// When the count has moved.
    OnProgress,
    /// At every check.
    OnCheck,
}

/// How long a CPU counts as reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warned {
    /// Until it makes progress.
    UntilProgress,
    /// Until it makes progress or is touched.
    UntilTouch,
    /// From the beginning: what says "not stuck" says "reported", too.
    FromProgress,
}

/// Up to v6.18.
pub const ORIGIN: Rev =
    Rev { on_touch: OnTouch::Keep, misses: 1, reset: Reset::OnProgress, warned: Warned::UntilProgress, every: 3 };
/// v7.1: a touch saves the count; a buddy looks at every sample, and misses three times.
pub const RESYNC: Rev = Rev { on_touch: OnTouch::Resync, misses: 3, every: 1, ..ORIGIN };

/// `watchdog_hardlockup_check()`: this CPU asks about that one. `misses` is how often in a row the count has to stand
/// still.
pub fn watchdog_hardlockup_check(dog: &Dog, cpu: u32, misses: u32) {
    let rev = &dog.watchdog.kernel.hardlockup;
    let that = dog.watchdog.per_cpu(cpu);
    if that.watchdog_hardlockup_touched.load(Relaxed) {
        that.watchdog_hardlockup_touched.store(false, Relaxed);
        if rev.on_touch == OnTouch::Resync {
            that.hrtimer_interrupts_saved.store(that.hrtimer_interrupts.load(Relaxed), Relaxed);
            that.hrtimer_interrupts_missed.store(0, Relaxed);
        }
        if rev.warned == Warned::UntilTouch {
            that.watchdog_hardlockup_warned.store(false, Relaxed);
        }
        return;
    }
    if !is_hardlockup(rev, that, misses) {
        that.watchdog_hardlockup_warned.store(rev.warned == Warned::FromProgress, Relaxed);
        return;
    }
    // Once is enough.
    if that.watchdog_hardlockup_warned.load(Relaxed) {
        return;
    }
    let (reporter, words) = (dog.cpu(), dog.watchdog.kernel.words);
    let line = words.hard_lockup(reporter, cpu);
    dog.report(&Report { cpu, kind: Kind::Hard { reporter }, at: ksync::now(), waits_for: 0, line });
    if dog.watchdog.config.hardlockup_panic {
        dog.panic(&words.hard_panic(reporter, cpu));
    }
    that.watchdog_hardlockup_warned.store(true, Relaxed);
}

/// `is_hardlockup()`.
fn is_hardlockup(rev: &Rev, that: &PerCpu, misses: u32) -> bool {
    let hrint = that.hrtimer_interrupts.load(Relaxed);
    let moved = that.hrtimer_interrupts_saved.load(Relaxed) != hrint;
    if moved || rev.reset == Reset::OnCheck {
        that.hrtimer_interrupts_missed.store(0, Relaxed);
    }
    if moved {
        that.hrtimer_interrupts_saved.store(hrint, Relaxed);
        return false;
    }
    let missed = that.hrtimer_interrupts_missed.load(Relaxed) + 1;
    that.hrtimer_interrupts_missed.store(missed, Relaxed);
    missed >= misses
}
