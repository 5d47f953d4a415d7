// SPDX-License-Identifier: GPL-2.0-only
//! The real backend's spin lock, written in the facade's words, so that its two orderings can be taken away.
#![cfg(loom)]

use ksync::explore::check;
use ksync::{Acquire, Atomic, Model, Options, Plain, Relaxed, Release, Scenario, Setup, Verdict, Weaken, Weakness};
use std::sync::Arc;

/// `RawSpinLock` of the real backend, statement by statement.
struct RawSpinLock(Atomic<u8>);

impl RawSpinLock {
    fn lock(&self) {
        while !self.try_lock() {
            self.0.cond_load(Relaxed, |word| word == 0);
        }
    }

    fn try_lock(&self) -> bool {
        self.0.xchg(1, Acquire) == 0
    }

    fn unlock(&self) {
        self.0.store(0, Release);
    }
}

fn mutual_exclusion(tasks: u32) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let lock = Arc::new(RawSpinLock(Atomic::named(0, format_args!("lock"))));
        let data = Arc::new(Plain::named(0u32, format_args!("data")));
        let sum = data.clone();
        setup.identical_tasks("T", 0, tasks, move |_| {
            lock.lock();
            data.set(data.get() + 1);
            lock.unlock();
        });
        setup.finally(move |_| assert_eq!(sum.get(), tasks));
    })
}

#[test]
fn the_real_spin_lock_excludes_and_orders() {
    for model in [Model::Sc, Model::Rc11, Model::Lkmm] {
        for tasks in 2..=3 {
            assert_eq!(check(&*mutual_exclusion(tasks), &Options::new(model)).verdict, Verdict::Holds, "{model}");
        }
    }
}

#[test]
fn it_needs_both_its_orderings() {
    ksync::register_sources(&[("ksync/tests/explore_lock.rs", include_str!("explore_lock.rs"))]);
    for mutant in [Weaken::new("try_lock", Weakness::RelaxedRmw), Weaken::new("unlock", Weakness::RelaxedStore)] {
        for model in [Model::Rc11, Model::Lkmm] {
            let report = check(&*mutual_exclusion(2), &Options::new(model).weakened([mutant.clone()]));
            assert_eq!(report.verdict, Verdict::Race { word: "data".to_owned() }, "{model} {mutant:?}");
        }
    }
}
