// SPDX-License-Identifier: GPL-2.0-only
//! Incident 002: two CPUs pin and drop the same tail of a compound page. Up to v4.4 the drop takes the head's bit lock,
//! and interrupts are off nearly from its first instruction to its last one, also while it waits; after that there
//! is neither a lock nor a window.
#![allow(clippy::disallowed_types, reason = "the barrier is the benchmark's own")]

use compound::kernel::Kernel;
use compound::put_page::{get_page, put_page};
use compound::scenarios_compound_lock::{TAIL, huge_page};
use ksync::Current;
use spin_time::{Block, Stage, Waits, clock, spin};
use std::sync::Barrier;

/// Steps with the pin, and without.
const STEPS: u64 = 60;

/// The time of each `put_page()`, of both threads.
pub(crate) fn two_users(stage: &Stage, kernel: Kernel) -> Block {
    // The owner's reference keeps the page, however many pins come and go.
    let (machine, ready) = (huge_page(kernel, 1, 0), Barrier::new(2));
    let user = |place: u32| {
        stage.enter(place as usize);
        let current = Current::outside("user", place);
        let ctx = &machine.on(&current);
        ready.wait();
        let (mut waits, start) = (Waits::default(), clock::now());
        let deadline = start + clock::ticks(stage.burst().as_nanos() as f64);
        loop {
            get_page(ctx, TAIL);
            spin(STEPS);
            let before = clock::before();
            put_page(ctx, TAIL);
            let after = clock::after();
            waits.record(after - before);
            if after > deadline {
                return (waits, clock::ns(after - start));
            }
            spin(STEPS);
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| user(1));
        let (mut waits, mut took) = scope.spawn(|| user(0)).join().expect("a user does not panic");
        let (others, others_took) = other.join().expect("a user does not panic");
        waits.merge(&others);
        took += others_took;
        waits.into_block(Block::default(), took)
    })
}
