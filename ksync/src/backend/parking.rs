// SPDX-License-Identifier: GPL-2.0-only
//! Where a real thread sleeps until its word says that it was woken.
#![allow(clippy::disallowed_types)]

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

/// A place to park threads. A model never parks a thread, so there it is only carried along.
#[derive(Debug, Default)]
pub(crate) struct Parking(Mutex<Vec<Thread>>);

/// Carried by the unwinding of a daemon that is asked to end.
pub(crate) struct Shutdown;

/// The threads of one run of a scenario, and whether they are to end.
#[derive(Debug, Default)]
pub(crate) struct Quit {
    asked: AtomicBool,
    threads: Mutex<Vec<Thread>>,
}

impl Quit {
    /// All that sleep look up, now and from now on.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.look_up();
    }

    /// All that sleep look at their words.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn look_up(&self) {
        self.threads.lock().iter().for_each(Thread::unpark);
    }

    /// The calling thread is one of the run.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn join(self: std::sync::Arc<Self>) {
        // The lock lets a thread that comes too late for the waking see the flag.
        self.threads.lock().push(thread::current());
        QUIT.set(Some(self));
    }

    fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

thread_local! {
    /// The run that this thread belongs to.
    static QUIT: std::cell::RefCell<Option<std::sync::Arc<Quit>>> = const { std::cell::RefCell::new(None) };
}

impl Parking {
    /// Parks until `woken()` holds; the waker makes it hold before it calls [`Parking::kick`].
    ///
    /// Who kicks after the thread is on the list wakes it; who kicked before has stored its word before the list's
    /// lock, and the look that follows sees it. So no kick is missed. There is no time limit: to arm a timer takes as
    /// long as a wakeup. A daemon of a run that has ended unwinds.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn park_until(&self, woken: impl Fn() -> bool) {
        let this = thread::current();
        let id = this.id();
        self.0.lock().push(this);
        let quit = loop {
            if woken() {
                break false;
            }
            if QUIT.with_borrow(|quit| quit.as_ref().is_some_and(|quit| quit.asked())) {
                break true;
            }
            if cfg!(loom) {
                // Beside a model there is nobody to kick.
                thread::park_timeout(Duration::from_millis(20));
            } else {
                thread::park();
            }
        };
        self.0.lock().retain(|parked| parked.id() != id);
        if quit {
            std::panic::resume_unwind(Box::new(Shutdown));
        }
    }

    /// Lets the parked threads look again.
    pub(crate) fn kick(&self) {
        if cfg!(not(loom)) {
            self.0.lock().iter().for_each(Thread::unpark);
        }
    }
}
