// SPDX-License-Identifier: GPL-2.0-only
//! One re-enactment: threads under a load, a watchdog over them, and the end of both.

use core_affinity::CoreId;
use ksync::{Atomic, Current, Relaxed, Setup, run_threads};
use parking_lot::Mutex;
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};
use watchdog::user_threads::{Report, Watchdog, Watched};

/// `watchdog_thresh`: a thread that ran twice as long without a heartbeat is reported. The kernel has 10 s.
const WATCHDOG_THRESH: Duration = Duration::from_millis(500);
/// How often the run looks at its limits, shows where it is, and releases what is stuck.
const TICK: Duration = Duration::from_millis(50);
/// From the end of the time until the run is given up. Who is stuck is reported, released and gone long before.
const GRACE: Duration = Duration::from_mins(2);

/// What threads do over and over, and how to release them when they lock up.
pub trait Load: Send + Sync {
    /// Declares the threads.
    fn declare(self: Arc<Self>, setup: &mut Setup, run: &Arc<Run>);

    /// The CPUs whose threads wait for each other for ever. When the watchdog has reported all of them it is a lockup.
    fn stuck_cpus(&self) -> &'static [u32];

    /// Makes true what the threads wait for. It is called until all of them have ended.
    fn release(&self);

    /// What [`Load::release`] does, for people.
    fn released_by(&self) -> &'static str;
}

/// When a run ends that does not lock up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The time for all rounds.
    pub time: Duration,
    /// Rounds.
    pub rounds: u64,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Told<'a> {
    /// A report of the watchdog, or of the load itself.
    Report(&'a str),
    /// So many rounds have begun.
    Rounds(u64),
}

/// How a run ended. No thread of it is left.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// It locked up, and was released.
    pub locked_up: bool,
    /// Rounds that began.
    pub rounds: u64,
    /// From the start to the last of them.
    pub last_round: Duration,
    /// From the start to the last report that shows the lockup, or else to the end.
    pub elapsed: Duration,
}

/// What a run tells itself.
enum Event {
    Report(Report),
    Found(String),
    Ended(Result<(), String>),
}

/// What the threads of a load share with their run.
#[derive(Debug)]
pub struct Run {
    watchdog: Watchdog,
    cores: Vec<CoreId>,
    watched: Atomic<u32>,
    started: Instant,
    limit: u64,
    rounds: Atomic<u64>,
    /// When the last one began, in ns since the start.
    last_round: Atomic<u64>,
    over: Atomic<bool>,
    failed: Atomic<bool>,
    events: Mutex<Sender<Event>>,
}

/// The cores that this process may use; none if the system does not tell.
pub fn cores() -> Vec<CoreId> {
    core_affinity::get_core_ids().unwrap_or_default()
}

impl Run {
    fn start(limit: u64) -> std::io::Result<(Arc<Run>, Receiver<Event>)> {
        let (events, received) = channel();
        let reports = events.clone();
        let watchdog = Watchdog::start(WATCHDOG_THRESH, move |report| _ = reports.send(Event::Report(report)))?;
        let run = Run {
            watchdog,
            cores: cores(),
            watched: Atomic::new(0),
            started: Instant::now(),
            limit,
            rounds: Atomic::new(0),
            last_round: Atomic::new(0),
            over: Atomic::new(false),
            failed: Atomic::new(false),
            events: Mutex::new(events),
        };
        Ok((Arc::new(run), received))
    }

    /// The watchdog watches the calling thread, as what runs on its CPU. The thread is bound to a core, each to the
    /// next one: threads that take turns on one core are in each other's way only by chance.
    ///
    /// # Panics
    /// If the system has no clock for the thread.
    pub fn watch(&self, current: &Current) -> Watched {
        let nth = self.watched.fetch_add(1, Relaxed) as usize;
        if let Some(&core) = self.cores.get(nth % self.cores.len().max(1)) {
            // Where it cannot be bound it runs anyway.
            core_affinity::set_for_current(core);
        }
        self.watchdog.watch(current.cpu()).expect("the system has a clock for each thread")
    }

