// SPDX-License-Identifier: GPL-2.0-only
//! What an engine says about a scenario: one vocabulary for all of them.

use std::fmt;

/// The verdict on one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every interleaving was explored, and the property holds in all of them.
    Holds,
    /// Tasks wait for each other and nobody can end it.
    Lockup(Lockup),
    /// A task sleeps for ever although what it waits for is there.
    LostWakeup {
        /// Who sleeps, and on what.
        waits: Vec<Wait>,
    },
    /// A declared bound on work fails.
    Unbounded {
        /// The site of the work.
        work: String,
        /// The bound that was passed.
        bound: u64,
        /// The steps that repeat, outermost first; empty if none were found to repeat.
        pump: Vec<String>,
    },
    /// An assertion of the scenario or of a port failed, or a dead object was used.
    Violated {
        /// The assertion's message.
        property: String,
    },
    /// Two plain accesses, at least one of them a write, are not ordered.
    Race {
        /// The word.
        word: String,
    },
    /// The exploration stopped early; nothing is proved.
    Unknown {
        /// The bound that was hit, or what the engine cannot do.
        bound: String,
    },
}

impl Verdict {
    /// The verdict's name, as in the JSON report.
    pub fn kind(&self) -> &'static str {
        match self {
            Verdict::Holds => "Holds",
            Verdict::Lockup(_) => "Lockup",
            Verdict::LostWakeup { .. } => "LostWakeup",
            Verdict::Unbounded { .. } => "Unbounded",
            Verdict::Violated { .. } => "Violated",
            Verdict::Race { .. } => "Race",
            Verdict::Unknown { .. } => "Unknown",
        }
    }
}

/// How a lockup would show on a machine: the worst of its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Everybody involved sleeps: only the hung-task detector would notice.
    Sleep,
    /// A CPU is busy with interrupts on: the soft lockup detector would notice.
    Soft,
    /// A CPU is busy with interrupts off: the hard lockup detector would notice.
    Hard,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Sleep => "sleep",
            Severity::Soft => "soft",
            Severity::Hard => "hard",
        })
    }
}

/// Tasks that wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockup {
    /// How it would show.
    pub severity: Severity,
    /// Everybody who waits, the cycle first where there is one.
    pub waits: Vec<Wait>,
    /// How many of `waits`, from the front, form a cycle; 0 where the chain ends in somebody who is gone.
    pub cycle: usize,
}

/// One task that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The task.
    pub task: String,
    /// The CPU it is on.
    pub cpu: u32,
    /// Interrupts are off on it.
    pub irqs_off: bool,
    /// What it waits for.
    pub what: WaitsFor,
    /// The kernel function in which it waits.
    pub function: String,
    /// Who could end the wait, where that is known.
    pub holder: Option<Holder>,
}

/// What a task waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitsFor {
    /// A lock.
    Lock(String),
    /// A word to change, spinning.
    Word(String),
    /// A word to change, asleep.
    Sleep(String),
    /// Its CPU, which another task occupies.
    Cpu(u32),
}

/// Who could end a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The task.
    pub task: String,
    /// Its CPU.
    pub cpu: u32,
    /// For a lock, where it was taken; for a word, where this task would write it; for a CPU, what the task does.
    pub function: String,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on CPU{}", self.task, self.cpu)?;
        match &self.what {
            WaitsFor::Lock(lock) => write!(f, " waits for {lock} in {}()", self.function)?,
            WaitsFor::Word(word) => write!(f, " spins on {word} in {}()", self.function)?,
            WaitsFor::Sleep(word) => write!(f, " sleeps on {word} in {}()", self.function)?,
            WaitsFor::Cpu(cpu) => write!(f, " waits to run on CPU{cpu} in {}()", self.function)?,
        }
        let Some(holder) = &self.holder else { return Ok(()) };
        let Holder { task, cpu, function } = holder;
        match &self.what {
            WaitsFor::Lock(_) => write!(f, ", held by {task} on CPU{cpu} since {function}()"),
            WaitsFor::Word(_) | WaitsFor::Sleep(_) => write!(f, ", which {task} on CPU{cpu} writes in {function}()"),
            WaitsFor::Cpu(_) => write!(f, ", occupied by {task}, in {function}()"),
        }
    }
}

impl fmt::Display for Lockup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.severity)?;
        for wait in &self.waits {
            write!(f, "; {wait}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        match self {
            Verdict::Holds => Ok(()),
            Verdict::Lockup(lockup) => write!(f, " ({lockup})"),
            Verdict::LostWakeup { waits } => {
                let waits: Vec<String> = waits.iter().map(ToString::to_string).collect();
                write!(f, " ({})", waits.join("; "))
            }
            Verdict::Unbounded { work, bound, .. } => write!(f, " (more than {bound} rounds of {work})"),
            Verdict::Violated { property } => write!(f, " ({property})"),
            Verdict::Race { word } => write!(f, " (on {word})"),
            Verdict::Unknown { bound } => write!(f, " ({bound})"),
        }
    }
}
