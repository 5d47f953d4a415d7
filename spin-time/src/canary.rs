// SPDX-License-Identifier: GPL-2.0-only
//! The canary: what a cache line takes from one CPU to the other, right now. A hypervisor moves virtual CPUs without a
//! word, and everything that is handed over between them then takes three times as long, or a third.
//!
//! It polls as a spinning CPU does, with a pause. Without one a CPU that has read ahead must take it back when the line
//! changes: for CPUs near each other, of which one way takes 28 ns, such a canary says 42, 57 or 72.

use crate::clock;
use crate::regime::Regime;
use crate::stage::Stage;
use crate::statistics::median;
use crossbeam_utils::CachePadded;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

/// Round trips that are timed together, and how often.
const ROUND_TRIPS: u64 = 100;
const CHUNKS: u64 = 100;
/// The one CPU's part is over.
const STOP: u64 = u64::MAX;
/// On a busy machine without priority the canary may take long. Then it ends early.
const LIMIT_NS: f64 = 50e6;
/// Two canaries that differ by more are of different places, or of different moments.
pub(crate) const TOLERANCE: f64 = 0.15;

/// One way of a store that the other CPU polls for, in nanoseconds: the median of many short series. `None` on one
/// CPU, and where the other thread did not come to run.
pub(crate) fn one_way_ns(stage: &Stage) -> Option<f64> {
    if stage.cpus() < 2 || stage.regime == Regime::Oversubscribed {
        return None;
    }
    let word = CachePadded::new(AtomicU64::new(0));
    let entered = Barrier::new(2);
    let chunks = std::thread::scope(|scope| {
        scope.spawn(|| {
            stage.enter(1);
            entered.wait();
            answer(&word);
        });
        let asker = scope.spawn(|| {
            stage.enter(0);
            entered.wait();
            ask(&word, if stage.quick { CHUNKS / 10 } else { CHUNKS })
        });
        asker.join().unwrap_or_default()
    });
    (!chunks.is_empty()).then(|| median(&chunks))
}

fn ask(word: &AtomicU64, chunks: u64) -> Vec<f64> {
    let (mut n, mut taken) = (0, Vec::new());
    let first = clock::now();
    for chunk in 0..=chunks {
        let start = clock::before();
        for _ in 0..ROUND_TRIPS {
            word.store(n + 1, Ordering::Release);
            while word.load(Ordering::Acquire) != n + 2 {
                std::hint::spin_loop();
            }
            n += 2;
        }
        let end = clock::after();
        // The first one warms up.
        if chunk > 0 {
            taken.push(clock::ns(end - start) / (2 * ROUND_TRIPS) as f64);
        }
        if clock::ns(end - first) > LIMIT_NS {
            break;
        }
    }
    word.store(STOP, Ordering::Release);
    taken
}

fn answer(word: &AtomicU64) {
    let mut n = 1;
    loop {
        let seen = word.load(Ordering::Acquire);
        if seen == STOP {
            return;
        }
        if seen == n {
            word.store(n + 1, Ordering::Release);
            n += 2;
        } else {
            std::hint::spin_loop();
        }
    }
}

/// Whether two canaries are of the same place.
pub(crate) fn agree(one: f64, other: f64) -> bool {
    (one - other).abs() <= TOLERANCE * one.min(other)
}

#[cfg(test)]
mod tests {
    use super::agree;

    #[test]
    fn canaries_of_one_place_agree() {
        assert!(agree(215.0, 231.0) && agree(231.0, 215.0) && agree(80.0, 80.0));
        assert!(!agree(215.0, 80.0) && !agree(80.0, 215.0) && !agree(200.0, 231.0));
    }
}
