// SPDX-License-Identifier: GPL-2.0-only
//! Where stock loom 0.7.2 is wrong, each hole in a few lines, and what closes it. These are tests of the tool: one
//! that fails after an update of loom is good news. They are why the explorer decides.
#![cfg(loom)]

use ksync::second::{Touch, check_touching};
use ksync::{
    Acquire, Atomic, Full, Model, Options, Relaxed, Release, Report, Scenario, Setup, Verdict, Weaken, explore,
    smp_mb, smp_wmb,
};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

fn stock(scenario: &Scenario) -> Report {
    check_touching(Touch::Nothing, scenario, &Options::new(Model::Rc11))
}

/// As [`ksync::second::check`] does.
fn readers(scenario: &Scenario) -> Report {
    check_touching(Touch::Readers, scenario, &Options::new(Model::Rc11))
}

fn barriers(scenario: &Scenario) -> Report {
    check_touching(Touch::Barriers, scenario, &Options::new(Model::Rc11))
}

fn exact(scenario: &Scenario) -> Verdict {
    explore::check(scenario, &Options::new(Model::Rc11)).verdict
}

fn word(name: &str) -> Arc<Atomic<u32>> {
    Arc::new(Atomic::named(0, format_args!("{name}")))
}

/// `BUG_ON(READ_ONCE(flag))` against a task that looks at the flag before it sets it.
fn look_then_set(set: fn(&Atomic<u32>)) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let flag = word("flag");
        let seen = flag.clone();
        setup.task("reader", 0, move |_| assert_eq!(seen.load(Relaxed), 0, "BUG_ON"));
        setup.task("writer", 1, move |_| {
            if flag.load(Relaxed) == 0 {
                set(&flag);
            }
        });
    })
}

/// tokio-rs/loom#392: loom keeps one last access for each atomic. The writer's own read hides the reader's, so
/// its store looks ordered, and that the reader could come later is never tried.
#[test]
fn a_load_before_the_own_store_hides_an_earlier_reader() {
    let scenario = look_then_set(|flag| flag.store(1, Relaxed));
    assert_eq!(exact(&*scenario).kind(), "Violated");
    let report = stock(&*scenario);
    assert_eq!((report.verdict, report.executions), (Verdict::Holds, 1));
    assert_eq!(readers(&*scenario).verdict.kind(), "Violated");
}

/// The same with test-and-test-and-set, the shape of `bit_spin_lock()`.
#[test]
fn test_and_test_and_set_hides_an_earlier_reader() {
    let scenario = look_then_set(|flag| {
        let _ = flag.cmpxchg(0, 1, Acquire);
    });
    assert_eq!(exact(&*scenario).kind(), "Violated");
    assert_eq!(stock(&*scenario).verdict, Verdict::Holds);
    assert_eq!(readers(&*scenario).verdict.kind(), "Violated");
}

/// Without the look before it, the store is seen.
#[test]
fn a_store_alone_is_found() {
    let scenario: Box<Scenario> = Box::new(|setup: &mut Setup| {
        let flag = word("flag");
        let seen = flag.clone();
        setup.task("reader", 0, move |_| assert_eq!(seen.load(Relaxed), 0, "BUG_ON"));
        setup.task("writer", 1, move |_| flag.store(1, Relaxed));
    });
    assert_eq!(stock(&*scenario).verdict.kind(), "Violated");
}

/// tokio-rs/loom#282: a store that races a read-modify-write. If the add found 0, the store comes after it, so the
/// word ends as 1. loom does not keep the two halves of the add together, and also shows a 10 at the end.
#[test]
fn a_store_falls_between_the_halves_of_an_add() {
    let ends: Arc<Mutex<BTreeSet<(u32, u32)>>> = Arc::default();
    let all = ends.clone();
    let scenario: Box<Scenario> = Box::new(move |setup: &mut Setup| {
        let (count, found, all) = (word("count"), word("found"), all.clone());
        let (added, stored, noted) = (count.clone(), count.clone(), found.clone());
        setup.task("add", 0, move |_| noted.store(added.fetch_add(10, Relaxed), Relaxed));
        setup.task("store", 1, move |_| stored.store(1, Relaxed));
        setup.finally(move |_| {
            all.lock().insert((found.load(Relaxed), count.load(Relaxed)));
        });
    });
    assert_eq!(exact(&*scenario), Verdict::Holds);
    assert_eq!(*ends.lock(), BTreeSet::from([(0, 1), (1, 11)]));
    assert_eq!(barriers(&*scenario).verdict, Verdict::Holds);
    assert_eq!(*ends.lock(), BTreeSet::from([(0, 1), (0, 10), (1, 11)]), "touching adds schedules, not atomicity");
}

/// A fence is no scheduling point. Both observers see a store of the writer, then pass a full barrier; if the
/// second's barrier comes first, it may still miss the store that the first one saw. Their accesses are all reads,
/// so loom never tries the other order of the barriers.
#[test]
fn the_order_of_two_full_barriers_is_not_explored() {
    let scenario: Box<Scenario> = Box::new(|setup: &mut Setup| {
        let (x, y, saw_x) = (word("x"), word("y"), word("saw_x"));
        let (x0, y0, x1, saw) = (x.clone(), y.clone(), x.clone(), saw_x.clone());
        let missed = word("missed");
        let missed_x = missed.clone();
        setup.task("writer", 0, move |_| {
            x0.store(1, Relaxed);
            y0.store(1, Relaxed);
        });
        setup.task("first", 1, move |_| {
            let x = x1.load(Relaxed);
            smp_mb();
            saw.store(x, Relaxed);
        });
        setup.task("second", 2, move |_| {
            let y = y.load(Relaxed);
            smp_mb();
            missed_x.store(u32::from(y == 1 && x.load(Relaxed) == 0), Relaxed);
        });
        setup.finally(move |_| {
            assert!(saw_x.load(Relaxed) == 0 || missed.load(Relaxed) == 0, "barriers the other way");
        });
    });
    assert_eq!(exact(&*scenario).kind(), "Violated");
    let report = stock(&*scenario);
    assert_eq!((report.verdict, report.executions), (Verdict::Holds, 36));
    assert_eq!(readers(&*scenario).verdict, Verdict::Holds);
    assert_eq!(barriers(&*scenario).verdict.kind(), "Violated");
}

