// SPDX-License-Identifier: GPL-2.0-only
//! C: `throttle_cfs_rq()`, `unthrottle_cfs_rq()`, `kernel/sched/fair.c`: a group stops on a CPU, and goes on.
//!
//! That there is no runtime is seen in one section of `cfs_b->lock`, and the runqueue goes on the list in another
//! (e98fa02c4f2e):
//!
//! ```text
//! CPU 1, under its runqueue's lock                timer
//! assign: the pool is empty, unlock cfs_b
//!                                                 refill; nobody is on the list: done
//! throttle: lock cfs_b, on the list, unlock       the pool is full, and nobody looks at the list
//!                                                 until the next period
//! ```
//!
//! Property: a runqueue goes on the list in a section that found the pool empty.

use crate::account::__assign_cfs_rq_runtime;
use crate::cfs_bandwidth::{CfsRq, Rq, TaskGroup};
use crate::list::{list_add_rcu, list_add_tail_rcu, list_del_rcu};
use crate::machine::{Ctx, Machine};
use crate::period_timer::start_cfs_bandwidth;
use ksync::{Id, Relaxed};

/// A revision of `throttle_cfs_rq()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Where on the list the runqueue goes.
    pub insert: Insert,
    /// Whether the pool is looked at again.
    pub decide: Decide,
}

/// Where on the list a throttled runqueue goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insert {
    /// In front of a walker.
    Tail,
    /// Behind a walker.
    Head,
    /// Behind a walker if there is one, else at the tail.
    HeadWhileDistributing,
}

/// Whether the pool is looked at again before the runqueue goes on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decide {
    /// No: `assign_cfs_rq_runtime()` found it empty some time ago.
    Before,
    /// In the same section of `cfs_b->lock`.
    UnderOneLock,
    /// In a section of its own.
    InTwoSections,
}

/// 3.2 to 3.16.
pub const ORIGIN: Rev = Rev { insert: Insert::Tail, decide: Decide::Before };
/// c06f04c70489 "Fix potential near-infinite distribute_cfs_runtime() loop".
pub const HEAD: Rev = Rev { insert: Insert::Head, ..ORIGIN };
/// baa9be4ffb55 "Fix throttle_list starvation with low CFS quota".
pub const HEAD_WHILE_DISTRIBUTING: Rev = Rev { insert: Insert::HeadWhileDistributing, ..HEAD };
/// e98fa02c4f2e "Eliminate bandwidth race between throttling and distribution".
pub const UNDER_ONE_LOCK: Rev = Rev { insert: Insert::Tail, decide: Decide::UnderOneLock };

/// `check_cfs_rq_runtime()`: throttles a runqueue that has no more runtime; says whether it is throttled.
pub fn check_cfs_rq_runtime(ctx: &Ctx, cfs_rq: Id<CfsRq>) -> bool {
    let this = ctx.machine.cfs_rq(cfs_rq);
    if !this.runtime_enabled.get() || this.runtime_remaining.get() > 0 {
        return false;
    }
    // "It's possible for a throttled entity to be forced into a running state (e.g. set_curr_task), in this case
    // we're finished."
    if this.throttled.get() {
        return true;
    }
    throttle_cfs_rq(ctx, cfs_rq)
}

/// `throttle_cfs_rq()`: under the runqueue's lock. `false` if there was runtime after all.
pub fn throttle_cfs_rq(ctx: &Ctx, cfs_rq: Id<CfsRq>) -> bool {
    let machine = ctx.machine;
    let this = machine.cfs_rq(cfs_rq);
    let cfs_b = machine.cfs_b(this.tg);
    let decide = machine.kernel.throttle.decide;
    if decide != Decide::Before {
        let mut guard = cfs_b.lock.lock(ctx.current);
        // "This will start the period timer if necessary." "We have raced with bandwidth becoming available, and if
        // we actually throttled the timer might not unthrottle us for an entire period. We additionally needed to
        // make sure that any subsequent check_cfs_rq_runtime calls agree not to throttle us, as we may commit to do
        // cfs put_prev+pick_next, so we ask for 1ns of runtime rather than just check cfs_b."
        let has_runtime = __assign_cfs_rq_runtime(ctx, &guard, cfs_rq, 1);
        if decide == Decide::InTwoSections && !has_runtime {
            guard.unlock();
            guard = cfs_b.lock.lock(ctx.current);
        }
        if !has_runtime {
            insert(machine, cfs_rq);
        }
        guard.unlock();
        if has_runtime {
            return false;
        }
    }
    // "Freeze hierarchy runnable averages while throttled."
    walk_tg_tree_from(machine, this.tg, |tg| tg_throttle_down(machine, tg, this.rq));
    // "Note: distribution will already see us throttled via the throttled-list. rq->lock protects completion."
    this.throttled.set(true);
    if decide == Decide::Before {
        let guard = cfs_b.lock.lock(ctx.current);
        insert(machine, cfs_rq);
        start_cfs_bandwidth(ctx, cfs_b);
        guard.unlock();
    }
    true
}

