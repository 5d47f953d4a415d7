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
//!
//! DEVIATION: `walk_tg_tree_from()` is a loop over the groups, from the top down; where C does its work on the way
//! up, from the bottom up.

use crate::account::__assign_cfs_rq_runtime;
use crate::cfs_bandwidth::{CfsRq, Rq, TaskGroup};
use crate::fair::{dequeue_up, enqueue_up};
use crate::list::{list_add_rcu, list_add_tail_rcu, list_del_rcu};
use crate::machine::{Ctx, Machine};
use crate::period_timer::start_cfs_bandwidth;
use crate::task_throttle::{self, assert_limbo_is_empty, leave_limbo};
use ksync::Id;

/// A revision of `throttle_cfs_rq()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Where on the list the runqueue goes.
    pub insert: Insert,
    /// Whether the pool is looked at again.
    pub decide: Decide,
    /// When it does.
    pub enlist: Enlist,
    /// What an unthrottle counts.
    pub up: Up,
    /// Tasks stop one by one; or else the group's entity does.
    pub each_task: Option<task_throttle::Rev>,
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
    /// In the same section, and nothing is taken out of it.
    Looks,
}

/// When a runqueue goes on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enlist {
    /// While its lock is held.
    InSection,
    /// When it is throttled and its lock is free again.
    AfterUnlock,
}

/// What an unthrottle counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Up {
    /// The group and those below it.
    Tree,
    /// The group.
    Alone,
}

/// 3.2 to 3.16.
pub const ORIGIN: Rev =
    Rev { insert: Insert::Tail, decide: Decide::Before, enlist: Enlist::InSection, up: Up::Tree, each_task: None };
/// c06f04c70489 "Fix potential near-infinite distribute_cfs_runtime() loop".
pub const HEAD: Rev = Rev { insert: Insert::Head, ..ORIGIN };
/// baa9be4ffb55 "Fix throttle_list starvation with low CFS quota".
pub const HEAD_WHILE_DISTRIBUTING: Rev = Rev { insert: Insert::HeadWhileDistributing, ..HEAD };
/// e98fa02c4f2e "Eliminate bandwidth race between throttling and distribution".
pub const UNDER_ONE_LOCK: Rev = Rev { insert: Insert::Tail, decide: Decide::UnderOneLock, ..HEAD_WHILE_DISTRIBUTING };
/// e1fad12dcb66: tasks are throttled one by one.
pub const EACH_TASK: Rev = Rev { each_task: Some(task_throttle::ORIGIN), ..UNDER_ONE_LOCK };

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
        let has_runtime = match decide {
            Decide::Looks => cfs_b.runtime.get() > 0,
            _ => __assign_cfs_rq_runtime(ctx, &guard, cfs_rq, 1),
        };
        if decide == Decide::InTwoSections && !has_runtime {
            guard.unlock();
            guard = cfs_b.lock.lock(ctx.current);
        }
        if !has_runtime && machine.kernel.throttle.enlist == Enlist::InSection {
            insert(machine, cfs_rq);
        }
        guard.unlock();
        if has_runtime {
            return false;
        }
    }
    // "Freeze hierarchy runnable averages while throttled."
    machine.groups_from(this.tg).for_each(|tg| tg_throttle_down(ctx, tg, this.rq));
    if machine.kernel.throttle.each_task.is_none() {
        dequeue_up(ctx, machine.parent_cfs_rq(cfs_rq), &this.on_rq, this.rq, this.h_nr_running.get());
    }
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

/// What is left of a throttle when the runqueue's lock is free again: nothing, but in one mutant.
pub(crate) fn after_unlock(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    if ctx.machine.kernel.throttle.enlist == Enlist::AfterUnlock {
        let guard = ctx.machine.cfs_b(ctx.machine.cfs_rq(cfs_rq).tg).lock.lock_irq(ctx.current);
        insert(ctx.machine, cfs_rq);
        guard.unlock();
    }
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
    if head {
        list_add_rcu(machine, this.throttled_list, cfs_b.throttled_cfs_rq);
    } else {
        list_add_tail_rcu(machine, this.throttled_list, cfs_b.throttled_cfs_rq);
    }
}

/// `unthrottle_cfs_rq()`: under the runqueue's lock.
pub fn unthrottle_cfs_rq(ctx: &Ctx, cfs_rq: Id<CfsRq>) {
    let machine = ctx.machine;
    let this = machine.cfs_rq(cfs_rq);
    let cfs_b = machine.cfs_b(this.tg);
    let rev = &machine.kernel.throttle;
    if rev.each_task.is_some_and(|rev| task_throttle::stays_throttled(rev, this)) {
        return;
    }
    this.throttled.set(false);
    let guard = cfs_b.lock.lock(ctx.current);
    list_del_rcu(machine, this.throttled_list);
    guard.unlock();
    // "Update hierarchical throttle state", from the bottom up.
    let tree: Vec<Id<TaskGroup>> = machine.groups_from(this.tg).collect();
    let counted = |&tg: &Id<TaskGroup>| rev.up == Up::Tree || tg == this.tg;
    tree.into_iter().rev().filter(counted).for_each(|tg| tg_unthrottle_up(ctx, tg, this.rq));
    if rev.each_task.is_none() && this.nr_queued.get() > 0 {
        enqueue_up(ctx, machine.parent_cfs_rq(cfs_rq), &this.on_rq, this.rq, this.h_nr_running.get());
    }
    // "Determine whether we need to wake up potentially idle CPU."
    machine.rq(this.rq).idle.kick();
}

/// `tg_throttle_down()`: the group stops on this CPU if none of its ancestors stopped it before.
///
/// DEVIATION: what stops in C besides are clocks.
fn tg_throttle_down(ctx: &Ctx, tg: Id<TaskGroup>, rq: Id<Rq>) {
    let cfs_rq = ctx.machine.cfs_rq(ctx.machine.tg_cfs_rq(tg, rq));
    if cfs_rq.throttle_count.get() == 0 && ctx.machine.kernel.throttle.each_task.is_some() {
        assert_limbo_is_empty(ctx, cfs_rq);
    }
    cfs_rq.throttle_count.set(cfs_rq.throttle_count.get() + 1);
}

/// `tg_unthrottle_up()`: the group goes on on this CPU if no ancestor of it is throttled.
///
/// # Panics
/// If it was not throttled: C's count would wrap.
fn tg_unthrottle_up(ctx: &Ctx, tg: Id<TaskGroup>, rq: Id<Rq>) {
    let machine = ctx.machine;
    machine.on_the_way(ctx, rq);
    let cfs_rq = machine.cfs_rq(machine.tg_cfs_rq(tg, rq));
    let throttle_count = cfs_rq.throttle_count.get().checked_sub(1).expect("throttle_count underflow");
    cfs_rq.throttle_count.set(throttle_count);
    if throttle_count == 0 && machine.kernel.throttle.each_task.is_some() {
        leave_limbo(ctx, cfs_rq);
    }
}