    /// Counts one round more; `false` if the run is over instead. One thread of the load calls it.
    pub fn begins_round(&self) -> bool {
        let begins = !self.over() && self.rounds.load(Relaxed) < self.limit;
        if begins {
            self.rounds.inc();
            self.last_round.store(self.started.elapsed().as_nanos() as u64, Relaxed);
        } else {
            self.over.store(true, Relaxed);
        }
        begins
    }

    /// No further round begins.
    pub fn over(&self) -> bool {
        self.over.load(Relaxed)
    }

    /// A thread of the load panicked: nobody should wait for it.
    pub fn failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    /// The load has found what it looks for by itself; nobody is stuck.
    pub fn found(&self, report: String) {
        self.over.store(true, Relaxed);
        // The run listens until all threads have ended.
        let _ = self.events.lock().send(Event::Found(report));
    }

    /// Runs the threads to their ends.
    fn threads(self: &Arc<Self>, load: &Arc<dyn Load>) {
        let (run, load) = (self.clone(), load.clone());
        let scenario = move |setup: &mut Setup| load.clone().declare(setup, &run);
        let ended = catch_unwind(AssertUnwindSafe(|| run_threads(&scenario)));
        self.failed.store(ended.is_err(), Relaxed);
        let _ = self.events.lock().send(Event::Ended(ended.map_err(|payload| text_of(&*payload))));
    }
}

/// What a panic says.
fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

/// Runs a load until it locks up or reaches its limits, and then until all its threads have ended.
///
/// # Errors
/// One line: a thread panicked, as it does if an assertion of a port fails, or the system refuses a thread. Then
/// threads may still run; the caller should end the process.
pub fn run(load: &Arc<dyn Load>, limits: Limits, tell: &mut dyn FnMut(Told<'_>)) -> Result<Outcome, String> {
    let refused = |error: std::io::Error| format!("the watchdog does not start: {error}");
    let (run, events) = Run::start(limits.rounds).map_err(refused)?;
    let (of, loaded) = (run.clone(), load.clone());
    let runner = Builder::new().name("reenact".to_owned()).spawn(move || of.threads(&loaded));
    let runner = runner.map_err(refused)?;
    let (mut reported, mut locked_up) = (BTreeSet::new(), None);
    let ended = loop {
        match events.recv_timeout(TICK) {
            // One that comes late, from who is released by now, tells nothing new.
            Ok(Event::Report(report)) => {
                if locked_up.is_none() && reported.insert(report.cpu) {
                    tell(Told::Report(&report.to_string()));
                }
                let stuck = load.stuck_cpus();
                if !stuck.is_empty() && stuck.iter().all(|cpu| reported.contains(cpu)) {
                    locked_up.get_or_insert(run.started.elapsed());
                }
            }
            Ok(Event::Found(report)) => {
                tell(Told::Report(&report));
                locked_up.get_or_insert(run.started.elapsed());
            }
            Ok(Event::Ended(ended)) => break ended,
            Err(RecvTimeoutError::Timeout) => tell(Told::Rounds(run.rounds.load(Relaxed))),
            Err(RecvTimeoutError::Disconnected) => unreachable!("the run itself can send"),
        }
        if locked_up.is_some() || run.started.elapsed() >= limits.time {
            run.over.store(true, Relaxed);
        }
        if locked_up.is_some() {
            load.release();
        }
        if run.started.elapsed() >= limits.time + GRACE {
            return Err("threads are stuck that nobody reports".to_owned());
        }
    };
    ended?;
    runner.join().expect("what it panics with was caught");
    let elapsed = locked_up.unwrap_or_else(|| run.started.elapsed());
    let (rounds, last_round) = (run.rounds.load(Relaxed), Duration::from_nanos(run.last_round.load(Relaxed)));
    Ok(Outcome { locked_up: locked_up.is_some(), rounds, last_round, elapsed })
}
