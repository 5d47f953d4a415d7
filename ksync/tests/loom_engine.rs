// SPDX-License-Identifier: GPL-2.0-only
//! The loom engine: what it says about small scenarios, and how many executions that takes.
#![cfg(loom)]

use ksync::second::{Touch, check, check_touching};
use ksync::*;
use std::sync::Arc;

fn options() -> Options {
    Options::new(Model::Rc11)
}

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

fn multi_cpu_stop(cpus: u32, last: u32, wmb: bool) -> Box<Scenario> {
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
                if curstate == last {
                    break;
                }
            }
        });
    })
}

#[test]
fn zz_probe() {
    for (name, s) in [
        ("bug", migrate_swap(false)),
        ("fix", migrate_swap(true)),
        ("mcs2/4", multi_cpu_stop(2, 4, true)),
        ("mcs2/4-", multi_cpu_stop(2, 4, false)),
        ("mcs3/2", multi_cpu_stop(3, 2, true)),
        ("mcs3/2-", multi_cpu_stop(3, 2, false)),
        ("mcs3/3-", multi_cpu_stop(3, 3, false)),
    ] {
        for touch in [Touch::Nothing, Touch::Everything] {
            let mut o = options();
            o.max_states = 100_000;
            let r = check_touching(touch, &*s, &o);
            println!(
                "{name} {touch:?}: {} | {} ex, {} steps, depth {}, {:.3}s",
                r.verdict, r.executions, r.steps, r.depth, r.seconds
            );
            if let Some(t) = r.trace {
                for s in t.steps.iter().take(20) {
                    println!("   {} CPU{} {}: {}  {:?} {}", s.task, s.cpu, s.place, s.action, s.holds, s.irqs_off);
                }
            }
        }
    }
    let _ = check;
}
