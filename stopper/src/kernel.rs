// SPDX-License-Identifier: GPL-2.0-only
//! A kernel is one revision of each function. The constants are its history, oldest first.
//!
//! Commits are cited by the first twelve digits of their id. Not checked against a kernel tree, and taken from the
//! literature: 7053ea1a34fa, 2610e8894663, b80a2bfce85e, ecf7d01c229d, and the exact order of lines in 0b26351b910f and
//! 9fb8d5dc4b64; the title of ce4f06dcbb5d.
//!
//! What is apart from the main line of that history stands behind it, and in [`crate::hotplug_kernels`].
//!
//! DEVIATION: only the functions that a commit is about change with it. `b17718d02f54` runs with the wakeup barriers
//! of v6.16, for one.

use crate::{
    active_balance, cpuhp, hotplug, migrate_swap, multi_cpu_stop, multi_stop_data, park, queue_work, schedule,
    set_affinity, stop_cpus, stop_machine, ttwu, two_works, wake_q,
};
use ksync::catalogue::{Label, Revision};

/// One revision of each function.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// What it is called.
    pub label: Label,
    /// `stop_two_cpus()`.
    pub stop_two_cpus: two_works::CallerRev,
    /// `cpu_stop_queue_two_works()`.
    pub two_works: two_works::Rev,
    /// `cpu_stop_queue_work()`.
    pub queue_work: queue_work::Rev,
    /// `queue_stop_cpus_work()`.
    pub stop_cpus: stop_cpus::Rev,
    /// `set_state()`.
    pub set_state: multi_stop_data::Rev,
    /// `ack_state()`.
    pub ack_state: multi_stop_data::AckRev,
    /// The steps of `multi_cpu_stop()`.
    pub steps: multi_cpu_stop::Steps,
    /// Whose CPU runs the function of `multi_cpu_stop()`.
    pub is_active: multi_cpu_stop::IsActive,
    /// What `multi_cpu_stop()` does while it waits.
    pub multi_cpu_stop: multi_cpu_stop::Rev,
    /// `stop_machine_from_inactive_cpu()`.
    pub from_inactive: stop_machine::Rev,
    /// `stop_machine_park()`.
    pub park: park::Rev,
    /// How a CPU comes up.
    pub cpuhp: cpuhp::Rev,
    /// `balance_push()`.
    pub balance_push: hotplug::Rev,
    /// `affine_move_task()`.
    pub set_affinity: set_affinity::Rev,
    /// `wake_q`.
    pub wake_q: wake_q::Rev,
    /// `try_to_wake_up()`.
    pub ttwu: ttwu::Rev,
    /// `__schedule()`.
    pub schedule: schedule::Rev,
    /// The active balance.
    pub balance: active_balance::Rev,
    /// `migrate_swap_stop()`.
    pub migrate_swap: migrate_swap::Rev,
}

/// `stop_two_cpus()` is introduced: one function queues both works, on the lower CPU, with irqs off.
pub const INTRODUCED: Kernel = Kernel {
    label: Label::commit("1be0bd77c5dd", "stop_machine: introduce stop_two_cpus()"),
    stop_two_cpus: two_works::CALLER_BY_IPI,
    two_works: two_works::ORIGIN,
    queue_work: queue_work::ORIGIN,
    stop_cpus: stop_cpus::ORIGIN,
    set_state: multi_stop_data::MAINLINE,
    ack_state: multi_stop_data::ACK_MAINLINE,
    steps: multi_cpu_stop::STEPS,
    is_active: multi_cpu_stop::IsActive::InMask,
    multi_cpu_stop: multi_cpu_stop::MAINLINE,
    from_inactive: stop_machine::MAINLINE,
    park: park::MAINLINE,
    cpuhp: cpuhp::MAINLINE,
    balance_push: hotplug::MAINLINE,
    set_affinity: set_affinity::MAINLINE,
    wake_q: wake_q::ORIGIN,
    ttwu: ttwu::ORIGIN,
    schedule: schedule::MAINLINE,
    balance: active_balance::MAINLINE,
    migrate_swap: migrate_swap::MAINLINE,
};

