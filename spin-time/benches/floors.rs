// SPDX-License-Identifier: GPL-2.0-only
//! What instructions and clocks take here: the floors below which no lock can be.
#![allow(clippy::disallowed_types, reason = "the floors are the machine's own atomics")]

use spin_time::{Block, Contention, Stage, Waiting, clock, contended};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const ROUNDS: u64 = 1_000_000;

/// One word, and the operation on it so many times in a row.
fn word(stage: &Stage, operation: impl Fn(&AtomicU64) + Sync) -> Result<Block, String> {
    let word = AtomicU64::new(0);
    stage.time(ROUNDS, |rounds| {
        for _ in 0..rounds {
            operation(black_box(&word));
        }
    })
}

fn main() -> ExitCode {
    spin_time::main("floors", |session| {
        session
            .experiment("instructions", "one thread, one word, in a row; ns for each")
            .metrics(&["ns"])
            .candidate("xchg + store", |stage| {
                word(stage, |word| {
                    word.swap(1, Ordering::Acquire);
                    word.store(0, Ordering::Release);
                })
            })
            .candidate("bts + load + store", |stage| {
                word(stage, |word| {
                    black_box(word.fetch_or(1, Ordering::Acquire) & 1 != 0);
                    word.store(word.load(Ordering::Relaxed) & !1, Ordering::Release);
                })
            })
            .candidate("xadd + xadd", |stage| {
                word(stage, |word| {
                    word.fetch_add(1, Ordering::Acquire);
                    word.fetch_add(1, Ordering::Release);
                })
            })
            .candidate("release store", |stage| word(stage, |word| word.store(1, Ordering::Release)))
            .candidate("spin_loop()", |stage| word(stage, |_| std::hint::spin_loop()))
            .candidate("clock::now()", |stage| {
                word(stage, |_| {
                    black_box(clock::now());
                })
            })
            .candidate("clock::after()", |stage| {
                word(stage, |_| {
                    black_box(clock::after());
                })
            })
            .candidate("Instant::now()", |stage| {
                word(stage, |_| {
                    black_box(Instant::now());
                })
            })
            .run();
        session
            .experiment("hand-over", "two threads and std::sync::Mutex; ns")
            .threads(2, Waiting::Spinning)
            .metrics(&["hand-over", "hand-over/canary", "wait p99", "fairness"])
            .per_canary(&["hand-over"])
            .candidate("std::sync::Mutex", |stage| {
                let how =
                    Contention { threads: 2, inside: 60, outside: 60, window: stage.burst(), class: None, hogs: 0 };
                contended(stage, &how, &Mutex::new(()))
            })
            .run();
    })
}
