// SPDX-License-Identifier: GPL-2.0-only
//! The loom engine: lockups with names, and no verdict that was not earned.
#![cfg(loom)]

use ksync::second::check;
use ksync::{
    Acquire, Atomic, Completion, Full, Lockup, Model, Options, Plain, Relaxed, Release, Report, Scenario, Setup,
    Severity, SpinLock, Verdict, Weaken, Weakness, explore,
};
use std::sync::Arc;

fn options() -> Options {
    Options::new(Model::Rc11)
}

fn loom(scenario: &Scenario) -> Report {
    ksync::register_sources(&[("ksync/tests/loom_engine.rs", include_str!("loom_engine.rs"))]);
    check(scenario, &options())
}

/// The verdict of loom, after that of the explorer was found to be of the same kind.
fn both(scenario: &Scenario) -> Verdict {
    let verdict = loom(scenario).verdict;
    let exact = explore::check(scenario, &options()).verdict;
    assert_eq!(verdict.kind(), exact.kind(), "loom: {verdict}; explorer: {exact}");
    verdict
}

fn word(name: &str) -> Arc<Atomic<u32>> {
    Arc::new(Atomic::named(0, format_args!("{name}")))
}

fn lock(name: &str) -> Arc<SpinLock> {
    Arc::new(SpinLock::named(format_args!("{name}")))
}

/// `migrate_swap()` against `active_balance()`: a waker that spins under both stopper locks, or behind them.
fn migrate_swap(fixed: bool) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let on_cpu = Arc::new(Atomic::named(1u32, format_args!("migration/1.on_cpu")));
        let (lock1, lock26) = (lock("stopper1.lock"), lock("stopper26.lock"));
        let (waker_lock26, waker_on_cpu) = (lock26.clone(), on_cpu.clone());
        setup.task("custom_exporter", 26, move |current| {
            let first = lock1.lock_irqsave(current);
            let second = waker_lock26.lock_nested(&first);
            if !fixed {
                waker_on_cpu.cond_load(Acquire, |on_cpu| on_cpu == 0);
            }
            second.unlock();
            first.unlock();
            if fixed {
                waker_on_cpu.cond_load(Acquire, |on_cpu| on_cpu == 0);
            }
        });
        setup.task("migration/1", 1, move |current| {
            lock26.lock_irqsave(current).unlock();
            on_cpu.store(0, Release);
        });
    })
}

#[test]
fn migrate_swap_locks_up_in_the_first_execution() {
    let report = loom(&*migrate_swap(false));
    expect_test::expect![
        "Lockup (hard; custom_exporter on CPU26 spins on migration/1.on_cpu in migrate_swap(), \
         which migration/1 on CPU1 writes in migrate_swap(); \
         migration/1 on CPU1 waits for stopper26.lock in migrate_swap(), \
         held by custom_exporter on CPU26 since migrate_swap())"
    ]
    .assert_eq(&report.verdict.to_string());
    let Verdict::Lockup(lockup) = report.verdict else { unreachable!("it was printed as one") };
    assert_eq!((report.executions, lockup.cycle, lockup.waits.len()), (1, 2, 2));
    let trace = report.trace.expect("a failure has a trace");
    let told: Vec<String> = trace.steps.iter().map(|step| format!("{}: {}", step.task, step.action)).collect();
    expect_test::expect![[r"
        custom_exporter: interrupts off
        custom_exporter: preempt_disable()
        custom_exporter: lock stopper1.lock
        custom_exporter: lock stopper26.lock
        migration/1: interrupts off
        migration/1: preempt_disable()
        custom_exporter: wait for migration/1.on_cpu
        migration/1: wait for stopper26.lock"]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn migrate_swap_holds_with_the_fix() {
    let report = loom(&*migrate_swap(true));
    assert_eq!((report.verdict, report.executions, report.exhausted), (Verdict::Holds, 13, true));
}

/// A failed model is torn down in the middle; nothing of it may reach the next one.
#[test]
fn models_that_fail_and_models_that_hold_do_not_disturb_each_other() {
    for _ in 0..50 {
        assert_eq!(loom(&*migrate_swap(false)).executions, 1);
        assert_eq!(loom(&*migrate_swap(true)).executions, 13);
    }
}

#[test]
fn a_bound_that_is_hit_proves_nothing() {
    let bounded = |max_states| {
        let report = check(&*migrate_swap(true), &Options { max_states, ..options() });
        assert_eq!(report.exhausted, report.verdict == Verdict::Holds);
        (report.verdict.kind(), report.executions)
    };
    assert_eq!(bounded(12), ("Unknown", 12));
    assert_eq!(bounded(13), ("Holds", 13));
}

#[test]
fn an_endless_loop_is_unknown_and_no_lockup() {
    let verdict = loom(&|setup: &mut Setup| {
        let flag = word("flag");
        setup.task("reader", 0, move |_| while flag.load(Relaxed) == 0 {});
    })
    .verdict;
    assert_eq!(verdict, Verdict::Unknown { bound: "max_branches 10000".to_owned() });
}

#[test]
fn what_loom_cannot_carry_is_unknown() {
    let kind = |scenario: &Scenario| loom(scenario).verdict.kind();
    assert_eq!(kind(&|setup: &mut Setup| setup.identical_tasks("task", 0, 5, |_| {})), "Unknown");
    assert_eq!(kind(&|setup: &mut Setup| setup.identical_tasks("task", 0, 4, |_| {})), "Holds");
    let irq = |setup: &mut Setup| {
        setup.irq("timer", 0, |_| {});
    };
    assert_eq!(kind(&irq), "Unknown");
    let choice = |setup: &mut Setup| {
        setup.task("task", 0, |_| assert!(ksync::nondet(2) < 2));
    };
    assert_eq!(kind(&choice), "Unknown");
    let moves = |setup: &mut Setup| {
        setup.task("task", 0, |current| current.set_cpus_allowed(&[0])).migrates();
    };
    assert_eq!(kind(&moves), "Unknown");
}

#[test]
fn two_locks_in_opposite_order_lock_up_while_others_run() {
    let verdict = both(&|setup: &mut Setup| {
        let (a, b, count) = (lock("a"), lock("b"), word("count"));
        let (a1, b1) = (a.clone(), b.clone());
        setup.task("ab", 0, move |current| {
            let outer = a.lock(current);
            b.lock_nested(&outer).unlock();
            outer.unlock();
        });
        setup.task("ba", 1, move |current| {
            let outer = b1.lock(current);
            a1.lock_nested(&outer).unlock();
            outer.unlock();
        });
        setup.task("counter", 2, move |_| count.inc());
    });
    let Verdict::Lockup(Lockup { severity, cycle, .. }) = verdict else { panic!("{verdict}") };
    assert_eq!((severity, cycle), (Severity::Soft, 2));
}

/// Two tasks write a plain word, under a lock or not.
fn two_writers(locked: bool) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let (sum, guard) = (Arc::new(Plain::named(0u32, format_args!("sum"))), lock("lock"));
        let total = sum.clone();
        setup.identical_tasks("adder", 0, 2, move |current| {
            let guard = locked.then(|| guard.lock(current));
            sum.set(sum.get() + 1);
            drop(guard);
        });
        setup.finally(move |_| assert_eq!(total.get(), 2));
    })
}

