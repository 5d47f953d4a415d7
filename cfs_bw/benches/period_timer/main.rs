// SPDX-License-Identifier: GPL-2.0-only
//! Incident 001 on real threads: how long one call of the period timer stands with interrupts off, in each revision of
//! the distribution, while other CPUs throttle again as fast as they can.
//!
//! The handler runs with interrupts off from its first line to its last one, so a window is a call. The consumers are
//! one thread that plays all CPUs of the group in turn: it finds them unthrottled, runs them for as long as they were
//! paid, and throttles them.
//!
//! Not here: the asynchronous unthrottle of 6.3, which needs interrupts that real threads do not have.

#[cfg(loom)]
fn main() {
    spin_time::main_of_the_model_build("period_timer");
}

#[cfg(not(loom))]
mod block;

#[cfg(not(loom))]
fn main() -> std::process::ExitCode {
    use cfs_bw::kernel;
    use spin_time::Waiting;

    spin_time::main("period_timer", |session| {
        let mut experiment = session
            .experiment("period-timer", "one call of the period timer, 8 CPUs and 2 us of quota; share of time")
            .threads(2, Waiting::Spinning)
            .needs_cpus(2)
            .repetitions(61)
            .metrics(&["irqs off", "off p50", "off p99", "visits"]);
        for kernel in [
            kernel::BEFORE,
            kernel::NEAR_INFINITE,
            kernel::STARVATION,
            kernel::FROM_THE_POOL,
            kernel::UNDER_ONE_LOCK,
            kernel::SILENT,
        ] {
            experiment = experiment.candidate(kernel.label.revision, move |stage| block::calls(stage, kernel));
        }
        experiment.run();
    })
}
