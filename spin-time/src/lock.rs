// SPDX-License-Identifier: GPL-2.0-only
//! What can be measured as a lock, one that is none, and what no lock can be faster than.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A lock under test.
pub trait Lock: Sync {
    /// What a thread brings along when it locks.
    type Thread;

    /// The thread with this number gets ready.
    fn thread(&self, number: u32) -> Self::Thread;

    /// Runs a section with the lock held.
    fn with<R>(&self, thread: &Self::Thread, section: impl FnOnce() -> R) -> R;
}

impl<L: lock_api::RawMutex + Sync> Lock for lock_api::Mutex<L, ()> {
    type Thread = ();

    fn thread(&self, _number: u32) {}

    #[inline]
    fn with<R>(&self, (): &(), section: impl FnOnce() -> R) -> R {
        let _guard = self.lock();
        section()
    }
}

impl Lock for Mutex<()> {
    type Thread = ();

    fn thread(&self, _number: u32) {}

    #[inline]
    fn with<R>(&self, (): &(), section: impl FnOnce() -> R) -> R {
        let _guard = self.lock().unwrap_or_else(PoisonError::into_inner);
        section()
    }
}

/// Lets everybody in. Every run measures it first, and is worth nothing if it does not notice.
#[derive(Debug, Default)]
pub struct Busted;

impl Lock for Busted {
    type Thread = ();

    fn thread(&self, _number: u32) {}

    #[inline]
    fn with<R>(&self, (): &(), section: impl FnOnce() -> R) -> R {
        section()
    }
}

/// The instructions that a kind of lock cannot do without, around a section. It excludes nobody.
#[derive(Debug)]
pub struct Floor {
    kind: FloorOf,
    counted: bool,
    words: [AtomicU64; 2],
}

/// Of which kind of lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloorOf {
    /// A bit of a word that has other uses: `lock bts`, then a load and a store that keep the other bits.
    Bit,
    /// A word of its own: one read-modify-write, then a store.
    Word,
    /// A word that others change while the lock is held: two read-modify-writes.
    SharedWord,
    /// Two words of its own: one read-modify-write, then a store to the other one.
    TwoWords,
    /// The same for a lock that reads the other word behind a read-modify-write that must come first for everybody: a
    /// load and a full barrier.
    OrderedWords,
}

impl Floor {
    /// One whose words are zero.
    pub fn of(kind: FloorOf) -> Floor {
        Floor { kind, counted: false, words: [AtomicU64::new(0), AtomicU64::new(0)] }
    }

    /// The same for a lock that keeps its holder from being preempted: a counter of the thread goes up before and down
    /// after.
    pub fn counted(kind: FloorOf) -> Floor {
        Floor { counted: true, ..Floor::of(kind) }
    }
}

impl Lock for Floor {
    type Thread = Cell<u32>;

    fn thread(&self, _number: u32) -> Cell<u32> {
        Cell::new(0)
    }

    #[inline]
    fn with<R>(&self, count: &Cell<u32>, section: impl FnOnce() -> R) -> R {
        let [word, other] = &self.words;
        if self.counted {
            black_box(count).set(count.get() + 1);
        }
        if self.kind == FloorOf::Bit {
            black_box(word.fetch_or(1, Ordering::Acquire) & 1 != 0);
        } else {
            black_box(word.fetch_add(1, Ordering::Acquire));
        }
        if self.kind == FloorOf::OrderedWords {
            black_box(other.load(Ordering::Acquire));
            std::sync::atomic::fence(Ordering::SeqCst);
        }
        let result = section();
        match self.kind {
            FloorOf::Bit => word.store(word.load(Ordering::Relaxed) & !1, Ordering::Release),
            FloorOf::Word => word.store(0, Ordering::Release),
            FloorOf::SharedWord => _ = word.fetch_sub(1, Ordering::Release),
            FloorOf::TwoWords | FloorOf::OrderedWords => other.store(0, Ordering::Release),
        }
        if self.counted {
            black_box(count).set(count.get() - 1);
        }
        result
    }
}
