// SPDX-License-Identifier: GPL-2.0-only
//! What a check was told and what it found: the same for both engines.

use crate::model::Model;
use crate::verdict::Verdict;
use crate::weaken::Weaken;
use std::fmt;
use std::sync::Arc;

/// How far a running check is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// States seen, or executions under loom.
    pub states: u64,
    /// Steps on the path that is being explored.
    pub depth: usize,
}

/// Called now and then by a running check, on the thread that runs it.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// Which run of a scenario that fails a report has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explain {
    /// None: the verdict is all.
    Nothing,
    /// The one that was found first: enough for who waits for whom.
    First,
    /// One with the fewest context switches, and of those the shortest. Finding it can take longer than the check.
    Shortest,
}

/// How to check a scenario.
#[derive(Clone)]
pub struct Options {
    /// The memory model; loom has its own.
    pub model: Model,
    /// The check stops with `Unknown` at so many states, or executions under loom.
    pub max_states: u64,
    /// The check stops with `Unknown` where a single path has so many steps.
    pub max_depth: usize,
    /// Explore without any reduction: for tests of the reductions.
    pub naive: bool,
    /// Keep whole states beside their 128-bit keys, and panic if two states have one key.
    pub whole_keys: bool,
    /// Which run that fails to show.
    pub explain: Explain,
    /// Orderings taken away from the ports.
    pub weaken: Vec<Weaken>,
    /// Told now and then how far the check is.
    pub on_progress: Option<OnProgress>,
}

impl Options {
    /// The explorer's defaults under this model: all reductions, bounds far beyond every scenario here.
    pub fn new(model: Model) -> Self {
        Options {
            model,
            max_states: 50_000_000,
            max_depth: 100_000,
            naive: false,
            whole_keys: false,
            explain: Explain::Shortest,
            weaken: Vec::new(),
            on_progress: None,
        }
    }

    /// The same with these mutants.
    #[must_use]
    pub fn weakened(mut self, mutants: impl IntoIterator<Item = Weaken>) -> Self {
        self.weaken.extend(mutants);
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("model", &self.model).field("weaken", &self.weaken).finish_non_exhaustive()
    }
}

/// The outcome of a check.
#[derive(Debug, Clone)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Distinct states; 0 under loom.
    pub states: u64,
    /// Executions under loom; complete paths in the explorer.
    pub executions: u64,
    /// Operations applied.
    pub steps: u64,
    /// The longest path.
    pub depth: usize,
    /// About how many bytes the states seen took: their keys, and the states of the longest path. 0 under loom, which
    /// keeps one execution.
    pub memory: u64,
    /// Everything was explored. A failure ends a check early, so this belongs to `Holds`.
    pub exhausted: bool,
    /// The bounds that were set, and the memory that it took, for people.
    pub bounds: String,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// How many CPUs the scenario has.
    pub cpus: usize,
    /// How many tasks it has.
    pub tasks: usize,
    /// A counterexample, where there is one.
    pub trace: Option<Trace>,
}

/// A run that ends in the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// What happened, in order.
    pub steps: Vec<TraceStep>,
    /// No run that ends so has fewer context switches, nor, with as many, fewer steps.
    pub minimal: bool,
}

impl Trace {
    /// How often the running task changes.
    pub fn switches(&self) -> usize {
        self.steps.windows(2).filter(|pair| pair[0].task != pair[1].task).count()
    }
}

/// One step of a counterexample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceStep {
    /// The task that makes it.
    pub task: String,
    /// The CPU that it is on.
    pub cpu: u32,
    /// The kernel function.
    pub function: String,
    /// The source line, as `file:line`.
    pub place: String,
    /// The kind of operation and its word, as `lock stopper26.lock`: what a replay on another revision looks for.
    pub operation: String,
    /// Which of several outcomes of the operation this is: the value that a choice takes, or the message that a
    /// read takes.
    pub way: u16,
    /// What happens, in words, as `lock stopper26.lock` or `migration/1.on_cpu = 0 (release)`.
    pub action: String,
    /// Names of the locks that the task holds after the step, oldest first.
    pub holds: Vec<String>,
    /// Interrupts are off after the step.
    pub irqs_off: bool,
}
