// SPDX-License-Identifier: GPL-2.0-only
//! The history of the functions that CPU hotplug and the stopper have between them: each commit, and the kernel before
//! it, with the newest of everything else.
//!
//! In their own words here, since the titles were not checked against a kernel tree: 46c498c2cdee, 45178ac0cea8,
//! 9e81889c7648, 868ad33bfa3b.

use crate::kernel::{Kernel, MAINLINE};
use crate::{active_balance, cpuhp, hotplug, park, set_affinity};
use ksync::catalogue::Label;

/// The stopper of a CPU that comes up accepts works when its thread has run.
pub const BEFORE_PRE_UNPARK: Kernel = Kernel {
    label: Label::commit("46c498c2cdee^", "a stopper is enabled when its unparked thread first runs"),
    park: park::Rev { disable: park::Disable::BeforeFlush, ..park::ORIGIN },
    ..MAINLINE
};

/// It accepts them before its thread is woken.
pub const PRE_UNPARK: Kernel = Kernel {
    label: Label::commit("46c498c2cdee", "a stopper is enabled before its thread is unparked"),
    park: park::Rev { disable: park::Disable::BeforeFlush, ..park::PRE_UNPARK },
    ..BEFORE_PRE_UNPARK
};

/// A stopper that parks signals what is still queued.
pub const BEFORE_FLUSH: Kernel = Kernel {
    label: Label::commit("233e7f267e58^", "a stopper that parks signals the works that are still queued"),
    park: park::PRE_UNPARK,
    ..MAINLINE
};

/// It has run them all before.
pub const FLUSH: Kernel = Kernel {
    label: Label::commit(
        "233e7f267e58",
        "stop_machine: Ensure that a queued callback will be called before cpu_stop_park()",
    ),
    park: park::MAINLINE,
    ..BEFORE_FLUSH
};

/// The CPU that brings another one up unparks its stopper.
pub const BEFORE_ONLINE_IDLE: Kernel = Kernel {
    label: Label::commit("45178ac0cea8^", "a CPU runs tasks before its stopper is enabled"),
    cpuhp: cpuhp::ORIGIN,
    ..MAINLINE
};

/// The CPU does it itself.
pub const ONLINE_IDLE: Kernel = Kernel {
    label: Label::commit("45178ac0cea8", "a CPU that comes up unparks its stopper itself"),
    cpuhp: cpuhp::MAINLINE,
    ..BEFORE_ONLINE_IDLE
};

/// Two callers of `affine_move_task()` queue one work.
pub const BEFORE_STOP_PENDING: Kernel = Kernel {
    label: Label::commit("9e81889c7648^", "two callers move a task with one work"),
    set_affinity: set_affinity::ORIGIN,
    ..MAINLINE
};

/// The second one sees that it is queued.
pub const STOP_PENDING: Kernel = Kernel {
    label: Label::commit("9e81889c7648", "a second caller sees that the work is queued"),
    set_affinity: set_affinity::STOP_PENDING,
    ..BEFORE_STOP_PENDING
};

/// Both can be preempted before they have queued it.
pub const BEFORE_NOWAIT: Kernel = Kernel {
    label: Label::commit("f0498d2a54e7^", "preemption is on between the unlock and stop_one_cpu_nowait()"),
    balance: active_balance::Rev { queueing: active_balance::Queueing::Preemptible, ..active_balance::MAINLINE },
    ..STOP_PENDING
};

/// None can.
pub const NOWAIT: Kernel = Kernel {
    label: Label::commit("f0498d2a54e7", "Fix stop_one_cpu_nowait() vs hotplug"),
    balance: active_balance::MAINLINE,
    set_affinity: set_affinity::MAINLINE,
    ..BEFORE_NOWAIT
};

/// Whoever runs the callbacks of a dying CPU's runqueue pushes.
pub const BEFORE_THIS_RQ: Kernel = Kernel {
    label: Label::commit("868ad33bfa3b^", "balance_push() pushes from another CPU's runqueue"),
    balance_push: hotplug::ORIGIN,
    ..MAINLINE
};

/// Only the dying CPU itself does.
pub const THIS_RQ: Kernel = Kernel {
    label: Label::commit("868ad33bfa3b", "balance_push() bails out where the runqueue is another CPU's"),
    balance_push: hotplug::MAINLINE,
    ..BEFORE_THIS_RQ
};
