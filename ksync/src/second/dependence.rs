// SPDX-License-Identifier: GPL-2.0-only
//! What depends on what, where loom does not know.
//!
//! loom explores another order of two steps if both access the same object. For each atomic it remembers one last
//! access, so a task's own read hides an earlier reader (tokio-rs/loom#392), and the task's write looks as if it came
//! after all reads: that a reader could come later is never tried. A *touch* accesses an object of our own that has
//! no meaning but this dependence: one for each reader of a word, so that no reader hides another, and reads do not
//! depend on each other.

use loom::sync::Condvar;
use std::cell::RefCell;

/// Accesses an object, in a step of its own. Nobody ever waits on the condition variable, so it transfers no knowledge
/// of memory.
pub(super) fn touch(what: &Condvar) {
    what.notify_one();
}

/// Accesses an object as part of the step before: loom notes the access, but explores no other order at this point.
/// The order that it wants to explore instead begins before the whole step.
fn touch_within_step(what: &Condvar) {
    loom::stop_exploring();
    touch(what);
    loom::explore();
}

/// The tasks that have read a word since it was last written, each with an object that its reads and the next write
/// touch.
#[derive(Default)]
pub(super) struct Readers(RefCell<Vec<(usize, Condvar)>>);

impl Readers {
    /// This task has just read the word.
    pub(super) fn read(&self, me: usize) {
        let mut readers = self.0.borrow_mut();
        let at = readers.iter().position(|(reader, _)| *reader == me).unwrap_or_else(|| {
            readers.push((me, Condvar::new()));
            readers.len() - 1
        });
        touch_within_step(&readers[at].1);
    }

    /// This task has just written the word. Later reads depend on the write by the word itself, and later writes too.
    pub(super) fn written(&self, me: usize) {
        for (reader, reads) in self.0.take() {
            if reader != me {
                touch_within_step(&reads);
            }
        }
    }
}

/// The life of a frame: an object for each task, which its accesses to the frame's words touch. Begin and end touch all.
pub(super) struct Life(Vec<Condvar>);

impl Life {
    pub(super) fn new(tasks: usize) -> Self {
        Life((0..tasks).map(|_| Condvar::new()).collect())
    }

    /// This task is about to access a word in a way that loom does not schedule by itself.
    pub(super) fn before_access(&self, me: usize) {
        touch(&self.0[me]);
    }

    /// This task has just accessed an atomic word.
    pub(super) fn accessed(&self, me: usize) {
        touch_within_step(&self.0[me]);
    }

    /// The frame is about to begin or end.
    pub(super) fn changes(&self) {
        if let Some((first, others)) = self.0.split_first() {
            touch(first);
            others.iter().for_each(touch_within_step);
        }
    }
}