#[test]
fn a_race_on_a_plain_word_is_found_and_a_lock_prevents_it() {
    assert_eq!(both(&*two_writers(false)), Verdict::Race { word: "sum".to_owned() });
    assert_eq!(both(&*two_writers(true)), Verdict::Holds);
}

/// A sleeper looks for work before it marks itself asleep, or after.
fn sleeper(looks_last: bool, worker_wakes: bool) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let (work, asleep) = (word("work"), word("asleep"));
        let (new_work, waker_asleep) = (work.clone(), asleep.clone());
        let parking = Arc::new(ksync::Sleeper::new());
        setup.task("sleeper", 0, move |current| {
            let looked = work.load(Relaxed);
            asleep.xchg(1, Full);
            let found = if looks_last { work.load(Relaxed) } else { looked };
            if found == 0 {
                parking.sleep_until(
                    current,
                    &asleep,
                    |asleep| asleep == 0,
                    Some(ksync::Wants::atomic(&work, |work: u32| work != 0)),
                );
            }
        });
        setup.task("worker", 1, move |_| {
            if worker_wakes {
                new_work.xchg(1, Full);
                if waker_asleep.load(Relaxed) == 1 {
                    waker_asleep.store(0, Relaxed);
                }
            }
        });
    })
}

#[test]
fn a_lost_wakeup_is_told_from_a_lockup() {
    assert_eq!(both(&*sleeper(true, true)), Verdict::Holds);
    assert_eq!(both(&*sleeper(false, true)).kind(), "LostWakeup");
    let verdict = both(&*sleeper(true, false));
    let Verdict::Lockup(Lockup { severity, .. }) = verdict else { panic!("{verdict}") };
    assert_eq!(severity, Severity::Sleep);
}

#[test]
fn a_daemon_may_sleep_at_the_end() {
    let scenario = |setup: &mut Setup| {
        let (works, done) = (word("works"), Arc::new(Completion::named(format_args!("done"))));
        let (queued, finished) = (works.clone(), done.clone());
        let parking = ksync::Sleeper::new();
        let migration = setup.task("migration/0", 0, move |current| {
            loop {
                parking.sleep_until::<u32, u32>(current, &works, |works| works != 0, None);
                works.dec();
                finished.complete();
            }
        });
        migration.daemon();
        setup.task("caller", 1, move |current| {
            queued.inc();
            done.wait_for_completion(current);
        });
    };
    assert_eq!(both(&scenario), Verdict::Holds);
}

