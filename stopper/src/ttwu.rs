// SPDX-License-Identifier: GPL-2.0-only
//! C: `try_to_wake_up()`, `kernel/sched/core.c`, v6.16: from `pi_lock` to the runqueue.
//!
//! A waker may own a task that blocks as soon as `on_rq` is 0, but must not run it before its CPU has switched away:
//!
//! ```text
//! CPU1, __schedule() of p                    CPU26, try_to_wake_up(p)
//! lock(rq1); p.on_rq = 0                     lock(p.pi_lock); p.state matches
//! pick_next_task(): drops and retakes        p.on_rq == 0
//!   rq1.lock, may wait for other locks       spins while p.on_cpu, irqs off, pi_lock held
//! switched: p.on_cpu = 0                     p is this CPU's to enqueue
//! ```
//!
//! Property: no wakeup is lost, and a task is enqueued once and runs on one CPU.

use crate::machine::Ctx;
use crate::task::{TASK_NORMAL, TASK_ON_RQ_QUEUED, TASK_RUNNING, TASK_UNINTERRUPTIBLE, TASK_WAKING, TaskStruct};
use ksync::{Acquire, Id, Relaxed, SpinGuard, smp_acquire__after_ctrl_dep, smp_mb__after_spinlock, smp_rmb, smp_wmb};

/// A revision of `try_to_wake_up()` and what it calls.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Who may be woken by the CPU that still switches away from it.
    pub wakelist: Wakelist,
    /// When the waker makes the task its own.
    pub waking: Waking,
    /// What it does while the task is still on its old CPU.
    pub on_cpu: OnCpu,
    /// When it reads the task's CPU.
    pub task_cpu: TaskCpu,
    /// What `ttwu_runnable()` holds.
    pub runnable: Runnable,
}

/// `ttwu_queue_cond()`: whose wakeup may be left to the CPU of the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wakelist {
    /// Nobody's: wakers spin.
    Nobody,
    /// Everybody's.
    AnyClass,
    /// All but the stop class's.
    NotStopClass,
}

/// Where `WRITE_ONCE(p->__state, TASK_WAKING)` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waking {
    /// Once `on_rq` is known to be 0.
    AfterOnRq,
    /// Before the test of `on_rq`.
    BeforeOnRq,
    /// Nowhere, and `pi_lock` is dropped before the task is enqueued.
    NeverAndUnlocked,
}

/// What the waker does about `on_cpu`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCpu {
    /// `smp_cond_load_acquire()`, with irqs off.
    Spin,
    /// The same with the lock of the task's runqueue held.
    SpinUnderRqLock,
    /// The same with irqs on.
    SpinIrqsOn,
    /// Nothing: "it is still running".
    Return,
}

/// When `task_cpu(p)` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskCpu {
    /// After the acquire of `on_cpu`.
    AfterOnCpu,
    /// At the top of the function.
    AtTop,
}

/// What `ttwu_runnable()` holds while it looks at `on_rq` again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runnable {
    /// The runqueue's lock.
    Locked,
    /// Nothing.
    Unlocked,
}

/// The scheme of 2011: `pi_lock` and `on_cpu`, every waker spins. The barriers are those of later years.
pub const ORIGIN: Rev = Rev {
    wakelist: Wakelist::Nobody,
    waking: Waking::AfterOnRq,
    on_cpu: OnCpu::Spin,
    task_cpu: TaskCpu::AfterOnCpu,
    runnable: Runnable::Locked,
};

/// c6e7bd7afaeb: instead of spinning, hand the task to the CPU that is descheduling it.
pub const HANDED_OVER: Rev = Rev { wakelist: Wakelist::AnyClass, ..ORIGIN };

/// 009836b4fa52 "sched/core: Fix migrate_swap() vs. hotplug": stoppers are never put on a wakelist.
pub const NOT_STOPPERS: Rev = Rev { wakelist: Wakelist::NotStopClass, ..HANDED_OVER };

/// `wake_up_process()`.
pub fn wake_up_process(ctx: &Ctx, p: Id<TaskStruct>) -> bool {
    try_to_wake_up(ctx, p, TASK_NORMAL)
}

