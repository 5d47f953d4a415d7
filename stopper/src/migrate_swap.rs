// SPDX-License-Identifier: GPL-2.0-only
//! C: `migrate_swap()`, `migrate_swap_stop()`, `kernel/sched/core.c`, v6.12: two tasks trade their CPUs.
//!
//! The caller looks without locks; so the function, on the stopper, looks again under all of them: both `pi_lock`s,
//! then both runqueues, in the order in which a wakeup takes one of each.
//!
//! Property: a task is only moved from where it is to where it may be.

use crate::machine::{Ctx, StopCall};
use crate::rq::Rq;
use crate::task::TaskStruct;
use crate::two_works::stop_two_cpus;
use ksync::{Id, Relaxed, SpinGuard, smp_wmb};

/// `-EINVAL`.
pub const EINVAL: i32 = -22;
/// `-EAGAIN`.
pub const EAGAIN: i32 = -11;

/// A revision of `migrate_swap_stop()`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What it does about changes since the caller looked.
    pub recheck: Recheck,
    /// Which locks come first.
    pub locks: Locks,
    /// What a double lock does with twice the same.
    pub same: Same,
}

/// What `migrate_swap_stop()` does about changes since the caller looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recheck {
    /// Looks again under the locks.
    UnderLocks,
    /// Trusts the caller.
    Never,
}

/// Which locks `migrate_swap_stop()` takes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// The tasks'.
    PiFirst,
    /// The runqueues'.
    RqFirst,
}

/// What a double lock does with twice the same lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// Takes it once.
    Once,
    /// Takes it twice.
    Twice,
}

/// As it stands in v6.12.
pub const MAINLINE: Rev = Rev { recheck: Recheck::UnderLocks, locks: Locks::PiFirst, same: Same::Once };

/// `struct migration_swap_arg`.
#[derive(Debug, Clone, Copy)]
pub struct MigrationSwapArg {
    /// The task that wants to go.
    pub src_task: Id<TaskStruct>,
    /// The task that makes room.
    pub dst_task: Id<TaskStruct>,
    /// Where the first is.
    pub src_cpu: u32,
    /// Where the second is.
    pub dst_cpu: u32,
}

/// `migrate_swap()`: "Cross migrate two tasks"; the call's function is [`migrate_swap_stop`].
///
/// # Errors
/// `EINVAL` if the lockless look says no; `ENOENT` from [`stop_two_cpus`]; `EAGAIN` if something has changed since.
pub fn migrate_swap(ctx: &Ctx, call: &StopCall, arg: Id<MigrationSwapArg>) -> Result<(), i32> {
    let arg = ctx.machine.swap(arg);
    if !migrate_swap_allowed(ctx, arg) {
        return Err(EINVAL);
    }
    stop_two_cpus(ctx, call, arg.dst_cpu, arg.src_cpu)
}

/// The checks that `migrate_swap()` makes "without serialization".
///
/// DEVIATION: the masks are plain under the locks, so they are left to the stopper; so is `cpu_active()`, which has
/// no effect where no CPU goes away.
pub fn migrate_swap_allowed(ctx: &Ctx, arg: &MigrationSwapArg) -> bool {
    debug_assert!(arg.src_task != arg.dst_task && ctx.machine.cpus().contains(&arg.src_cpu));
    arg.src_cpu != arg.dst_cpu
}

