// SPDX-License-Identifier: GPL-2.0-only
//! C: the active balance, `kernel/sched/fair.c`, v6.7: a CPU that runs dry has the busiest one's stopper push a task.
//!
//! The flag `active_balance` of the busiest runqueue owns the request:
//!
//! ```text
//! balancer, newidle: irqs off, own rq lock dropped     stopper of the busiest CPU
//! lock(busiest); curr may leave?
//! flag 0 -> 1, push_cpu = this CPU; unlock
//! stop_one_cpu_nowait(busiest)                         target = push_cpu, stable while the flag is 1
//!                                                      lock(busiest); detach a task; flag = 0; unlock
//!                                                      lock(target); attach; unlock
//! ```
//!
//! Property: while the flag is set nobody else writes `push_cpu` or the work.

use crate::list::list_empty_node;
use crate::machine::{ACTIVE_LOAD_BALANCE_CPU_STOP, Ctx};
use crate::queue_work::stop_one_cpu_nowait;
use crate::rq::Rq;
use ksync::SpinGuard;

/// A revision of the active balance.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Whether the balancer asks if the busiest CPU's task may leave.
    pub pinned: Pinned,
    /// What owns the request.
    pub owner: Owner,
    /// Whether the balancer can be preempted before it has queued the work.
    pub queueing: Queueing,
    /// Where the callback gives the flag back.
    pub clear: Clear,
}

/// Whether the balancer can be preempted between the unlock and the queueing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queueing {
    /// No: then a CPU that was online under the lock still accepts the work.
    PreemptOff,
    /// Yes.
    Preemptible,
}

/// Whether the balancer asks if the busiest CPU's task may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinned {
    /// Under the busiest runqueue's lock.
    Tested,
    /// Not at all.
    Ignored,
}

/// What owns the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The flag.
    Flag,
    /// The work: if it is on a list, a request is under way.
    ListEmpty,
}

/// Where the callback gives the flag back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clear {
    /// When the task is detached, under the busiest runqueue's lock.
    UnderLock,
    /// At the start of the callback.
    AtStart,
    /// After the unlock.
    AfterUnlock,
    /// Under the lock, but `push_cpu` is read only after it.
    BeforePushCpu,
}

/// As it stands in v6.7.
pub const MAINLINE: Rev =
    Rev { pinned: Pinned::Tested, owner: Owner::Flag, queueing: Queueing::PreemptOff, clear: Clear::UnderLock };

/// `sched_balance_newidle()`: called with the runqueue locked; drops the lock, irqs stay off, and takes it again.
pub fn newidle_balance<'a>(ctx: &Ctx<'a>, this_rq: &'a Rq, guard: SpinGuard<'a>) -> SpinGuard<'a> {
    let Some(busiest) = this_rq.busiest else { return guard };
    let left = this_rq.imbalance.get();
    if left == 0 {
        return guard;
    }
    this_rq.imbalance.set(left - 1);
    guard.unlock();
    load_balance(ctx, this_rq.cpu, busiest);
    this_rq.lock.lock(ctx.current)
}

/// `sched_balance_rq()`, from where nothing could be pulled.
pub fn load_balance(ctx: &Ctx, this_cpu: u32, busiest: u32) {
    let (machine, current) = (ctx.machine, ctx.current);
    let rev = &machine.kernel.balance;
    let rq = machine.rq(busiest);
    let mut active_balance = false;
    let guard = rq.lock.lock_irqsave(current);
    // "Don't kick the active_load_balance_cpu_stop, if the curr task on busiest CPU can't be moved to this_cpu."
    let pinned = || rq.curr.get().is_some_and(|curr| machine.task(curr).stop_class);
    // DEVIATION: C does not find an offline CPU in its domains at all.
    if !rq.online.get() || rev.pinned == Pinned::Tested && pinned() {
        guard.unlock();
        return;
    }
    // "->active_balance synchronizes accesses to ->active_balance_work. Once set, it's cleared only after active
    // load balance is finished."
    let under_way = match rev.owner {
        Owner::Flag => rq.active_balance.get(),
        Owner::ListEmpty => !list_empty_node(machine, rq.active_balance_work),
    };
    if !under_way {
        rq.active_balance.set(true);
        rq.push_cpu.set(this_cpu);
        active_balance = true;
    }
    if rev.queueing == Queueing::PreemptOff {
        current.preempt_disable();
    }
    guard.unlock();
    if active_balance {
        let work = rq.active_balance_work;
        stop_one_cpu_nowait(ctx, busiest, ACTIVE_LOAD_BALANCE_CPU_STOP, busiest, work);
    }
    if rev.queueing == Queueing::PreemptOff {
        current.preempt_enable();
    }
}

/// `active_load_balance_cpu_stop()`: runs on the busiest CPU's stopper and pushes a task to `push_cpu`.
///
/// DEVIATION: a task is one of `nr_running`; which one, and whether it may go there, C's balance decides.
pub fn active_load_balance_cpu_stop(ctx: &Ctx, busiest_cpu: u32) -> i32 {
    let (machine, current) = (ctx.machine, ctx.current);
    let clear = machine.kernel.balance.clear;
    let busiest_rq = machine.rq(busiest_cpu);
    if clear == Clear::AtStart {
        let guard = busiest_rq.lock.lock_irq(current);
        busiest_rq.active_balance.set(false);
        guard.unlock();
    }
    let mut target_cpu = if clear == Clear::BeforePushCpu { 0 } else { busiest_rq.push_cpu.get() };
    let mut detached = false;
    let guard = busiest_rq.lock.lock_irq(current);
    // "Make sure the requested CPU hasn't gone down in the meantime"; "Is there any task to move?"
    let asked = clear == Clear::AtStart || busiest_rq.active_balance.get();
    if busiest_cpu == current.cpu() && asked && busiest_rq.nr_running.get() > 1 {
        busiest_rq.nr_running.set(busiest_rq.nr_running.get() - 1);
        detached = true;
    }
    if matches!(clear, Clear::UnderLock | Clear::BeforePushCpu) {
        busiest_rq.active_balance.set(false);
    }
    guard.unlock();
    if clear == Clear::AfterUnlock {
        busiest_rq.active_balance.set(false);
    }
    if clear == Clear::BeforePushCpu {
        target_cpu = busiest_rq.push_cpu.get();
    }
    if detached {
        let target_rq = machine.rq(target_cpu);
        let guard = target_rq.lock.lock_irqsave(current);
        target_rq.nr_running.set(target_rq.nr_running.get() + 1);
        guard.unlock();
    }
    0
}
