// SPDX-License-Identifier: GPL-2.0-only
//! The second opinion: the same scenarios on stock loom.
//!
//! loom explores threads and the orders of their accesses, under C11's memory model. It has no CPUs, interrupts or
//! time: tasks of one CPU run side by side, nobody preempts, and what asks for more is `Unknown`. It remembers the
//! last seven stores to a word and forgets older ones. A verdict is the explorer's; loom must agree, and where it
//! cannot, a test of this crate (`loom_holes.rs`) shows why.
//!
//! Each execution makes its words anew from the setup's declarations; the setup itself runs once. Waits block, and
//! an execution in which somebody waited too early is given up (see `wait.rs`); so a lockup is a verdict with names, and
//! never "too many branches".

mod dependence;
mod perform;
mod run;
mod stuck;
mod trace;
mod wait;
mod words;

pub(crate) use perform::request;

use crate::backend::world::{self, Made, Phase};
use crate::explore::quiet;
use crate::report::{Options, Progress, Report};
use crate::setup::Scenario;
use crate::verdict::Verdict;
use crate::weaken;
use run::{Code, Failure, Now, Objects, RUN, Run, Stop, with};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// Tasks that loom can carry: five threads, one of which makes the others.
const MAX_TASKS: usize = loom::MAX_THREADS - 1;
/// Decisions of loom in one execution.
const MAX_BRANCHES: usize = 10_000;
/// Further executions in search of those who would have ended the waits of a lockup.
const MAX_LEARNING: u64 = 2_000;
/// Stack of a task, in words of the machine. loom's own 32 KiB are little for a port and the text of a panic.
const STACK_WORDS: usize = 1 << 14;
/// Executions between two reports of progress.
const PROGRESS: u64 = 10_000;

/// What is made dependent beyond what loom sees for itself.
///
/// loom loses schedules where a thread reads a word that another has read before and then writes it, and it has no
/// scheduling point at a fence. Of 100 random programs (`loom_random.rs`) stock loom misses outcomes of 12, and of none once
/// a write depends on all readers. `loom_holes.rs` has what each costs: two CPUs in `multi_cpu_stop()` take 249
/// executions with the readers, and 10,746 with the barriers, too many for most ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// Nothing: stock loom, with its holes.
    Nothing,
    /// A write depends on all who have read the word since the last one.
    Readers,
    /// So it does, and full barriers depend on each other.
    Barriers,
}

/// Checks a scenario on loom. The order of full barriers is not explored.
///
/// # Panics
/// If a mutant in `options.weaken` names an operation that is never performed.
pub fn check(scenario: &Scenario, options: &Options) -> Report {
    check_touching(Touch::Readers, scenario, options)
}

/// Checks a scenario on loom with these touches.
///
/// # Panics
/// If a mutant in `options.weaken` names an operation that is never performed.
pub fn check_touching(touch: Touch, scenario: &Scenario, options: &Options) -> Report {
    quiet::install();
    let started = Instant::now();
    weaken::activate(&options.weaken);
    let made = Arc::new(world::make(scenario));
    let mut report = Report {
        verdict: Verdict::Holds,
        states: 0,
        executions: 0,
        steps: 0,
        depth: 0,
        memory: 0,
        exhausted: false,
        bounds: format!("executions {}, branches {MAX_BRANCHES}, touches {touch:?}", options.max_states),
        seconds: 0.0,
        cpus: made.cpus.len(),
        tasks: made.setup.tasks.len(),
        trace: None,
    };
    match cannot_carry(&made) {
        Some(bound) => report.verdict = Verdict::Unknown { bound },
        None => explore(&made, touch, options, &mut report),
    }
    let idle = weaken::idle();
    weaken::activate(&[]);
    if let (Some(mutant), Verdict::Holds) = (idle, &report.verdict) {
        panic!("the mutant {mutant:?} changes nothing: no such operation was performed");
    }
    report.exhausted = report.verdict == Verdict::Holds;
    report.seconds = started.elapsed().as_secs_f64();
    report
}

/// What the scenario needs and loom has not.
fn cannot_carry(made: &Made) -> Option<String> {
    let locked = |decl: &world::CellDecl| decl.kind == crate::backend::Kind::Lock && decl.init != 0;
    if made.setup.tasks.len() > MAX_TASKS {
        Some(format!("loom carries at most {MAX_TASKS} tasks"))
    } else if !made.setup.irqs.is_empty() {
        Some("loom has no interrupts".to_owned())
    } else if made.cells.iter().any(locked) {
        Some("loom: a lock is taken in the setup".to_owned())
    } else {
        None
    }
}

