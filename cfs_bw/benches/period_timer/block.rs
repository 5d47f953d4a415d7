// SPDX-License-Identifier: GPL-2.0-only
//! One block: so many periods, on a machine of its own.
#![allow(clippy::disallowed_types, reason = "the clock and the flags are the benchmark's own")]

use cfs_bw::fair::run_a_while;
use cfs_bw::kernel::Kernel;
use cfs_bw::machine::{Ctx, Machine, Tunables};
use cfs_bw::period_timer::sched_cfs_period_timer;
use ksync::Current;
use spin_time::{Block, Stage, Windows, clock, spin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

/// CPUs of the group, all of them with a task that never sleeps.
const CPUS: u32 = 8;
/// What a refill brings, in ns; a hidden pool is distributed 1 ns at a time.
const QUOTA: u64 = 2_000;
/// Nanoseconds of the machine's own clock, which a call moves on by one period.
const PERIOD: u64 = 100_000;
/// The handler's CPU, which is none of the group's.
const TIMER_CPU: u32 = 50;
/// Periods of a block.
const PERIODS: u64 = 600;
/// Steps between two calls: enough for the consumers to throttle everywhere.
const BETWEEN: u64 = 30_000;

/// The windows of the timer's CPU, and how often a distribution came to a runqueue in each call.
pub(crate) fn calls(stage: &Stage, kernel: Kernel) -> Block {
    let cpus: Vec<u32> = (1..=CPUS).collect();
    // A slice beyond the quota, as 5 ms is beyond a quota of 1 ms: who asks first takes what there is.
    let mut machine = Machine::new(&cpus, kernel, Tunables { slice: 2 * QUOTA, ..Tunables::KERNEL });
    let tg = machine.new_group(None, (QUOTA, PERIOD));
    let (time, visits) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (now, visited) = (time.clone(), visits.clone());
    machine.set_clock(move || now.load(Ordering::Relaxed));
    machine.on_visit(move |_| {
        visited.fetch_add(1, Ordering::Relaxed);
    });
    machine.cfs_rqs(tg).for_each(|cfs_rq| machine.start_throttled(cfs_rq, 0));
    let (ready, over) = (Barrier::new(2), AtomicBool::new(false));
    let periods = stage.rounds(PERIODS);
    let (windows, took) = std::thread::scope(|scope| {
        scope.spawn(|| {
            stage.enter(1);
            let contexts: Vec<Current> = cpus.iter().map(|&cpu| Current::outside("busy", cpu)).collect();
            ready.wait();
            while !over.load(Ordering::Relaxed) {
                for (cfs_rq, current) in machine.cfs_rqs(tg).zip(&contexts) {
                    let ctx = Ctx { machine: &machine, current };
                    run_a_while(&ctx, cfs_rq, |remaining| remaining.max(1) as u64);
                }
            }
        });
        let timer = scope.spawn(|| {
            stage.enter(0);
            let current = Current::outside("timer", TIMER_CPU);
            let ctx = &Ctx { machine: &machine, current: &current };
            ready.wait();
            let (mut windows, start) = (Windows::default(), clock::now());
            for _ in 0..periods {
                time.fetch_add(PERIOD, Ordering::Relaxed);
                windows.around(|| {
                    let flags = current.local_irq_save();
                    sched_cfs_period_timer(ctx, tg);
                    current.local_irq_restore(flags);
                });
                spin(BETWEEN);
            }
            let took = clock::ns(clock::now() - start);
            over.store(true, Ordering::Relaxed);
            (windows, took)
        });
        timer.join().expect("the timer does not panic")
    });
    let visits = visits.load(Ordering::Relaxed) as f64 / periods as f64;
    windows.into_block(Block::default().with("visits", visits), took)
}
