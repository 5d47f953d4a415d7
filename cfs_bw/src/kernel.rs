// SPDX-License-Identifier: GPL-2.0-only
//! A kernel is one revision of each function. The constants are its history, oldest first.

use crate::{account, distribute, slack, throttle};
use ksync::catalogue::WeakenKind;

/// One revision of each function.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// The commit that made it, `commit^` for the kernel before it, or the name of a mutant.
    pub commit: &'static str,
    /// The commit in its own words, or what the mutant does.
    pub what: &'static str,
    /// It was never merged: a plausible wrong patch.
    pub mutant: bool,
    /// Orderings that it lost: the function, and what it lost.
    pub weaken: &'static [(&'static str, WeakenKind)],
    /// `account_cfs_rq_runtime()`.
    pub account: account::Rev,
    /// `throttle_cfs_rq()`.
    pub throttle: throttle::Rev,
    /// `distribute_cfs_runtime()`.
    pub distribute: distribute::Rev,
    /// The slack timer.
    pub slack: slack::Rev,
}

/// The kernel of incident 001: 3.10, and 3.10.0-514.el7.
pub const BEFORE: Kernel = Kernel {
    commit: "c06f04c70489^",
    what: "hides the pool while it distributes it",
    mutant: false,
    weaken: &[],
    account: account::ORIGIN,
    throttle: throttle::ORIGIN,
    distribute: distribute::ORIGIN,
    slack: slack::ORIGIN,
};

/// The pool stays open, and who throttles again goes behind the walker.
pub const NEAR_INFINITE: Kernel = Kernel {
    commit: "c06f04c70489",
    what: "sched: Fix potential near-infinite distribute_cfs_runtime() loop",
    throttle: throttle::HEAD,
    distribute: distribute::SNAPSHOT,
    ..BEFORE
};

/// Behind the walker only if there is one.
pub const STARVATION: Kernel = Kernel {
    commit: "baa9be4ffb55",
    what: "sched/fair: Fix throttle_list starvation with low CFS quota",
    throttle: throttle::HEAD_WHILE_DISTRIBUTING,
    distribute: distribute::ANNOUNCED,
    ..NEAR_INFINITE
};

/// The first return arms the slack timer, and no later one pushes it forward.
pub const SLACK_LEFT: Kernel = Kernel {
    commit: "66567fcbaeca",
    what: "sched/fair: Don't push cfs_bandwith slack timers forward",
    slack: slack::LEFT,
    ..STARVATION
};

/// Who is throttled takes nothing from the pool.
pub const NOT_THROTTLED: Kernel = Kernel {
    commit: "5e2d2cc2588b",
    what: "sched/fair: Don't assign runtime for throttled cfs_rq",
    account: account::NOT_THROTTLED,
    ..SLACK_LEFT
};

/// Pays out of the pool, under its lock.
pub const FROM_THE_POOL: Kernel = Kernel {
    commit: "26a8b12747c9",
    what: "sched/fair: Fix race between runtime distribution and assignment",
    distribute: distribute::FROM_THE_POOL,
    ..NOT_THROTTLED
};

/// Sees the empty pool and goes on the list in one section.
pub const UNDER_ONE_LOCK: Kernel = Kernel {
    commit: "e98fa02c4f2e",
    what: "sched/fair: Eliminate bandwidth race between throttling and distribution",
    throttle: throttle::UNDER_ONE_LOCK,
    ..FROM_THE_POOL
};

/// Two distributions at a time are no harm.
pub const SILENT: Kernel = Kernel {
    commit: "ab93a4bc955b",
    what: "sched/fair: Remove distribute_running from CFS bandwidth",
    distribute: distribute::SILENT,
    ..UNDER_ONE_LOCK
};

impl Kernel {
    /// This kernel with a patch that was never merged.
    pub const fn mutant(self, name: &'static str, what: &'static str) -> Kernel {
        Kernel { commit: name, what, mutant: true, ..self }
    }

    /// This kernel without some orderings.
    pub const fn without(self, weaken: &'static [(&'static str, WeakenKind)]) -> Kernel {
        Kernel { weaken, ..self }
    }
}
