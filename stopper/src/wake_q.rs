// SPDX-License-Identifier: GPL-2.0-only
//! C: `wake_q_add()`, `wake_up_q()`, `kernel/sched/core.c`: wakeups collected under a lock, done after it.
//!
//! A waker of a task that another waker has queued gives up, and relies on that one:
//!
//! ```text
//! winner, wake_up_q()                      loser, wake_q_add()
//! next = NULL                              condition = 1
//! <full barrier in wake_up_process()>      <full barrier>      missing before 4c4e3731564c
//! the woken task reads the condition: 0    cmpxchg(next, NULL, TAIL) fails: gives up
//!                                                              -> nobody wakes the task again
//! ```
//!
//! Property: whoever stores a condition and then calls `wake_q_add()` and `wake_up_q()` has the task see it.

use crate::machine::{Ctx, Machine};
use crate::task::{TaskStruct, get_task_struct, put_task_struct};
use crate::ttwu::wake_up_process;
use ksync::{Full, Id, Relaxed, smp_mb__before_atomic};

/// `WAKE_Q_TAIL`: the last element points here, so that it is not `NULL` either.
pub const WAKE_Q_TAIL: Option<Id<TaskStruct>> = Some(Id::new(u32::MAX - 1));

/// A revision of `wake_q`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// What orders the caller's condition before the attempt to queue.
    pub order: Order,
    /// Where the reference on the task is taken and dropped.
    pub reference: Reference,
    /// Where `wake_up_q()` clears the node.
    pub clear: Clear,
    /// What a waker does first.
    pub caller: Caller,
}

/// What a waker does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Stores the condition, then queues the task.
    ConditionFirst,
    /// Queues the task, then stores the condition.
    AddFirst,
}

/// What orders the caller's condition before the `cmpxchg()` of `__wake_q_add()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The `cmpxchg()` itself, fully ordered: but not if it fails.
    Cmpxchg,
    /// A full barrier before it, either way.
    BarrierBefore,
}

/// Where the reference on a queued task is taken and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Taken by the winner, dropped after the wakeup.
    Winner,
    /// Taken before the attempt, and forgotten if it fails.
    BeforeAttempt,
    /// Dropped before the wakeup.
    DroppedEarly,
    /// `wake_q_add_safe()` keeps the caller's reference also where it lost.
    SafeForgets,
}

/// Where `wake_up_q()` clears the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clear {
    /// After it read the next one, before the wakeup.
    BeforeWake,
    /// After the wakeup.
    AfterWake,
    /// Before it reads the next one.
    BeforeNext,
}

/// "Goal: futex wakes after it dropped the hash bucket's lock."
pub const ORIGIN: Rev = Rev {
    order: Order::Cmpxchg,
    reference: Reference::Winner,
    clear: Clear::BeforeWake,
    caller: Caller::ConditionFirst,
};

/// 4c4e3731564c "sched/wake_q: Fix wakeup ordering for wake_q": a `cmpxchg()` that fails orders nothing.
pub const ORDERED: Rev = Rev { order: Order::BarrierBefore, ..ORIGIN };

/// `struct wake_q_head`: local to the waker, so it is no shared memory.
#[derive(Debug)]
pub struct WakeQHead {
    first: Option<Id<TaskStruct>>,
    lastp: Option<Id<TaskStruct>>,
}

impl Default for WakeQHead {
    fn default() -> Self {
        WakeQHead::new()
    }
}

impl WakeQHead {
    /// `DEFINE_WAKE_Q()`.
    #[doc(alias = "DEFINE_WAKE_Q")]
    pub fn new() -> Self {
        WakeQHead { first: WAKE_Q_TAIL, lastp: None }
    }
}

fn __wake_q_add(machine: &Machine, head: &mut WakeQHead, task: Id<TaskStruct>) -> bool {
    let node = &machine.task(task).wake_q_next;
    // "Atomically grab the task, if ->wake_q is !nil already it means it's already queued (either by us or someone
    // else) and will get the wakeup due to that."
    let won = match machine.kernel.wake_q.order {
        Order::Cmpxchg => node.try_cmpxchg(None, WAKE_Q_TAIL, Full),
        Order::BarrierBefore => {
            // ORDERING: the caller's condition before the attempt, also if it fails. Pairs with the barrier behind
            // `pi_lock` in `try_to_wake_up()`, after `wake_up_q()` cleared the node. Without it the woken task misses
            // the condition: `q4-condition`.
            smp_mb__before_atomic();
            node.try_cmpxchg(None, WAKE_Q_TAIL, Relaxed)
        }
    };
    if !won {
        return false;
    }
    // "The head is context local, there can be no concurrency."
    match head.lastp {
        None => head.first = Some(task),
        Some(last) => machine.task(last).wake_q_next.store(Some(task), Relaxed),
    }
    head.lastp = Some(task);
    true
}

/// `wake_q_add()`: queues a wakeup, "as if wake_up_process() had been called".
pub fn wake_q_add(machine: &Machine, head: &mut WakeQHead, task: Id<TaskStruct>) {
    let early = machine.kernel.wake_q.reference == Reference::BeforeAttempt;
    if early {
        get_task_struct(machine, task);
    }
    if __wake_q_add(machine, head, task) && !early {
        get_task_struct(machine, task);
    }
}

/// `wake_q_add_safe()`: the caller brings a reference, which the queue takes over.
pub fn wake_q_add_safe(machine: &Machine, head: &mut WakeQHead, task: Id<TaskStruct>) {
    if !__wake_q_add(machine, head, task) && machine.kernel.wake_q.reference != Reference::SafeForgets {
        put_task_struct(machine, task);
    }
}

/// `wake_up_q()`: wakes everybody on the head, which is empty afterwards.
pub fn wake_up_q(ctx: &Ctx, head: &mut WakeQHead) {
    let machine = ctx.machine;
    let rev = &machine.kernel.wake_q;
    let mut node = head.first;
    while node != WAKE_Q_TAIL
        && let Some(id) = node
    {
        let task = machine.task(id);
        if rev.clear == Clear::BeforeNext {
            task.wake_q_next.store(None, Relaxed);
        }
        node = task.wake_q_next.load(Relaxed);
        // "Task can safely be re-inserted now", at once and by anybody.
        if rev.clear == Clear::BeforeWake {
            task.wake_q_next.store(None, Relaxed);
        }
        if rev.reference == Reference::DroppedEarly {
            put_task_struct(machine, id);
        }
        // "wake_up_process() executes a full barrier, which pairs with the queueing in wake_q_add() so as not to
        // miss wakeups."
        wake_up_process(ctx, id);
        if rev.clear == Clear::AfterWake {
            task.wake_q_next.store(None, Relaxed);
        }
        if rev.reference != Reference::DroppedEarly {
            put_task_struct(machine, id);
        }
    }
    *head = WakeQHead::new();
}
