// SPDX-License-Identifier: GPL-2.0-only
//! Counterexamples can be run again. (That they are shortest is a unit test beside the search for them.)
#![cfg(loom)]

use ksync::explore::{check, replay};
use ksync::{Atomic, Model, Options, Relaxed, Scenario, Setup, SpinLock, Verdict, busy, nondet, now};
use std::sync::Arc;

/// Two locks in two orders, with work before and inside; the fixed form takes them in one order.
fn abba(fixed: bool, noise: u32) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let (a, b) = (SpinLock::named(format_args!("A")), SpinLock::named(format_args!("B")));
        let word = Atomic::named(0u32, format_args!("word"));
        let shared = Arc::new((a, b, word));
        for cpu in 0..2 {
            let shared = shared.clone();
            setup.task(format!("T{cpu}"), cpu, move |current| {
                let (a, b, word) = &*shared;
                let (first, second) = if cpu == 0 || fixed { (a, b) } else { (b, a) };
                (0..noise).for_each(|_| word.inc());
                let outer = first.lock(current);
                let inner = second.lock_nested(&outer);
                inner.unlock();
                outer.unlock();
            });
        }
    })
}

fn options() -> Options {
    Options::new(Model::Sc)
}

#[test]
fn a_counterexample_is_the_shortest() {
    let trace = check(&*abba(false, 0), &options()).trace.expect("it locks up");
    assert!(trace.minimal);
    // Each task turns preemption off and takes its first lock: one switch between them, and nothing else.
    assert_eq!((trace.switches(), trace.steps.len()), (1, 4));
    let noisy = check(&*abba(false, 3), &options()).trace.expect("it locks up");
    assert_eq!((noisy.switches(), noisy.steps.len()), (1, 4 + 2 * 3));
}

#[test]
fn a_schedule_runs_again_and_on_other_revisions() {
    let trace = check(&*abba(false, 0), &options()).trace.expect("it locks up");
    let again = replay(&*abba(false, 0), &options(), &trace);
    assert_eq!((again.matched, again.steps), (4, 4));
    assert!(matches!(again.verdict, Verdict::Lockup(_)));

    let edited = replay(&*abba(false, 2), &options(), &trace);
    assert_eq!((edited.matched, edited.steps), (4, 4), "the edit is performed on the way");
    assert!(matches!(edited.verdict, Verdict::Lockup(_)));

    let fixed = replay(&*abba(true, 0), &options(), &trace);
    assert_eq!((fixed.matched, fixed.steps), (3, 4), "the fix has no lock of B as its first");
    assert_eq!(fixed.verdict, Verdict::Holds);
}

/// What a task forgets is no step of a run: the shortest run and its replay are those of the same tasks without blocks.
#[test]
fn blocks_of_which_a_result_is_kept_are_no_steps() {
    let lost_update = |distils: bool| {
        move |setup: &mut Setup| {
            let word = Arc::new(Atomic::named(0u32, format_args!("word")));
            let sum = word.clone();
            for cpu in 0..2 {
                let word = word.clone();
                setup.task(format!("T{cpu}"), cpu, move |_| {
                    let add = || word.store(word.load(Relaxed) + 1, Relaxed);
                    if distils { ksync::distil(add) } else { add() }
                });
            }
            setup.finally(move |_| assert_eq!(sum.load(Relaxed), 2));
        }
    };
    let options = Options::new(Model::Sc);
    let [whole, distilled] = [false, true].map(|distils| check(&lost_update(distils), &options).trace.unwrap());
    let operations = |trace: &ksync::Trace| -> Vec<String> {
        trace.steps.iter().map(|step| format!("{}: {}", step.task, step.operation)).collect()
    };
    assert_eq!(operations(&whole), operations(&distilled));
    for (trace, distils) in [(&whole, true), (&distilled, false), (&distilled, true)] {
        let replayed = replay(&lost_update(distils), &options, trace);
        assert_eq!((replayed.matched, replayed.verdict.kind()), (4, "Violated"));
    }
}

#[test]
fn the_step_that_fails_shows_what_it_read() {
    let last = |scenario: &Scenario| {
        let trace = check(scenario, &options()).trace.expect("it fails");
        trace.steps.last().expect("a step").action.clone()
    };
    let load = last(&|setup: &mut Setup| {
        let word = Arc::new(Atomic::named(7u32, format_args!("word")));
        setup.task("reader", 0, move |_| assert_ne!(word.load(Relaxed), 7));
    });
    let time = last(&|setup: &mut Setup| {
        setup.task("late", 0, |_| {
            busy(7);
            assert_ne!(now(), 7);
        });
    });
    let choice = last(&|setup: &mut Setup| {
        setup.task("chooser", 0, |_| assert_ne!(nondet(8), 7));
    });
    assert_eq!([load, time, choice], ["read word -> 7", "now -> 7 ns", "choose 7 of 8"]);
}
