// SPDX-License-Identifier: GPL-2.0-only
//! Rounds: threads that begin each round together, or two paths would seldom be in each other's way.

use crate::run::Run;
use ksync::{Acquire, Atomic, Full, Relaxed, Release};
use watchdog::user_threads::Watched;

/// Looks before a thread that waits gives up its core once: a few ms. Who waits should be there when the round begins;
/// but where there is one core, another thread of the meeting needs it.
const LOOKS: u32 = 100_000;
/// The round after the last one.
const OVER: u64 = u64::MAX;

/// Where so many threads meet.
#[derive(Debug)]
pub struct Meeting {
    parties: u32,
    arrived: Atomic<u32>,
    /// Counts on while somebody waits and has a core.
    looks: Atomic<u64>,
    round: Atomic<u64>,
}

impl Meeting {
    /// A meeting of so many threads.
    pub fn of(parties: u32) -> Self {
        Meeting { parties, arrived: Atomic::new(0), looks: Atomic::new(0), round: Atomic::new(0) }
    }

    /// Waits for the others. The number of the round that begins, from 1 on, or `None` for all if the run is over.
    ///
    /// A thread that waits may have lost its core on a busy machine, and then the round would pass without it. So the
    /// last one begins the round when it sees that somebody looks.
    pub fn next_round(&self, run: &Run, watched: &Watched) -> Option<u64> {
        let last = self.round.load(Relaxed);
        // ORDERING: Full, all that every thread did in the last round before the next one. Pairs with itself, and
        // with the store of `round` below. No test fails without it; the ports in between bring barriers of their own.
        let next = if self.arrived.fetch_add(1, Full) + 1 == self.parties {
            self.arrived.store(0, Relaxed);
            let looks = self.looks.load(Relaxed);
            let somebody_looks = || self.parties == 1 || self.looks.load(Relaxed) != looks || run.failed();
            wait(watched, || somebody_looks().then_some(()));
            let next = if run.begins_round() { last + 1 } else { OVER };
            // ORDERING: Release, the count's 0 before the next round. Pairs with the load below.
            self.round.store(next, Release);
            next
        } else {
            // ORDERING: Acquire. Pairs with the store above. A run that failed has threads that never come here.
            let begun = || {
                self.looks.inc();
                Some(self.round.load(Acquire)).filter(|&round| round != last)
            };
            wait(watched, || begun().or(run.failed().then_some(OVER)))
        };
        (next != OVER).then_some(next)
    }
}

/// Waits for something that other threads of the load do, and shows heartbeats meanwhile.
pub fn wait<T>(watched: &Watched, mut ready: impl FnMut() -> Option<T>) -> T {
    let mut looks = 0;
    loop {
        if let Some(ready) = ready() {
            return ready;
        }
        watched.touch();
        looks = (looks + 1) % LOOKS;
        if looks == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
    }
}

/// Passes about so many nanoseconds.
pub fn dawdle(steps: u64) {
    for step in 0..steps {
        std::hint::black_box(step);
    }
}
