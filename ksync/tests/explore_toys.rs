// SPDX-License-Identifier: GPL-2.0-only
//! The named toys: the smallest models of two incidents, with their state counts.
#![cfg(loom)]

use ksync::explore::check;
use ksync::{Atomic, Full, Model, Options, Relaxed, Scenario, Setup, SpinLock, Verdict, smp_wmb};
use std::sync::Arc;

/// `migrate_swap()` against `active_balance()`: a waker that spins under both stopper locks, or behind them.
fn migrate_swap(fixed: bool) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let on_cpu = Arc::new(Atomic::named(1u32, format_args!("migration/1.on_cpu")));
        let lock1 = Arc::new(SpinLock::named(format_args!("stopper1.lock")));
        let lock26 = Arc::new(SpinLock::named(format_args!("stopper26.lock")));
        let (waker_lock26, waker_on_cpu) = (lock26.clone(), on_cpu.clone());
        setup.task("custom_exporter", 26, move |current| {
            let first = lock1.lock_irqsave(current);
            let second = waker_lock26.lock_nested(&first);
            if !fixed {
                waker_on_cpu.cond_load(Relaxed, |on_cpu| on_cpu == 0);
            }
            second.unlock();
            first.unlock();
            if fixed {
                waker_on_cpu.cond_load(Relaxed, |on_cpu| on_cpu == 0);
            }
        });
        setup.task("migration/1", 1, move |current| {
            lock26.lock_irqsave(current).unlock();
            on_cpu.store(0, Relaxed);
        });
    })
}

/// `multi_cpu_stop()` without its function: `cpus` tasks step through four states together.
fn multi_cpu_stop(cpus: u32, wmb: bool) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let state = Arc::new(Atomic::named(1u32, format_args!("msdata.state")));
        let thread_ack = Arc::new(Atomic::named(cpus, format_args!("msdata.thread_ack")));
        setup.identical_tasks("migration", 0, cpus, move |_| {
            let mut curstate = 0;
            loop {
                curstate = state.cond_load(Relaxed, move |new| new != curstate);
                if thread_ack.dec_and_test(Full) {
                    thread_ack.store(cpus, Relaxed);
                    if wmb {
                        smp_wmb();
                    }
                    state.store(curstate + 1, Relaxed);
                }
                if curstate == 4 {
                    break;
                }
            }
        });
    })
}

#[test]
fn migrate_swap_locks_up_and_the_fix_holds() {
    let report = check(&*migrate_swap(false), &Options::new(Model::Sc));
    println!("{} {} states {:?}", report.verdict, report.states, report.trace);
    assert_eq!(report.verdict.kind(), "Lockup");
    let report = check(&*migrate_swap(true), &Options::new(Model::Sc));
    println!("{} {} states", report.verdict, report.states);
    assert_eq!(report.verdict, Verdict::Holds);
}

#[test]
fn multi_cpu_stop_ends() {
    for (model, most) in [(Model::Sc, 5), (Model::Rc11, 3)] {
        for cpus in 2..=most {
            let report = check(&*multi_cpu_stop(cpus, true), &Options::new(model));
            println!(
                "{model} {cpus} {} {} states {:.3}s {} steps",
                report.verdict, report.states, report.seconds, report.steps
            );
            assert_eq!(report.verdict, Verdict::Holds);
        }
    }
}
