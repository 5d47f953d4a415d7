// SPDX-License-Identifier: GPL-2.0-only
//! What makes a state a state: five rules, each with what happens to a scenario that breaks it.
#![cfg(loom)]
#![allow(clippy::disallowed_types)] // Breaking the rules is what these tests do.

use ksync::explore::check;
use ksync::{Atomic, Model, Options, Plain, Relaxed, Scenario, Setup, SpinLock, Verdict};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn run(scenario: impl Fn(&mut Setup) + Send + Sync + 'static) -> Verdict {
    let scenario: Box<Scenario> = Box::new(scenario);
    check(&*scenario, &Options::new(Model::Sc)).verdict
}

/// Each task appends under the lock, and the second to come finds the first one's entry and waits for ever.
fn data_under_a_lock(in_cells: bool) -> impl Fn(&mut Setup) + Send + Sync {
    move |setup: &mut Setup| {
        let lock = Arc::new(SpinLock::named(format_args!("lock")));
        let cell = Arc::new(Plain::named(0u32, format_args!("entries")));
        let never = Arc::new(Atomic::named(false, format_args!("never")));
        let outside = Arc::new(Mutex::new(0));
        for cpu in 0..2 {
            let (lock, cell, never, outside) = (lock.clone(), cell.clone(), never.clone(), outside.clone());
            setup.task(format!("T{cpu}"), cpu, move |current| {
                let guard = lock.lock(current);
                let found = if in_cells { cell.get() } else { *outside.lock().unwrap() };
                if in_cells {
                    cell.set(found + 1);
                } else {
                    *outside.lock().unwrap() += 1;
                }
                guard.unlock();
                if found == 1 {
                    never.cond_load(Relaxed, |never| never);
                }
            });
        }
    }
}

#[test]
fn rule_1_data_outside_of_cells_is_found_out() {
    assert!(matches!(run(data_under_a_lock(true)), Verdict::Lockup(_)));
    let broken = catch_unwind(AssertUnwindSafe(|| run(data_under_a_lock(false))));
    let message = *broken.expect_err("a verdict would be wrong").downcast::<String>().unwrap();
    assert!(message.contains("is not deterministic"), "{message}");
}

/// Two stores that return nothing: a history without them would take the states before and after for one.
#[test]
fn rule_2_every_request_is_an_entry_of_the_history() {
    let scenario = |setup: &mut Setup| {
        let word = Arc::new(Atomic::named(0u32, format_args!("word")));
        let theirs = word.clone();
        setup.task("T", 0, move |_| {
            word.store(1, Relaxed);
            word.store(0, Relaxed);
            word.store(0, Relaxed);
        });
        setup.task("U", 1, move |_| assert_ne!(theirs.load(Relaxed), 1, "the store of 1 was seen"));
    };
    // If the entry of a request that returns nothing were left out, the task would stand at its first store again
    // after the second one, in a memory that was seen before, and nothing behind it would be explored.
    assert!(matches!(run(scenario), Verdict::Violated { .. }));
    let report = check(
        &|setup: &mut Setup| {
            let word = Arc::new(Atomic::named(0u32, format_args!("word")));
            setup.task("T", 0, move |_| (0..3).for_each(|_| word.store(0, Relaxed)));
        },
        &Options::new(Model::Sc),
    );
    assert_eq!((report.verdict, report.states), (Verdict::Holds, 4), "each store leads to a state of its own");
}

#[test]
fn rule_3_an_address_in_a_cell_is_found_out() {
    // That a pointer itself is no word is a doctest of `ksync::Word`.
    let broken = catch_unwind(AssertUnwindSafe(|| {
        run(|setup: &mut Setup| {
            let word = Arc::new(Atomic::named(0u64, format_args!("word")));
            setup.task("T", 0, move |_| {
                let target: &'static mut u64 = Box::leak(Box::new(0));
                word.store(&raw const *target as u64, Relaxed);
            });
        })
    }));
    let message = *broken.expect_err("no verdict").downcast::<String>().unwrap();
    assert!(message.contains("is not deterministic"), "{message}");
}

#[test]
fn rule_4_nothing_is_made_lazily() {
    let Verdict::Violated { property } = run(|setup| {
        setup.task("T", 0, |_| {
            Atomic::new(0u32);
        });
    }) else {
        panic!("must fail")
    };
    assert!(property.contains("make it in the setup"), "{property}");
}

/// Counts its own drops, and uses the facade in them.
struct Counted(Arc<AtomicUsize>, Arc<Atomic<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        self.1.store(7, Relaxed);
    }
}

#[test]
fn rule_5_teardown_is_inert_and_leaks_nothing() {
    let alive = Arc::new(AtomicUsize::new(0));
    let counter = alive.clone();
    let verdict = run(move |setup: &mut Setup| {
        let word = Arc::new(Atomic::named(0u32, format_args!("word")));
        let never = Arc::new(Atomic::named(false, format_args!("never")));
        for cpu in 0..2 {
            let (word, never, counter) = (word.clone(), never.clone(), counter.clone());
            setup.task(format!("T{cpu}"), cpu, move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                let _counted = Counted(counter.clone(), word.clone());
                assert_ne!(word.fetch_add(1, Relaxed), 7, "a teardown wrote");
                never.cond_load(Relaxed, |never| never);
            });
        }
    });
    assert!(matches!(verdict, Verdict::Lockup(_)), "{verdict}");
    assert_eq!(alive.load(Ordering::Relaxed), 0, "an abandoned coroutine drops what it owns");
}

#[test]
fn a_choice_that_is_not_declared_is_an_error() {
    let flip = Arc::new(AtomicUsize::new(0));
    let broken = catch_unwind(AssertUnwindSafe(|| {
        run(move |setup: &mut Setup| {
            let word = Arc::new(Atomic::named(0u32, format_args!("word")));
            for cpu in 0..2 {
                let (word, flip) = (word.clone(), flip.clone());
                setup.task(format!("T{cpu}"), cpu, move |_| {
                    if flip.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                        word.inc();
                    }
                    let seen = word.fetch_add(1, Relaxed);
                    word.store(seen, Relaxed);
                });
            }
        })
    }));
    let message = *broken.expect_err("no verdict").downcast::<String>().unwrap();
    assert!(message.contains("is not deterministic"), "{message}");
}

#[test]
fn keys_are_as_good_as_whole_states() {
    let scenario: Box<Scenario> = Box::new(|setup: &mut Setup| {
        let word = Arc::new(Atomic::named(0u32, format_args!("word")));
        setup.identical_tasks("T", 0, 3, move |_| (0..6).for_each(|_| word.inc()));
    });
    let keys = check(&*scenario, &Options::new(Model::Sc));
    let whole = check(&*scenario, &Options { whole_keys: true, ..Options::new(Model::Sc) });
    assert_eq!((keys.verdict, keys.states), (whole.verdict, whole.states));
}

/// A word made as a constant is in no state, so a model must not use it.
#[test]
fn a_constant_is_no_word_of_a_model() {
    let broken = catch_unwind(AssertUnwindSafe(|| {
        run(|setup: &mut Setup| {
            let word = Arc::new(Atomic::<u32>::ZERO);
            setup.task("T", 0, move |_| word.store(1, Relaxed));
        })
    }));
    let told = match broken {
        Ok(verdict) => verdict.to_string(),
        Err(payload) => payload.downcast_ref::<String>().cloned().unwrap_or_default(),
    };
    assert!(told.contains("placeholder"), "{told}");
}
