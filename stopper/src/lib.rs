// SPDX-License-Identifier: GPL-2.0-only
//! The CPU stopper, `wake_q`, and the core of `try_to_wake_up()` and `__schedule()`, ported from Linux.
//!
//! The functions stand under their C names, in C's order of statements; a kernel is a choice of one revision of each
//! ([`kernel::Kernel`]). Statements that C has and no property here needs are left out and marked at their line.

pub mod active_balance;
pub mod catalogue;
pub mod cpu_stopper;
pub mod cpuhp;
pub mod furnish;
pub mod hooks;
pub mod hotplug;
pub mod hotplug_kernels;
pub mod kernel;
pub mod list;
pub mod machine;
pub mod migrate_swap;
pub mod multi_cpu_stop;
pub mod multi_stop_data;
pub mod park;
pub mod patience;
pub mod queue_work;
pub mod rq;
pub mod scenarios_balance;
pub mod scenarios_barriers;
pub mod scenarios_hotplug;
pub mod scenarios_in_step;
pub mod scenarios_migrate_swap;
pub mod scenarios_multi_cpu_stop;
pub mod scenarios_stop_cpus;
pub mod scenarios_stop_machine;
pub mod scenarios_stop_wait;
pub mod scenarios_ttwu;
pub mod scenarios_wake_q;
pub mod schedule;
pub mod set_affinity;
pub mod stop_cpus;
pub mod stop_machine;
pub mod stopper_thread;
pub mod task;
pub mod ttwu;
pub mod two_works;
pub mod wake_q;

/// The sources of this crate, so that reports can name functions.
pub const SOURCES: &[ksync::Source] = ksync::sources!("stopper";
    "active_balance.rs", "catalogue.rs", "cpu_stopper.rs", "cpuhp.rs", "furnish.rs", "hooks.rs", "hotplug.rs", "hotplug_kernels.rs", "kernel.rs", "lib.rs", "list.rs",
    "machine.rs", "migrate_swap.rs", "multi_cpu_stop.rs", "multi_stop_data.rs", "park.rs", "patience.rs", "queue_work.rs", "rq.rs",
    "scenarios_balance.rs", "scenarios_barriers.rs", "scenarios_hotplug.rs", "scenarios_in_step.rs", "scenarios_migrate_swap.rs", "scenarios_multi_cpu_stop.rs", "scenarios_stop_cpus.rs", "scenarios_stop_machine.rs", "scenarios_stop_wait.rs", "scenarios_ttwu.rs", "scenarios_wake_q.rs", "schedule.rs", "set_affinity.rs", "stop_cpus.rs", "stop_machine.rs", "stopper_thread.rs", "task.rs", "ttwu.rs",
    "two_works.rs", "wake_q.rs",
);

#[cfg(test)]
mod tests {
    #[test]
    fn sources_are_all_files_of_the_directory() {
        ksync::assert_sources_are_all(super::SOURCES, env!("CARGO_MANIFEST_DIR"));
    }

    /// Runs each scenario on the newest kernel often; its own assertions and its end are the test.
    #[cfg(not(loom))]
    #[test]
    fn scenarios_hold_on_real_threads() {
        // Real threads have no stop class, no interrupts and no preemption to hold off, so only what needs none of them.
        const ON_THREADS: &[&str] = &[
            "s9-stoppers",
            "s10-own-stopper",
            "s11-woken-by-another",
            "q5-clear-first",
            "q6-two-sleepers",
            "references",
            "half-asleep",
            "on-cpu-hand-over",
            "dying-task",
            "accounting",
            "two-wakers",
            "three-stoppers",
            "run-sees-others",
            "stop-two-ret",
            "all",
            "two-callers",
            "from-inactive",
            "signal-done",
            "park",
            "flag",
            "swap-forbidden",
            "swap-and-wakeup",
        ];
        let mut rows = super::catalogue::rows();
        rows.retain(|row| row.expected == ksync::catalogue::Expected::Holds);
        for scenario in ON_THREADS {
            let row = rows.iter().rfind(|row| row.scenario == *scenario).expect("the catalogue has it");
            for _ in 0..20 {
                ksync::run_threads(&*(row.build)());
            }
        }
    }
}
