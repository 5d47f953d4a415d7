// SPDX-License-Identifier: GPL-2.0-only
//! A hand-over that is no lock's: one thread stores, the other one polls.

use crate::lock::Lock;
use crossbeam_utils::CachePadded;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Two threads take turns: the canary's store, in the surroundings of a lock, and polled as a spinning CPU does, with
/// a pause. The one whose turn it is not waits, even if nobody has the lock.
#[derive(Debug)]
pub struct Relay {
    track: Arc<CachePadded<Track>>,
    takes_over: bool,
}

/// A thread's part in a [`Relay`]. Who drops it leaves all turns to the other one.
#[derive(Debug)]
pub struct Runner {
    track: Arc<CachePadded<Track>>,
    number: u32,
}

/// One line, as a lock's word is.
#[derive(Debug, Default)]
struct Track {
    turn: AtomicU32,
    /// Only one is left.
    last: AtomicBool,
}

/// Whose turn it is has begun.
const BEGUN: u32 = 2;

impl Relay {
    /// A store hands over, a load finds it.
    pub fn polled() -> Relay {
        Relay { track: Arc::default(), takes_over: false }
    }

    /// The same, and then the one who found it changes the word by a read-modify-write: the least for a lock whose word
    /// says whether somebody holds it.
    pub fn taken_over() -> Relay {
        Relay { takes_over: true, ..Relay::polled() }
    }
}

impl Lock for Relay {
    type Thread = Runner;

    fn thread(&self, number: u32) -> Runner {
        Runner { track: self.track.clone(), number }
    }

    #[inline]
    fn with<R>(&self, runner: &Runner, section: impl FnOnce() -> R) -> R {
        let (track, other) = (&**runner.track, 1 - runner.number);
        while track.turn.load(Ordering::Acquire) & !BEGUN == other && !track.last.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
        if self.takes_over {
            track.turn.fetch_or(BEGUN, Ordering::Acquire);
        }
        let result = section();
        track.turn.store(other, Ordering::Release);
        result
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.track.last.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::Relay;
    use crate::lock::Lock;

    #[test]
    fn who_is_left_gets_all_turns() {
        for relay in [Relay::polled(), Relay::taken_over()] {
            let (long, short) = (relay.thread(0), relay.thread(1));
            let order = std::sync::Mutex::new(Vec::new());
            let run = |runner: &super::Runner, times| {
                for _ in 0..times {
                    relay.with(runner, || order.lock().expect("nobody panics").push(runner.number));
                }
            };
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let short = short;
                    run(&short, 2);
                });
                run(&long, 5);
            });
            assert_eq!(*order.lock().expect("nobody panics"), [0, 1, 0, 1, 0, 0, 0]);
        }
    }
}
