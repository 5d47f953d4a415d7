// SPDX-License-Identifier: GPL-2.0-only
//! Every port on real threads: more callers than cores, some hundred rounds, on the last three forms of the queueing.
//!
//! What real threads do not show: a stopper here is a thread like any other, so it preempts nobody, and tasks of one
//! virtual CPU run side by side. Lockups that need the stop class are the explorer's. A wakeup that is lost shows as
//! a test that does not end.
#![cfg(not(loom))]

mod balance;
mod requests;
mod wakeups;

use ksync::{Setup, run_threads};
use stopper::kernel::{self, Kernel};
use stopper::machine::{Ctx, StopCall};
use stopper::schedule::schedule;
use stopper::task::{__set_current_state, TASK_RUNNING, set_current_state};

/// Forms E, E' and F of the queueing.
const KERNELS: [Kernel; 3] = [kernel::REFLOW, kernel::ATOMICALLY, kernel::MAINLINE];
/// Requests of each caller.
const ROUNDS: u32 = 100;
/// Requests of each caller where threads spin for each other: with fewer cores than threads each step takes a slice
/// of time.
const SPINNING_ROUNDS: u32 = 10;

/// Runs a scenario on each of the kernels.
fn stress(scenario: fn(Kernel, &mut Setup)) {
    for kernel in KERNELS {
        run_threads(&move |setup: &mut Setup| scenario(kernel, setup));
    }
}

/// The requests of these numbers, each with its number.
fn requests(first: u32, count: u32, mut make: impl FnMut(&str, u32) -> StopCall) -> Vec<(u32, StopCall)> {
    (first..first + count).map(|n| (n, make(&format!("request{n}"), n))).collect()
}

/// C's loop around `schedule()`.
fn sleep_until(ctx: &Ctx, state: u32, condition: impl Fn() -> bool) {
    loop {
        set_current_state(ctx, state);
        if condition() {
            break;
        }
        schedule(ctx);
    }
    __set_current_state(ctx, TASK_RUNNING);
}
