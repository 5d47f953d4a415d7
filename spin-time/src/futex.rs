// SPDX-License-Identifier: GPL-2.0-only
//! A bare futex: the least that it takes to wake a thread that sleeps.

use std::ptr::null;
use std::sync::atomic::{AtomicU32, Ordering};

/// A word on which a thread can sleep.
#[derive(Debug, Default)]
pub struct Futex(AtomicU32);

impl Futex {
    /// The word that a sleeper will compare with.
    pub fn load(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Stores a new word and wakes one sleeper.
    pub fn wake(&self, word: u32) {
        self.0.store(word, Ordering::Release);
        self.call(libc::FUTEX_WAKE, 1);
    }

    /// Sleeps until the word is this one.
    pub fn wait(&self, word: u32) {
        loop {
            let seen = self.load();
            if seen == word {
                return;
            }
            self.call(libc::FUTEX_WAIT, seen);
        }
    }

    fn call(&self, operation: libc::c_int, value: u32) {
        let operation = operation | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the word lives as long as the call, which takes no timeout.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, value, null::<libc::timespec>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::Futex;

    #[test]
    fn a_sleeper_is_woken() {
        let (there, back) = (Futex::default(), Futex::default());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=100 {
                    there.wait(round);
                    back.wake(round);
                }
            });
            for round in 1..=100 {
                there.wake(round);
                back.wait(round);
            }
        });
        assert_eq!((there.load(), back.load()), (100, 100));
    }
}
