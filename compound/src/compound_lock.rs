// SPDX-License-Identifier: GPL-2.0-only
//! C: `compound_lock_irqsave()`, `include/linux/mm.h`, v3.10: the bit spinlock of a compound page.
//!
//! ```text
//! CPU0, holds the bit                        the same CPU, if interrupts are on
//!                                            interrupt: put_page() on the same head
//!                                              bit_spin_lock() spins on its own CPU: for ever
//! ```
//!
//! Property: interrupts are off from before the bit is set until after it is clear.

use crate::bit_spinlock::{bit_spin_lock, bit_spin_unlock};
use crate::machine::Ctx;
use crate::page_flags::PageFlag;
use ksync::{Atomic, IrqFlags};

/// A revision of the pair.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Where interrupts are off.
    pub irqs_off: IrqsOff,
    /// What keeps the holder from going on.
    pub in_section: InSection,
}

/// What keeps the holder of the bit from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InSection {
    /// Nothing.
    Nothing,
    /// A call that leads into the scheduler.
    Schedules,
    /// The host of a guest: it does not run this CPU for 12 seconds.
    VcpuStops,
}

/// Where interrupts are off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IrqsOff {
    /// Around the section and the lock that guards it.
    Around,
    /// Until before the unlock.
    UntilUnlock,
    /// Nowhere.
    Never,
}

/// As it stands from v3.1 to v4.4.
pub const MAINLINE: Rev = Rev { irqs_off: IrqsOff::Around, in_section: InSection::Nothing };

/// `compound_lock_irqsave()`: the flags go back into [`compound_unlock_irqrestore`].
pub fn compound_lock_irqsave(ctx: &Ctx, flags: &Atomic<u64>) -> Option<IrqFlags> {
    let off = ctx.machine.kernel.compound_lock.irqs_off != IrqsOff::Never;
    let saved = off.then(|| ctx.current.local_irq_save());
    bit_spin_lock(ctx, PageFlag::CompoundLock.nr(), flags);
    match ctx.machine.kernel.compound_lock.in_section {
        InSection::Nothing | InSection::VcpuStops => {}
        InSection::Schedules => schedule(ctx),
    }
    saved
}

/// A call into the scheduler where there should be none: another task of this CPU runs, if it can.
///
/// DEVIATION: the preempt count belongs to the task, and the scheduler does not look at it once it is called. In a
/// model a task that gives up its CPU has preemption and interrupts on.
fn schedule(ctx: &Ctx) {
    ctx.current.preempt_enable();
    ctx.current.local_irq_enable();
    ctx.current.local_irq_disable();
    ctx.current.preempt_disable();
}

/// `compound_unlock_irqrestore()`.
pub fn compound_unlock_irqrestore(ctx: &Ctx, flags: &Atomic<u64>, saved: Option<IrqFlags>) {
    let early = ctx.machine.kernel.compound_lock.irqs_off == IrqsOff::UntilUnlock;
    if early && let Some(saved) = saved {
        ctx.current.local_irq_restore(saved);
    }
    bit_spin_unlock(ctx, PageFlag::CompoundLock.nr(), flags);
    if !early && let Some(saved) = saved {
        ctx.current.local_irq_restore(saved);
    }
}