fn explore(made: &Arc<Made>, touch: Touch, options: &Options, report: &mut Report) {
    let run = Run {
        made: made.clone(),
        touch,
        max_executions: options.max_states,
        on_progress: options.on_progress.clone(),
        executions: 0,
        steps: 0,
        depth: 0,
        writers: vec![Vec::new(); made.cells.len()],
        tried: vec![false; made.cells.len()],
        sought: None,
        failure: None,
        now: Now::new(made, Objects::default()),
    };
    RUN.set(Some(run));
    let mut failure = run_loom(made);
    while let Some(Failure::StartOver) = failure {
        with(Run::start_over);
        failure = run_loom(made);
    }
    let mut run = RUN.take().expect("it was just set");
    run.count();
    (report.executions, report.steps, report.depth) = (run.executions, run.steps, run.depth);
    report.verdict = match failure {
        None => Verdict::Holds,
        Some(Failure::Verdict(verdict)) => verdict,
        Some(Failure::Stuck) => {
            learn_who_writes(made, &mut run);
            stuck::verdict(&run)
        }
        Some(Failure::StartOver | Failure::Learned) => unreachable!("they end no check"),
    };
    if !matches!(report.verdict, Verdict::Holds | Verdict::Unknown { .. }) {
        report.trace = Some(trace::trace(&run));
    }
}

/// Explores until the end or the first failure.
fn run_loom(made: &Arc<Made>) -> Option<Failure> {
    let mut builder = loom::model::Builder::new();
    // loom reads these from the environment, and would then end early as if it had finished.
    builder.max_branches = MAX_BRANCHES;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = None;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = usize::MAX;
    builder.location = false;
    builder.log = false;
    let made = made.clone();
    let before = world::enter(Phase::Loom);
    let end = catch_unwind(AssertUnwindSafe(|| builder.check(move || execution(&made))));
    world::enter(before);
    let outside = end.err().filter(|payload| !payload.is::<Stop>());
    with(|run| {
        // The locks of an execution that failed are gone with it.
        run.now.held.drain(..).for_each(|(_, held)| held.forget());
    });
    // loom may also give up where no task runs, as between the end of one and the next.
    let outside = outside.map(|payload| Failure::Verdict(wait::panicked(Code::Loom, &*payload)));
    with(|run| run.failure.take()).or(outside)
}

/// One execution: makes the words and starts the tasks. Nobody joins them: the last one to end knows that it is.
fn execution(made: &Arc<Made>) {
    let (progress, over) = with(|run| (run.progress(), run.over()));
    if let Some((on_progress, progress)) = progress {
        on_progress(progress);
    }
    if let Some(failure) = over {
        run::fail(failure);
    }
    with(Run::begin);
    for (number, task) in made.setup.tasks.iter().enumerate() {
        let body = task.body.clone();
        let thread = loom::thread::Builder::new().stack_size(STACK_WORDS);
        let spawned = thread.spawn(move || wait::run_task(number, |current| body(current)));
        drop(spawned.expect("loom starts every thread"));
    }
}

/// A lockup names who would have ended a wait. If that did not happen before the lockup, other executions show it.
fn learn_who_writes(made: &Arc<Made>, run: &mut Run) {
    let sought = stuck::awaited(run);
    let unknown = |run: &Run| sought.iter().any(|&(cell, waiter)| stuck::writer(run, cell, waiter).is_none());
    if !unknown(run) {
        return;
    }
    let learning = Run {
        made: made.clone(),
        touch: run.touch,
        max_executions: MAX_LEARNING,
        on_progress: None,
        executions: 0,
        steps: 0,
        depth: 0,
        writers: std::mem::take(&mut run.writers),
        tried: vec![true; made.cells.len()],
        sought: Some(sought.clone()),
        failure: None,
        now: Now::new(made, Objects::default()),
    };
    RUN.set(Some(learning));
    run_loom(made);
    run.writers = RUN.take().expect("it was just set").writers;
}

impl Run {
    /// Forgets what was explored.
    fn start_over(&mut self) {
        (self.executions, self.steps, self.depth) = (0, 0, 0);
        self.now = Now::new(&self.made, Objects::default());
    }

    /// Whom to tell how far the check is.
    fn progress(&self) -> Option<(crate::report::OnProgress, Progress)> {
        let on_progress = self.on_progress.clone().filter(|_| self.executions.is_multiple_of(PROGRESS))?;
        Some((on_progress, Progress { states: self.executions, depth: self.depth }))
    }

    /// Whether there is nothing left to look for.
    fn over(&self) -> Option<Failure> {
        if let Some(sought) = &self.sought {
            let known = |&(cell, waiter): &(u32, usize)| stuck::writer(self, cell, waiter).is_some();
            if sought.iter().all(known) {
                return Some(Failure::Learned);
            }
        }
        let bound = format!("executions {}", self.max_executions);
        (self.executions >= self.max_executions).then_some(Failure::Verdict(Verdict::Unknown { bound }))
    }
}