/// `try_to_wake_up()`: makes a task runnable if its state is one of `mask`; says whether it did.
///
/// DEVIATION: the `p == current` shortcut is left out, since no task here wakes itself.
pub fn try_to_wake_up(ctx: &Ctx, p: Id<TaskStruct>, mask: u32) -> bool {
    let (machine, current) = (ctx.machine, ctx.current);
    let rev = &machine.kernel.ttwu;
    let task = machine.task(p);
    current.preempt_disable();
    let cached_cpu = (rev.task_cpu == TaskCpu::AtTop).then(|| task.cpu.load(Relaxed));
    let mut guard = Some(task.pi_lock.lock_irqsave(current));
    let success = 'unlock: {
        // ORDERING: the caller's condition before the state. Pairs with `set_current_state()`. Without it the waker
        // misses the state and the sleeper the condition: `sb-wakeup`.
        smp_mb__after_spinlock();
        if task.state.load(Relaxed) & mask == 0 {
            break 'unlock false;
        }
        if rev.waking == Waking::BeforeOnRq {
            ttwu_waking(ctx, task);
        }
        // ORDERING: the state before `on_rq`. Pairs with `__schedule()`, whose runqueue lock lies between an earlier
        // waker's `on_rq = 1` and the task's next state. Without it a waker sees the new state and the old `on_rq`,
        // and spins on a task that runs: `stale-on-rq`.
        smp_rmb();
        if task.on_rq.load(Relaxed) != 0 && ttwu_runnable(ctx, task) {
            break 'unlock true;
        }
        // ORDERING: `on_rq == 0` before everything below, `on_cpu` first. Pairs with `__schedule()`, which has
        // `on_cpu` set when it clears `on_rq`. Without it a waker skips the spin and enqueues a task whose stack is
        // still in use: `stale-on-cpu`.
        smp_acquire__after_ctrl_dep();
        if rev.waking == Waking::AfterOnRq {
            ttwu_waking(ctx, task);
        }
        if rev.wakelist != Wakelist::Nobody {
            // ORDERING: Acquire, the task's CPU after `on_cpu`. Pairs with `finish_task()`; tested with the spin
            // below, which reads the same word.
            if task.on_cpu.load(Acquire) && {
                let cpu = cached_cpu.unwrap_or_else(|| task.cpu.load(Relaxed));
                ttwu_queue_wakelist(ctx, p, cpu)
            } {
                break 'unlock true;
            }
        }
        if rev.on_cpu == OnCpu::Return && task.on_cpu.load(Relaxed) {
            break 'unlock true;
        }
        if rev.waking == Waking::NeverAndUnlocked {
            unlock(guard.take());
        }
        let held = before_the_spin(ctx, task, rev.on_cpu);
        // "If the owning (remote) CPU is still in the middle of schedule() with this task as prev, wait until it's
        // done referencing the task."
        // ORDERING: Acquire, all that the task's last CPU did with it before it runs again. Pairs with
        // `finish_task()`. Without it the enqueue races with the switch: `on-cpu-hand-over`.
        task.on_cpu.cond_load(Acquire, |on_cpu| !on_cpu);
        after_the_spin(ctx, rev.on_cpu, held);
        let cpu = select_task_rq(task, cached_cpu);
        if let Some(cpu) = task.wake_cpu {
            __set_task_cpu(task, cpu);
        }
        ttwu_queue(ctx, p, cpu);
        true
    };
    unlock(guard);
    current.preempt_enable();
    success
}

/// Releases a lock that only some revisions hold here.
#[track_caller]
fn unlock(guard: Option<SpinGuard<'_>>) {
    if let Some(guard) = guard {
        guard.unlock();
    }
}

/// The store of `TASK_WAKING`, and the accounting that belongs to it.
///
/// DEVIATION: as in v5.8-rc3 the waker derives from the state whether the task counts as load; later kernels keep a
/// flag. The word is the same and the moment too.
fn ttwu_waking(ctx: &Ctx, task: &TaskStruct) {
    if task.state.load(Relaxed) & TASK_UNINTERRUPTIBLE != 0 {
        let rq = ctx.machine.rq(task.cpu.load(Relaxed));
        let guard = rq.lock.lock(ctx.current);
        rq.nr_uninterruptible.set(rq.nr_uninterruptible.get().wrapping_sub(1));
        guard.unlock();
    }
    task.state.store(TASK_WAKING, Relaxed);
}

/// What a wrong patch does before it spins on `on_cpu`.
fn before_the_spin<'a>(ctx: &Ctx<'a>, task: &TaskStruct, how: OnCpu) -> Option<SpinGuard<'a>> {
    if how == OnCpu::SpinIrqsOn {
        ctx.current.local_irq_enable();
    }
    (how == OnCpu::SpinUnderRqLock).then(|| ctx.machine.rq(task.cpu.load(Relaxed)).lock.lock(ctx.current))
}

/// And what it takes back.
fn after_the_spin(ctx: &Ctx, how: OnCpu, held: Option<SpinGuard<'_>>) {
    if how == OnCpu::SpinIrqsOn {
        ctx.current.local_irq_disable();
    }
    if let Some(held) = held {
        held.unlock();
    }
}

fn select_task_rq(task: &TaskStruct, cached_cpu: Option<u32>) -> u32 {
    task.wake_cpu.or(cached_cpu).unwrap_or_else(|| task.cpu.load(Relaxed))
}

