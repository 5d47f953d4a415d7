// SPDX-License-Identifier: GPL-2.0-only
//! The ported locks against those of the standard library, `parking_lot` and `spin`, and against the least that such a
//! lock can take.
//!
//! The ports turn preemption and interrupts off as counters: nothing keeps a real thread on its CPU. So where threads
//! are fair a holder is preempted, as in incident 002, and where they are `SCHED_FIFO` it is not.

#[cfg(loom)]
fn main() {
    spin_time::main_of_the_model_build("locks");
}

#[cfg(not(loom))]
mod candidates;
#[cfg(not(loom))]
mod experiments;
#[cfg(not(loom))]
mod pins;

#[cfg(not(loom))]
fn main() -> std::process::ExitCode {
    spin_time::main("locks", |session| {
        experiments::uncontended(session);
        experiments::hand_over(session);
        experiments::back_to_back(session);
        experiments::crowded(session);
        experiments::preempted_holder(session);
        experiments::tail_pins(session);
    })
}
