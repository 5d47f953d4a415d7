// SPDX-License-Identifier: GPL-2.0-only
//! C: `distribute_cfs_runtime()`, `unthrottle_cfs_rq_async()`, `kernel/sched/fair.c`, 6.3 and later: the timer pays,
//! and each CPU unthrottles its own.
//!
//! To unthrottle is a walk over the groups below, and the timer made it for every CPU with interrupts off. Now it
//! does so for its own CPU only, after the walk; and until 2f8c62296b6f nothing showed that it was going to:
//!
//! ```text
//! period timer, CPU 0                             slack timer, CPU 1
//! pays its own runqueue: remaining = 1
//! unlock rq0; walks on                            lock rq0: throttled, on no csd list,
//!                                                 and remaining > 0: pays a debt that is not there
//! ```
//!
//! Property: who is paid, and not unthrottled yet, is not paid again; and he will be unthrottled.

use crate::account::Takers;
use crate::cfs_bandwidth::{CfsBandwidth, CfsRq, Rq};
use crate::list::{list_add_tail, list_del_init, list_empty, list_first_entry, list_next_rcu};
use crate::machine::Ctx;
use crate::throttle::unthrottle_cfs_rq;
use ksync::{Full, Id, Relaxed};

/// A revision of the asynchronous unthrottle.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Where the timer remembers the runqueue of its own CPU.
    pub local: Local,
    /// What a visit does to a runqueue that is paid already.
    pub paid: Paid,
    /// Who says whether another walk is needed.
    pub more: More,
    /// Who gets an interrupt.
    pub ipi: Ipi,
}

/// Where the timer remembers the runqueue of its own CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local {
    /// In a variable of its own.
    Variable,
    /// On a list, by the same node as for an interrupt.
    List,
}

/// What a visit does to a runqueue that is paid already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paid {
    /// Nothing.
    Skipped,
    /// The same as to any other.
    PaidAgain,
}

/// Who says whether another walk is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// The walk: it left somebody unpaid.
    Walk,
    /// The list, where the paid ones stay until they are unthrottled.
    List,
}

/// Who gets an interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ipi {
    /// A CPU whose csd list was empty before.
    ListWasEmpty,
    /// A CPU whose csd list is empty now.
    ListIsEmpty,
}

/// 8ad075c2eb1f "Async unthrottling for cfs bandwidth".
pub const ORIGIN: Rev = Rev { local: Local::Variable, paid: Paid::Skipped, more: More::Walk, ipi: Ipi::ListWasEmpty };
/// 2f8c62296b6f "Fix warning in bandwidth distribution".
pub const LOCAL_LIST: Rev = Rev { local: Local::List, ..ORIGIN };

