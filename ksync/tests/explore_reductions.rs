// SPDX-License-Identifier: GPL-2.0-only
//! The reductions keep verdicts and final states: random small scenarios, with and without them.
#![cfg(loom)]
#![allow(clippy::disallowed_types)] // The outcomes are gathered outside of the models.

use ksync::explore::check;
use ksync::{
    Acquire, Atomic, Current, Full, Model, Options, Plain, Relaxed, Release, Scenario, Setup, SpinLock, distil,
    smp_mb, smp_rmb, smp_wmb,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// A small generator, so that a failing program can be named by its number.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What the tasks of a random scenario share.
struct Shared {
    x: Atomic<u32>,
    y: Atomic<u32>,
    plain: Plain<u32>,
    lock: SpinLock,
    seen: Vec<Atomic<u64>>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Load,
    LoadAcquire,
    Store(u32),
    StoreRelease(u32),
    Inc,
    Exchange(u32),
    DecAndTest,
    Mb,
    Wmb,
    Rmb,
    Locked,
    LockedIrq,
    TryLock,
    PreemptOff,
    PreemptOn,
    AwaitNonzero,
    /// A block of which one bit is kept.
    Block,
}

fn program(random: &mut Random, steps: usize) -> Vec<(Step, bool)> {
    let mut preempt_off = false;
    let mut program: Vec<(Step, bool)> = (0..steps)
        .map(|_| {
            let value = random.below(2) as u32 + 1;
            let step = match random.below(19) {
                0 => Step::LoadAcquire,
                1 | 2 => Step::Load,
                3 => Step::StoreRelease(value),
                4 | 5 => Step::Store(value),
                6 => Step::Inc,
                7 => Step::Exchange(value),
                8 => Step::DecAndTest,
                9 => Step::Mb,
                10 => Step::Wmb,
                11 => Step::Rmb,
                12 => Step::Locked,
                13 => Step::LockedIrq,
                14 => Step::TryLock,
                15 => Step::AwaitNonzero,
                16 | 17 => Step::Block,
                _ if preempt_off => Step::PreemptOn,
                _ => Step::PreemptOff,
            };
            preempt_off = match step {
                Step::PreemptOff => true,
                Step::PreemptOn => false,
                _ => preempt_off,
            };
            (step, random.below(2) == 0)
        })
        .collect();
    if preempt_off {
        program.push((Step::PreemptOn, false));
    }
    program
}

fn run(program: &[(Step, bool)], shared: &Shared, current: &Current, me: usize, distils: bool) {
    let mut seen = 0u64;
    let mut note = |value: u32| seen = seen * 5 + u64::from(value % 5);
    let under_lock = || {
        let value = shared.plain.get();
        shared.plain.set((value + 1) % 3);
        value
    };
    for &(step, first) in program {
        let word = if first { &shared.x } else { &shared.y };
        match step {
            Step::Load => note(word.load(Relaxed)),
            Step::LoadAcquire => note(word.load(Acquire)),
            Step::Store(value) => word.store(value, Relaxed),
            Step::StoreRelease(value) => word.store(value, Release),
            Step::Inc => word.inc(),
            Step::Exchange(value) => note(word.xchg(value, Full)),
            Step::DecAndTest => note(u32::from(word.dec_and_test(Full))),
            Step::Mb => smp_mb(),
            Step::Wmb => smp_wmb(),
            Step::Rmb => smp_rmb(),
            Step::Locked => {
                let guard = shared.lock.lock(current);
                note(under_lock());
                guard.unlock();
            }
            Step::LockedIrq => {
                let guard = shared.lock.lock_irqsave(current);
                note(under_lock());
                guard.unlock();
            }
            Step::TryLock => match shared.lock.try_lock(current) {
                Some(guard) => {
                    note(under_lock());
                    guard.unlock();
                }
                None => note(4),
            },
            Step::PreemptOff => current.preempt_disable(),
            Step::PreemptOn => current.preempt_enable(),
            Step::AwaitNonzero => note(word.cond_load(Relaxed, |value| value != 0)),
            Step::Block => {
                let block = || {
                    let guard = first.then(|| shared.lock.lock_irqsave(current));
                    let seen = word.load(Relaxed) + 2 * word.xchg(2, Full);
                    drop(guard);
                    (seen + word.load(Acquire)) % 2
                };
                note(if distils { distil(block) } else { block() });
            }
        }
    }
    shared.seen[me].store(seen, Relaxed);
}

/// Where the tasks of a scenario run.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// A CPU each.
    Apart,
    /// Two on one CPU, one of them of the stop class, and one on another.
    Together,
    /// A CPU each, and an interrupt on the first.
    Interrupted,
}

