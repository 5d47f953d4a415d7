// SPDX-License-Identifier: GPL-2.0-only
//! Where a real thread parks, written in the facade's words, so that its two orderings can be taken away.
#![cfg(loom)]

use ksync::explore::check;
use ksync::{Acquire, Atomic, Model, Options, Relaxed, Release, Scenario, Setup, Verdict, Weaken, Weakness};
use std::sync::Arc;

/// `Parking` of the real backend, statement by statement. `atomic_wait::wait()` is a wait for the word to change: who
/// kicks has changed it, and wakes everybody if it found somebody there.
struct Parking(Atomic<u32>);

const KICK: u32 = 1 << 12;

impl Parking {
    fn park_until(&self, woken: impl Fn() -> bool) {
        if woken() {
            return;
        }
        let mut seen = self.0.fetch_add(1, Acquire) + 1;
        while !woken() {
            self.0.cond_load(Relaxed, move |word| word != seen);
            seen = self.look();
        }
        self.0.fetch_add(u32::MAX, Relaxed);
    }

    fn look(&self) -> u32 {
        self.0.load(Acquire)
    }

    fn kick(&self) {
        self.0.fetch_add(KICK, Release);
    }
}

fn one_kick_for_each(sleepers: u32) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let bed = Arc::new(Parking(Atomic::named(0, format_args!("bed"))));
        let word = Arc::new(Atomic::named(0u32, format_args!("word")));
        let (kicked, written) = (bed.clone(), word.clone());
        setup.task("waker", sleepers, move |_| {
            written.store(1, Relaxed);
            kicked.kick();
        });
        for cpu in 0..sleepers {
            let (bed, word) = (bed.clone(), word.clone());
            setup.task(format!("sleeper{cpu}"), cpu, move |_| bed.park_until(|| word.load(Relaxed) == 1));
        }
    })
}

#[test]
fn no_kick_is_missed() {
    for model in [Model::Sc, Model::Rc11, Model::Lkmm] {
        for sleepers in 1..=2 {
            let report = check(&*one_kick_for_each(sleepers), &Options::new(model));
            assert_eq!(report.verdict, Verdict::Holds, "{model}, {sleepers}");
        }
    }
}

#[test]
fn it_needs_all_its_orderings() {
    ksync::register_sources(&[("ksync/tests/explore_parking.rs", include_str!("explore_parking.rs"))]);
    let lost =
        [("park_until", Weakness::RelaxedRmw), ("look", Weakness::RelaxedLoad), ("kick", Weakness::RelaxedRmw)];
    for (function, weakness) in lost {
        for model in [Model::Rc11, Model::Lkmm] {
            let mutant = Weaken::new(function, weakness);
            let report = check(&*one_kick_for_each(1), &Options::new(model).weakened([mutant]));
            assert_eq!(report.verdict.kind(), "Lockup", "{model} {function}");
        }
    }
}
