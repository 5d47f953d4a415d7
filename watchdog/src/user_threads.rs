// SPDX-License-Identifier: GPL-2.0-only
//! A watchdog for threads that never sleep: pollers, busy loops, and the stress tests of this project.
//!
//! A watched thread shows a heartbeat each time that its loop comes round. One that runs for more than twice the
//! threshold without a heartbeat is reported in the kernel's words, with its backtrace, and again each time that much
//! has passed since.
//!
//! | here | in the kernel |
//! |---|---|
//! | [`Watched::touch`] | `touch_softlockup_watchdog()` for its caller; it counts as a run of `softlockup_fn()`, since no stopper vouches for a thread |
//! | [`Watchdog::watch`], the end of [`Watched`] | `watchdog_enable()`, `watchdog_disable()` of a CPU |
//! | the thread of [`Watchdog`] | the timer of each CPU, whose handler is `watchdog_timer_fn()` |
//! | when there is a report | [`user_detector`](crate::user_detector), without clock or threads |
//!
//! On Linux a thread is measured by the time that it ran, as the kernel's `running_clock()` leaves out what a
//! hypervisor took. So neither a thread that sleeps nor one that waits for a CPU on a busy machine is stuck, and time
//! in a report is CPU time. A backtrace is taken by a signal to the thread, `SIGURG`, which is ignored by default;
//! system calls that it interrupts are restarted, where Linux restarts them at all. Elsewhere time is the time that
//! passes, and reports have no backtrace.
//!
//! ```
//! use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
//! use std::sync::mpsc::channel;
//! use std::time::Duration;
//! use watchdog::user_threads::Watchdog;
//!
//! // The kernel's threshold is 10 s. Without a channel, `|report| eprintln!("{report}")` is enough.
//! let (send, reports) = channel();
//! let watchdog = Watchdog::start(Duration::from_millis(10), move |report| _ = send.send(report))?;
//! let packet = AtomicBool::new(false);
//! std::thread::scope(|scope| {
//!     scope.spawn(|| {
//!         let watched = watchdog.watch(3).expect("the system has a clock for each thread");
//!         for _ in 0..1000 {
//!             watched.touch();
//!         }
//!         // It waits for a packet, and forgot the heartbeat in this loop.
//!         while !packet.load(Relaxed) {}
//!     });
//!     let report = reports.recv().expect("the watchdog is there");
//!     assert!(report.to_string().starts_with("watchdog: BUG: soft lockup - CPU#3 stuck for 0s! ["));
//!     packet.store(true, Relaxed);
//! });
//! # Ok::<(), std::io::Error>(())
//! ```
#![allow(clippy::disallowed_types, reason = "no port: threads of this process, under no model")]

use crate::user_backtrace::{Frame, symbolize};
use crate::user_detector::{Detector, Reading};
use crate::user_system::{RunningClock, comm, instruction_pointers, prepare_backtraces, return_addresses, tid};
use crossbeam_utils::CachePadded;
use parking_lot::{Condvar, Mutex};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

/// A soft lockup. As text it is the kernel's message with a call trace below it.
#[derive(Debug, Clone)]
pub struct Report {
    /// The CPU, by the number that [`Watchdog::watch`] got.
    pub cpu: u32,
    /// The thread's name; on Linux at most 15 bytes of it.
    pub comm: String,
    /// The thread's id; 0 where the system has none.
    pub tid: i32,
    /// How long it has shown no heartbeat, as far as samples tell.
    pub stuck: Duration,
    /// Where it is, innermost first, up to the function that called [`Watchdog::watch`] or was inlined with it. Empty
    /// off Linux, and if the thread blocks the signal or is gone.
    pub backtrace: Vec<Frame>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { cpu, comm, tid, stuck, backtrace } = self;
        let seconds = stuck.as_secs();
        write!(f, "watchdog: BUG: soft lockup - CPU#{cpu} stuck for {seconds}s! [{comm}:{tid}]")?;
        if !backtrace.is_empty() {
            write!(f, "\nCall Trace:")?;
        }
        backtrace.iter().try_for_each(|frame| write!(f, "\n {frame}"))
    }
}

/// A thread that is watched.
struct Thread {
    cpu: u32,
    comm: String,
    tid: i32,
    clock: RunningClock,
    /// In a cache line of its own: the thread writes it all the time, and the watchdog seldom reads it.
    heartbeats: Arc<CachePadded<AtomicU64>>,
    detector: Detector,
    /// The stack on which it began to be watched.
    outside: Vec<usize>,
}

impl Thread {
    fn read(clock: &RunningClock, heartbeats: &AtomicU64) -> Reading {
        Reading { heartbeats: heartbeats.load(Relaxed), now: clock.now() }
    }

