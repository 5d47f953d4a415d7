// SPDX-License-Identifier: GPL-2.0-only
//! CFS bandwidth control, ported from Linux: a group of tasks has a quota of CPU time in each period.
//!
//! The functions stand under their C names, in C's order of statements; a kernel is a choice of one revision of each
//! ([`kernel::Kernel`]). Statements that C has and no property here needs are left out and marked at their line.

pub mod account;
pub mod async_unthrottle;
pub mod catalogue;
pub mod cfs_bandwidth;
pub mod distribute;
pub mod enqueue_throttle;
pub mod expiry;
pub mod fair;
pub mod kernel;
pub mod list;
pub mod machine;
pub mod period_timer;
pub mod scenarios_async;
pub mod scenarios_distribute;
pub mod scenarios_period;
pub mod scenarios_runtime;
pub mod scenarios_slack;
pub mod sim;
pub mod slack;
pub mod start;
pub mod task_throttle;
pub mod throttle;
pub mod timer;

/// The sources of this crate, so that reports can name functions.
pub const SOURCES: &[ksync::Source] = ksync::sources!("cfs_bw";
    "account.rs", "async_unthrottle.rs", "catalogue.rs", "cfs_bandwidth.rs", "distribute.rs", "enqueue_throttle.rs", "expiry.rs",
    "fair.rs", "kernel.rs", "lib.rs", "list.rs", "machine.rs", "period_timer.rs", "scenarios_async.rs",
    "scenarios_distribute.rs", "scenarios_period.rs", "scenarios_runtime.rs", "scenarios_slack.rs", "sim.rs",
    "slack.rs", "start.rs", "task_throttle.rs", "throttle.rs", "timer.rs",
);

#[cfg(test)]
mod tests {
    #[test]
    fn sources_are_all_files_of_the_directory() {
        ksync::assert_sources_are_all(super::SOURCES, env!("CARGO_MANIFEST_DIR"));
    }
}
