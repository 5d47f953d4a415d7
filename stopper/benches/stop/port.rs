// SPDX-License-Identifier: GPL-2.0-only
//! Requests to the ported stoppers.
#![allow(clippy::disallowed_types, reason = "the results leave the run through a lock of the harness's side")]

use crate::bare::{WARM_UP, timed};
use ksync::{Relaxed, Setup, run_threads};
use spin_time::{Block, Stage, Waits, Windows, clock, spin};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use stopper::kernel::Kernel;
use stopper::list::list_empty;
use stopper::machine::{Ctx, Machine};
use stopper::queue_work::cpu_stop_queue_work;
use stopper::stopper_thread::smpboot_thread_fn;
use stopper::task::Birth;
use stopper::two_works::{cpu_stop_queue_two_works, stop_two_cpus};

/// What the caller asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// `stop_one_cpu(1)`.
    One,
    /// `cpu_stop_queue_two_works(0, 1)` with works that do nothing, and waits for both.
    TwoWorks,
    /// `stop_two_cpus(0, 1)`: both stoppers meet in `multi_cpu_stop()`.
    StopTwoCpus,
}

/// So many requests from virtual CPU 0. The stopper of each virtual CPU stands at a place of the stage.
pub(crate) fn trips(
    stage: &Stage,
    kernel: Kernel,
    trips: u32,
    request: Request,
    stoppers: [usize; 2],
) -> Result<Block, String> {
    let last = WARM_UP + trips;
    let result = Arc::new(Mutex::new(None));
    let (stage, out) = (stage.clone(), result.clone());
    run_threads(&move |setup: &mut Setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let caller = machine.new_task("caller", 0, Birth::Running);
        // Each stopper counts its own works: one word for both would add a locked instruction to each trip.
        let ran = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let counts = ran.clone();
        let func = machine.stop_fn("count", move |ctx, _| {
            let count = &counts[ctx.current.cpu() as usize];
            count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            0
        });
        // The functions run on the stoppers; their works and the count stand for the stack of each call.
        let calls = if request == Request::StopTwoCpus { last } else { 0 };
        let calls: Vec<_> = (0..calls).map(|n| machine.stop_two_cpus_call(&n.to_string(), 0, func, 0)).collect();
        let works = [machine.work_for("work0", func, 0), machine.work_for("work1", func, 1)];
        let done = machine.done_for("done", 0);
        let machine = Arc::new(machine);
        spawn_stoppers(&machine, setup, &stage, stoppers);
        let (stage, out) = (stage.clone(), out.clone());
        let runs = if request == Request::TwoWorks { 2 * last } else { last };
        machine.spawn(setup, caller, move |ctx| {
            stage.enter(0);
            let timed = timed(last, |number| match request {
                Request::StopTwoCpus => {
                    assert_eq!(stop_two_cpus(ctx, &calls[number as usize - 1], 0, 1), Ok(()));
                }
                Request::One => wait_for(ctx, done, &works[1..], || assert!(cpu_stop_queue_work(ctx, 1, works[1]))),
                Request::TwoWorks => wait_for(ctx, done, &works, || {
                    assert_eq!(cpu_stop_queue_two_works(ctx, 0, works[0], 1, works[1]), Ok(()));
                }),
            });
            *out.lock().expect("nobody panicked with it") = Some(timed);
        });
        setup.finally(move |_| {
            let ran: u32 = ran.iter().map(|count| count.load(Ordering::Relaxed)).sum();
            assert_eq!(ran, runs, "each work runs once");
        });
    });
    let (waits, took): (Waits, f64) = result.lock().expect("nobody panicked with it").take().ok_or("no result")?;
    Ok(waits.into_block(Block::default(), took))
}

type Work = ksync::Id<stopper::cpu_stopper::CpuStopWork>;
type Done = ksync::Id<stopper::cpu_stopper::CpuStopDone>;

/// `cpu_stop_init_done()`, the queueing, and `wait_for_completion()`.
fn wait_for(ctx: &Ctx, done: Done, works: &[Work], queue: impl FnOnce()) {
    for &work in works {
        ctx.machine.work(work).done.set(Some(done));
    }
    let done = ctx.machine.done(done);
    done.nr_todo.store(works.len() as u32, Relaxed);
    done.completion.reinit();
    queue();
    done.completion.wait_for_completion(ctx.current);
}

fn spawn_stoppers(machine: &Arc<Machine>, setup: &mut Setup, stage: &Stage, places: [usize; 2]) {
    for (cpu, place) in (0..).zip(places) {
        let stage = stage.clone();
        let thread = machine.cpu_stopper(cpu).thread;
        let body = move |ctx: &Ctx| {
            stage.enter(place);
            smpboot_thread_fn(ctx);
        };
        machine.spawn(setup, thread, body).stop_class().daemon();
    }
}

/// Virtual CPU 1 looks for work all the time, as `cpu_stop_should_run()` does: under its stopper's lock, with
/// interrupts off. Meanwhile virtual CPU 0 queues two works again and again. The windows are those of CPU 1.
///
/// The caller and both stoppers share the first place, so that the wakeups take what a wakeup takes, and nobody but
/// the lock's holder keeps CPU 1 waiting.
pub(crate) fn windows_at_the_lock(stage: &Stage, kernel: Kernel, trips: u32) -> Result<Block, String> {
    let result = Arc::new(Mutex::new(None));
    let (stage, out) = (stage.clone(), result.clone());
    run_threads(&move |setup: &mut Setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let caller = machine.new_task("caller", 0, Birth::Running);
        let looker = machine.new_task("looker", 1, Birth::Running);
        let func = machine.stop_fn("nothing", |_, _| 0);
        let works = [machine.work_for("work0", func, 0), machine.work_for("work1", func, 1)];
        let done = machine.done_for("done", 0);
        let machine = Arc::new(machine);
        spawn_stoppers(&machine, setup, &stage, [0, 0]);
        let (looks, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begun, ended) = (looks.clone(), over.clone());
        let place = stage.clone();
        machine.spawn(setup, caller, move |ctx| {
            place.enter(0);
            while !begun.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            timed(trips, |_| {
                wait_for(ctx, done, &works, || {
                    assert_eq!(cpu_stop_queue_two_works(ctx, 0, works[0], 1, works[1]), Ok(()));
                });
            });
            ended.store(true, Ordering::Relaxed);
        });
        let (place, out) = (stage.clone(), out.clone());
        machine.spawn(setup, looker, move |ctx| {
            place.enter(1);
            let stopper = ctx.machine.cpu_stopper(1);
            looks.store(true, Ordering::Relaxed);
            let (mut windows, start) = (Windows::default(), clock::now());
            while !over.load(Ordering::Relaxed) {
                spin(200);
                windows.around(|| {
                    let guard = stopper.lock.lock_irqsave(ctx.current);
                    std::hint::black_box(list_empty(&stopper.works));
                    guard.unlock();
                });
            }
            let took = clock::ns(clock::now() - start);
            *out.lock().expect("nobody panicked with it") = Some((windows, took));
        });
    });
    let (windows, took): (Windows, f64) =
        result.lock().expect("nobody panicked with it").take().ok_or("no result")?;
    Ok(windows.into_block(Block::default(), took))
}