/// Puts the runqueue on the list, under `cfs_b->lock`.
fn insert(machine: &Machine, cfs_rq: Id<CfsRq>) {
    let this = machine.cfs_rq(cfs_rq);
    let cfs_b = machine.cfs_b(this.tg);
    let head = match machine.kernel.throttle.insert {
        Insert::Tail => false,
        // "Add to the _head_ of the list, so that an already-started distribute_cfs_runtime will not see us."
        Insert::Head => true,
        // The same, and "if distribute_cfs_runtime is not running add to the tail so that later runqueues don't get
        // starved."
        Insert::HeadWhileDistributing => cfs_b.distribute_running.get(),
    };
    let add = if head { list_add_rcu } else { list_add_tail_rcu };
    add(machine, this.throttled_list, cfs_b.throttled_cfs_rq);
}

/// `unthrottle_cfs_rq()`: under the runqueue's lock.
pub fn unthrottle_cfs_rq(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let machine = ctx.machine;
    let this = machine.cfs_rq(cfs_rq);
    let cfs_b = machine.cfs_b(this.tg);
    this.throttled.set(false);
    let guard = cfs_b.lock.lock(ctx.current);
    list_del_rcu(machine, this.throttled_list);
    guard.unlock();
    walk_tg_tree_from(machine, this.tg, |tg| tg_unthrottle_up(ctx, tg, this.rq));
    // "Determine whether we need to wake up potentially idle CPU."
    machine.rq(this.rq).idle.kick();
}

/// `walk_tg_tree_from()`: the group and everything below it.
fn walk_tg_tree_from(machine: &Machine, from: Id<TaskGroup>, visit: impl Fn(Id<TaskGroup>)) {
    let parent = |&tg: &Id<TaskGroup>| machine.tg(tg).parent;
    machine.groups().filter(|&tg| std::iter::successors(Some(tg), parent).any(|up| up == from)).for_each(visit);
}

/// `tg_throttle_down()`: the group stops on this CPU if none of its ancestors stopped it before.
///
/// DEVIATION: stands for the clocks that stop here, and for the group entity that C takes off the runqueue above.
fn tg_throttle_down(machine: &Machine, tg: Id<TaskGroup>, rq: Id<Rq>) {
    let cfs_rq = machine.cfs_rq(machine.tg_cfs_rq(tg, rq));
    if cfs_rq.throttle_count.get() == 0 {
        let nr_running = &machine.rq(rq).nr_running;
        nr_running.store(nr_running.load(Relaxed) - cfs_rq.nr_queued.get(), Relaxed);
    }
    cfs_rq.throttle_count.set(cfs_rq.throttle_count.get() + 1);
}

/// `tg_unthrottle_up()`: the group goes on on this CPU if no ancestor of it is throttled.
///
/// # Panics
/// If it was not throttled: C's count would wrap.
fn tg_unthrottle_up(ctx: &Ctx, tg: Id<TaskGroup>, rq: Id<Rq>) {
    let machine = ctx.machine;
    machine.walk(ctx, rq);
    let cfs_rq = machine.cfs_rq(machine.tg_cfs_rq(tg, rq));
    let throttle_count = cfs_rq.throttle_count.get().checked_sub(1).expect("throttle_count underflow");
    cfs_rq.throttle_count.set(throttle_count);
    if throttle_count == 0 {
        let nr_running = &machine.rq(rq).nr_running;
        nr_running.store(nr_running.load(Relaxed) + cfs_rq.nr_queued.get(), Relaxed);
    }
}
