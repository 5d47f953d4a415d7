// SPDX-License-Identifier: GPL-2.0-only
//! Every verdict, told apart from its neighbours.
#![cfg(loom)]

use ksync::explore::check;
use ksync::{
    Acquire, Atomic, Completion, Current, Frame, Model, Mutex, Options, Plain, Relaxed, Release, Report, Scenario,
    Setup, Sleeper, SpinLock, Verdict, Wants, nondet, smp_mb,
};
use std::sync::Arc;

fn explore(model: Model, scenario: impl Fn(&mut Setup) + Send + Sync + 'static) -> Report {
    let scenario: Box<Scenario> = Box::new(scenario);
    check(&*scenario, &Options::new(model))
}

/// A sleeper that checks its queue, then sleeps until it is woken; the waker wakes it if it sees it asleep.
fn sleeper_and_waker(check_again: bool) -> Verdict {
    let report = explore(Model::Sc, move |setup| {
        let queued = Arc::new(Atomic::named(0u32, format_args!("queued")));
        let asleep = Arc::new(Atomic::named(false, format_args!("asleep")));
        let sleeper = Arc::new(Sleeper::new());
        let (theirs_queued, theirs_asleep, theirs) = (queued.clone(), asleep.clone(), sleeper.clone());
        setup.task("sleeper", 0, move |current| {
            if !check_again && queued.load(Relaxed) != 0 {
                return;
            }
            asleep.store(true, Relaxed);
            if check_again && queued.load(Relaxed) != 0 {
                return;
            }
            let wants = Some(Wants::atomic(&queued, |queued| queued != 0));
            sleeper.sleep_until(current, &asleep, |asleep| !asleep, wants);
        });
        setup.task("waker", 1, move |_| {
            theirs_queued.store(1, Relaxed);
            if theirs_asleep.load(Relaxed) {
                theirs_asleep.store(false, Relaxed);
                theirs.kick();
            }
        });
    });
    report.verdict
}

#[test]
fn a_lost_wakeup_is_not_a_lockup() {
    assert!(matches!(sleeper_and_waker(false), Verdict::LostWakeup { .. }), "{}", sleeper_and_waker(false));
    assert_eq!(sleeper_and_waker(true), Verdict::Holds);
}

#[test]
fn sleeping_for_what_never_comes_is_a_lockup() {
    let report = explore(Model::Sc, |setup| {
        let done = Arc::new(Completion::named(format_args!("done")));
        setup.task("T", 0, move |current| done.wait_for_completion(current));
    });
    let Verdict::Lockup(lockup) = report.verdict else { panic!("{}", report.verdict) };
    assert_eq!(lockup.severity, ksync::Severity::Sleep);
}

fn consume(current: &Current, done: &Completion, data: &Plain<u32>) {
    done.wait_for_completion(current);
    assert_eq!(data.get(), 1);
}

fn produce(done: &Completion, data: &Plain<u32>) {
    data.set(1);
    done.complete();
}

#[test]
fn completion_hands_over_data() {
    ksync::register_sources(&[("ksync/tests/explore_verdicts.rs", include_str!("explore_verdicts.rs"))]);
    let scenario: Box<Scenario> = Box::new(|setup: &mut Setup| {
        let done = Arc::new(Completion::named(format_args!("done")));
        let data = Arc::new(Plain::named(0u32, format_args!("data")));
        let (theirs, their_data) = (done.clone(), data.clone());
        setup.task("waiter", 0, move |current| consume(current, &done, &data));
        setup.task("completer", 1, move |_| produce(&theirs, &their_data));
    });
    for model in [Model::Sc, Model::Rc11, Model::Lkmm] {
        assert_eq!(check(&*scenario, &Options::new(model)).verdict, Verdict::Holds, "{model}");
        for function in ["produce", "consume"] {
            let mutant = ksync::Weaken::new(function, ksync::Weakness::RelaxedRmw);
            let report = check(&*scenario, &Options::new(model).weakened([mutant]));
            let expected = if model == Model::Sc { "Holds" } else { "Race" };
            assert_eq!(report.verdict.kind(), expected, "{model} {function}");
        }
    }
}

#[test]
fn complete_all_lets_all_go_on() {
    let verdict = |all: bool| {
        let report = explore(Model::Lkmm, move |setup| {
            let done = Arc::new(Completion::named(format_args!("done")));
            for cpu in [0, 1] {
                let done = done.clone();
                setup.task(format!("waiter/{cpu}"), cpu, move |current| done.wait_for_completion(current));
            }
            setup.task("completer", 2, move |_| if all { done.complete_all() } else { done.complete() });
        });
        report.verdict.kind()
    };
    assert_eq!((verdict(true), verdict(false)), ("Holds", "Lockup"));
}

#[test]
fn mutex_hands_over_data() {
    let verdict = |locks: bool, model: Model| {
        let report = explore(model, move |setup| {
            let mutex = Arc::new(Mutex::named(format_args!("mutex")));
            let data = Arc::new(Plain::named(0u32, format_args!("data")));
            let (theirs, their_data) = (mutex.clone(), data.clone());
            setup.task("sleeper", 0, move |current| {
                theirs.lock(current);
                their_data.set(their_data.get() + 1);
                theirs.unlock();
            });
            setup.task("spinner", 1, move |_| {
                if locks {
                    mutex.spin_try_lock();
                }
                data.set(data.get() + 1);
                if locks {
                    mutex.unlock();
                }
            });
        });
        report.verdict.kind()
    };
    for model in [Model::Sc, Model::Rc11, Model::Lkmm] {
        assert_eq!((verdict(true, model), verdict(false, model)), ("Holds", "Race"), "{model}");
    }
}