    /// `watchdog_timer_fn()`: the report and the addresses that make its backtrace.
    fn sample(&mut self) -> Option<(Report, Vec<usize>)> {
        let stuck = self.detector.sample(Self::read(&self.clock, &self.heartbeats))?;
        let report = Report { cpu: self.cpu, comm: self.comm.clone(), tid: self.tid, stuck, backtrace: Vec::new() };
        let mut pointers = instruction_pointers(self.tid);
        let common = pointers.iter().rev().zip(self.outside.iter().rev()).take_while(|(here, there)| here == there);
        pointers.truncate(pointers.len() - common.count());
        Some((report, pointers))
    }
}

/// What the watchdog, its thread and the watched threads have in common.
#[derive(Default)]
struct Shared {
    threads: Mutex<Vec<Thread>>,
    over: Mutex<bool>,
    end: Condvar,
}

/// Watches threads until it is dropped.
pub struct Watchdog {
    shared: Arc<Shared>,
    thresh: Duration,
    sampler: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts the thread that looks at the others every `2 * thresh / 5`. It calls `report` when one of them ran for
    /// more than `2 * thresh` without a heartbeat.
    ///
    /// # Errors
    /// If the system has no more threads, or the program has a handler for `SIGURG` of its own.
    ///
    /// # Panics
    /// If `thresh` is so short that nothing lies between two samples.
    pub fn start(thresh: Duration, report: impl FnMut(Report) + Send + 'static) -> io::Result<Watchdog> {
        let period = Detector::sample_period(thresh);
        assert!(!period.is_zero(), "a threshold of {thresh:?} leaves no time between samples");
        prepare_backtraces()?;
        let shared = Arc::new(Shared::default());
        let sampled = shared.clone();
        let sampler = Builder::new().name("watchdog".to_owned()).spawn(move || sampled.run(period, report))?;
        Ok(Watchdog { shared, thresh, sampler: Some(sampler) })
    }

    /// From now on watches the calling thread, as what runs on this CPU. The number only stands in reports: threads
    /// that are bound to CPUs give theirs.
    ///
    /// # Errors
    /// If the system has no clock for the thread.
    pub fn watch(&self, cpu: u32) -> io::Result<Watched> {
        let clock = RunningClock::of_this_thread()?;
        let heartbeats = Arc::<CachePadded<AtomicU64>>::default();
        let detector = Detector::new(self.thresh, Thread::read(&clock, &heartbeats));
        self.shared.threads.lock().push(Thread {
            cpu,
            comm: comm(),
            tid: tid(),
            clock,
            heartbeats: heartbeats.clone(),
            detector,
            outside: return_addresses(),
        });
        Ok(Watched { heartbeats, shared: self.shared.clone(), of_one_thread: PhantomData })
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("thresh", &self.thresh).finish_non_exhaustive()
    }
}

impl Drop for Watchdog {
    /// Waits for the thread, and so for a report that is under way.
    fn drop(&mut self) {
        *self.shared.over.lock() = true;
        self.shared.end.notify_all();
        if let Some(sampler) = self.sampler.take() {
            // Whoever panicked in `report` has said so.
            let _ = sampler.join();
        }
    }
}

impl Shared {
    fn run(&self, period: Duration, mut report: impl FnMut(Report)) {
        let mut over = self.over.lock();
        while !*over {
            self.end.wait_for(&mut over, period);
            if *over {
                break;
            }
            drop(over);
            // A thread that is asked for its backtrace cannot end meanwhile: it leaves under this lock.
            let stuck: Vec<_> = self.threads.lock().iter_mut().filter_map(Thread::sample).collect();
            for (found, pointers) in stuck {
                report(Report { backtrace: symbolize(&pointers), ..found });
            }
            over = self.over.lock();
        }
    }
}

/// The heartbeat of a thread, which only that thread has. When it is dropped the thread is no longer watched.
///
/// ```compile_fail
/// fn only_of_one_thread<T: Send>() {}
/// only_of_one_thread::<watchdog::user_threads::Watched>();
/// ```
pub struct Watched {
    heartbeats: Arc<CachePadded<AtomicU64>>,
    shared: Arc<Shared>,
    of_one_thread: PhantomData<*const ()>,
}

impl Watched {
    /// One heartbeat. It orders nothing, and costs a load and a store: nobody else writes the word.
    #[inline]
    pub fn touch(&self) {
        self.heartbeats.store(self.heartbeats.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("heartbeats", &self.heartbeats.load(Relaxed)).finish_non_exhaustive()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.shared.threads.lock().retain(|thread| !Arc::ptr_eq(&thread.heartbeats, &self.heartbeats));
    }
}
