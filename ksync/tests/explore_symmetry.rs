// SPDX-License-Identifier: GPL-2.0-only
//! Identical tasks: those that are, and those that only say so.
#![cfg(loom)]

mod scheduling;

use ksync::explore::check;
use ksync::{Atomic, Current, Model, Options, Relaxed, Scenario, Setup, Verdict, busy, smp_processor_id};
use scheduling::{flag, verdict};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Two tasks of one body.
fn two(body: impl Fn(&Current, &Atomic<u32>) + Clone + Send + Sync + 'static) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let word = Arc::new(Atomic::named(0u32, format_args!("word")));
        let body = body.clone();
        setup.identical_tasks("T", 0, 2, move |current| body(current, &word));
    })
}

fn refusal(body: impl Fn(&Current, &Atomic<u32>) + Clone + Send + Sync + 'static) -> String {
    let scenario = two(body);
    let refused = catch_unwind(AssertUnwindSafe(|| check(&*scenario, &Options::new(Model::Sc)).verdict));
    *refused.expect_err("the tasks differ").downcast::<String>().unwrap()
}

#[test]
fn a_task_that_does_as_its_cpu_says_has_no_like() {
    let message = refusal(|current, word| word.store(current.cpu(), Relaxed));
    assert!(message.starts_with("T/1 is not like T/0: after the same replies it asks "), "{message}");
    assert!(message.ends_with("declare them one by one with Setup::task()"), "{message}");
    refusal(|_, word| word.store(smp_processor_id(), Relaxed));
    refusal(|current, word| word.store(current.task() as u32, Relaxed));
    refusal(|current, word| word.store(u32::from(current.name() == "T/1"), Relaxed));
    refusal(|current, word| word.store(u32::from(format!("{current:?}").contains("T/1")), Relaxed));
    refusal(|current, _| assert_eq!(current.cpu(), 0));
}

/// They take turns: each asks for the same word, and waits for another value of it.
#[test]
fn a_task_that_waits_for_its_own_turn_has_no_like() {
    let message = refusal(|current, word| {
        let me = current.cpu();
        word.cond_load(Relaxed, move |turn| turn == me);
        word.inc();
    });
    assert!(message.contains("with another condition"), "{message}");
}

#[test]
fn a_task_may_ask_for_its_cpu_if_all_do_alike() {
    let scenario = two(|current, word| {
        if 0b11 & 1 << current.cpu() != 0 && smp_processor_id() < 2 {
            word.inc();
            word.inc();
        }
    });
    let report = check(&*scenario, &Options::new(Model::Sc));
    let naive = check(&*scenario, &Options { naive: true, ..Options::new(Model::Sc) });
    assert_eq!((report.verdict, naive.verdict), (Verdict::Holds, Verdict::Holds));
    assert!(report.states < naive.states, "they are exchanged: {} of {}", report.states, naive.states);
}

/// Two tasks are exchanged, and with them who went through the body of its loop.
#[test]
fn each_of_two_waiting_loops_runs_its_body_before_time_goes_on() {
    let holds = verdict(|setup| {
        let done = flag("done");
        let other = done.clone();
        setup.identical_tasks("waiter", 0, 2, move |_| {
            let turns = std::cell::Cell::new(0);
            done.cond_load_with(Relaxed, |done| done, || turns.set(turns.get() + 1));
            assert!(matches!(turns.get(), 1 | 2), "once before the clock left 0, and perhaps at 5");
        });
        setup.task("worker", 2, move |_| {
            busy(5);
            other.store(true, Relaxed);
        });
    });
    assert_eq!(holds, Verdict::Holds);
}
