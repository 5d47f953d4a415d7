// SPDX-License-Identifier: GPL-2.0-only
//! A scenario on real threads, one per task.
#![allow(clippy::disallowed_types)]

use crate::backend::parking::{Quit, Shutdown};
use crate::current::Current;
use crate::setup::{Scenario, Setup};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

/// How often sleepers look up by themselves. A model sees every word, so a port may let a task sleep on one that
/// nobody kicks it for, as a preempted task on its stopper's `on_rq`.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Runs a scenario once on real threads, and its final check after them.
///
/// Each thread is called as its task. Tasks that share a virtual CPU run side by side: real threads have no stop class.
/// Daemons end when they sleep and all other tasks are done. When this returns no thread of the run is left.
///
/// # Panics
/// If a task or the final check does, or if the system has no more threads. Tasks that sleep are ended then; one that
/// spins is left behind, since it may wait for the task that is gone.
pub fn run_threads(scenario: &Scenario) {
    let setup = Setup::collect(scenario);
    let quit = Arc::new(Quit::default());
    let (report, reports) = channel();
    let (mut ordinary, mut daemons) = (0, 0);
    let mut threads = Vec::new();
    for (number, task) in setup.tasks.into_iter().enumerate() {
        *(if task.daemon { &mut daemons } else { &mut ordinary }) += 1;
        let (quit, report, name) = (quit.clone(), report.clone(), task.name.clone());
        let run = move || {
            quit.join();
            crate::backend::set_this_cpu(task.cpu);
            let current = Current::new(&task.name, number, task.cpu);
            let end = catch_unwind(AssertUnwindSafe(|| (task.body)(&current)));
            drop(task.body);
            // The run is over if nobody listens.
            let _ = report.send((task.daemon, end));
        };
        threads.push(Builder::new().name(name).spawn(run).expect("the system has a thread for each task"));
    }
    while ordinary + daemons > 0 {
        if ordinary == 0 {
            quit.ask();
        }
        let (daemon, end) = loop {
            match reports.recv_timeout(LOOK_UP) {
                Ok(report) => break report,
                Err(RecvTimeoutError::Timeout) => quit.look_up(),
                Err(RecvTimeoutError::Disconnected) => unreachable!("we have a sender too"),
            }
        };
        *(if daemon { &mut daemons } else { &mut ordinary }) -= 1;
        if let Err(payload) = end
            && !payload.is::<Shutdown>()
        {
            quit.ask();
            // Who was just going to sleep has missed it.
            std::thread::sleep(LOOK_UP);
            quit.look_up();
            resume_unwind(payload);
        }
    }
    for thread in threads {
        thread.join().expect("what a task panics with was caught");
    }
    if let Some(check) = setup.finally {
        check(&Current::new("finally", usize::MAX, 0));
    }
}
