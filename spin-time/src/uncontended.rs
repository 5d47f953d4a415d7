// SPDX-License-Identifier: GPL-2.0-only
//! One thread that nobody disturbs: what a lock takes by itself.

use crate::block::Block;
use crate::lock::Lock;
use crate::stage::Stage;
use std::hint::black_box;

/// Locks, counts and unlocks so many times in a row on one thread. The value is `ns`, for each time.
pub fn uncontended<L: Lock>(stage: &Stage, rounds: u64, lock: &L) -> Block {
    stage.time(rounds, |rounds| {
        let thread = lock.thread(0);
        let mut count = 0u64;
        for _ in 0..rounds {
            black_box(lock).with(&thread, || *black_box(&mut count) += 1);
        }
    })
}