/// `migrate_swap_stop()`: on the stopper of `dst_cpu`, while the one of `src_cpu` spins.
pub fn migrate_swap_stop(ctx: &Ctx, arg: Id<MigrationSwapArg>) -> i32 {
    let machine = ctx.machine;
    let rev = &machine.kernel.migrate_swap;
    let arg = machine.swap(arg);
    let (src, dst) = (machine.task(arg.src_task), machine.task(arg.dst_task));
    let (src_rq, dst_rq) = (machine.rq(arg.src_cpu), machine.rq(arg.dst_cpu));
    let early = (rev.locks == Locks::RqFirst).then(|| double_rq_lock(ctx, src_rq, dst_rq));
    let pi_guards = double_pi_lock(ctx, arg);
    let rq_guards = early.unwrap_or_else(|| double_rq_lock(ctx, src_rq, dst_rq));
    let ret = 'unlock: {
        if rev.recheck == Recheck::UnderLocks {
            if dst.cpu.load(Relaxed) != arg.dst_cpu || src.cpu.load(Relaxed) != arg.src_cpu {
                break 'unlock EAGAIN;
            }
            if !src.may_run_on(arg.dst_cpu) || !dst.may_run_on(arg.src_cpu) {
                break 'unlock EAGAIN;
            }
        }
        __migrate_swap_task(src, src_rq, dst_rq);
        __migrate_swap_task(dst, dst_rq, src_rq);
        0
    };
    unlock_both(rq_guards);
    unlock_both(pi_guards);
    ret
}

/// `__migrate_swap_task()`: off one runqueue and on the other.
///
/// DEVIATION: both tasks are queued; for a blocked one C only changes `wake_cpu`.
pub(crate) fn __migrate_swap_task(p: &TaskStruct, from: &Rq, to: &Rq) {
    assert!(p.cpu.load(Relaxed) == from.cpu, "{} is not on CPU{} any more", p.name, from.cpu);
    from.nr_running.set(from.nr_running.get().wrapping_sub(1));
    // set_task_cpu(): the barrier and its pair are those of `__set_task_cpu()`.
    smp_wmb();
    p.cpu.store(to.cpu, Relaxed);
    to.nr_running.set(to.nr_running.get().wrapping_add(1));
}

/// `set_cpus_allowed_ptr(p, cpumask_of(cpu))`.
///
/// DEVIATION: C has the stopper of the task's CPU move it; here the caller does, under the same locks.
pub fn set_cpus_allowed_ptr(ctx: &Ctx, p: Id<TaskStruct>, cpu: u32) {
    let p = ctx.machine.task(p);
    let pi_guard = p.pi_lock.lock_irqsave(ctx.current);
    let (rq, dest_rq) = (ctx.machine.rq(p.cpu.load(Relaxed)), ctx.machine.rq(cpu));
    let guards = double_rq_lock(ctx, rq, dest_rq);
    p.cpus_mask.set(1 << cpu);
    if rq.cpu != cpu {
        __migrate_swap_task(p, rq, dest_rq);
    }
    unlock_both(guards);
    pi_guard.unlock();
}

type TwoGuards<'a> = (SpinGuard<'a>, Option<SpinGuard<'a>>);

/// `double_rq_lock()`: the lower CPU's first.
fn double_rq_lock<'a>(ctx: &Ctx<'a>, rq1: &'a Rq, rq2: &'a Rq) -> TwoGuards<'a> {
    let (first, second) = if rq1.cpu <= rq2.cpu { (rq1, rq2) } else { (rq2, rq1) };
    let guard = first.lock.lock(ctx.current);
    if first.cpu == second.cpu && ctx.machine.kernel.migrate_swap.same == Same::Once {
        return (guard, None);
    }
    let nested = second.lock.lock_nested(&guard);
    (guard, Some(nested))
}

/// `double_raw_lock()` of both `pi_lock`s, by address in C, by number here.
fn double_pi_lock<'a>(ctx: &Ctx<'a>, arg: &MigrationSwapArg) -> TwoGuards<'a> {
    let (low, high) = if arg.src_task.index() <= arg.dst_task.index() {
        (arg.src_task, arg.dst_task)
    } else {
        (arg.dst_task, arg.src_task)
    };
    let guard = ctx.machine.task(low).pi_lock.lock(ctx.current);
    let nested = ctx.machine.task(high).pi_lock.lock_nested(&guard);
    (guard, Some(nested))
}

fn unlock_both((first, second): TwoGuards<'_>) {
    if let Some(second) = second {
        second.unlock();
    }
    first.unlock();
}