/// `distribute_cfs_runtime()`: one walk. Whether somebody is left unpaid.
pub fn distribute_cfs_runtime(ctx: &Ctx, rev: Rev, cfs_b: &CfsBandwidth) -> bool {
    let machine = ctx.machine;
    let mut throttled = false;
    let mut remaining = 1;
    // DEVIATION: a variable in both; in `Local::List` the node points to itself through a list of the timer's CPU.
    let mut local_unthrottle = None;
    let mut pos = list_next_rcu(machine, cfs_b.throttled_cfs_rq);
    while pos != cfs_b.throttled_cfs_rq {
        if remaining == 0 {
            throttled = true;
            break;
        }
        machine.visit(ctx);
        let cfs_rq = machine.entry(pos);
        let this = machine.cfs_rq(cfs_rq);
        let rq = machine.rq_of(cfs_rq);
        let guard = rq.lock.lock(ctx.current);
        'next: {
            if !this.throttled.get() {
                break 'next;
            }
            // "Already queued for async unthrottle."
            if rev.paid == Paid::Skipped && !list_empty(machine, this.throttled_csd_list) {
                break 'next;
            }
            // "By the above checks, this should never be true."
            if machine.kernel.account.takers == Takers::NotThrottled {
                assert!(this.runtime_remaining.get() <= 0, "SCHED_WARN_ON(cfs_rq->runtime_remaining > 0)");
            }
            let debt = (this.runtime_remaining.get().wrapping_neg() as u64).wrapping_add(1);
            let cfs_b_guard = cfs_b.lock.lock(ctx.current);
            let runtime = debt.min(cfs_b.runtime.get());
            remaining = cfs_b.runtime.get().wrapping_sub(runtime);
            cfs_b.runtime.set(remaining);
            cfs_b_guard.unlock();
            this.runtime_remaining.set(this.runtime_remaining.get().wrapping_add(runtime as i64));
            if this.runtime_remaining.get() <= 0 {
                throttled = true;
            } else if rq.cpu != ctx.current.cpu() {
                unthrottle_cfs_rq_async(ctx, rev, cfs_rq);
            } else {
                // "We currently only expect to be unthrottling a single cfs_rq locally."
                if rev.local == Local::List {
                    list_add_tail(machine, this.throttled_csd_list, rq.local_unthrottle);
                }
                local_unthrottle = Some(cfs_rq);
            }
        }
        guard.unlock();
        pos = list_next_rcu(machine, pos);
    }
    if let Some(cfs_rq) = local_unthrottle {
        let guard = machine.rq_of(cfs_rq).lock.lock(ctx.current);
        if rev.local == Local::List {
            list_del_init(machine, machine.cfs_rq(cfs_rq).throttled_csd_list);
        }
        if machine.cfs_rq(cfs_rq).throttled.get() {
            unthrottle_cfs_rq(ctx, cfs_rq);
        }
        guard.unlock();
    }
    match rev.more {
        More::Walk => throttled,
        More::List => !list_empty(machine, cfs_b.throttled_cfs_rq),
    }
}

/// `__unthrottle_cfs_rq_async()`: leaves it to the runqueue's CPU, under the runqueue's lock.
fn unthrottle_cfs_rq_async(ctx: &Ctx, rev: Rev, cfs_rq: Id<CfsRq>) {
    let machine = ctx.machine;
    let rq = machine.rq_of(cfs_rq);
    let was_empty = list_empty(machine, rq.cfsb_csd_list);
    list_add_tail(machine, machine.cfs_rq(cfs_rq).throttled_csd_list, rq.cfsb_csd_list);
    let first = match rev.ipi {
        Ipi::ListWasEmpty => was_empty,
        Ipi::ListIsEmpty => list_empty(machine, rq.cfsb_csd_list),
    };
    if first {
        // `smp_call_function_single_async()`.
        rq.cfsb_csd.store(true, Relaxed);
        rq.idle.kick();
    }
}

/// The CPU takes its interrupts, for ever.
pub fn take_csd_interrupts(ctx: &Ctx, rq: Id<Rq>) {
    let this = ctx.machine.rq(rq);
    loop {
        this.idle.sleep_until::<bool, bool>(ctx.current, &this.cfsb_csd, |pending| pending, None);
        take_csd_interrupt(ctx, rq);
    }
}

/// One of them: `flush_smp_call_function_queue()`.
pub fn take_csd_interrupt(ctx: &Ctx, rq: Id<Rq>) {
    ctx.current.local_irq_disable();
    // ORDERING: Full, C's `csd_unlock()` before the function is called again. Nothing here depends on it: what the
    // sender did it did under the runqueue's lock, which comes next.
    ctx.machine.rq(rq).cfsb_csd.xchg(false, Full);
    __cfsb_csd_unthrottle(ctx, rq);
    ctx.current.local_irq_enable();
}

/// `__cfsb_csd_unthrottle()`: the interrupt's function.
fn __cfsb_csd_unthrottle(ctx: &Ctx, rq: Id<Rq>) {
    let machine = ctx.machine;
    let guard = machine.rq(rq).lock.lock(ctx.current);
    while let Some(node) = list_first_entry(machine, machine.rq(rq).cfsb_csd_list) {
        list_del_init(machine, node);
        let cfs_rq = machine.entry(node);
        if machine.cfs_rq(cfs_rq).throttled.get() {
            unthrottle_cfs_rq(ctx, cfs_rq);
        }
    }
    guard.unlock();
}
