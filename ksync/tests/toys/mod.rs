// SPDX-License-Identifier: GPL-2.0-only
//! The named toys: the smallest models of two incidents. Tests and the explorer's benchmark share them.

use ksync::{Atomic, Full, Relaxed, Scenario, Setup, SpinLock, smp_wmb};
use std::sync::Arc;

/// `migrate_swap()` against `active_balance()`: a waker that spins under both stopper locks, or behind them.
pub(crate) fn migrate_swap(fixed: bool) -> Box<Scenario> {
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

/// `multi_cpu_stop()` without its function: `cpus` tasks step through four states together. A task that acks the
/// count of an earlier state brings it below zero.
pub(crate) fn multi_cpu_stop(cpus: u32, wmb: bool) -> Box<Scenario> {
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
