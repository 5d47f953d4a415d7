// SPDX-License-Identifier: GPL-2.0-only
//! What it costs a loop to be watched: its heartbeat, and the one who looks at it.
#![allow(clippy::disallowed_types, reason = "what a heartbeat is compared with")]

use spin_time::{Block, Stage, spin};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use watchdog::user_threads::Watchdog;

/// Times that a loop comes round.
const ROUNDS: u64 = 500_000;
/// Steps of work of each.
const STEPS: u64 = 20;
/// As in the kernel: a sample every 4 s, so none in a block.
const KERNELS: Duration = Duration::from_secs(10);
/// A sample every 2 ms, so some in each block. A block is over before it is stuck.
const SHORT: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    spin_time::main("heartbeat", |session| {
        session
            .experiment("heartbeat", "a loop with a little work, watched or not; ns for each round")
            .metrics(&["ns"])
            .candidate("nobody watches", |stage| stage.time(ROUNDS, |n| (0..n).for_each(|_| _ = spin(STEPS))))
            .candidate("touch()", |stage| watched(stage, KERNELS))
            .candidate("touch(), and samples", |stage| watched(stage, SHORT))
            .candidate("a locked count", |stage| {
                let count = AtomicU64::new(0);
                stage.time(ROUNDS, |n| {
                    for _ in 0..n {
                        spin(STEPS);
                        black_box(&count).fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .run();
    })
}

/// The loop with a heartbeat, under a watchdog with this threshold.
fn watched(stage: &Stage, thresh: Duration) -> Result<Block, String> {
    let watchdog = Watchdog::start(thresh, |report| eprintln!("{report}")).map_err(|error| error.to_string())?;
    Ok(stage.time(ROUNDS, |n| {
        let watched = watchdog.watch(0).expect("the system has a clock for each thread");
        for _ in 0..n {
            spin(STEPS);
            watched.touch();
        }
    }))
}
