// SPDX-License-Identifier: GPL-2.0-only
//! The facade on real threads: locks exclude, completions hand over, sleepers wake, and a run ends whatever happens.
#![cfg(not(loom))]

use ksync::{Acquire, Atomic, Completion, Full, Plain, Relaxed, Release, Setup, Sleeper, SpinLock, run_threads};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const ROUNDS: u32 = 2000;

/// Runs a scenario that must panic, and gives what it says.
fn panic_of(scenario: impl Fn(&mut Setup) + Send + Sync + 'static) -> String {
    let payload = catch_unwind(AssertUnwindSafe(|| run_threads(&scenario))).expect_err("the scenario panics");
    payload.downcast_ref::<&str>().expect("a text").to_string()
}

#[test]
fn spin_lock_excludes() {
    run_threads(&|setup: &mut Setup| {
        let lock = Arc::new((SpinLock::named(format_args!("lock")), Plain::new(0u32)));
        for cpu in 0..3 {
            let lock = lock.clone();
            setup.task(format!("adder/{cpu}"), cpu, move |current| {
                for round in 0..ROUNDS {
                    // All forms of the lock, one after the other.
                    let guard = match round % 4 {
                        0 => lock.0.lock(current),
                        1 => lock.0.lock_irq(current),
                        2 => lock.0.lock_irqsave(current),
                        _ => loop {
                            if let Some(guard) = lock.0.try_lock(current) {
                                break guard;
                            }
                            std::hint::spin_loop();
                        },
                    };
                    assert!(lock.0.is_locked() && current.preempt_count() == 1);
                    lock.1.set(lock.1.get() + 1);
                    guard.unlock();
                    assert!(current.preempt_count() == 0 && !current.irqs_disabled());
                }
            });
        }
        setup.finally(move |_| assert_eq!(lock.1.get(), 3 * ROUNDS));
    });
}

#[test]
fn a_dropped_guard_unlocks_once() {
    run_threads(&|setup: &mut Setup| {
        let lock = Arc::new(SpinLock::named(format_args!("lock")));
        setup.task("dropper", 0, move |current| {
            let outer = current.local_irq_save();
            drop(lock.lock_irqsave(current));
            assert!(!lock.is_locked() && current.preempt_count() == 0, "released");
            assert!(current.irqs_disabled(), "interrupts stay as they were found");
            current.local_irq_restore(outer);
            assert!(!current.irqs_disabled());
        });
    });
}

#[test]
fn nested_locks_exclude_in_either_place() {
    run_threads(&|setup: &mut Setup| {
        let locks = Arc::new([SpinLock::named(format_args!("first")), SpinLock::named(format_args!("second"))]);
        let sum = Arc::new(Plain::new(0u32));
        for cpu in 0..2 {
            let (locks, sum) = (locks.clone(), sum.clone());
            setup.task(format!("nester/{cpu}"), cpu, move |current| {
                for _ in 0..ROUNDS {
                    let outer = locks[0].lock(current);
                    let inner = locks[1].lock_nested(&outer);
                    sum.set(sum.get() + 1);
                    // C's order: the first may go first.
                    outer.unlock();
                    assert_eq!(current.preempt_count(), 1);
                    inner.unlock();
                }
            });
        }
        setup.finally(move |_| assert_eq!(sum.get(), 2 * ROUNDS));
    });
}

#[test]
fn completion_hands_over_data() {
    run_threads(&|setup: &mut Setup| {
        let turns: Arc<[(Completion, Plain<u32>)]> =
            (0..2).map(|n| (Completion::named(format_args!("turn{n}")), Plain::new(0))).collect();
        for me in 0..2usize {
            let turns = turns.clone();
            setup.task(format!("player/{me}"), me as u32, move |current| {
                for round in 1..=ROUNDS / 4 {
                    if me == 1 {
                        turns[0].0.wait_for_completion(current);
                        assert_eq!(turns[0].1.get(), round);
                    }
                    turns[me].1.set(round);
                    turns[me].0.complete();
                    if me == 0 {
                        turns[1].0.wait_for_completion(current);
                        assert_eq!(turns[1].1.get(), round);
                    }
                }
            });
        }
        setup.finally(move |_| assert!(turns.iter().all(|turn| !turn.0.completion_done())));
    });
}

