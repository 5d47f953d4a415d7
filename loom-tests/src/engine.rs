// SPDX-License-Identifier: GPL-2.0-only
//! Runs one row of the catalogue on one engine.

use clap::ValueEnum;
use ksync::catalogue::{LoomUse, Row};
use ksync::{Explain, Model, OnProgress, Options, Report, Verdict, Weaken};
use std::fmt;

/// Who says what is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Our own explorer, which decides.
    Explore,
    /// loom, the second opinion. Its memory model is C11, not the kernel's.
    Loom,
}

/// Who is asked, as the command line names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The explorer.
    Explore,
    /// loom alone.
    Loom,
    /// The explorer, and loom where it can carry the row.
    Both,
}

/// The second opinion is Unknown beyond so many executions: some minutes.
const MAX_EXECUTIONS: u64 = 2_000_000;

/// One run to do.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The row.
    pub row: &'a Row,
    /// The engine.
    pub engine: Engine,
    /// The memory model; loom has its own.
    pub model: Model,
}

impl Choice {
    /// The runs for these rows, in their order; `model` takes the place of each row's own.
    pub fn jobs<'a>(self, rows: &[&'a Row], model: Option<Model>) -> Vec<Job<'a>> {
        let both = [Engine::Explore, Engine::Loom];
        let engines = match self {
            Choice::Explore => &both[..1],
            Choice::Loom => &both[1..],
            Choice::Both => &both[..],
        };
        let wanted =
            |row: &Row, engine| self != Choice::Both || engine == Engine::Explore || row.loom == LoomUse::Agrees;
        rows.iter()
            .flat_map(|&row| engines.iter().map(move |&engine| (row, engine)))
            .filter(|&(row, engine)| wanted(row, engine))
            .map(|(row, engine)| Job { row, engine, model: model.unwrap_or(row.model) })
            .collect()
    }
}

impl Job<'_> {
    /// Runs it. `on_progress` is called now and then.
    pub fn run(&self, explain: Explain, on_progress: Option<OnProgress>) -> Report {
        let scenario = (self.row.build)();
        let options = Options { explain, on_progress, ..Options::new(self.model).weakened(self.mutants()) };
        match (self.engine, self.row.loom) {
            (Engine::Explore, _) => ksync::explore::check(&*scenario, &options),
            (Engine::Loom, LoomUse::Agrees) => {
                ksync::second::check(&*scenario, &Options { max_states: MAX_EXECUTIONS, ..options })
            }
            (Engine::Loom, LoomUse::CannotCarry(why)) => undecided(format!("loom cannot carry this row: {why}")),
        }
    }

    /// The name of the memory model that the engine has.
    pub fn model_name(&self) -> String {
        match self.engine {
            Engine::Explore => self.model.to_string(),
            Engine::Loom => "c11".to_owned(),
        }
    }

    /// The mutants of the row.
    pub fn mutants(&self) -> impl Iterator<Item = Weaken> {
        self.row.weaken.iter().map(|&(function, what)| Weaken::new(function, what))
    }
}

/// The report of a run that was not made, or did not come to an end.
pub fn undecided(why: String) -> Report {
    Report {
        verdict: Verdict::Unknown { bound: why },
        states: 0,
        executions: 0,
        steps: 0,
        depth: 0,
        memory: 0,
        exhausted: false,
        bounds: String::new(),
        seconds: 0.0,
        cpus: 0,
        tasks: 0,
        trace: None,
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Explore => "explore",
            Engine::Loom => "loom",
        })
    }
}