fn __set_task_cpu(task: &TaskStruct, cpu: u32) {
    // "After ->cpu is set up to a new value, task_rq_lock(p, ...) can be successfully executed on another CPU. We
    // must ensure that updates of per-task data have been completed by this moment."
    // ORDERING: per-task data before `cpu`. Pairs with `ttwu_runnable()`, which finds the runqueue by it. No scenario
    // fails without it: here nobody reads such data with the new runqueue's lock alone.
    smp_wmb();
    task.cpu.store(cpu, Relaxed);
}

/// `ttwu_runnable()`: the task is still queued: it is enough to say that it runs.
fn ttwu_runnable(ctx: &Ctx, task: &TaskStruct) -> bool {
    let rq = ctx.machine.rq(task.cpu.load(Relaxed));
    let locked = ctx.machine.kernel.ttwu.runnable == Runnable::Locked;
    // DEVIATION: C's __task_rq_lock() looks again whether the task moved; here no queued task does.
    let guard = locked.then(|| rq.lock.lock(ctx.current));
    let queued = task.on_rq.load(Relaxed) == TASK_ON_RQ_QUEUED;
    if queued {
        task.state.store(TASK_RUNNING, Relaxed);
    }
    unlock(guard);
    queued
}

/// `ttwu_queue_cond()`.
///
/// DEVIATION: no two CPUs share a cache, so another CPU's task always qualifies; and every CPU counts as active: the
/// waker has asked before hotplug cleared the bit.
fn ttwu_queue_cond(ctx: &Ctx, task: &TaskStruct, cpu: u32) -> bool {
    let allowed = match ctx.machine.kernel.ttwu.wakelist {
        Wakelist::Nobody => false,
        Wakelist::AnyClass => true,
        Wakelist::NotStopClass => !task.stop_class,
    };
    allowed && cpu != ctx.current.cpu() && ctx.machine.rq(cpu).ipi.get().is_some()
}

/// `ttwu_queue_wakelist()`: leaves the rest to the CPU of the task.
fn ttwu_queue_wakelist(ctx: &Ctx, p: Id<TaskStruct>, cpu: u32) -> bool {
    if !ttwu_queue_cond(ctx, ctx.machine.task(p), cpu) {
        return false;
    }
    let rq = ctx.machine.rq(cpu);
    // ORDERING: Release, for llist_add(), which is fully ordered: the task's words before the list. Pairs with
    // `sched_ttwu_pending()`. Without it our `TASK_WAKING` comes last, over its `TASK_RUNNING`: `wakelist-hand-over`.
    let before = rq.wake_list.xchg(Some(p), ksync::Release);
    assert!(before.is_none(), "the port's wake_list holds one task");
    let ipi = rq.ipi.get().expect("ttwu_queue_cond() asked");
    ipi.raise();
    true
}

/// `sched_ttwu_pending()`: the interrupt handler that enqueues what other CPUs handed over.
pub fn sched_ttwu_pending(ctx: &Ctx, cpu: u32) {
    let rq = ctx.machine.rq(cpu);
    // ORDERING: Acquire, the waker's stores before ours. Pairs with `ttwu_queue_wakelist()`: `wakelist-hand-over`.
    let Some(p) = rq.wake_list.xchg(None, Acquire) else { return };
    let task = ctx.machine.task(p);
    let guard = rq.lock.lock(ctx.current);
    // ORDERING: Acquire, for the wait behind C's warning, which never happens. Pairs with `finish_task()`; the
    // runqueue's lock orders the two already, so no scenario fails without it.
    assert!(!task.on_cpu.load(Acquire), "WARN_ON_ONCE(p->on_cpu)");
    assert!(task.cpu.load(Relaxed) == cpu, "WARN_ON_ONCE(task_cpu(p) != cpu_of(rq))");
    ttwu_do_activate(task);
    guard.unlock();
}

/// `ttwu_queue()`: enqueues the task on that CPU, or lets the CPU do it.
fn ttwu_queue(ctx: &Ctx, p: Id<TaskStruct>, cpu: u32) {
    if ttwu_queue_wakelist(ctx, p, cpu) {
        return;
    }
    let rq = ctx.machine.rq(cpu);
    let guard = rq.lock.lock(ctx.current);
    ttwu_do_activate(ctx.machine.task(p));
    guard.unlock();
}

/// `ttwu_do_activate()`, under the runqueue's lock.
fn ttwu_do_activate(task: &TaskStruct) {
    assert!(task.on_rq.load(Relaxed) == 0, "a queued task is enqueued again");
    task.se.set(0);
    task.on_rq.store(TASK_ON_RQ_QUEUED, Relaxed);
    task.state.store(TASK_RUNNING, Relaxed);
    task.sleeper.kick();
}
