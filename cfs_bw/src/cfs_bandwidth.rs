// SPDX-License-Identifier: GPL-2.0-only
//! C: `struct cfs_bandwidth`, `struct cfs_rq`, `kernel/sched/sched.h`: a group's pool of runtime, and what each CPU
//! has of it.
//!
//! Lock order: a runqueue's lock, then `cfs_b->lock`. Times are nanoseconds, `u64` in the pool and `i64` on a CPU,
//! where a debt is negative; they wrap as C's do.
//!
//! DEVIATION: statistics are left out, but for `sum_exec_runtime`, which the properties are about.

use crate::list::ListHead;
use crate::timer::HrTimer;
use ksync::{Atomic, Id, Plain, Sleeper, SpinLock};

/// `RUNTIME_INF`: no limit.
pub const RUNTIME_INF: u64 = u64::MAX;

/// `struct rq`, as much of it as bandwidth control needs.
#[derive(Debug)]
pub struct Rq {
    /// The CPU's number.
    pub cpu: u32,
    /// Guards everything of this CPU.
    pub lock: SpinLock,
    /// Tasks that can run: none whose group, or one around it, is throttled.
    pub nr_running: Atomic<u32>,
    /// The idle task sleeps here until `nr_running` says otherwise.
    pub idle: Sleeper,
    /// Runqueues that are paid, for this CPU to unthrottle; from 6.3 on.
    pub cfsb_csd_list: Id<ListHead>,
    /// Such a runqueue of the timer's own CPU, until its walk is over; from 6.7 on.
    ///
    /// DEVIATION: a list on the timer's stack.
    pub local_unthrottle: Id<ListHead>,
    /// The interrupt for that list is on its way.
    pub cfsb_csd: Atomic<bool>,
    /// `TIF_NEED_RESCHED` of the running task.
    pub need_resched: Plain<bool>,
}

impl Rq {
    pub(crate) fn new(cpu: u32, cfsb_csd_list: Id<ListHead>, local_unthrottle: Id<ListHead>) -> Self {
        Rq {
            cpu,
            lock: SpinLock::named(format_args!("rq{cpu}.lock")),
            nr_running: Atomic::named(0, format_args!("rq{cpu}.nr_running")),
            idle: Sleeper::new(),
            cfsb_csd_list,
            local_unthrottle,
            cfsb_csd: Atomic::named(false, format_args!("rq{cpu}.cfsb_csd")),
            need_resched: Plain::named(false, format_args!("rq{cpu}.need_resched")),
        }
    }
}

/// `struct cfs_bandwidth`: all of it under `lock`.
#[derive(Debug)]
pub struct CfsBandwidth {
    /// Guards the pool and the links of the list.
    pub lock: SpinLock,
    /// The pool is refilled so often.
    pub period: Plain<u64>,
    /// What a refill brings; [`RUNTIME_INF`] for no limit.
    pub quota: Plain<u64>,
    /// What is left in the pool.
    pub runtime: Plain<u64>,
    /// The deadline of what is in the pool, up to 5.3.
    ///
    /// DEVIATION: a plain word in C, and so is the next; CPUs read both without the lock.
    pub runtime_expires: Atomic<u64>,
    /// How many refills there were, from 4.18 to 5.3.
    pub expires_seq: Atomic<u32>,
    /// What may be carried over on top of the quota, from 5.14 on.
    pub burst: Plain<u64>,
    /// Nobody took anything since the last refill.
    pub idle: Plain<bool>,
    /// The period timer is armed, or its handler runs.
    pub period_active: Plain<bool>,
    /// A distribution is under way, in the revisions that say so.
    pub distribute_running: Plain<bool>,
    /// The slack timer is armed, in the revisions that say so.
    pub slack_started: Plain<bool>,
    /// Runs `do_sched_cfs_slack_timer()`.
    pub slack_timer: HrTimer,
    /// Runs `sched_cfs_period_timer()`.
    pub period_timer: HrTimer,
    /// The head of the list of throttled runqueues.
    pub throttled_cfs_rq: Id<ListHead>,
}

