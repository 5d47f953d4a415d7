// SPDX-License-Identifier: GPL-2.0-only
//! C: `struct task_struct`, `include/linux/sched.h`: what a wakeup and a switch touch.

use crate::machine::{Ctx, Machine};
use crate::set_affinity::SetAffinityPending;
use ksync::{Atomic, Frame, Full, Id, Plain, Relaxed, Sleeper, SpinLock};

/// The task runs or wants to.
pub const TASK_RUNNING: u32 = 0;
/// Asleep; a signal may wake it.
pub const TASK_INTERRUPTIBLE: u32 = 1;
/// Asleep; only its condition wakes it. Counts as load.
pub const TASK_UNINTERRUPTIBLE: u32 = 2;
/// Parked by `kthread_park()`.
pub const TASK_PARKED: u32 = 0x40;
/// Gone; the CPU that switches away from it drops the scheduler's reference.
pub const TASK_DEAD: u32 = 0x80;
/// A waker owns the task.
pub const TASK_WAKING: u32 = 0x200;
/// What `wake_up_process()` wakes.
pub const TASK_NORMAL: u32 = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE;

/// `on_rq` of a queued task.
pub const TASK_ON_RQ_QUEUED: u32 = 1;

/// How a task stands when the scenario begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Birth {
    /// On its CPU.
    Running,
    /// Blocked and switched out.
    Asleep,
    /// About to call `schedule()`: on its CPU, the state already set.
    Blocking,
}

/// `struct task_struct`.
#[derive(Debug)]
pub struct TaskStruct {
    /// `comm`.
    pub name: String,
    /// `__state`.
    pub state: Atomic<u32>,
    /// 0 or [`TASK_ON_RQ_QUEUED`]; written under the runqueue's lock.
    pub on_rq: Atomic<u32>,
    /// Some CPU runs on the task's stack; written under that CPU's runqueue lock.
    pub on_cpu: Atomic<bool>,
    /// `task_cpu()`; written under `pi_lock` by a waker.
    pub cpu: Atomic<u32>,
    /// Serializes wakeups.
    pub pi_lock: SpinLock,
    /// `wake_q.next`: `None` is not queued.
    pub wake_q_next: Atomic<Option<Id<TaskStruct>>>,
    /// References.
    pub usage: Atomic<u32>,
    /// DEVIATION: one plain word stands for all that the last CPU writes while it switches away and the waker reads
    /// or writes after it: the stack, the registers, `se`.
    pub se: Plain<u32>,
    /// The `CONDITION` of C's `for (;;) { set_current_state(); if (CONDITION) break; schedule(); }`.
    pub condition: Atomic<bool>,
    /// `cpus_mask`, a bit for each CPU number; written under `pi_lock` and the runqueue's lock.
    pub cpus_mask: Plain<u64>,
    /// Who moves the task to where it may run; written under the runqueue's lock.
    pub migration_pending: Plain<Option<Id<SetAffinityPending>>>,
    /// The scheduling class is the stop class: the task is `migration/N`.
    pub stop_class: bool,
    /// What `select_task_rq()` answers.
    /// DEVIATION: C computes it; a scenario says it. `None` is `task_cpu()`.
    pub wake_cpu: Option<u32>,
    /// Where the task sleeps.
    pub sleeper: Sleeper,
    /// The life of the memory itself, in scenarios in which the task can be freed.
    pub memory: Option<Frame>,
}

impl TaskStruct {
    pub(crate) fn new(name: &str, cpu: u32, birth: Birth, stop_class: bool) -> Self {
        let running = birth != Birth::Asleep;
        let state = if birth == Birth::Running { TASK_RUNNING } else { TASK_INTERRUPTIBLE };
        TaskStruct {
            name: name.to_owned(),
            state: Atomic::named(state, format_args!("{name}.state")),
            on_rq: Atomic::named(u32::from(running), format_args!("{name}.on_rq")),
            on_cpu: Atomic::named(running, format_args!("{name}.on_cpu")),
            cpu: Atomic::named(cpu, format_args!("{name}.cpu")),
            pi_lock: SpinLock::named(format_args!("{name}.pi_lock")),
            wake_q_next: Atomic::named(None, format_args!("{name}.wake_q.next")),
            usage: Atomic::named(1, format_args!("{name}.usage")),
            se: Plain::named(0, format_args!("{name}.se")),
            condition: Atomic::named(false, format_args!("{name}.condition")),
            cpus_mask: Plain::named(u64::MAX, format_args!("{name}.cpus_mask")),
            migration_pending: Plain::named(None, format_args!("{name}.migration_pending")),
            stop_class,
            wake_cpu: None,
            sleeper: Sleeper::new(),
            memory: None,
        }
    }

    /// `cpumask_test_cpu(cpu, p->cpus_ptr)`.
    pub fn may_run_on(&self, cpu: u32) -> bool {
        self.cpus_mask.get() & (1 << cpu) != 0
    }
}

/// `set_current_state()`.
pub fn set_current_state(ctx: &Ctx, state: u32) {
    // ORDERING: the state before the test of the condition that follows. Pairs with `try_to_wake_up()`, the barrier
    // behind its `pi_lock`. Without it the sleeper misses the condition and the waker the state: `sb-wakeup`.
    ctx.task().state.store_mb(state);
}

/// `__set_current_state()`: orders nothing.
pub fn __set_current_state(ctx: &Ctx, state: u32) {
    ctx.task().state.store(state, Relaxed);
}

/// What freed memory is filled with.
const POISON_FREE: u32 = 0x6b;

/// `get_task_struct()`.
pub fn get_task_struct(machine: &Machine, task: Id<TaskStruct>) {
    machine.task(task).usage.inc();
}

/// `put_task_struct()`.
///
/// # Panics
/// In the words of `refcount_t` if there was no reference to drop.
pub fn put_task_struct(machine: &Machine, task: Id<TaskStruct>) {
    let task = machine.task(task);
    // ORDERING: Full, as `atomic_dec_and_test()`: every user's accesses before the one who frees. Pairs with the
    // other callers of `put_task_struct()`. Without it the free races with what the others did: `q7-exit`.
    // DEVIATION: the count is looked at, for the assertion.
    let old = task.usage.fetch_add(u32::MAX, Full);
    assert!(old != 0, "refcount_t: underflow; use-after-free of {}", task.name);
    if old == 1
        && let Some(memory) = task.memory
    {
        // As a debugging allocator does: whoever was not done yet races with this write.
        task.se.set(POISON_FREE);
        memory.leave();
    }
}
