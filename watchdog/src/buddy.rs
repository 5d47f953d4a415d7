// SPDX-License-Identifier: GPL-2.0-only
//! C: `kernel/watchdog_buddy.c` (1f423c905a6b, v6.5): each CPU's timer looks at the next CPU of a ring.
//!
//! When the ring changes, a CPU gets another checker, who knows nothing of it:
//!
//! ```text
//! CPU0, timer: checks the next one            CPU1 comes up
//!                                             touched1 = true          (and touched2: CPU1 checks it from now on)
//!                                             smp_wmb()
//!                                             watchdog_cpus |= CPU1
//! reads watchdog_cpus: the next is CPU1
//! smp_rmb()
//! reads touched1: true, so it is quiet
//!
//! without either barrier: touched1 is still false, and the count of CPU1 has not moved -> a false report
//! ```
//!
//! Property: no report of a CPU whose timer comes, whatever joins and leaves. It cannot see that all CPUs are stuck.

use crate::hardlockup::watchdog_hardlockup_check;
use crate::machine::{Dog, Watchdog};
use crate::touch::arch_touch_nmi_watchdog;
use ksync::{Relaxed, smp_rmb, smp_wmb};

/// Whom a CPU touches that joins the ring or leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rev {
    /// Itself when it joins, and the next one always.
    SelfAndNext,
    /// Itself only.
    SelfOnly,
    /// The next one only.
    NextOnly,
}

/// `watchdog_next_cpu()`: the next CPU of the ring, if there is another one.
fn watchdog_next_cpu(watchdog: &Watchdog, cpu: u32) -> Option<u32> {
    let cpus = watchdog.watchdog_cpus.load(Relaxed);
    let others = (cpu + 1..64).chain(0..cpu);
    others.into_iter().find(|next| cpus & (1 << next) != 0)
}

/// `watchdog_buddy_check_hardlockup()`; `hrtimer_interrupts` is this CPU's own count.
pub(crate) fn watchdog_buddy_check_hardlockup(dog: &Dog, hrtimer_interrupts: u32) {
    let rev = &dog.watchdog.kernel.hardlockup;
    // Every third sample, up to v6.18, makes 12 s, a little more than the threshold.
    if !hrtimer_interrupts.is_multiple_of(rev.every) {
        return;
    }
    let Some(next_cpu) = watchdog_next_cpu(dog.watchdog, dog.cpu()) else { return };
    // ORDERING: the ring before the touch. Pairs with `watchdog_hardlockup_enable()` and
    // `watchdog_hardlockup_disable()`. Without it a CPU is checked whose touch is not seen yet: `buddy-joins`.
    smp_rmb();
    watchdog_hardlockup_check(dog, next_cpu, rev.misses);
}

/// `watchdog_hardlockup_enable()`: this CPU joins the ring.
pub fn watchdog_hardlockup_enable(dog: &Dog) {
    let (watchdog, cpu) = (dog.watchdog, dog.cpu());
    let next_cpu = watchdog_next_cpu(watchdog, cpu);
    // Its timer has not come yet, so whoever checks it now must not wonder.
    if watchdog.kernel.buddy != Rev::NextOnly {
        arch_touch_nmi_watchdog(watchdog, cpu);
    }
    // It takes over the next one, whose last check may have been a moment ago.
    touch_next(watchdog, next_cpu);
    // ORDERING: the touches before the ring. Pairs with `watchdog_buddy_check_hardlockup()`. Without it a CPU is
    // checked before its touch is seen: `buddy-joins`.
    smp_wmb();
    watchdog.watchdog_cpus.fetch_or(1 << cpu, Relaxed);
}

/// `watchdog_hardlockup_disable()`: this CPU leaves the ring, and its checker takes over the next one.
pub fn watchdog_hardlockup_disable(dog: &Dog) {
    let (watchdog, cpu) = (dog.watchdog, dog.cpu());
    // The one before it takes over the next one, which this CPU may have checked a moment ago.
    touch_next(watchdog, watchdog_next_cpu(watchdog, cpu));
    // ORDERING: the touch before the ring. Pairs with `watchdog_buddy_check_hardlockup()`. Without it the next CPU is
    // checked before its touch is seen: `buddy-leaves`.
    smp_wmb();
    watchdog.watchdog_cpus.fetch_and(!(1 << cpu), Relaxed);
}

fn touch_next(watchdog: &Watchdog, next_cpu: Option<u32>) {
    if let Some(next_cpu) = next_cpu.filter(|_| watchdog.kernel.buddy != Rev::SelfOnly) {
        arch_touch_nmi_watchdog(watchdog, next_cpu);
    }
}
