// SPDX-License-Identifier: GPL-2.0-only
//! Two threads that meet four times: in the phases of `multi_cpu_stop()`, at a barrier of the standard library, or by
//! nothing but the cache line that they need.
#![allow(clippy::disallowed_types, reason = "what the ports are compared with")]

use ksync::{Setup, run_threads};
use spin_time::{Block, Stage, clock};
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use stopper::kernel;
use stopper::machine::Machine;
use stopper::multi_cpu_stop::multi_cpu_stop;
use stopper::task::Birth;

/// PREPARE, DISABLE_IRQ, RUN and EXIT.
const PHASES: u32 = 4;

/// `multi_cpu_stop()` by two tasks, so many times.
pub(crate) fn port(stage: &Stage, times: u32) -> Block {
    with(stage, times, |_| ())
}

/// The same where the architecture's `stop_machine_yield()` gives up the CPU now and then; the generic one relaxes.
pub(crate) fn yielding(stage: &Stage, times: u32) -> Block {
    with(stage, times, |machine| machine.on_stop_machine_yield(|_| now_and_then()))
}

/// Calls of `stop_machine_yield()` for one that gives up the CPU. If each did, threads that have CPUs of their own
/// would spend the wait in system calls.
const PATIENCE: u32 = 192;

fn now_and_then() {
    thread_local! {
        static CALLS: Cell<u32> = const { Cell::new(0) };
    }
    let calls = CALLS.get() + 1;
    CALLS.set(calls % PATIENCE);
    if calls == PATIENCE {
        std::thread::yield_now();
    }
}

fn with(stage: &Stage, times: u32, architecture: fn(&mut Machine)) -> Block {
    let ticks = Arc::new(AtomicU64::new(0));
    let (stage, out) = (stage.clone(), ticks.clone());
    run_threads(&move |setup: &mut Setup| {
        let mut machine = Machine::new(&[0, 1], kernel::MAINLINE);
        architecture(&mut machine);
        let ran = Arc::new(AtomicU32::new(0));
        let count = ran.clone();
        let func = machine.stop_fn("count", move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
            0
        });
        let requests: Arc<[_]> = (0..times).map(|n| machine.msdata_for(&n.to_string(), func, None)).collect();
        let tasks = [machine.new_task("a", 0, Birth::Running), machine.new_task("b", 1, Birth::Running)];
        let (machine, ready) = (Arc::new(machine), Arc::new(Barrier::new(2)));
        for (place, task) in tasks.into_iter().enumerate() {
            let (stage, out, ready, requests) = (stage.clone(), out.clone(), ready.clone(), requests.clone());
            machine.spawn(setup, task, move |ctx| {
                stage.enter(place);
                ready.wait();
                let start = clock::before();
                for &request in &*requests {
                    assert_eq!(multi_cpu_stop(ctx, request), 0);
                }
                out.store(clock::after() - start, Ordering::Relaxed);
            });
        }
        setup.finally(move |_| assert_eq!(ran.load(Ordering::Relaxed), times, "the function runs once each time"));
    });
    of(ticks.load(Ordering::Relaxed), times)
}

/// The time of one.
fn of(ticks: u64, times: u32) -> Block {
    Block::default().with("ns", clock::ns(ticks) / f64::from(times))
}

/// Two threads run this, so many times each.
fn both(stage: &Stage, times: u32, meet: impl Fn(usize, u32) + Sync) -> Block {
    let ticks = stage.on_each_thread(|place| {
        let start = clock::before();
        (0..times).for_each(|time| meet(place, time));
        clock::after() - start
    });
    of(ticks[0], times)
}

/// Four round trips of one word, each way a compare-and-exchange.
pub(crate) fn cas(stage: &Stage, times: u32) -> Block {
    let word = AtomicU32::new(0);
    both(stage, times, |place, time| {
        for trip in 0..PHASES {
            let number = 2 * (PHASES * time + trip) + place as u32;
            while word.compare_exchange(number, number + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {}
        }
    })
}

/// Four waits at `std::sync::Barrier`.
pub(crate) fn barrier(stage: &Stage, times: u32) -> Block {
    let barrier = Barrier::new(2);
    both(stage, times, |_, _| {
        for _ in 0..PHASES {
            barrier.wait();
        }
    })
}
