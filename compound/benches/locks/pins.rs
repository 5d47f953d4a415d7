// SPDX-License-Identifier: GPL-2.0-only
//! Incident 002: two CPUs pin and drop the same tail of a compound page. Up to v4.4 the drop takes the head's bit lock,
//! and interrupts are off nearly from its first instruction to its last one, also while it waits; after that there
//! is neither a lock nor a window.

use compound::kernel::Kernel;
use compound::put_page::{get_page, put_page};
use compound::scenarios_compound_lock::{TAIL, huge_page};
use ksync::Current;
use spin_time::{Block, Stage, Waits, clock, spin};

/// Steps with the pin, and without.
const STEPS: u64 = 60;

/// The time of each `put_page()`, of both threads.
pub(crate) fn two_users(stage: &Stage, kernel: Kernel) -> Block {
    // The owner's reference keeps the page, however many pins come and go.
    let machine = huge_page(kernel, 1, 0);
    let users = stage.on_each_thread(|place| {
        let current = Current::outside("user", place as u32);
        let ctx = &machine.on(&current);
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
    });
    let (mut all, mut took) = (Waits::default(), 0.0);
    for (waits, ns) in &users {
        all.merge(waits);
        took += ns;
    }
    all.into_block(Block::default(), took)
}
