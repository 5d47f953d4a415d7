// SPDX-License-Identifier: GPL-2.0-only
//! Where a real thread sleeps until its word says that it was woken.
#![allow(clippy::disallowed_types)]

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;

/// A place to park threads: how many are there, and above [`KICK`] how often they were kicked. A model never parks a
/// thread, so there it is only carried along.
#[derive(Debug, Default)]
pub(crate) struct Parking(AtomicU32);

/// One kick. So many threads have place, and so many kicks, by far fewer than the word has room for, come between a
/// look at the word and the sleep by it.
const KICK: u32 = 1 << 12;

/// Carried by the unwinding of a daemon that is asked to end.
pub(crate) struct Shutdown;

/// The threads of one run of a scenario, and whether they are to end.
#[derive(Debug, Default)]
pub(crate) struct Quit {
    asked: AtomicBool,
    beds: Mutex<Vec<Arc<Bed>>>,
}

/// Where a thread of a run slept last. It may be gone since: to wake the sleepers at an address that has none, or is
/// no address, does nothing.
type Bed = AtomicPtr<AtomicU32>;

/// A thread's part in its run.
struct Member {
    quit: Arc<Quit>,
    bed: Arc<Bed>,
}

impl Quit {
    /// All that sleep look up, now and, if somebody goes on calling [`Quit::look_up`], from now on.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.look_up();
    }

    /// All that sleep look at their words. A thread that is just going to sleep may miss it.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn look_up(&self) {
        self.beds.lock().iter().for_each(|bed| atomic_wait::wake_all(bed.load(Ordering::Relaxed)));
    }

    /// The calling thread is one of the run.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn join(self: Arc<Self>) {
        let bed = Arc::new(Bed::default());
        self.beds.lock().push(bed.clone());
        let first = MEMBER.with(|member| member.set(Member { quit: self, bed }).is_ok());
        assert!(first, "a thread is one of one run");
    }
}

thread_local! {
    /// The run that this thread belongs to.
    static MEMBER: std::cell::OnceCell<Member> = const { std::cell::OnceCell::new() };
}

impl Parking {
    /// Parks until `woken()` holds; the waker makes it hold before it calls [`Parking::kick`].
    ///
    /// There is no time limit: to arm a timer takes as long as a wakeup. A daemon of a run that has ended unwinds.
    #[cfg_attr(loom, allow(dead_code))]
    pub(crate) fn park_until(&self, woken: impl Fn() -> bool) {
        if woken() {
            return;
        }
        // ORDERING: Acquire, the waker's word before our look at it. Pairs with `kick()`. Either the kick is the first
        // to change this word, and the look that follows sees the waker's; or we are, and the kick finds us here and
        // changes what we sleep by. Without it a kick is missed: the test `it_needs_all_its_orderings`, which has this
        // place in the facade's words.
        let mut seen = self.0.fetch_add(1, Ordering::Acquire) + 1;
        let asked = loop {
            if woken() {
                break false;
            }
            if self.lie_down() {
                break true;
            }
            if cfg!(loom) {
                // Beside a model there is nobody to kick.
                std::thread::sleep(Duration::from_millis(20));
            } else {
                atomic_wait::wait(&self.0, seen);
            }
            // ORDERING: Acquire, as above, for the kick that woke us: tested there.
            seen = self.0.load(Ordering::Acquire);
        };
        self.0.fetch_sub(1, Ordering::Relaxed);
        if asked {
            std::panic::resume_unwind(Box::new(Shutdown));
        }
    }

    /// Says where this thread will sleep; whether it is asked to end instead.
    fn lie_down(&self) -> bool {
        MEMBER.with(|member| {
            let Some(Member { quit, bed }) = member.get() else { return false };
            bed.store((&raw const self.0).cast_mut(), Ordering::Relaxed);
            quit.asked.load(Ordering::Relaxed)
        })
    }

    /// Lets the parked threads look again.
    #[inline]
    pub(crate) fn kick(&self) {
        // ORDERING: Release, the caller's word before the kick. Pairs with `park_until()`, tested there.
        if cfg!(not(loom)) && self.0.fetch_add(KICK, Ordering::Release) & (KICK - 1) != 0 {
            atomic_wait::wake_all(&raw const self.0);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Parking;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    #[test]
    fn no_kick_is_missed() {
        let (words, beds) = ([AtomicU32::new(0), AtomicU32::new(0)], [Parking::default(), Parking::default()]);
        std::thread::scope(|scope| {
            for me in 0..2 {
                let (words, beds) = (&words, &beds);
                scope.spawn(move || {
                    for round in 1..=20_000 {
                        words[1 - me].store(round, Relaxed);
                        beds[1 - me].kick();
                        beds[me].park_until(|| words[me].load(Relaxed) >= round);
                    }
                });
            }
        });
        assert_eq!(words.map(AtomicU32::into_inner), [20_000, 20_000]);
    }

    #[test]
    fn a_kick_wakes_all_that_sleep() {
        let (word, bed) = (AtomicU32::new(0), Parking::default());
        let woken = std::thread::scope(|scope| {
            let sleepers: Vec<_> =
                (0..3).map(|_| scope.spawn(|| bed.park_until(|| word.load(Relaxed) == 1))).collect();
            word.store(1, Relaxed);
            bed.kick();
            sleepers.into_iter().filter_map(|sleeper| sleeper.join().ok()).count()
        });
        assert_eq!(woken, 3);
    }
}
