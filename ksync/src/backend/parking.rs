// SPDX-License-Identifier: GPL-2.0-only
//! Where a real thread sleeps until its word says that it was woken.
#![allow(clippy::disallowed_types)]

use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A place to park one thread. A model never parks a thread, so there it is only carried along.
#[derive(Debug, Default)]
pub(crate) struct Parking {
    kicks: Mutex<u64>,
    kicked: Condvar,
}

/// Carried by the unwinding of a daemon that is asked to end.
pub(crate) struct Shutdown;

/// A flag per run of a scenario on threads.
#[derive(Debug, Default)]
pub(crate) struct Quit(AtomicBool);

impl Quit {
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

thread_local! {
    /// The run that this thread belongs to.
    pub(crate) static QUIT: std::cell::RefCell<Option<std::sync::Arc<Quit>>> = const { std::cell::RefCell::new(None) };
}

impl Parking {
    /// Parks until `woken()` holds; the waker makes it hold before it calls [`Parking::kick`].
    ///
    /// The lock is held from the check to the wait and by the kicker in between, so no kick is missed. A daemon
    /// looks up now and then whether its run has ended, and then unwinds.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn park_until(&self, woken: impl Fn() -> bool) {
        let mut kicks = self.kicks.lock();
        while !woken() {
            let quit = QUIT.with_borrow(|quit| quit.as_ref().is_some_and(|quit| quit.asked()));
            if quit {
                drop(kicks);
                std::panic::resume_unwind(Box::new(Shutdown));
            }
            self.kicked.wait_for(&mut kicks, Duration::from_millis(20));
        }
    }

    /// Lets the parked thread look again.
    pub(crate) fn kick(&self) {
        if cfg!(not(loom)) {
            *self.kicks.lock() += 1;
            self.kicked.notify_all();
        }
    }
}
