// SPDX-License-Identifier: GPL-2.0-only
//! Two threads that meet four times: in the phases of `multi_cpu_stop()`, at a barrier of the standard library, or by
//! nothing but the cache line that they need.
#![allow(clippy::disallowed_types, reason = "what the ports are compared with")]

use ksync::{Full, Id, Relaxed, Setup, run_threads, smp_wmb};
use spin_time::{Block, Stage, clock};
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use stopper::kernel;
use stopper::machine::{Ctx, Machine};
use stopper::multi_cpu_stop::multi_cpu_stop;
use stopper::multi_stop_data::{MultiStopData, MultiStopState};
use stopper::task::Birth;

/// PREPARE, DISABLE_IRQ, RUN and EXIT.
const PHASES: u32 = 4;

/// `multi_cpu_stop()` by two tasks, so many times.
pub(crate) fn port(stage: &Stage, times: u32) -> Block {
    with(stage, times, multi_cpu_stop)
}

/// The same with a `stop_machine_yield()` that gives up the CPU, where mainline's generic one only relaxes.
pub(crate) fn yielding(stage: &Stage, times: u32) -> Block {
    with(stage, times, multi_cpu_stop_yielding)
}

/// Rounds of waiting until it yields.
const PATIENCE: u32 = 64;

/// The state machine of [`multi_cpu_stop`], with another way to wait; without its function, which is counted instead.
fn multi_cpu_stop_yielding(ctx: &Ctx, data: Id<MultiStopData>) -> i32 {
    let msdata = ctx.machine.msdata(data);
    let mut curstate = MultiStopState::None;
    while curstate != MultiStopState::Exit {
        let (seen, rounds) = (curstate, Cell::new(0));
        curstate = msdata.state.cond_load_with(
            Relaxed,
            move |newstate| newstate != seen,
            || {
                rounds.set(rounds.get() + 1);
                if rounds.get() > PATIENCE {
                    std::thread::yield_now();
                }
            },
        );
        if curstate == MultiStopState::Run && ctx.current.cpu() == 0 {
            ctx.machine.func(msdata.func).call(ctx, msdata.data);
        }
        if msdata.thread_ack.dec_and_test(Full) {
            msdata.thread_ack.store(msdata.num_threads, Relaxed);
            smp_wmb();
            msdata.state.store(after(curstate), Relaxed);
        }
    }
    0
}

fn after(state: MultiStopState) -> MultiStopState {
    match state {
        MultiStopState::Prepare => MultiStopState::DisableIrq,
        MultiStopState::DisableIrq => MultiStopState::Run,
        MultiStopState::Run => MultiStopState::Exit,
        _ => MultiStopState::Done,
    }
}

fn with(stage: &Stage, times: u32, meet: fn(&Ctx, Id<MultiStopData>) -> i32) -> Block {
    let ticks = Arc::new(AtomicU64::new(0));
    let (stage, out) = (stage.clone(), ticks.clone());
    run_threads(&move |setup: &mut Setup| {
        let mut machine = Machine::new(&[0, 1], kernel::MAINLINE);
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
                    assert_eq!(meet(ctx, request), 0);
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
    let ready = Barrier::new(2);
    let run = |place: usize| {
        stage.enter(place);
        ready.wait();
        let start = clock::before();
        (0..times).for_each(|time| meet(place, time));
        clock::after() - start
    };
    let ticks = std::thread::scope(|scope| {
        scope.spawn(|| run(1));
        scope.spawn(|| run(0)).join().expect("it does not panic")
    });
    of(ticks, times)
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