/// Keeps `stop_cpus()` out with an lglock.
pub const LOCAL_LOCK: Kernel = Kernel {
    label: Label::commit("7053ea1a34fa", "stop_machine: Fix race between stop_two_cpus() and stop_cpus()"),
    stop_two_cpus: two_works::CALLER_LOCAL_LOCK,
    stop_cpus: stop_cpus::GLOBAL_LOCK,
    ..INTRODUCED
};

/// Both works go in under both locks.
pub const DOUBLE_LOCK: Kernel = Kernel {
    label: Label::commit("b17718d02f54", "stop_machine: Fix deadlock between multiple stop_two_cpus()"),
    stop_two_cpus: two_works::CALLER_ASCENDING,
    two_works: two_works::DOUBLE_LOCK,
    ..LOCAL_LOCK
};

/// The lglock gives way to a flag and a retry.
pub const IN_PROGRESS: Kernel = Kernel {
    label: Label::commit("e6253970413d", "stop_machine: Remove stop_cpus_lock and lg_double_lock/unlock()"),
    two_works: two_works::BEFORE,
    stop_cpus: stop_cpus::IN_PROGRESS,
    ..DOUBLE_LOCK
};

/// The kernel of incident 000: the wakeups stand under the stoppers' locks.
pub const BEFORE: Kernel =
    Kernel { label: Label::commit("0b26351b910f^", "wakes the stoppers under their locks"), ..IN_PROGRESS };

/// Collects the wakeups in a `wake_q`.
pub const WAKE_Q: Kernel = Kernel {
    label: Label::commit("0b26351b910f", "stop_machine, sched: Fix migrate_swap() vs. active_balance() deadlock"),
    two_works: two_works::WAKE_Q,
    queue_work: queue_work::WAKE_Q,
    ..BEFORE
};

/// No preemption between the two wakeups.
pub const AROUND_WAKE: Kernel = Kernel {
    label: Label::commit("9fb8d5dc4b64", "stop_machine: Disable preemption when waking two stopper threads"),
    two_works: two_works::AROUND_WAKE,
    ..WAKE_Q
};

/// No preemption from the queueing to the wakeups.
pub const AFTER_QUEUEING: Kernel = Kernel {
    label: Label::commit("2610e8894663", "stop_machine: Disable preemption after queueing stopper threads"),
    two_works: two_works::BEFORE_UNLOCK,
    ..AROUND_WAKE
};

/// The same with the lines in a better order.
pub const REFLOW: Kernel = Kernel {
    label: Label::commit("b80a2bfce85e", "stop_machine: Reflow cpu_stop_queue_two_works()"),
    two_works: two_works::REFLOW,
    ..AFTER_QUEUEING
};

/// The same care for a single work.
pub const ATOMICALLY: Kernel = Kernel {
    label: Label::commit("cfd355145c32", "stop_machine: Atomically queue and wake stopper threads"),
    queue_work: queue_work::ATOMICALLY,
    ..REFLOW
};

/// The kernel before that.
pub const WAKE_Q_UNORDERED: Kernel =
    Kernel { label: Label::commit("4c4e3731564c^", "a cmpxchg() that fails orders nothing"), ..ATOMICALLY };

/// `wake_q_add()` orders also where it fails.
pub const WAKE_Q_ORDERED: Kernel = Kernel {
    label: Label::commit("4c4e3731564c", "sched/wake_q: Fix wakeup ordering for wake_q"),
    wake_q: wake_q::ORDERED,
    ..ATOMICALLY
};

/// Wakers hand a task over to the CPU that switches away from it.
pub const HANDED_OVER: Kernel = Kernel {
    label: Label::commit("c6e7bd7afaeb", "sched/core: Optimize ttwu() spinning on p->on_cpu"),
    ttwu: ttwu::HANDED_OVER,
    ..WAKE_Q_ORDERED
};

/// The kernel before the last change to the stopper's wakeup.
pub const BEFORE_HOTPLUG: Kernel = Kernel {
    label: Label::commit("009836b4fa52^", "stoppers wait for their wakeup on a wake_q or a wakelist"),
    ..HANDED_OVER
};

