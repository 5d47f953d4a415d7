// SPDX-License-Identifier: GPL-2.0-only
//! An experiment: candidates that take turns, block by block, in one process.

use crate::block::{Block, Turn};
use crate::canary;
use crate::doubt::doubts;
use crate::machine::{CpuTime, load};
use crate::order::turns;
use crate::place::Place;
use crate::record::{Candidate, PER_CANARY, Record, Values};
use crate::regime::{Regime, Waiting};
use crate::session::Session;
use crate::stage::{PAUSE, Stage};
use crate::{interrupt, progress};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// How often a block is tried again when the CPUs moved meanwhile.
const ATTEMPTS: usize = 3;
/// How many repetitions there are where all must be quick.
const QUICK: usize = 3;

type Run<'s> = Box<dyn FnMut(&Stage) -> Result<Block, String> + 's>;

/// What is to be done, by whom, and how often. The first candidate is what the others are compared with; it takes
/// every turn twice, so that a report shows how far it is from itself.
pub struct Experiment<'s> {
    session: &'s mut Session,
    name: &'static str,
    what: &'static str,
    threads: usize,
    waiting: Waiting,
    fair: bool,
    free: bool,
    cpus: usize,
    needed: usize,
    needs_fifo: bool,
    repetitions: usize,
    metrics: Vec<&'static str>,
    per_canary: Vec<&'static str>,
    candidates: Vec<(String, Run<'s>)>,
}