#[test]
fn a_kick_wakes_whatever_its_moment() {
    run_threads(&|setup: &mut Setup| {
        let bell = Arc::new((Sleeper::new(), Atomic::new(0u32), Atomic::new(0u32)));
        let ringer = bell.clone();
        setup.task("sleeper", 0, move |current| {
            for round in 1..=ROUNDS {
                bell.0.sleep_until::<u32, u32>(current, &bell.1, move |rung| rung >= round, None);
                bell.2.store(round, Release);
            }
        });
        setup.task("ringer", 1, move |_| {
            for round in 1..=ROUNDS {
                ringer.1.store(round, Relaxed);
                ringer.0.kick();
                // Every other time the sleeper has not even begun to sleep again.
                if round % 2 == 0 {
                    ringer.2.cond_load(Acquire, move |heard| heard >= round - 1);
                }
            }
        });
    });
}

#[test]
fn daemons_end_when_the_rest_is_done() {
    let served = Arc::new(Atomic::new(0u32));
    let outside = served.clone();
    run_threads(&move |setup: &mut Setup| {
        let bell = Arc::new((Sleeper::new(), Atomic::new(0u32)));
        for cpu in 0..2 {
            let (bell, served) = (bell.clone(), outside.clone());
            setup
                .task(format!("daemon/{cpu}"), cpu, move |current| {
                    loop {
                        bell.0.sleep_until::<u32, u32>(current, &bell.1, |asked| asked != 0, None);
                        // What was asked for before the end is served, also after it.
                        if bell.1.xchg(0, Full) != 0 {
                            served.inc();
                        }
                    }
                })
                .daemon();
        }
        setup.task("client", 2, move |_| {
            bell.1.store(1, Release);
            bell.0.kick();
        });
    });
    assert_eq!(served.load(Relaxed), 1);
}

#[test]
fn a_panic_of_a_task_is_passed_on() {
    let text = panic_of(|setup| {
        setup.task("well", 0, |_| {});
        setup.task("ill", 1, |_| panic!("ill"));
        setup.finally(|_| panic!("there is no end to check"));
    });
    assert_eq!(text, "ill");
}

#[test]
fn a_panic_of_the_final_check_is_passed_on() {
    let text = panic_of(|setup| setup.finally(|_| panic!("wrong")));
    assert_eq!(text, "wrong");
}

/// The client waits for a daemon that is gone: the run must end all the same, and say why.
#[test]
fn a_panic_of_a_daemon_ends_those_who_wait_for_it() {
    let text = panic_of(|setup| {
        let done = Arc::new(Completion::named(format_args!("done")));
        setup.task("daemon", 0, |_| panic!("out of service")).daemon();
        setup.task("client", 1, move |current| done.wait_for_completion(current));
    });
    assert_eq!(text, "out of service");
}

/// A spinning waiter cannot be ended, so it is left behind.
#[test]
fn a_panic_does_not_wait_for_those_who_spin() {
    let flag = Arc::new(Atomic::new(false));
    let spinner = flag.clone();
    let text = panic_of(move |setup| {
        let flag = spinner.clone();
        setup.task("spinner", 0, move |_| {
            flag.cond_load(Relaxed, |set| set);
        });
        setup.task("setter", 1, |_| panic!("never set"));
    });
    assert_eq!(text, "never set");
    flag.store(true, Relaxed);
}

#[test]
fn a_thread_is_called_as_its_task() {
    run_threads(&|setup: &mut Setup| {
        setup.task("migration/1", 1, |current| {
            assert_eq!(std::thread::current().name(), Some(current.name()));
        });
    });
}