/// How large the scenarios are.
#[derive(Debug, Clone, Copy)]
struct Size {
    tasks: usize,
    steps: usize,
    layout: Layout,
}

type Outcomes = Arc<Mutex<BTreeSet<Vec<u64>>>>;

fn scenario(size: Size, seed: u64, distils: bool, outcomes: Outcomes) -> Box<Scenario> {
    let Size { tasks, steps, layout } = size;
    Box::new(move |setup: &mut Setup| {
        let mut random = Random(seed);
        let shared = Arc::new(Shared {
            x: Atomic::named(0, format_args!("x")),
            y: Atomic::named(0, format_args!("y")),
            plain: Plain::named(0, format_args!("plain")),
            lock: SpinLock::named(format_args!("lock")),
            seen: (0..=tasks).map(|n| Atomic::named(0, format_args!("seen{n}"))).collect(),
        });
        let irq = matches!(layout, Layout::Interrupted).then(|| {
            let (handler, shared) = (program(&mut random, 2), shared.clone());
            setup.irq("irq", 0, move |current| run(&handler, &shared, current, tasks, distils))
        });
        for me in 0..tasks {
            let (steps, shared) = (program(&mut random, steps), shared.clone());
            let cpu = if matches!(layout, Layout::Together) { me / 2 } else { me };
            let task = setup.task(format!("T{me}"), cpu as u32, move |current| {
                if let (0, Some(irq)) = (me, irq) {
                    irq.raise();
                }
                run(&steps, &shared, current, me, distils);
            });
            if matches!(layout, Layout::Together) && me == 1 {
                task.stop_class();
            }
        }
        let outcomes = outcomes.clone();
        setup.finally(move |_| {
            let mut outcome: Vec<u64> = shared.seen.iter().map(|seen| seen.load(Relaxed)).collect();
            outcome.extend([u64::from(shared.x.load(Relaxed)), u64::from(shared.y.load(Relaxed))]);
            outcomes.lock().unwrap().insert(outcome);
        });
    })
}

/// The verdict, the final states and how many states there were on the way.
fn explore(model: Model, size: Size, seed: u64, [naive, distils]: [bool; 2]) -> (String, Vec<Vec<u64>>, u64) {
    let outcomes = Outcomes::default();
    let scenario = scenario(size, seed, distils, outcomes.clone());
    let report = check(&*scenario, &Options { naive, explain: false, ..Options::new(model) });
    // A failure ends the search, so what was seen until then says nothing.
    let holds = report.verdict == ksync::Verdict::Holds;
    let seen = if holds { outcomes.lock().unwrap().iter().cloned().collect() } else { Vec::new() };
    (report.verdict.kind().to_owned(), seen, report.states)
}

fn compare(model: Model, seeds: u64, tasks: usize, steps: usize, layout: Layout) {
    let mut kinds = BTreeSet::new();
    let (mut distilled, mut whole) = (0, 0);
    for seed in 0..seeds {
        let size = Size { tasks, steps, layout };
        let reduced = explore(model, size, seed, [false, true]);
        for ways in [[true, true], [false, false], [true, false]] {
            let other = explore(model, size, seed, ways);
            assert_eq!(reduced.0, other.0, "the verdict of program {seed}, {model}, {layout:?}, {ways:?}");
            assert_eq!(reduced.1, other.1, "the final states of program {seed}, {model}, {layout:?}, {ways:?}");
            if ways == [false, false] && other.0 == "Holds" {
                (distilled, whole) = (distilled + reduced.2, whole + other.2);
            }
        }
        kinds.insert(reduced.0);
    }
    assert!(kinds.contains("Holds") && kinds.contains("Lockup"), "the programs are too much alike: {kinds:?}");
    assert!(distilled < whole, "the blocks are worth nothing: {distilled} states of {whole}");
}

#[test]
fn sc_apart() {
    compare(Model::Sc, 150, 3, 4, Layout::Apart);
}

#[test]
fn sc_together() {
    compare(Model::Sc, 150, 3, 4, Layout::Together);
}

#[test]
fn sc_interrupted() {
    compare(Model::Sc, 150, 2, 4, Layout::Interrupted);
}

#[test]
fn rc11_apart() {
    compare(Model::Rc11, 100, 2, 4, Layout::Apart);
}

#[test]
fn rc11_together() {
    compare(Model::Rc11, 60, 3, 3, Layout::Together);
}

#[test]
fn lkmm_apart() {
    compare(Model::Lkmm, 100, 2, 4, Layout::Apart);
}

#[test]
fn lkmm_interrupted() {
    compare(Model::Lkmm, 60, 2, 3, Layout::Interrupted);
}
