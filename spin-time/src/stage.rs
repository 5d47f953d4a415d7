// SPDX-License-Identifier: GPL-2.0-only
//! Where a block runs: the CPU and the class of each of its threads.

use crate::block::Block;
use crate::clock;
use crate::machine::Machine;
use crate::regime::{Regime, Waiting};
use crate::thread::{self, Class};
use std::panic::resume_unwind;
use std::sync::Barrier;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

/// Real-time threads run no longer than this in a row: the kernel throttles them at 950 ms of each second, and others
/// want to run too.
pub const BURST: Duration = Duration::from_millis(50);
/// And then everybody else may.
pub(crate) const PAUSE: Duration = Duration::from_millis(15);

/// The CPUs and the class of the threads of a block.
#[derive(Debug, Clone)]
pub struct Stage {
    pub(crate) cpus: Vec<usize>,
    pub(crate) threads: usize,
    pub(crate) waiting: Waiting,
    /// Threads go where the scheduler sends them.
    pub(crate) free: bool,
    /// The regime of the experiment.
    pub regime: Regime,
    /// Shows that it works; the figures mean little.
    pub quick: bool,
}

impl Stage {
    /// So many threads on these CPUs, each with one of them; `fair` asks for ordinary ones.
    pub(crate) fn new(machine: &Machine, cpus: &[usize], threads: usize, waiting: Waiting, fair: bool) -> Stage {
        let regime = Regime::of(machine, threads, cpus.len(), waiting, fair);
        Stage { cpus: cpus.to_vec(), threads, waiting, free: false, regime, quick: false }
    }

    /// The calling thread becomes thread number so-and-so: it goes to its CPU and into its class.
    ///
    /// # Panics
    /// As [`Stage::enter_as`].
    pub fn enter(&self, thread: usize) {
        self.enter_as(thread, self.regime.class());
    }

    /// The same in another class; says whether that was allowed.
    ///
    /// # Panics
    /// If real-time threads would spin for each other on one CPU.
    pub fn enter_as(&self, thread: usize, class: Class) -> bool {
        let crowded = self.waiting == Waiting::Spinning && self.threads > self.cpus.len();
        assert!(class != Class::Fifo || !crowded, "real-time threads that spin need a CPU each");
        let own = [self.cpus[thread % self.cpus.len()]];
        let pinned = thread::pin(if self.free { &self.cpus } else { &own });
        thread::set_class(class) && pinned
    }

    /// How many CPUs there are for the threads.
    pub fn cpus(&self) -> usize {
        self.cpus.len()
    }

    /// So many rounds, or fewer where all must be quick.
    pub fn rounds(&self, full: u64) -> u64 {
        if self.quick { full / 8 + 1 } else { full }
    }

    /// How long a block of real-time threads runs.
    pub fn burst(&self) -> Duration {
        if self.quick { BURST / 5 } else { BURST }
    }

    /// Runs the function on a thread of the stage, and gives back what it returns.
    ///
    /// # Panics
    /// If the function does.
    pub fn on_a_thread<R: Send>(&self, run: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                self.enter(0);
                run()
            });
            thread.join().unwrap_or_else(|payload| resume_unwind(payload))
        })
    }

    /// Runs the function on each thread of the stage, told its number, when all have their CPUs; gives what they return,
    /// in their order.
    ///
    /// # Panics
    /// If the function does.
    pub fn on_each_thread<R: Send>(&self, run: impl Fn(usize) -> R + Sync) -> Vec<R> {
        let entered = Barrier::new(self.threads);
        let one = |thread| {
            self.enter(thread);
            entered.wait();
            run(thread)
        };
        std::thread::scope(|scope| {
            let one = &one;
            let threads: Vec<_> = (0..self.threads).map(|thread| scope.spawn(move || one(thread))).collect();
            let end =
                |thread: ScopedJoinHandle<'_, R>| thread.join().unwrap_or_else(|payload| resume_unwind(payload));
            threads.into_iter().map(end).collect()
        })
    }

    /// Times so many rounds of an operation on one thread, all in one piece: a stamp costs more than a lock. The
    /// value is `ns`, for one round. The operation makes as many rounds as it is told.
    pub fn time(&self, rounds: u64, mut operation: impl FnMut(u64) + Send) -> Block {
        let rounds = self.rounds(rounds);
        let ticks = self.on_a_thread(|| {
            operation(rounds / 8 + 1);
            let start = clock::before();
            operation(rounds);
            clock::after() - start
        });
        Block::default().with("ns", clock::ns(ticks) / rounds as f64)
    }
}