impl<'s> Experiment<'s> {
    pub(crate) fn new(session: &'s mut Session, name: &'static str, what: &'static str) -> Self {
        Experiment {
            session,
            name,
            what,
            threads: 1,
            waiting: Waiting::Spinning,
            fair: false,
            free: false,
            cpus: usize::MAX,
            needed: 1,
            needs_fifo: false,
            repetitions: 31,
            metrics: Vec::new(),
            per_canary: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// So many threads, which wait for each other like this.
    pub fn threads(mut self, threads: usize, waiting: Waiting) -> Self {
        (self.threads, self.waiting) = (threads, waiting);
        self
    }

    /// The threads share so many CPUs, and not the whole machine.
    pub fn on_cpus(mut self, cpus: usize) -> Self {
        self.cpus = cpus;
        self
    }

    /// On a machine with fewer CPUs the experiment says so, and is left out.
    pub fn needs_cpus(mut self, cpus: usize) -> Self {
        self.needed = cpus;
        self
    }

    /// Where `SCHED_FIFO` is not allowed the experiment says so, and is left out.
    pub fn needs_fifo(mut self) -> Self {
        self.needs_fifo = true;
        self
    }

    /// Ordinary threads: preemption is what is looked at.
    pub fn fair(mut self) -> Self {
        self.fair = true;
        self
    }

    /// Threads go to whichever of their CPUs the scheduler sends them; otherwise each has one.
    pub fn free(mut self) -> Self {
        self.free = true;
        self
    }

    /// So many repetitions.
    pub fn repetitions(mut self, repetitions: usize) -> Self {
        self.repetitions = repetitions;
        self
    }

    /// Values to show, the most important first; the first four fit a terminal.
    pub fn metrics(mut self, metrics: &[&'static str]) -> Self {
        self.metrics.extend(metrics);
        self
    }

    /// Values that a cache line's way decides: each gets a sibling, its ratio to the canary, called `name/canary`.
    pub fn per_canary(mut self, metrics: &[&'static str]) -> Self {
        self.per_canary.extend(metrics);
        self
    }

    /// A candidate and its turn.
    pub fn candidate<T: Turn>(mut self, name: impl Into<String>, mut turn: impl FnMut(&Stage) -> T + 's) -> Self {
        self.candidates.push((name.into(), Box::new(move |stage| turn(stage).result())));
        self
    }

    /// Lets all take their turns, and writes and shows what came of it.
    ///
    /// # Panics
    /// Without a candidate.
    pub fn run(mut self) {
        assert!(!self.candidates.is_empty(), "an experiment has candidates");
        if !self.session.arguments.wants(self.name) || interrupt::asked() {
            return;
        }
        self.session.known = true;
        if self.session.report.machine.cpus.len() < self.needed {
            println!("\n{}: left out, it needs {} CPUs", self.name, self.needed);
            return;
        }
        if self.needs_fifo && !self.session.report.machine.may_fifo {
            println!("\n{}: left out, it needs SCHED_FIFO, which is not allowed here", self.name);
            return;
        }
        let stage = self.stage();
        let repetitions = if stage.quick { self.repetitions.min(QUICK) } else { self.repetitions };
        let mut record = self.empty_record(&stage);
        let mut drawn: Vec<Drawn> = record.candidates.iter().map(|_| Drawn::new()).collect();
        let bar = progress::bar(self.name, repetitions * record.candidates.len());
        let (started, before) = (Instant::now(), CpuTime::now());
        'all: for repetition in 0..repetitions {
            for turn in turns(record.candidates.len(), repetition) {
                if interrupt::asked() {
                    break 'all;
                }
                bar.inc(1);
                self.turn(&stage, &mut record, turn, repetition, &mut drawn[turn]);
            }
            record.seconds = started.elapsed().as_secs_f64();
            record.load[1] = load();
            record.steal = before.zip(CpuTime::now()).map_or(0.0, |(before, now)| now.steal_since(before));
            let place = Place::of_most(&record);
            for (candidate, drawn) in record.candidates.iter_mut().zip(&drawn) {
                candidate.histograms = summed_up(candidate, drawn, place);
            }
            record.doubts = doubts(&record, repetitions);
            self.session.keep(&record);
        }
        bar.finish_and_clear();
        record.doubts = doubts(&record, repetitions);
        self.session.finish(&record);
    }

    /// One candidate's turn. A candidate that failed takes no more.
    fn turn(&mut self, stage: &Stage, record: &mut Record, turn: usize, repetition: usize, drawn: &mut Drawn) {
        if record.candidates[turn].failure.is_some() {
            return;
        }
        // The first one takes the second turn too.
        let (_, run) = &mut self.candidates[turn.saturating_sub(1)];
        let per_canary = &self.per_canary;
        let result = block(stage, self.threads > 1, run, per_canary, &mut record.discarded);
        let candidate = &mut record.candidates[turn];
        candidate.blocks.resize(repetition, None);
        drawn.resize(repetition, Histograms::new());
        match result {
            Ok(Some((values, histograms))) => {
                candidate.blocks.push(Some(values));
                drawn.push(histograms);
            }
            Ok(None) => candidate.blocks.push(None),
            Err(failure) => candidate.failure = Some(failure),
        }
    }

    fn stage(&self) -> Stage {
        let machine = &self.session.report.machine;
        let cpus = self.threads.min(self.cpus).clamp(1, machine.cpus.len());
        let stage = Stage::new(machine, &machine.cpus[..cpus], self.threads, self.waiting, self.fair);
        Stage { free: self.free, quick: self.session.arguments.quick, ..stage }
    }

    fn empty_record(&self, stage: &Stage) -> Record {
        let candidate =
            |name: String| Candidate { name, failure: None, blocks: Vec::new(), histograms: BTreeMap::new() };
        let mut names: Vec<String> = self.candidates.iter().map(|(name, _)| name.clone()).collect();
        names.insert(1, "  the same again".to_owned());
        Record {
            name: self.name.to_owned(),
            what: self.what.to_owned(),
            regime: stage.regime,
            threads: self.threads,
            metrics: self.metrics.iter().map(|&metric| metric.to_owned()).collect(),
            candidates: names.into_iter().map(candidate).collect(),
            discarded: 0,
            load: [load(), None],
            steal: 0.0,
            seconds: 0.0,
            doubts: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Experiment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Experiment").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the values of a block were drawn from: times in ns, and how often each was seen.
type Histograms = BTreeMap<&'static str, Vec<(u64, u64)>>;
/// Those of all blocks of a candidate, as its blocks stand.
type Drawn = Vec<Histograms>;

/// A histogram as values and counts.
fn counts(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
}

/// All blocks at this place together.
fn summed_up(candidate: &Candidate, drawn: &Drawn, place: Option<Place>) -> BTreeMap<String, Vec<(u64, u64)>> {
    let mut sums: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    let there = |block: &Values| place.is_none_or(|place| place.has(block));
    let blocks = candidate.blocks.iter().zip(drawn);
    for (_, histograms) in blocks.filter(|(block, _)| block.as_ref().is_some_and(there)) {
        for (name, counts) in histograms {
            let sum = sums.entry(name).or_default();
            for &(value, count) in counts {
                *sum.entry(value).or_default() += count;
            }
        }
    }
    sums.into_iter().map(|(name, sum)| (name.to_owned(), sum.into_iter().collect())).collect()
}

/// Runs a block between two canaries; again, if they say that the CPUs moved.
fn block(
    stage: &Stage,
    several: bool,
    run: &mut Run<'_>,
    per_canary: &[&'static str],
    discarded: &mut usize,
) -> Result<Option<(Values, Histograms)>, String> {
    let sing = || (several && stage.waiting == Waiting::Spinning).then(|| canary::one_way_ns(stage)).flatten();
    for _ in 0..ATTEMPTS {
        let before = sing();
        let result = catch_unwind(AssertUnwindSafe(|| run(stage))).unwrap_or_else(|payload| {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            Err(text.or_else(|| payload.downcast_ref().copied()).unwrap_or("a panic").to_owned())
        })?;
        let after = sing();
        if stage.regime == Regime::Quiet {
            std::thread::sleep(PAUSE);
        }
        if let (Some(before), Some(after)) = (before, after)
            && !canary::agree(before, after)
        {
            *discarded += 1;
            continue;
        }
        let canary_ns = before.zip(after).map(|(before, after)| f64::midpoint(before, after));
        let mut values: BTreeMap<String, f64> =
            result.values.iter().map(|(&name, &value)| (name.to_owned(), value)).collect();
        for metric in per_canary {
            if let (Some(value), Some(canary)) = (result.values.get(metric), canary_ns) {
                values.insert(format!("{metric}{PER_CANARY}"), value / canary);
            }
        }
        let histograms = result.histograms.iter().map(|(&name, histogram)| (name, counts(histogram))).collect();
        return Ok(Some((Values { canary_ns, values }, histograms)));
    }
    Ok(None)
}
