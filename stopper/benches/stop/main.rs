// SPDX-License-Identifier: GPL-2.0-only
//! The stopper on real threads: what a request takes there and back, in every revision, against the least that it can
//! take; and how long others stand with interrupts off meanwhile.
//!
//! Real threads have no stop class: a stopper preempts nobody. They are `SCHED_FIFO` of one priority, so on a shared
//! CPU a thread runs when the other one sleeps.

#[cfg(loom)]
fn main() {
    spin_time::main_of_the_model_build("stop");
}

#[cfg(not(loom))]
mod bare;
#[cfg(not(loom))]
mod experiments;
#[cfg(not(loom))]
mod meeting;
#[cfg(not(loom))]
mod port;
#[cfg(not(loom))]
mod wakes;

#[cfg(not(loom))]
fn main() -> std::process::ExitCode {
    spin_time::main("stop", |session| {
        experiments::round_trip(session);
        experiments::two_works(session);
        experiments::stop_two_cpus(session);
        experiments::stoppers_lock(session);
        experiments::wake_q(session);
        experiments::multi_cpu_stop(session);
    })
}
