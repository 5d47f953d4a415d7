// SPDX-License-Identifier: GPL-2.0-only
//! `lockup litmus FILE|DIR…`.

use super::code::Program;
use super::graph::{WHOLE, judge};
use super::outcome::Outcomes;
use super::{engine, lower, parser, report};
use crate::cli::Failure;
use crate::output::Output;
use ksync::Model;
use serde::Serialize;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Exit status where some outcome is not what its file says.
const DIFFERENT: u8 = 1;
/// Exit status where some file is no litmus test.
const MALFORMED: u8 = 2;
/// Exit status where some question is open because a bound was hit.
const UNDECIDED: u8 = 3;

#[derive(Debug, Serialize)]
struct Certificate {
    tool: String,
    model: String,
    results: Vec<Entry>,
    all_as_expected: bool,
}

#[derive(Debug, Default, Serialize)]
struct Entry {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    name: String,
    states: Vec<String>,
    ok: bool,
    positive: usize,
    negative: usize,
    observation: &'static str,
    expected: Option<String>,
    as_expected: Option<bool>,
    data_race: bool,
    deadlock: Option<String>,
    bounded: Option<String>,
    seconds: f64,
}

/// Runs litmus tests under a model and prints what herd7 would print.
///
/// # Errors
/// A path that cannot be read, or an output that cannot be written. A file that is no test is not an error: the others
/// still run.
pub fn run(paths: &[PathBuf], model: Model, json: Option<&Path>) -> Result<u8, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |error: io::Error| Failure::Usage(format!("cannot read {}: {error}", path.display()));
        if path.is_dir() {
            let before = files.len();
            collect(path, &mut files).map_err(unreadable)?;
            if files.len() == before {
                return Err(Failure::Usage(format!("no .litmus file in {}", path.display())));
            }
        } else {
            fs::metadata(path).map_err(unreadable)?;
            files.push(path.clone());
        }
    }
    let output = json.map(Output::open).transpose()?;
    // Lines for people would mix with a certificate on the same stream.
    let quiet = matches!(output, Some(Output::Stdout));
    let mut results = Vec::new();
    let mut status = Status::default();
    for file in &files {
        let (entry, text) = one(file, model);
        status.count(&entry);
        if let Some(error) = &entry.error {
            eprintln!("lockup: {error}");
        } else if !quiet {
            writeln!(io::stdout().lock(), "{text}")?;
        }
        results.push(entry);
    }
    if let Some(output) = output {
        let certificate = Certificate {
            tool: format!("lockup {}", env!("CARGO_PKG_VERSION")),
            model: model.to_string(),
            results,
            all_as_expected: status.code() == 0,
        };
        let text = serde_json::to_string_pretty(&certificate).map_err(io::Error::other)?;
        output.write(&format!("{text}\n"))?;
    }
    Ok(status.code())
}

/// All litmus files below a folder, in order.
fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    entries.sort();
    for path in entries {
        // A link to a folder could lead back here.
        if path.is_dir() && !path.is_symlink() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "litmus") {
            into.push(path);
        }
    }
    Ok(())
}

/// Runs one file; what it prints comes with the entry.
fn one(file: &Path, model: Model) -> (Entry, String) {
    let shown = file.display().to_string();
    let failed =
        |error: String| (Entry { file: shown.clone(), error: Some(error), ..Entry::default() }, String::new());
    let text = match fs::read(file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return failed(format!("cannot read {shown}: {error}")),
    };
    let program = match parser::parse(&text).and_then(|test| lower::lower(&test)) {
        Ok(program) => program,
        Err(error) => return failed(format!("{shown}:{error}")),
    };
    let started = Instant::now();
    let outcomes = match outcomes(&program, model) {
        Ok(outcomes) => outcomes,
        Err(what) => return failed(format!("{shown}: not under {model}: {what}")),
    };
    let seconds = started.elapsed().as_secs_f64();
    let text = report::herd(&program, &outcomes, seconds);
    let entry = Entry {
        file: shown,
        error: None,
        name: program.name.clone(),
        ok: report::is_ok(&program, &outcomes),
        positive: outcomes.positive,
        negative: outcomes.negative,
        observation: report::Observation::of(&outcomes).name(),
        as_expected: report::as_expected(&program, &outcomes),
        expected: program.result,
        data_race: outcomes.data_race,
        states: outcomes.states.into_keys().collect(),
        deadlock: outcomes.deadlock,
        bounded: outcomes.bounded,
        seconds,
    };
    (entry, text)
}

/// What a test ends in. Under `lkmm` the kernel's own axioms say so, and the engine looks for deadlocks.
///
/// # Errors
/// What the test needs that the engine does not have under this model.
pub fn outcomes(program: &Program, model: Model) -> Result<Outcomes, engine::Unsupported> {
    if model == Model::Lkmm {
        let deadlock = engine::deadlock(program);
        return Ok(Outcomes { deadlock, ..judge(program, WHOLE) });
    }
    engine::run(program, model)
}

#[derive(Default)]
struct Status {
    malformed: bool,
    different: bool,
    undecided: bool,
}

impl Status {
    fn count(&mut self, entry: &Entry) {
        self.malformed |= entry.error.is_some();
        let undecided = entry.bounded.is_some() && entry.observation != "Sometimes";
        self.undecided |= undecided;
        self.different |= entry.as_expected == Some(false) && !undecided;
    }

    fn code(&self) -> u8 {
        match self {
            Status { malformed: true, .. } => MALFORMED,
            Status { different: true, .. } => DIFFERENT,
            Status { undecided: true, .. } => UNDECIDED,
            _ => 0,
        }
    }
}
