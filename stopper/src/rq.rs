// SPDX-License-Identifier: GPL-2.0-only
//! C: `struct rq`, `kernel/sched/sched.h`: what of a runqueue a wakeup, a switch and the active balance touch.

use crate::cpu_stopper::CpuStopWork;
use crate::task::TaskStruct;
use ksync::{Atomic, Id, Irq, Plain, SpinLock};
use std::sync::OnceLock;

/// `struct rq`.
#[derive(Debug)]
pub struct Rq {
    /// `cpu_of(rq)`.
    pub cpu: u32,
    /// The runqueue's lock.
    pub lock: SpinLock,
    /// The task on the CPU, `None` for idle.
    pub curr: Plain<Option<Id<TaskStruct>>>,
    /// `rq->stop`, `migration/N`.
    pub stop: Id<TaskStruct>,
    /// Who runs when the stopper does not.
    /// DEVIATION: C's fair class picks; a scenario has one such task at most on a CPU that calls `__schedule()`.
    pub fair: Option<Id<TaskStruct>>,
    /// The CPU is there; cleared under the lock when it goes down.
    pub online: Plain<bool>,
    /// Tasks of the fair class, for the balance.
    pub nr_running: Plain<u32>,
    /// Blocked tasks that count as load.
    pub nr_uninterruptible: Plain<u32>,
    /// How often a newly idle CPU still finds an imbalance, and with which CPU.
    /// DEVIATION: C finds it from load averages; a scenario says it.
    pub imbalance: Plain<u32>,
    /// The CPU that the imbalance is with.
    pub busiest: Option<u32>,
    /// An active balance from this CPU is under way.
    pub active_balance: Plain<bool>,
    /// Where it pushes to; stable while the flag is set.
    pub push_cpu: Plain<u32>,
    /// The work of the active balance.
    pub active_balance_work: Id<CpuStopWork>,
    /// `balance_push()` is armed: the CPU is dying.
    pub balance_push: bool,
    /// `push_work`, a per-CPU variable.
    pub push_work: Id<CpuStopWork>,
    /// `wake_list`: tasks that another CPU handed over to be woken here.
    /// DEVIATION: one task at a time, not a list; no scenario has two on their way to one CPU.
    pub wake_list: Atomic<Option<Id<TaskStruct>>>,
    /// The interrupt that looks at `wake_list`. A machine without it, as one of real threads, hands no wakeups over.
    pub ipi: OnceLock<Irq>,
}

impl Rq {
    pub(crate) fn new(
        cpu: u32,
        stop: Id<TaskStruct>,
        active_balance_work: Id<CpuStopWork>,
        push_work: Id<CpuStopWork>,
    ) -> Self {
        Rq {
            cpu,
            lock: SpinLock::named(format_args!("rq{cpu}.lock")),
            curr: Plain::named(None, format_args!("rq{cpu}.curr")),
            stop,
            fair: None,
            online: Plain::named(true, format_args!("rq{cpu}.online")),
            nr_running: Plain::named(0, format_args!("rq{cpu}.nr_running")),
            nr_uninterruptible: Plain::named(0, format_args!("rq{cpu}.nr_uninterruptible")),
            imbalance: Plain::named(0, format_args!("rq{cpu}.imbalance")),
            busiest: None,
            active_balance: Plain::named(false, format_args!("rq{cpu}.active_balance")),
            push_cpu: Plain::named(0, format_args!("rq{cpu}.push_cpu")),
            active_balance_work,
            balance_push: false,
            push_work,
            wake_list: Atomic::named(None, format_args!("rq{cpu}.wake_list")),
            ipi: OnceLock::new(),
        }
    }
}
