// SPDX-License-Identifier: GPL-2.0-only
//! Requests without a stopper: threads that are woken, do nothing, and the last one wakes the caller.
#![allow(clippy::disallowed_types, reason = "what the ports are compared with")]

use ksync::{Completion, Current};
use spin_time::{Block, Futex, Stage, Waits, clock};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

/// Trips that warm the threads up, in each block.
pub(crate) const WARM_UP: u32 = 20;

/// Something to sleep on until it has a number.
pub(crate) trait Signal: Default + Sync {
    fn wake(&self, number: u32);
    fn wait(&self, number: u32);
}

impl Signal for Futex {
    fn wake(&self, number: u32) {
        Futex::wake(self, number);
    }

    fn wait(&self, number: u32) {
        Futex::wait(self, number);
    }
}

/// As most programs sleep.
#[derive(Default)]
pub(crate) struct Condvar {
    number: parking_lot::Mutex<u32>,
    changed: parking_lot::Condvar,
}

impl Signal for Condvar {
    fn wake(&self, number: u32) {
        *self.number.lock() = number;
        self.changed.notify_one();
    }

    fn wait(&self, number: u32) {
        self.changed.wait_while(&mut self.number.lock(), |seen| *seen != number);
    }
}

/// What the stoppers' callers sleep on. It counts, so it takes the numbers in their order.
pub(crate) struct Completed(Completion);

thread_local! {
    static CURRENT: Current = Current::outside("bench", 0);
}

impl Default for Completed {
    fn default() -> Self {
        Completed(Completion::named(format_args!("signal")))
    }
}

impl Signal for Completed {
    fn wake(&self, _number: u32) {
        self.0.complete();
    }

    fn wait(&self, _number: u32) {
        CURRENT.with(|current| self.0.wait_for_completion(current));
    }
}

/// So many round trips from the first place to these and back.
pub(crate) fn trips<S: Signal>(stage: &Stage, trips: u32, servers: &[usize]) -> Block {
    let (there, back): (Vec<S>, S) = (servers.iter().map(|_| S::default()).collect(), S::default());
    let (left, ready) = (AtomicU32::new(0), Barrier::new(servers.len() + 1));
    let last = WARM_UP + trips;
    let (waits, took) = std::thread::scope(|scope| {
        for (signal, &place) in there.iter().zip(servers) {
            let (back, left, ready) = (&back, &left, &ready);
            scope.spawn(move || {
                stage.enter(place);
                ready.wait();
                for trip in 1..=last {
                    signal.wait(trip);
                    if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                        back.wake(trip);
                    }
                }
            });
        }
        let caller = scope.spawn(|| {
            stage.enter(0);
            ready.wait();
            timed(last, |trip| {
                left.store(there.len() as u32, Ordering::Relaxed);
                for signal in &there {
                    signal.wake(trip);
                }
                back.wait(trip);
            })
        });
        caller.join().expect("the caller does not panic")
    });
    waits.into_block(Block::default(), took)
}

/// Times each trip; gives the waits and the time of all.
pub(crate) fn timed(last: u32, mut trip: impl FnMut(u32)) -> (Waits, f64) {
    let mut waits = Waits::default();
    let first = clock::now();
    for number in 1..=last {
        let start = clock::before();
        trip(number);
        let end = clock::after();
        if number > WARM_UP {
            waits.record(end - start);
        }
    }
    (waits, clock::ns(clock::now() - first))
}
