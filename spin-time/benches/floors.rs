// SPDX-License-Identifier: GPL-2.0-only
//! What instructions, clocks and a cache line's way take here: the floors below which no lock can be.
#![allow(clippy::disallowed_types, reason = "the floors are the machine's own atomics")]

use spin_time::{Contention, Floor, FloorOf, Waiting, clock, contended, uncontended};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

const ROUNDS: u64 = 1_000_000;

fn main() -> ExitCode {
    spin_time::main("floors", |session| {
        let floor = |kind| move |stage: &_| uncontended(stage, ROUNDS, &Floor::of(kind));
        session
            .experiment("instructions", "one thread, a section that counts; ns for each")
            .metrics(&["ns"])
            .candidate("RMW + store", floor(FloorOf::Word))
            .candidate("RMW + other's store", floor(FloorOf::TwoWords))
            .candidate("bts + load + store", floor(FloorOf::Bit))
            .candidate("RMW + RMW", floor(FloorOf::SharedWord))
            .run();
        session
            .experiment("clocks", "one thread, in a row; ns for each")
            .metrics(&["ns"])
            .candidate("clock::now()", |stage| {
                stage.time(ROUNDS, |n| (0..n).for_each(|_| _ = black_box(clock::now())))
            })
            .candidate("clock::after()", |stage| {
                stage.time(ROUNDS, |n| (0..n).for_each(|_| _ = black_box(clock::after())))
            })
            .candidate("Instant::now()", |stage| {
                stage.time(ROUNDS, |n| (0..n).for_each(|_| _ = black_box(Instant::now())))
            })
            .candidate("spin_loop()", |stage| stage.time(ROUNDS, |n| (0..n).for_each(|_| std::hint::spin_loop())))
            .run();
        session
            .experiment("hand-over", "two threads and std::sync::Mutex; ns")
            .threads(2, Waiting::Spinning)
            .metrics(&["hand-over", "hand-over/canary", "wait p99", "fairness"])
            .per_canary(&["hand-over"])
            .candidate("std::sync::Mutex", |stage| contended(stage, &Contention::of_two(stage), &Mutex::new(())))
            .run();
    })
}
