// SPDX-License-Identifier: GPL-2.0-only
//! Each kind of verdict on loom, and the explorer's beside it.
#![cfg(loom)]

mod loom_support;

use ksync::{Acquire, Atomic, Completion, Full, Lockup, Plain, Relaxed, Release, Scenario, Setup, Severity, Verdict};
use loom_support::{both, lock, word};
use std::sync::Arc;

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
        let half = Atomic::new(u16::MAX);
        setup.task("task", 0, move |_| {
            assert_eq!(narrow.fetch_add(1, Full), u32::MAX);
            assert_eq!(narrow.load(Relaxed), 0);
            assert!(!narrow.add_unless(1, 0, Full));
            assert_eq!(narrow.fetch_or(6, Relaxed), 0);
            assert_eq!(narrow.fetch_and(3, Relaxed), 6);
            assert!(narrow.add_unless(5, 0, Full));
            assert_eq!(narrow.cmpxchg(7, 1, Full), Ok(7));
            assert_eq!(narrow.cmpxchg(7, 2, Full), Err(1));
            assert_eq!(narrow.xchg_bits(0xff00, 0x1234, Relaxed), 0);
            assert_eq!(narrow.xchg_bits(0xf0ff, 0, Full), 0x1001);
            assert_eq!(narrow.load(Relaxed), 0x200);
            assert_eq!(half.fetch_add(2, Relaxed), u16::MAX);
            assert_eq!(half.load(Relaxed), 1);
            assert!(!signed.dec_and_test(Full));
            assert_eq!(signed.load(Relaxed), -1);
            assert_eq!(byte.fetch_add(10, Relaxed), 250);
            assert_eq!(byte.xchg(9, Acquire), 4);
        });
    };
    assert_eq!(both(&scenario), Verdict::Holds);
}

/// What a task forgets is the explorer's business; loom runs the block, and both know the CPU without being told.
#[test]
fn a_task_asks_which_cpu_it_is_on_in_a_block() {
    let scenario = |setup: &mut Setup| {
        for cpu in [3, 5] {
            setup.task(format!("T{cpu}"), cpu, move |_| assert_eq!(ksync::distil(ksync::smp_processor_id), cpu));
        }
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
