// SPDX-License-Identifier: GPL-2.0-only
//! The CPU stopper, `wake_q`, and the core of `try_to_wake_up()` and `__schedule()`, ported from Linux.
//!
//! The functions stand under their C names, in C's order of statements; a kernel is a choice of one revision of each
//! ([`kernel::Kernel`]). Statements that C has and no property here needs are left out and marked at their line.

pub mod active_balance;
pub mod catalogue;
pub mod cpu_stopper;
pub mod hotplug;
pub mod kernel;
pub mod list;
pub mod machine;
pub mod migrate_swap;
pub mod multi_cpu_stop;
pub mod park;
pub mod queue_work;
pub mod rq;
pub mod scenarios_migrate_swap;
pub mod schedule;
pub mod stop_cpus;
pub mod stopper_thread;
pub mod task;
pub mod ttwu;
pub mod two_works;
pub mod wake_q;