/// Nobody joins the tasks, so this shows that the final check knows what all of them did, in plain words too.
#[test]
fn the_final_check_sees_everything_and_may_fail() {
    let writers = |expected: u32| {
        move |setup: &mut Setup| {
            let words: Vec<Arc<Plain<u32>>> = (0..3).map(|_| Arc::new(Plain::new(0))).collect();
            for (cpu, word) in (0..).zip(words.clone()) {
                setup.task(format!("writer/{cpu}"), cpu, move |_| word.set(1));
            }
            setup.finally(move |_| assert_eq!(words.iter().map(|word| word.get()).sum::<u32>(), expected));
        }
    };
    assert_eq!(both(&writers(3)), Verdict::Holds);
    assert_eq!(both(&writers(4)).kind(), "Violated");
}

#[test]
fn a_trylock_fails_and_succeeds() {
    let tries = |bad: bool| {
        move |setup: &mut Setup| {
            let (held, tried) = (lock("lock"), word("tried"));
            let try_it = held.clone();
            setup.task("holder", 0, move |current| held.lock(current).unlock());
            setup.task("tries", 1, move |current| {
                let taken = try_it.try_lock(current).is_some();
                tried.store(u32::from(taken), Relaxed);
                assert_ne!(taken, bad, "the outcome to be found");
            });
        }
    };
    assert_eq!(both(&tries(false)).kind(), "Violated");
    assert_eq!(both(&tries(true)).kind(), "Violated");
}

#[test]
fn a_use_after_the_end_of_a_frame_is_found() {
    let scenario = |waits: bool| {
        move |setup: &mut Setup| {
            let (frame, done) = ksync::Frame::around(|| word("done"));
            let (seen, ready) = (done.clone(), word("ready"));
            let called = ready.clone();
            setup.task("caller", 0, move |_| {
                frame.enter();
                called.store(1, Release);
                if waits {
                    seen.cond_load(Acquire, |done| done == 1);
                }
                frame.leave();
            });
            setup.task("worker", 1, move |_| {
                ready.cond_load(Acquire, |ready| ready == 1);
                done.store(1, Release);
            });
        }
    };
    assert_eq!(both(&scenario(true)), Verdict::Holds);
    let property = "use of done outside of its life".to_owned();
    assert_eq!(both(&scenario(false)), Verdict::Violated { property });
}

#[test]
fn too_many_rounds_of_bounded_work_are_unbounded() {
    let rounds = |rounds: u32| {
        move |setup: &mut Setup| {
            let retries = setup.bounded_work("retries", 3);
            setup.task("task", 0, move |_| (0..rounds).for_each(|_| retries.round()));
        }
    };
    assert_eq!(both(&rounds(3)), Verdict::Holds);
    assert_eq!(both(&rounds(4)), Verdict::Unbounded { work: "retries".to_owned(), bound: 3, pump: Vec::new() });
}

#[test]
fn arithmetic_wraps_at_the_width_of_the_word() {
    let scenario = |setup: &mut Setup| {
        let (narrow, signed, byte) = (Atomic::new(u32::MAX), Atomic::new(0i32), Atomic::new(250u8));
        setup.task("task", 0, move |_| {
            assert_eq!(narrow.fetch_add(1, Full), u32::MAX);
            assert_eq!(narrow.load(Relaxed), 0);
            assert!(!narrow.add_unless(1, 0, Full));
            assert_eq!(narrow.fetch_or(6, Relaxed), 0);
            assert_eq!(narrow.fetch_and(3, Relaxed), 6);
            assert!(narrow.add_unless(5, 0, Full));
            assert_eq!(narrow.cmpxchg(7, 1, Full), Ok(7));
            assert_eq!(narrow.cmpxchg(7, 2, Full), Err(1));
            assert!(!signed.dec_and_test(Full));
            assert_eq!(signed.load(Relaxed), -1);
            assert_eq!(byte.fetch_add(10, Relaxed), 250);
            assert_eq!(byte.xchg(9, Acquire), 4);
        });
    };
    assert_eq!(both(&scenario), Verdict::Holds);
}

/// A guard that is dropped while its task panics must not disturb what is left.
#[test]
fn an_assertion_under_a_lock_is_a_violation() {
    let scenario = |setup: &mut Setup| {
        let (a, flag) = (lock("a"), word("flag"));
        let seen = flag.clone();
        setup.task("asserts", 0, move |current| {
            let _guard = a.lock_irqsave(current);
            assert_eq!(seen.load(Relaxed), 0, "the flag is up");
        });
        setup.task("raises", 1, move |_| flag.store(1, Relaxed));
    };
    let verdict = both(&scenario);
    assert!(verdict.to_string().contains("the flag is up"), "{verdict}");
}

#[test]
#[should_panic(expected = "changes nothing")]
fn a_mutant_that_meets_nothing_proves_nothing() {
    let mutant = Weaken::new("no_such_function", Weakness::RelaxedLoad);
    check(&*migrate_swap(true), &options().weakened([mutant]));
}
