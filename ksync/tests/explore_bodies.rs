// SPDX-License-Identifier: GPL-2.0-only
//! Bodies of waiting loops, between the steps of others.
#![cfg(loom)]

mod scheduling;

use ksync::explore::check;
use ksync::{Atomic, Model, Options, Relaxed, Setup, Verdict, busy};
use scheduling::{flag, verdict};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A waiting loop looks at a word that another CPU writes twice before it computes.
#[test]
fn a_waiting_loop_turns_between_any_two_steps_of_others() {
    let looks = |then: u32| {
        verdict(move |setup| {
            let (done, word) = (flag("done"), Arc::new(Atomic::named(0u32, format_args!("word"))));
            let (waits, seen) = (done.clone(), word.clone());
            setup.task("waiter", 0, move |_| {
                waits.cond_load_with(Relaxed, |done| done, || assert_ne!(seen.load(Relaxed), 1));
            });
            setup.task("worker", 1, move |_| {
                word.store(then, Relaxed);
                word.store(2, Relaxed);
                busy(5);
                done.store(true, Relaxed);
            });
        })
    };
    assert_eq!(looks(1).kind(), "Violated");
    assert_eq!(looks(0), Verdict::Holds);
}

/// Two loops raise a flag each and look at the other's: one at least sees that it was first, if they take turns.
#[test]
fn two_waiting_loops_turn_at_once() {
    let takes_turns = verdict(|setup| {
        let flags = [flag("A"), flag("B")];
        let (done, first) = (flag("done"), flag("first"));
        for cpu in 0..2 {
            let (mine, other) = (flags[cpu].clone(), flags[1 - cpu].clone());
            let (waits, was_first) = (done.clone(), first.clone());
            setup.task(format!("waiter{cpu}"), cpu as u32, move |_| {
                let body = || {
                    mine.store(true, Relaxed);
                    if !other.load(Relaxed) {
                        was_first.store(true, Relaxed);
                    }
                };
                waits.cond_load_with(Relaxed, |done| done, body);
            });
        }
        setup.task("worker", 2, move |_| {
            busy(5);
            assert!(first.load(Relaxed), "none was first");
            done.store(true, Relaxed);
        });
    });
    assert_eq!(takes_turns.kind(), "Violated");
}

#[test]
fn loops_that_share_nothing_take_turns() {
    let report = check(
        &|setup: &mut Setup| {
            let done = flag("done");
            for cpu in 0..10 {
                let (waits, mine) = (done.clone(), flag("mine"));
                setup.task(format!("waiter{cpu}"), cpu, move |_| {
                    waits.cond_load_with(Relaxed, |done| done, || mine.store(true, Relaxed));
                });
            }
            setup.task("worker", 10, move |_| busy(5));
            setup.horizon(4);
        },
        &Options::new(Model::Sc),
    );
    assert_eq!(report.verdict, Verdict::Holds);
    assert!(report.states < 50, "{} states", report.states);
}

/// No time goes on, and the loop turns all the same.
#[test]
fn a_waiting_loop_turns_without_a_clock() {
    let ends_another_wait = verdict(|setup| {
        let (a, b) = (flag("a"), flag("b"));
        let (other_a, other_b) = (a.clone(), b.clone());
        setup.task("loops", 0, move |_| {
            a.cond_load_with(Relaxed, |a| a, || b.store(true, Relaxed));
        });
        setup.task("waits", 1, move |_| {
            other_b.cond_load(Relaxed, |b| b);
            other_a.store(true, Relaxed);
        });
    });
    assert_eq!(ends_another_wait, Verdict::Holds);
}

/// The interrupt would have to come at any time, too.
#[test]
fn a_body_that_raises_an_interrupt_is_refused() {
    let raises = |setup: &mut Setup| {
        let never = flag("never");
        let irq = setup.irq("irq", 1, |_| ());
        setup.task("loops", 0, move |_| {
            never.cond_load_with(Relaxed, |never| never, || irq.raise());
        });
    };
    let refused = catch_unwind(AssertUnwindSafe(|| check(&raises, &Options::new(Model::Sc)).verdict));
    let message = *refused.expect_err("no verdict").downcast::<String>().unwrap();
    assert!(message.contains("Raise(0) in the body of a waiting loop"), "{message}");
}
