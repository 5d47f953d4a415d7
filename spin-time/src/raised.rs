// SPDX-License-Identifier: GPL-2.0-only
//! A lock whose holder is preempted by nobody, and only its holder: the nearest that a program comes to
//! `preempt_disable()`.

use crate::lock::Lock;
use crate::thread::{Class, set_class};

/// The lock inside, whose holder is `SCHED_FIFO` until it has released. That takes three system calls for each
/// section. Between the lock and the first of them the holder can still be preempted.
#[derive(Debug)]
pub struct Raised<L>(pub L);

impl<L: Lock> Lock for Raised<L> {
    type Thread = L::Thread;

    fn thread(&self, number: u32) -> L::Thread {
        self.0.thread(number)
    }

    /// # Panics
    /// Where `SCHED_FIFO` is not allowed.
    fn with<R>(&self, thread: &L::Thread, section: impl FnOnce() -> R) -> R {
        let result = self.0.with(thread, || {
            assert!(set_class(Class::Fifo), "SCHED_FIFO is allowed here");
            section()
        });
        // After the release: who becomes fair with the lock held is preempted at once, and holds it meanwhile.
        set_class(Class::FairFirst);
        result
    }
}
