// SPDX-License-Identifier: GPL-2.0-only
//! A scenario on real threads, one per task.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use crate::backend::parking::{QUIT, Quit, Shutdown};
use crate::current::Current;
use crate::setup::{Scenario, Setup};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// Runs a scenario once on real threads, and its final check after them.
///
/// Tasks that share a virtual CPU run side by side: real threads have no stop class. Daemons end when they sleep and
/// all other tasks are done.
///
/// # Panics
/// If a task or the final check does.
pub fn run_threads(scenario: &Scenario) {
    let setup = Setup::collect(scenario);
    let quit = Arc::new(Quit::default());
    let mut ordinary = Vec::new();
    let mut daemons = Vec::new();
    for (number, task) in setup.tasks.into_iter().enumerate() {
        let quit = quit.clone();
        let thread = std::thread::spawn(move || {
            QUIT.set(Some(quit));
            let current = Current::new(&task.name, number, task.cpu);
            let end = catch_unwind(AssertUnwindSafe(|| (task.body)(&current)));
            match end {
                Err(payload) if !payload.is::<Shutdown>() => resume_unwind(payload),
                _ => {}
            }
        });
        if task.daemon { daemons.push(thread) } else { ordinary.push(thread) }
    }
    let mut failure = None;
    for thread in ordinary {
        failure = failure.or(thread.join().err());
    }
    quit.ask();
    for thread in daemons {
        failure = failure.or(thread.join().err());
    }
    if let Some(payload) = failure {
        resume_unwind(payload);
    }
    if let Some(check) = setup.finally {
        check(&Current::new("finally", usize::MAX, 0));
    }
}
