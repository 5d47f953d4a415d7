// SPDX-License-Identifier: GPL-2.0-only
//! A kernel is one revision of each function. The constants are its history, oldest first.

use crate::{account, distribute, enqueue_throttle, period_timer, set_bandwidth, slack, throttle, timer};
use ksync::catalogue::{Label, Revision};

/// One revision of each function.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// What it is called.
    pub label: Label,
    /// `account_cfs_rq_runtime()`.
    pub account: account::Rev,
    /// `throttle_cfs_rq()`.
    pub throttle: throttle::Rev,
    /// `check_enqueue_throttle()`.
    pub wakes: enqueue_throttle::Rev,
    /// `distribute_cfs_runtime()`.
    pub distribute: distribute::Rev,
    /// `sched_cfs_period_timer()`.
    pub period: period_timer::Rev,
    /// The slack timer.
    pub slack: slack::Rev,
    /// `tg_set_cfs_bandwidth()`.
    pub set_bandwidth: set_bandwidth::Rev,
    /// `__run_hrtimer()`.
    pub run_hrtimer: timer::Rev,
}

/// As it came in 3.2, and stands in 3.10.
pub const ORIGIN: Kernel = Kernel {
    label: Label::commit("51f2176d74ac^", "compares deadlines of local and global runtime"),
    account: account::ORIGIN,
    throttle: throttle::ORIGIN,
    wakes: enqueue_throttle::Rev::Whole,
    distribute: distribute::ORIGIN,
    period: period_timer::ORIGIN,
    slack: slack::ORIGIN,
    set_bandwidth: set_bandwidth::ORIGIN,
    run_hrtimer: timer::Rev::DropsLock,
};

/// Expiry tests equality, and nothing expires any more.
pub const UNLOCKED_READS: Kernel = Kernel {
    label: Label::commit("51f2176d74ac", "sched/fair: Fix unlocked reads of some cfs_b->quota/period"),
    account: account::EQUAL,
    ..ORIGIN
};

/// The kernel of incident 001 as far as the distribution goes: 3.10.0-514.el7 has the same.
pub const BEFORE: Kernel =
    Kernel { label: Label::commit("c06f04c70489^", "hides the pool while it distributes it"), ..UNLOCKED_READS };

/// The pool stays open, and who throttles again goes behind the walker.
pub const NEAR_INFINITE: Kernel = Kernel {
    label: Label::commit("c06f04c70489", "sched: Fix potential near-infinite distribute_cfs_runtime() loop"),
    throttle: throttle::HEAD,
    distribute: distribute::SNAPSHOT,
    ..BEFORE
};

/// Expiry works again.
pub const GENERATION: Kernel = Kernel {
    label: Label::commit("512ac999d275", "sched/fair: Fix bandwidth timer clock drift condition"),
    account: account::GENERATION,
    ..NEAR_INFINITE
};

/// Behind the walker only if there is one.
pub const STARVATION: Kernel = Kernel {
    label: Label::commit("baa9be4ffb55", "sched/fair: Fix throttle_list starvation with low CFS quota"),
    throttle: throttle::HEAD_WHILE_DISTRIBUTING,
    distribute: distribute::ANNOUNCED,
    ..GENERATION
};

/// A handler that never gets done makes its period longer.
pub const LIMITED: Kernel = Kernel {
    label: Label::commit("2e8e19226398", "sched/fair: Limit sched_cfs_period_timer() loop to avoid hard lockup"),
    period: period_timer::SCALES,
    ..STARVATION
};

/// The first return arms the slack timer, and no later one pushes it forward.
pub const SLACK_LEFT: Kernel = Kernel {
    label: Label::commit("66567fcbaeca", "sched/fair: Don't push cfs_bandwith slack timers forward"),
    slack: slack::LEFT,
    ..LIMITED
};

/// Who is throttled takes nothing from the pool.
pub const NOT_THROTTLED: Kernel = Kernel {
    label: Label::commit("5e2d2cc2588b", "sched/fair: Don't assign runtime for throttled cfs_rq"),
    account: account::NOT_THROTTLED,
    ..SLACK_LEFT
};

/// What a CPU has does not expire.
pub const NO_EXPIRY: Kernel = Kernel {
    label: Label::commit(
        "de53fd7aedb1",
        "sched/fair: Fix low cpu usage with high throttling by removing expiration of cpu-local slices",
    ),
    account: account::NO_EXPIRY,
    ..NOT_THROTTLED
};

