// SPDX-License-Identifier: GPL-2.0-only
//! The loom engine: lockups with names, and no verdict that was not earned.
#![cfg(loom)]

mod loom_support;

use ksync::second::check;
use ksync::{
    Acquire, Atomic, Lockup, Options, Relaxed, Release, Scenario, Setup, Severity, Verdict, Weaken, Weakness,
};
use loom_support::{both, lock, loom, options, word};
use std::sync::Arc;

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
    assert_eq!(verdict, Verdict::Unknown { bound: "branches 10000".to_owned() });
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

#[test]
#[should_panic(expected = "changes nothing")]
fn a_mutant_that_meets_nothing_proves_nothing() {
    let mutant = Weaken::new("no_such_function", Weakness::RelaxedLoad);
    check(&*migrate_swap(true), &options().weakened([mutant]));
}
