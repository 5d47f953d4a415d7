// SPDX-License-Identifier: GPL-2.0-only
//! Giving up the CPU: where a real thread parks and a model lets others run.

use crate::atomic::Atomic;
use crate::backend;
use crate::current::Current;
use crate::op::{Observe, Order, Rmw};
use crate::order::Relaxed;
use crate::word::Word;

/// The part of a task that sleeps. The port says when, by a word that its waker writes.
#[derive(Debug, Default)]
pub struct Sleeper(backend::Parking);

impl Sleeper {
    /// A sleeper that nobody woke.
    pub fn new() -> Self {
        Sleeper::default()
    }

    /// Gives up the CPU until the newest value of the word satisfies the condition. It orders nothing: the code
    /// behind it takes the runqueue lock as the kernel's switch does.
    ///
    /// `wants` is what the sleeper really waits for. A model in which it holds while the task sleeps for ever
    /// reports a lost wakeup, not a lockup.
    #[track_caller]
    pub fn sleep_until<T: Word, W: Word>(
        &self,
        _current: &Current,
        word: &Atomic<T>,
        cond: impl Fn(T) -> bool + 'static,
        wants: Option<Wants<'_, W>>,
    ) {
        backend::sleep_until(&self.0, word, cond, wants);
    }

    /// Lets a real thread that sleeps look at its word again; the waker calls it after its write.
    #[track_caller]
    pub fn kick(&self) {
        self.0.kick();
    }
}

/// A word and what it must be for a sleeper to have work.
#[cfg_attr(not(loom), allow(dead_code))] // Only a model looks.
pub struct Wants<'a, T: Word> {
    pub(crate) word: backend::Watched<'a, T>,
    pub(crate) cond: fn(T) -> bool,
}

impl<'a, T: Word> Wants<'a, T> {
    /// The sleeper has work when the plain word satisfies the condition.
    pub fn plain(word: &'a crate::Plain<T>, cond: fn(T) -> bool) -> Self {
        Wants { word: backend::Watched::of_plain(word), cond }
    }

    /// The sleeper has work when the atomic word satisfies the condition.
    pub fn atomic(word: &'a Atomic<T>, cond: fn(T) -> bool) -> Self {
        Wants { word: backend::Watched::of_atomic(word), cond }
    }
}

impl<T: Word> std::fmt::Debug for Wants<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wants")
    }
}

/// `struct completion`.
#[derive(Debug)]
pub struct Completion {
    done: Atomic<u32>,
    sleeper: Sleeper,
}

impl Completion {
    /// A completion that is not done, which reports call by this name.
    pub fn named(name: std::fmt::Arguments<'_>) -> Self {
        Completion { done: Atomic::named(0, name), sleeper: Sleeper::new() }
    }

    /// `init_completion()`, `reinit_completion()`.
    #[track_caller]
    pub fn reinit(&self) {
        self.done.store(0, Relaxed);
    }

    /// `complete()`: lets one waiter go on, now or later.
    ///
    /// C counts under the completion's wait lock. One read-modify-write stands for that critical section.
    #[track_caller]
    pub fn complete(&self) {
        // ORDERING: Release, for the unlock of the wait lock: what the completer did comes before the waiter's
        // return. Pairs with `wait_for_completion()`. Without it a waiter reads a stale result: the test
        // `completion_hands_over_data`.
        self.done.cell().rmw(Rmw::Add(1), Order::Release, Observe::NewIsZero);
        self.sleeper.kick();
    }

    /// `complete_all()`: lets every waiter go on, now and later.
    #[track_caller]
    pub fn complete_all(&self) {
        // ORDERING: Release, as in `complete()`, and tested there.
        self.done.cell().rmw(Rmw::Add(u64::from(u32::MAX / 2)), Order::Release, Observe::NewIsZero);
        self.sleeper.kick();
    }

    /// `wait_for_completion()`: sleeps until somebody completes, and takes that completion.
    ///
    /// DEVIATION: one waiter for each `complete()`, as every user here has it; so the count is taken without a loop.
    #[track_caller]
    pub fn wait_for_completion(&self, current: &Current) {
        self.sleeper.sleep_until::<u32, u32>(current, &self.done, |done| done != 0, None);
        // ORDERING: Acquire, for the lock of the wait lock. Pairs with `complete()`, tested there.
        let minus_one = Rmw::Add(u64::from(u32::MAX));
        self.done.cell().rmw(minus_one, Order::Acquire, Observe::NewIsZero);
    }

    /// `completion_done()`: whether [`Completion::wait_for_completion`] would return at once.
    #[track_caller]
    pub fn completion_done(&self) -> bool {
        // ORDERING: Acquire, because C takes and releases the wait lock before it says yes. Pairs with `complete()`.
        self.done.load(crate::order::Acquire) != 0
    }

    /// `while (!READ_ONCE(x->done)) cpu_relax();`: the first half of a busy wait for `completion_done()`. It orders
    /// nothing: where a model is about the wait lock, which C takes and releases behind it, the caller does that.
    #[track_caller]
    pub fn spin_until_done(&self) {
        self.done.cond_load(Relaxed, |done| done != 0);
    }
}