/// Doubles period and quota, which keeps their ratio.
pub const DOUBLED: Kernel = Kernel {
    label: Label::commit(
        "4929a4e6faa0",
        "sched/fair: Scale bandwidth quota and period without losing quota/period ratio precision",
    ),
    period: period_timer::DOUBLES,
    ..NO_EXPIRY
};

/// RHEL 7.9: the fixes that it took, without those that it did not.
pub const RHEL_7_9: Kernel = Kernel {
    label: Label::commit(
        "3.10.0-1160.el7",
        "RHEL 7.9: head insert, distribute_running, no expiry, doubling; a snapshot, and throttling in two steps",
    ),
    account: account::Rev { takers: account::Takers::Everybody, ..account::NO_EXPIRY },
    period: period_timer::DOUBLES,
    ..STARVATION
};

/// Pays out of the pool, under its lock.
pub const FROM_THE_POOL: Kernel = Kernel {
    label: Label::commit("26a8b12747c9", "sched/fair: Fix race between runtime distribution and assignment"),
    distribute: distribute::FROM_THE_POOL,
    ..DOUBLED
};

/// Refills with the quota of the period that ends.
pub const REFILLS_FIRST: Kernel = Kernel {
    label: Label::commit("5a6d6a6ccb5f", "sched/fair: Refill bandwidth before scaling"),
    period: period_timer::REFILLS_FIRST,
    ..FROM_THE_POOL
};

/// Sees the empty pool and goes on the list in one section.
pub const UNDER_ONE_LOCK: Kernel = Kernel {
    label: Label::commit("e98fa02c4f2e", "sched/fair: Eliminate bandwidth race between throttling and distribution"),
    throttle: throttle::UNDER_ONE_LOCK,
    ..REFILLS_FIRST
};

/// Two distributions at a time are no harm.
pub const SILENT: Kernel = Kernel {
    label: Label::commit("ab93a4bc955b", "sched/fair: Remove distribute_running from CFS bandwidth"),
    distribute: distribute::SILENT,
    ..UNDER_ONE_LOCK
};

/// Carries unused quota over, up to a limit.
pub const BURST: Kernel = Kernel {
    label: Label::commit("f4183717b370", "sched/fair: Introduce the burstable CFS controller"),
    period: period_timer::BURST,
    ..SILENT
};

/// The timer pays, and each CPU unthrottles its own.
pub const ASYNC: Kernel = Kernel {
    label: Label::commit("8ad075c2eb1f", "sched: Async unthrottling for cfs bandwidth"),
    distribute: distribute::ASYNC,
    ..BURST
};

/// What is paid on the timer's own CPU shows.
pub const ASYNC_LISTED: Kernel = Kernel {
    label: Label::commit("2f8c62296b6f", "sched/fair: Fix warning in bandwidth distribution"),
    distribute: distribute::ASYNC_LISTED,
    ..ASYNC
};

/// A throttled group's tasks stop one by one, on their way to user mode.
pub const TASK_BASED: Kernel = Kernel {
    label: Label::commit("e1fad12dcb66", "switch to task based throttling (6.18)"),
    throttle: throttle::EACH_TASK,
    ..ASYNC_LISTED
};

/// Who gets a new quota has 1 ns to start with.
pub const STARTS_WITH_ONE: Kernel = Kernel {
    label: Label::commit("956dfda6a708", "grant 1 ns where a quota is set, so that no unthrottle throttles (6.18)"),
    set_bandwidth: set_bandwidth::ONE,
    ..TASK_BASED
};

/// The mainline kernels, oldest first. [`UNLOCKED_READS`] is [`BEFORE`] by another name.
pub const HISTORY: &[Kernel] = &[
    ORIGIN,
    BEFORE,
    NEAR_INFINITE,
    GENERATION,
    STARVATION,
    LIMITED,
    SLACK_LEFT,
    NOT_THROTTLED,
    NO_EXPIRY,
    DOUBLED,
    FROM_THE_POOL,
    REFILLS_FIRST,
    UNDER_ONE_LOCK,
    SILENT,
    BURST,
    ASYNC,
    ASYNC_LISTED,
    TASK_BASED,
    STARTS_WITH_ONE,
];

impl Revision for Kernel {
    fn label(&self) -> Label {
        self.label
    }
}
