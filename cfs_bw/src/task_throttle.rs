// SPDX-License-Identifier: GPL-2.0-only
//! C: `throttle_cfs_rq_work()`, `task_throttle_setup_work()`, `kernel/sched/fair.c`, 6.18 and later: a throttled group
//! stops task by task, each on its way back to user mode.
//!
//! Before e1fad12dcb66 the group's entity was dequeued, and with it tasks that held something in the kernel:
//!
//! ```text
//! CPU 1, in the kernel                            CPU 2, of no group
//! holds a semaphore; a tick: no runtime
//! throttled, with the semaphore                   waits for the semaphore until the next period,
//!                                                 or many: the debt must be paid first
//! ```
//!
//! To throttle is now to mark. A task that is picked in a throttled hierarchy gets a work, and parks itself on the
//! group's `throttled_limbo_list` before it would run in user mode; the unthrottle enqueues all that are there. Nobody
//! may throttle the group in the middle of that (956dfda6a708).
//!
//! Property: a throttled group's task runs until it leaves the kernel, is on the runqueue or in limbo, and never in
//! both.

use crate::cfs_bandwidth::CfsRq;
use crate::fair::{dequeue_task_fair, enqueue_task_fair};
use crate::list::{ListHead, list_add, list_del_init, list_empty, list_nodes};
use crate::machine::Ctx;
use ksync::{Id, Plain};

/// `struct task_struct` of a group's task, as much of it as is throttled: under the lock of its CPU's runqueue.
#[derive(Debug)]
pub struct Task {
    /// Where it is queued: `cfs_rq_of(&p->se)`. No task here changes its CPU.
    pub cfs_rq: Id<CfsRq>,
    /// It is queued there: `p->se.on_rq`.
    pub on_rq: Plain<bool>,
    /// It is in limbo.
    pub throttled: Plain<bool>,
    /// The node in `throttled_limbo_list`.
    pub throttle_node: Id<ListHead>,
    /// `sched_throttle_work` is on its list: it will call `throttle_cfs_rq_work()` before it is in user mode.
    pub sched_throttle_work: Plain<bool>,
}

impl Task {
    pub(crate) fn new(name: &str, cfs_rq: Id<CfsRq>, throttle_node: Id<ListHead>) -> Self {
        Task {
            cfs_rq,
            on_rq: Plain::named(false, format_args!("{name}.on_rq")),
            throttled: Plain::named(false, format_args!("{name}.throttled")),
            throttle_node,
            sched_throttle_work: Plain::named(false, format_args!("{name}.sched_throttle_work")),
        }
    }
}

/// A revision of the throttling of tasks.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// When a task is marked as throttled.
    pub mark: Mark,
    /// What becomes of a group that used up what it was paid before it was unthrottled.
    pub spent: Spent,
}

/// When a task is marked as throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// After it was dequeued.
    AfterDequeue,
    /// Before that, and the dequeue takes it for one that is throttled already.
    BeforeDequeue,
}

/// What becomes of a group that used up what it was paid before it was unthrottled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// It stays throttled, and on the list, until it is paid again.
    StaysThrottled,
    /// It is unthrottled, and its tasks are enqueued.
    Unthrottled,
}

/// e1fad12dcb66, 6.18.
pub const ORIGIN: Rev = Rev { mark: Mark::AfterDequeue, spent: Spent::StaysThrottled };

/// `task_throttle_setup_work()`: the task was picked in a throttled hierarchy, under the runqueue's lock.
pub fn task_throttle_setup_work(ctx: &Ctx, task: Id<Task>) {
    ctx.machine.task(task).sched_throttle_work.set(true);
}

/// `exit_to_user_mode()`: the task's works run.
pub fn exit_to_user_mode(ctx: &Ctx, task: Id<Task>) {
    if let Some(rev) = ctx.machine.kernel.throttle.each_task
        && ctx.machine.task(task).sched_throttle_work.get()
    {
        throttle_cfs_rq_work(ctx, rev, task);
    }
}

/// `throttle_cfs_rq_work()`: the task parks itself.
fn throttle_cfs_rq_work(ctx: &Ctx, rev: Rev, task: Id<Task>) {
    let machine = ctx.machine;
    let this = machine.task(task);
    let cfs_rq = machine.cfs_rq(this.cfs_rq);
    this.sched_throttle_work.set(false);
    // `task_rq_lock()`.
    let guard = machine.rq_of(this.cfs_rq).lock.lock_irq(ctx.current);
    // Else it was unthrottled since: there is nothing to do.
    if cfs_rq.throttle_count.get() > 0 {
        assert!(!this.throttled.get() && list_empty(machine, this.throttle_node), "WARN_ON_ONCE: in limbo already");
        let early = rev.mark == Mark::BeforeDequeue;
        if early {
            this.throttled.set(true);
        }
        dequeue_task_fair(ctx, task);
        list_add(machine, this.throttle_node, cfs_rq.throttled_limbo_list);
        if !early {
            this.throttled.set(true);
        }
        // `resched_curr()`: it does not run in user mode.
        cfs_rq.curr.set(false);
    }
    guard.unlock();
}

/// `dequeue_throttled_task()`: it leaves limbo without having been enqueued.
pub(crate) fn dequeue_throttled_task(ctx: &Ctx, task: Id<Task>) {
    let this = ctx.machine.task(task);
    assert!(!this.on_rq.get(), "WARN_ON_ONCE(p->se.on_rq)");
    list_del_init(ctx.machine, this.throttle_node);
    this.throttled.set(false);
}

/// The first lines of `unthrottle_cfs_rq()`: it ran on in the kernel and used up what it was paid. Then an enqueue in
/// the walk below would throttle it in the middle of that.
pub(crate) fn stays_throttled(rev: Rev, cfs_rq: &CfsRq) -> bool {
    rev.spent == Spent::StaysThrottled && cfs_rq.runtime_enabled.get() && cfs_rq.runtime_remaining.get() <= 0
}

/// The first lines of `tg_throttle_down()` where the count comes from 0.
pub(crate) fn assert_limbo_is_empty(ctx: &Ctx, cfs_rq: &CfsRq) {
    assert!(
        list_empty(ctx.machine, cfs_rq.throttled_limbo_list),
        "WARN_ON_ONCE(!list_empty(&cfs_rq->throttled_limbo_list))"
    );
}

/// The end of `tg_unthrottle_up()`: "re-enqueue the tasks that have been throttled at this level".
pub(crate) fn leave_limbo(ctx: &Ctx, cfs_rq: &CfsRq) {
    for node in list_nodes(ctx.machine, cfs_rq.throttled_limbo_list) {
        let task = ctx.machine.task_entry(node);
        list_del_init(ctx.machine, node);
        ctx.machine.task(task).throttled.set(false);
        enqueue_task_fair(ctx, task);
    }
}
