// SPDX-License-Identifier: GPL-2.0-only
//! A scenario on real threads, one per task.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use crate::backend::parking::{QUIT, Quit, Shutdown};
use crate::current::Current;
use crate::setup::{Scenario, Setup};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::channel;

/// Runs a scenario once on real threads, and its final check after them.
///
/// Tasks that share a virtual CPU run side by side: real threads have no stop class. Daemons end when they sleep and
/// all other tasks are done.
///
/// # Panics
/// If a task or the final check does. Tasks that sleep are ended then; one that spins is left behind, since it may
/// wait for the task that is gone.
pub fn run_threads(scenario: &Scenario) {
    let setup = Setup::collect(scenario);
    let quit = Arc::new(Quit::default());
    let (report, reports) = channel();
    let (mut ordinary, mut daemons) = (0, 0);
    for (number, task) in setup.tasks.into_iter().enumerate() {
        *(if task.daemon { &mut daemons } else { &mut ordinary }) += 1;
        let (quit, report) = (quit.clone(), report.clone());
        std::thread::spawn(move || {
            QUIT.set(Some(quit));
            crate::backend::set_this_cpu(task.cpu);
            let current = Current::new(&task.name, number, task.cpu);
            let end = catch_unwind(AssertUnwindSafe(|| (task.body)(&current)));
            drop(task.body);
            // The run is over if nobody listens.
            let _ = report.send((task.daemon, end));
        });
    }
    while ordinary + daemons > 0 {
        if ordinary == 0 {
            quit.ask();
        }
        let (daemon, end) = reports.recv().expect("a task reports its end");
        *(if daemon { &mut daemons } else { &mut ordinary }) -= 1;
        if let Err(payload) = end
            && !payload.is::<Shutdown>()
        {
            quit.ask();
            resume_unwind(payload);
        }
    }
    if let Some(check) = setup.finally {
        check(&Current::new("finally", usize::MAX, 0));
    }
}
