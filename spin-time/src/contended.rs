// SPDX-License-Identifier: GPL-2.0-only
//! Threads that want one lock: how long they wait, how long it takes from one to the next, who gets it.

use crate::block::{Block, histogram};
use crate::clock;
use crate::lock::Lock;
use crate::stage::Stage;
use crate::thread::{self, Class};
use crate::waits::Waits;
use crate::work;
use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How threads contend.
#[derive(Debug, Clone, Copy)]
pub struct Contention {
    /// How many want the lock.
    pub threads: usize,
    /// Steps of work with the lock held.
    pub inside: u64,
    /// Steps of work without it.
    pub outside: u64,
    /// For how long.
    pub window: Duration,
    /// The class of the threads, where it is not the regime's.
    pub class: Option<Class>,
    /// Fair threads of the highest priority that do nothing but run, on the first thread's CPU.
    pub hogs: usize,
}

impl Contention {
    /// Two threads for one burst, with 60 steps of work inside and outside.
    pub fn of_two(stage: &Stage) -> Contention {
        Contention { threads: 2, inside: 60, outside: 60, window: stage.burst(), class: None, hogs: 0 }
    }
}

/// What the lock guards; on a line of its own, since it moves with the lock's holder.
#[derive(Default)]
struct Guarded {
    count: AtomicU64,
    owner: AtomicU64,
    released: AtomicU64,
    run: AtomicU64,
}

/// What one thread saw.
struct Seen {
    waits: Waits,
    hand_overs: Histogram<u64>,
    reacquired: Histogram<u64>,
    longest_run: u64,
    count: u64,
    cpu_ns: u64,
    /// The ticks of its window.
    window: (u64, u64),
}

/// Lets threads contend for a window of time. A section is: count, work, and two stamps.
///
/// The values: `hand-over` in nanoseconds, from one holder's last instruction to the first one of another holder who
/// was already waiting, without [`clock::cost_ns`]; the waits, see [`Waits::into_block`]; `Mops`; `cpu/op` in nanoseconds; `fairness`, the fewest sections of a
/// thread by the most; `longest run` of one holder; `reacquired`, the median of sections until a thread has the lock
/// again; `together`, the part of the time in which all threads ran.
///
/// # Errors
/// If the sections excluded each other in vain, or the threads could not get their class.
///
/// # Panics
/// If real-time threads would spin for each other on one CPU.
pub fn contended<L: Lock>(stage: &Stage, how: &Contention, lock: &L) -> Result<Block, String> {
    let guarded = CachePadded::new(Guarded { owner: AtomicU64::new(u64::MAX), ..Guarded::default() });
    let (entered, over) = (Barrier::new(how.threads), AtomicBool::new(false));
    let (arrived, refused) = (CachePadded::new(AtomicU64::new(0)), AtomicBool::new(false));
    let stage = &Stage { threads: how.threads, ..stage.clone() };
    let class = how.class.unwrap_or(stage.regime.class());
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        for _ in 0..how.hogs {
            scope.spawn(|| {
                stage.enter_as(0, Class::FairFirst);
                while !over.load(Relaxed) {
                    work::spin(1000);
                }
            });
        }
        let threads: Vec<_> = (0..how.threads)
            .map(|number| {
                let (guarded, entered, arrived, refused) = (&guarded, &entered, &arrived, &refused);
                scope.spawn(move || {
                    if !stage.enter_as(number, class) && how.class.is_some() {
                        refused.store(true, Relaxed);
                    }
                    // Asleep first: who spins here before all have their CPU may keep another one from getting there.
                    entered.wait();
                    arrived.fetch_add(1, Relaxed);
                    while arrived.load(Relaxed) < how.threads as u64 {
                        std::hint::spin_loop();
                    }
                    one_thread(number as u64, how, lock, guarded)
                })
            })
            .collect();
        let seen = threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
        over.store(true, Relaxed);
        seen
    });
    if refused.load(Relaxed) {
        return Err(format!("this process may not use the class {class:?} on CPUs of its choice"));
    }
    let made: u64 = seen.iter().map(|seen| seen.count).sum();
    let counted = guarded.count.load(Relaxed);
    if seen.len() < how.threads || counted != made {
        return Err(format!("no exclusion: {made} sections counted to {counted}"));
    }
    Ok(summed_up(&seen))
}