/// Wakes directly, behind the locks; what stands in v6.16 and later.
pub const MAINLINE: Kernel = Kernel {
    label: Label::commit("009836b4fa52", "sched/core: Fix migrate_swap() vs. hotplug"),
    two_works: two_works::AFTER_UNLOCK,
    queue_work: queue_work::AFTER_UNLOCK,
    ttwu: ttwu::NOT_STOPPERS,
    ..BEFORE_HOTPLUG
};

/// A stopper that waits with interrupts off looks like one that is stuck.
pub const BEFORE_TOUCH: Kernel = Kernel {
    label: Label::commit("ce4f06dcbb5d^", "a stopper that waits with interrupts off is reported"),
    multi_cpu_stop: multi_cpu_stop::ORIGIN,
    ..MAINLINE
};

/// It says that it is not, from the second state on.
pub const TOUCH: Kernel = Kernel {
    label: Label::commit("ce4f06dcbb5d", "stop_machine: Touch_nmi_watchdog() after MULTI_STOP_PREPARE"),
    multi_cpu_stop: multi_cpu_stop::TOUCH,
    ..BEFORE_TOUCH
};

/// RCU hears from it, too.
pub const RCU: Kernel = Kernel {
    label: Label::commit("366237e7b083", "stop_machine: Provide RCU quiescent state in multi_cpu_stop()"),
    multi_cpu_stop: multi_cpu_stop::RCU,
    ..TOUCH
};

/// But not before interrupts are off.
pub const RCU_BEYOND_PREPARE: Kernel = Kernel {
    label: Label::commit(
        "c861cac950fb",
        "multi_cpu_stop() tells RCU of a quiescent state only where interrupts are off",
    ),
    multi_cpu_stop: multi_cpu_stop::MAINLINE,
    ..RCU
};

/// What the report of incident 003 tried.
pub const TOUCH_FROM_PREPARE: Kernel = Kernel {
    label: Label::mutant("touch-from-prepare", "a stopper that waits for one that is missing touches the watchdog"),
    multi_cpu_stop: multi_cpu_stop::FROM_PREPARE,
    ..MAINLINE
};

/// A candidate between the two: it touches for a while, and knows who is missing.
pub const BOUNDED_TOUCH: Kernel = Kernel {
    label: Label::mutant("bounded-touch", "a stopper that waits for a missing one touches the watchdog up to 20 s"),
    multi_cpu_stop: multi_cpu_stop::BOUNDED,
    ..MAINLINE
};

/// A candidate that also looks whether the missing one can come.
pub const PATIENT_TOUCH: Kernel = Kernel {
    label: Label::mutant("patient-touch", "the same, unless the missing one waits in another request"),
    multi_cpu_stop: multi_cpu_stop::PATIENT,
    ..MAINLINE
};

/// The state that the stoppers share is accessed plainly, and read twice.
pub const BEFORE_READ_ONCE: Kernel = Kernel {
    label: Label::commit("b1fc58333575^", "multi_cpu_stop() reads the state twice, plainly"),
    set_state: multi_stop_data::ORIGIN,
    ..MAINLINE
};

/// It is read once.
pub const READ_ONCE: Kernel = Kernel {
    label: Label::commit("b1fc58333575", "stop_machine: Avoid potential race behaviour"),
    set_state: multi_stop_data::MAINLINE,
    ..BEFORE_READ_ONCE
};

/// The kernels of two stoppers and those who wake them, oldest first: each is the one before it, changed.
pub const HISTORY: &[Kernel] = &[
    INTRODUCED,
    LOCAL_LOCK,
    DOUBLE_LOCK,
    IN_PROGRESS,
    WAKE_Q,
    AROUND_WAKE,
    AFTER_QUEUEING,
    REFLOW,
    ATOMICALLY,
    WAKE_Q_ORDERED,
    HANDED_OVER,
    MAINLINE,
];

/// Those that have `cpu_stop_queue_two_works()`: from b17718d02f54 on.
pub const QUEUES_TWO_WORKS: &[Kernel] = HISTORY.split_at(2).1;

impl Revision for Kernel {
    fn label(&self) -> Label {
        self.label
    }
}