#[test]
fn a_loop_without_a_bound_shows_its_pump() {
    let report = explore(Model::Sc, |setup| {
        let tokens = Arc::new(Atomic::named(1u32, format_args!("tokens")));
        let theirs = tokens.clone();
        let rounds = setup.bounded_work("rounds", 5);
        setup.task("taker", 0, move |_| {
            while tokens.xchg(0, Relaxed) != 0 {
                rounds.round();
            }
        });
        setup.task("giver", 1, move |_| {
            for _ in 0..10 {
                theirs.store(1, Relaxed);
            }
        });
    });
    let Verdict::Unbounded { work, bound, pump } = report.verdict else { panic!("{}", report.verdict) };
    assert_eq!((work.as_str(), bound), ("rounds", 5));
    assert!(pump.iter().any(|step| step.starts_with("giver")) && pump.iter().any(|step| step.starts_with("taker")));
}

#[test]
fn a_bounded_loop_holds() {
    let report = explore(Model::Sc, |setup| {
        let rounds = setup.bounded_work("rounds", 3);
        setup.task("T", 0, move |_| (0..nondet(4)).for_each(|_| rounds.round()));
    });
    assert_eq!((report.verdict, report.executions), (Verdict::Holds, 4));
}

#[test]
fn a_bound_is_unknown() {
    let scenario: Box<Scenario> = Box::new(|setup: &mut Setup| {
        let word = Arc::new(Atomic::new(0u32));
        setup.identical_tasks("T", 0, 3, move |_| (0..10).for_each(|_| word.inc()));
    });
    let few = Options { max_states: 20, ..Options::new(Model::Sc) };
    let report = check(&*scenario, &few);
    assert_eq!(report.verdict.kind(), "Unknown");
    assert!(!report.exhausted);
    let shallow = Options { max_depth: 5, ..Options::new(Model::Sc) };
    assert_eq!(check(&*scenario, &shallow).verdict.kind(), "Unknown");
    assert_eq!(check(&*scenario, &Options::new(Model::Sc)).verdict, Verdict::Holds);
}

/// Data behind a flag, or behind a lock, or behind nothing.
fn race(model: Model, guard: &'static str) -> String {
    let report = explore(model, move |setup| {
        let data = Arc::new(Plain::named(0u32, format_args!("data")));
        let flag = Arc::new(Atomic::named(false, format_args!("flag")));
        let lock = Arc::new(SpinLock::named(format_args!("lock")));
        let (data2, flag2, lock2) = (data.clone(), flag.clone(), lock.clone());
        setup.task("writer", 0, move |current| {
            let held = (guard == "lock").then(|| lock.lock(current));
            data.set(1);
            if guard == "barrier" {
                smp_mb();
            }
            drop(held);
            match guard {
                "release" => flag.store(true, Release),
                _ => flag.store(true, Relaxed),
            }
        });
        setup.task("reader", 1, move |current| match guard {
            "release" => {
                flag2.cond_load(Acquire, |flag| flag);
                assert_eq!(data2.get(), 1);
            }
            "relaxed" => {
                flag2.cond_load(Relaxed, |flag| flag);
                data2.get();
            }
            "lock" => {
                let held = lock2.lock(current);
                data2.get();
                held.unlock();
            }
            _ => data2.set(2),
        });
    });
    report.verdict.kind().to_owned()
}

#[test]
fn plain_accesses_race_where_nothing_orders_them() {
    for model in [Model::Sc, Model::Rc11, Model::Lkmm] {
        assert_eq!(race(model, "nothing"), "Race", "{model}");
        assert_eq!(race(model, "barrier"), "Race", "{model}");
        assert_eq!(race(model, "lock"), "Holds", "{model}");
        assert_eq!(race(model, "release"), "Holds", "{model}");
    }
    assert_eq!(race(Model::Rc11, "relaxed"), "Race");
    assert_eq!(race(Model::Lkmm, "relaxed"), "Race");
    assert_eq!(race(Model::Sc, "relaxed"), "Holds", "under sc every flag orders");
}

#[test]
fn an_object_dies_with_its_frame() {
    let use_after_return = |wait: bool| {
        explore(Model::Sc, move |setup| {
            let (frame, word) = Frame::around(|| Arc::new(Atomic::named(0u32, format_args!("msdata.state"))));
            let done = Arc::new(Completion::named(format_args!("done")));
            let entered = Arc::new(Completion::named(format_args!("entered")));
            let (word2, done2, entered2) = (word.clone(), done.clone(), entered.clone());
            setup.task("caller", 0, move |current| {
                frame.enter();
                word.store(1, Relaxed);
                entered.complete();
                if wait {
                    done.wait_for_completion(current);
                }
                frame.leave();
            });
            setup.task("callee", 1, move |current| {
                entered2.wait_for_completion(current);
                word2.load(Relaxed);
                done2.complete();
            });
        })
    };
    let report = use_after_return(false);
    assert!(report.verdict.to_string().contains("use of msdata.state outside of its life"), "{}", report.verdict);
    assert_eq!(use_after_return(true).verdict, Verdict::Holds);
}