fn one_thread<L: Lock>(me: u64, how: &Contention, lock: &L, guarded: &Guarded) -> Seen {
    let mut seen = Seen {
        waits: Waits::default(),
        hand_overs: histogram(),
        reacquired: histogram(),
        longest_run: 0,
        count: 0,
        cpu_ns: thread::cpu_time_ns(),
        window: (clock::now(), 0),
    };
    let deadline = seen.window.0 + clock::ticks(how.window.as_nanos() as f64);
    let thread = lock.thread(me as u32);
    let (mut last_count, stamps_ns) = (None, clock::cost_ns());
    loop {
        work::spin(how.outside);
        let wants = clock::before();
        let (got, count, hand_over, run) = lock.with(&thread, || {
            let got = clock::after();
            let (released, count) = (guarded.released.load(Relaxed), guarded.count.load(Relaxed));
            let other = guarded.owner.load(Relaxed) != me;
            work::spin(how.inside);
            let run = if other { 1 } else { guarded.run.load(Relaxed) + 1 };
            guarded.run.store(run, Relaxed);
            guarded.owner.store(me, Relaxed);
            guarded.count.store(count + 1, Relaxed);
            guarded.released.store(clock::before(), Relaxed);
            (got, count, (other && wants < released && released < got).then(|| got - released), run)
        });
        seen.waits.record(got.saturating_sub(wants));
        if let Some(hand_over) = hand_over {
            seen.hand_overs.saturating_record((clock::ns(hand_over) - stamps_ns).max(1.0) as u64);
        }
        if let Some(last) = last_count.replace(count) {
            seen.reacquired.saturating_record(count.saturating_sub(last).max(1));
        }
        seen.longest_run = seen.longest_run.max(run);
        seen.count += 1;
        if got > deadline {
            break;
        }
    }
    seen.window.1 = clock::now();
    seen.cpu_ns = thread::cpu_time_ns() - seen.cpu_ns;
    seen
}

fn summed_up(seen: &[Seen]) -> Block {
    let (mut waits, mut hand_overs, mut reacquired) = (Waits::default(), histogram(), histogram());
    for one in seen {
        waits.merge(&one.waits);
        hand_overs.add(&one.hand_overs).expect("all have the same bounds");
        reacquired.add(&one.reacquired).expect("all have the same bounds");
    }
    let ns = |ticks: u64| clock::ns(ticks);
    let thread_ns: f64 = seen.iter().map(|one| ns(one.window.1 - one.window.0)).sum();
    let of =
        |pick: fn(&Seen) -> u64| (seen.iter().map(pick).min().unwrap_or(0), seen.iter().map(pick).max().unwrap_or(0));
    let (counts, starts, ends) = (of(|one| one.count), of(|one| one.window.0), of(|one| one.window.1));
    let whole = ns(ends.1 - starts.0);
    let made: u64 = seen.iter().map(|one| one.count).sum();
    let mut block = waits.into_block(Block::default(), thread_ns);
    if hand_overs.len() >= 100 {
        block = block
            .with("hand-over", hand_overs.value_at_quantile(0.5) as f64)
            .with("hand p99", hand_overs.value_at_quantile(0.99) as f64);
    }
    block
        .with("Mops", made as f64 / whole * 1e3)
        .with("cpu/op", seen.iter().map(|one| one.cpu_ns).sum::<u64>() as f64 / made as f64)
        .with("fairness", counts.0 as f64 / counts.1 as f64)
        .with("longest run", of(|one| one.longest_run).1 as f64)
        .with("reacquired", reacquired.value_at_quantile(0.5) as f64)
        .with("together", ns(ends.0.saturating_sub(starts.1)) / whole)
        .with_histogram("hand-over", hand_overs)
}