/// How `multi_cpu_stop()` below sets the next state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SetState {
    /// The count, `smp_wmb()`, the state.
    Right,
    /// The count, the state.
    NoWmb,
    /// The state, then the count: wrong in any order of memory.
    StateFirst,
}

/// `multi_cpu_stop()` without its function, for two CPUs. The last acker knows the state that it sets, or reads the
/// old one again.
fn multi_cpu_stop(set_state: SetState, reads_again: bool) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let state = Arc::new(Atomic::named(1u32, format_args!("msdata.state")));
        let thread_ack = Arc::new(Atomic::named(2u32, format_args!("msdata.thread_ack")));
        setup.identical_tasks("migration", 0, 2, move |_| {
            let mut curstate = 0;
            while curstate != 4 {
                curstate = state.cond_load(Relaxed, move |new| new != curstate);
                if thread_ack.dec_and_test(Full) {
                    let next = if reads_again { state.load(Relaxed) } else { curstate } + 1;
                    if set_state == SetState::StateFirst {
                        state.store(next, Relaxed);
                        thread_ack.store(2, Relaxed);
                        continue;
                    }
                    thread_ack.store(2, Relaxed);
                    if set_state == SetState::Right {
                        smp_wmb();
                    }
                    state.store(next, Relaxed);
                }
            }
        });
    })
}

/// Without `smp_wmb()` the new state can be seen before the new count. loom cannot show it: a read-modify-write
/// there always reads the store that was executed last, and stores are executed in program order.
#[test]
fn multi_cpu_stop_passes_without_its_barrier() {
    assert_eq!(exact(&*multi_cpu_stop(SetState::Right, false)), Verdict::Holds);
    assert_ne!(exact(&*multi_cpu_stop(SetState::NoWmb, false)), Verdict::Holds);
    for set_state in [SetState::Right, SetState::NoWmb] {
        let scenario = multi_cpu_stop(set_state, false);
        let executions = [stock, readers, barriers].map(|check| {
            let report = check(&*scenario);
            assert_eq!(report.verdict, Verdict::Holds);
            report.executions
        });
        assert_eq!(executions, [87, 249, 10_746]);
    }
}

/// tokio-rs/loom#392 once more, and why the ports need [`Touch::Readers`]: the last acker's read before its own store
/// hides the other CPU's await, and a lockup that needs no weak memory is lost.
#[test]
fn reading_the_state_again_hides_who_waits_for_it() {
    let (knows, reads) = (multi_cpu_stop(SetState::StateFirst, false), multi_cpu_stop(SetState::StateFirst, true));
    assert_eq!(exact(&*reads).kind(), "Lockup");
    assert_eq!(stock(&*knows).verdict.kind(), "Lockup");
    let report = stock(&*reads);
    assert_eq!((report.verdict, report.executions), (Verdict::Holds, 3));
    assert_eq!(readers(&*reads).verdict.kind(), "Lockup");
    assert_eq!(readers(&*multi_cpu_stop(SetState::Right, true)).executions, 249);
}

/// A consumer that waits for a flag, and has read the data before.
fn wait_for_flag() -> Box<Scenario> {
    Box::new(|setup: &mut Setup| {
        let (data, flag) = (word("data"), word("flag"));
        let (seen_data, seen_flag) = (data.clone(), flag.clone());
        setup.task("producer", 0, move |_| {
            data.store(1, Relaxed);
            flag.store(1, Release);
        });
        setup.task("consumer", 1, move |_| {
            seen_data.load(Relaxed);
            seen_flag.cond_load(Acquire, |flag| flag == 1);
            assert_eq!(seen_data.load(Relaxed), 1, "stale data");
        });
    })
}

/// Not a hole any more: a wait by `yield_now()`, `park()` or a condition variable of loom hides a missing acquire,
/// because loom then forgets the stale values. An await that blocks without synchronizing does not.
#[test]
fn an_await_does_not_hide_a_missing_acquire() {
    assert_eq!(stock(&*wait_for_flag()).verdict, Verdict::Holds);
    ksync::register_sources(&[("ksync/tests/loom_holes.rs", include_str!("loom_holes.rs"))]);
    let relaxed = Weaken::new("wait_for_flag", ksync::Weakness::RelaxedLoad);
    let options = Options::new(Model::Rc11).weakened([relaxed]);
    let report = check_touching(Touch::Nothing, &*wait_for_flag(), &options);
    let Verdict::Violated { property } = report.verdict else { panic!("{}", report.verdict) };
    assert!(property.contains("stale data"), "{property}");
}

/// Not a hole any more: a spin lock of a `yield_now()` loop ends in a false "maximum number of branches" from three
/// threads on. Awaits end.
#[test]
fn three_spinning_tasks_are_no_lockup() {
    let report = stock(&|setup: &mut Setup| {
        let lock = word("lock");
        setup.identical_tasks("locker", 0, 3, move |_| {
            while lock.cmpxchg(0, 1, Acquire).is_err() {
                lock.cond_load(Relaxed, |lock| lock == 0);
            }
            lock.store(0, Release);
        });
    });
    assert_eq!((report.verdict, report.executions), (Verdict::Holds, 1876));
}