impl CfsBandwidth {
    /// `init_cfs_bandwidth()` with a period and a quota.
    pub(crate) fn new(name: &str, (quota, period): (u64, u64), throttled_cfs_rq: Id<ListHead>) -> Self {
        CfsBandwidth {
            lock: SpinLock::named(format_args!("{name}.lock")),
            period: Plain::named(period, format_args!("{name}.period")),
            quota: Plain::named(quota, format_args!("{name}.quota")),
            runtime: Plain::named(0, format_args!("{name}.runtime")),
            runtime_expires: Atomic::named(0, format_args!("{name}.runtime_expires")),
            expires_seq: Atomic::named(0, format_args!("{name}.expires_seq")),
            burst: Plain::named(0, format_args!("{name}.burst")),
            idle: Plain::named(false, format_args!("{name}.idle")),
            period_active: Plain::named(true, format_args!("{name}.period_active")),
            distribute_running: Plain::named(false, format_args!("{name}.distribute_running")),
            slack_started: Plain::named(false, format_args!("{name}.slack_started")),
            slack_timer: HrTimer::new(&format!("{name}.slack_timer")),
            period_timer: HrTimer::new(&format!("{name}.period_timer")),
            throttled_cfs_rq,
        }
    }
}

/// `struct cfs_rq` of a group on a CPU: under the lock of the CPU's runqueue.
#[derive(Debug)]
pub struct CfsRq {
    /// The CPU, as the place of its runqueue.
    pub rq: Id<Rq>,
    /// The group.
    pub tg: Id<TaskGroup>,
    /// The group has a quota.
    pub runtime_enabled: Plain<bool>,
    /// What this CPU may still run; not above 0 is a debt, and a reason to stop.
    pub runtime_remaining: Plain<i64>,
    /// The deadline of that, up to 5.3.
    pub runtime_expires: Plain<u64>,
    /// The refill that it comes from, from 4.18 to 5.3.
    pub expires_seq: Plain<u32>,
    /// This group is throttled here.
    pub throttled: Plain<bool>,
    /// How many of this group and its ancestors are throttled here.
    pub throttle_count: Plain<u32>,
    /// The node in `throttled_cfs_rq`: links under `cfs_b->lock`.
    pub throttled_list: Id<ListHead>,
    /// The node in `cfsb_csd_list`.
    pub throttled_csd_list: Id<ListHead>,
    /// Tasks that were throttled one by one; from 6.18 on.
    pub throttled_limbo_list: Id<ListHead>,
    /// A task of this group runs (`curr` is not `NULL`).
    pub curr: Plain<bool>,
    /// Entities on this runqueue: tasks, and groups that have some.
    pub nr_queued: Plain<u32>,
    /// Tasks on this runqueue and on those below it that are not throttled: C's `h_nr_running`, later `h_nr_queued`.
    pub h_nr_running: Plain<u32>,
    /// The group's entity is on the runqueue above: `tg->se[cpu]->on_rq`.
    pub on_rq: Plain<bool>,
    /// What the tasks ran.
    ///
    /// DEVIATION: of each task in C.
    pub sum_exec_runtime: Plain<u64>,
}

impl CfsRq {
    /// One with nothing to run.
    pub(crate) fn new(
        name: &str,
        (rq, tg): (Id<Rq>, Id<TaskGroup>),
        [throttled_list, throttled_csd_list, throttled_limbo_list]: [Id<ListHead>; 3],
    ) -> Self {
        CfsRq {
            rq,
            tg,
            runtime_enabled: Plain::named(true, format_args!("{name}.runtime_enabled")),
            runtime_remaining: Plain::named(0, format_args!("{name}.runtime_remaining")),
            runtime_expires: Plain::named(0, format_args!("{name}.runtime_expires")),
            expires_seq: Plain::named(0, format_args!("{name}.expires_seq")),
            throttled: Plain::named(false, format_args!("{name}.throttled")),
            throttle_count: Plain::named(0, format_args!("{name}.throttle_count")),
            throttled_list,
            throttled_csd_list,
            throttled_limbo_list,
            curr: Plain::named(false, format_args!("{name}.curr")),
            nr_queued: Plain::named(0, format_args!("{name}.nr_queued")),
            h_nr_running: Plain::named(0, format_args!("{name}.h_nr_running")),
            on_rq: Plain::named(false, format_args!("{name}.se.on_rq")),
            sum_exec_runtime: Plain::named(0, format_args!("{name}.sum_exec_runtime")),
        }
    }
}

/// `struct task_group`.
#[derive(Debug)]
pub struct TaskGroup {
    /// The group around it; `None` for one below the root.
    pub parent: Option<Id<TaskGroup>>,
    /// Its pool.
    pub cfs_bandwidth: CfsBandwidth,
}
