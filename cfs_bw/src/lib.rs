// SPDX-License-Identifier: GPL-2.0-only
//! CFS bandwidth control, ported from Linux: a group of tasks has a quota of CPU time in each period.
//!
//! The functions stand under their C names, in C's order of statements; a kernel is a choice of one revision of each
//! ([`kernel::Kernel`]). Statements that C has and no property here needs are left out and marked at their line.

//!
//! What is proved, in scenarios with one or two CPUs and few nanoseconds:
//!
//! | | property | scenario | fails in |
//! |---|---|---|---|
//! | P1 | what was paid, taken and is in the pool is what came in | `cfs-distribute/spent-once` | c06f04c70489 to 26a8b12747c9 |
//! | P2 | who is paid is not paid again before he goes on | `cfs-distribute/paid-not-unthrottled` | 8ad075c2eb1f |
//! | P3 | nobody waits while there is runtime | `cfs-throttle/refill-races-throttle` | before e98fa02c4f2e |
//! | P4 | a distribution has a bound that the quota is not in | `cfs-distribute/period-timer`, `cursor-put-back` | before c06f04c70489 |
//! | P5 | each has its turn | `cfs-throttle/small-quota`, `small-quota-race` | c06f04c70489, baa9be4ffb55 |
//! | P6 | `throttle_count` is the throttled ones around, and who is throttled is on the list | `cfs-throttle/hierarchy` | mutants |
//! | P7 | who is visited owes something | `cfs-throttle/throttled-is-charged` | before 5e2d2cc2588b |
//! | P8 | `rq->lock`, then `cfs_b->lock`, then the timer base's | `cfs-timer/lock-order` | mutants |

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
pub mod scenarios_set_bandwidth;
pub mod scenarios_slack;
pub mod scenarios_tasks;
pub mod scenarios_throttle;
pub mod scenarios_timer;
pub mod set_bandwidth;
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
    "scenarios_distribute.rs", "scenarios_period.rs", "scenarios_runtime.rs", "scenarios_set_bandwidth.rs", "scenarios_slack.rs", "scenarios_tasks.rs", "scenarios_throttle.rs", "scenarios_timer.rs", "set_bandwidth.rs", "sim.rs",
    "slack.rs", "start.rs", "task_throttle.rs", "throttle.rs", "timer.rs",
);

#[cfg(test)]
mod tests {
    #[test]
    fn sources_are_all_files_of_the_directory() {
        ksync::assert_sources_are_all(super::SOURCES, env!("CARGO_MANIFEST_DIR"));
    }
}
