// SPDX-License-Identifier: GPL-2.0-only
//! What the watchdog for user threads asks of a system that is not Linux: names and times, but no backtraces.

use std::io;
use std::time::{Duration, Instant};

/// There are no thread ids that mean anything to others.
pub(crate) fn tid() -> i32 {
    0
}

/// What Rust calls the thread, if it does.
pub(crate) fn comm() -> String {
    std::thread::current().name().unwrap_or("?").to_owned()
}

/// DEVIATION: the time that passes, also while the thread does not run. A busy system then looks like a stuck thread.
#[derive(Debug)]
pub(crate) struct RunningClock(Instant);

impl RunningClock {
    pub(crate) fn of_this_thread() -> io::Result<Self> {
        Ok(RunningClock(Instant::now()))
    }

    /// Since the thread is watched.
    pub(crate) fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Nothing to prepare.
pub(crate) fn prepare_backtraces() -> io::Result<()> {
    Ok(())
}

/// No backtrace.
pub(crate) fn instruction_pointers(_tid: i32) -> Vec<usize> {
    Vec::new()
}
