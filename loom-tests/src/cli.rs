// SPDX-License-Identifier: GPL-2.0-only
//! The command line of `lockup`.

use crate::catalogue::{catalogue, name};
use crate::engine::Choice;
use crate::pattern::{Name, Pattern, select};
use crate::show::Format;
use crate::{list, litmus, prove, show, sim};
use clap::{Args, Parser, Subcommand};
use ksync::Model;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use usage::{BAD_USAGE, complaint};

/// Explores every interleaving of the kernel's lockups, and of the patches that fix them.
#[derive(Debug, Parser)]
#[command(
    name = "lockup",
    version,
    after_help = "A PATTERN is incident[/scenario][@revision]. Each part may have * and ?; \
    a revision is a name or the beginning of a commit, and commit^ is the commit's parent."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List incidents, scenarios, revisions and the verdicts expected of them
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Run scenarios against revisions and compare the verdicts with the expected ones
    #[command(
        after_help = "Exit status: 0 all verdicts are the expected ones; 1 some differ; 3 none differs but some \
        are Unknown, because a bound was hit; 2 bad usage."
    )]
    Prove(Prove),
    /// Print the counterexample of the first failing row; of compound-lock, the whole investigation
    Show {
        /// Which rows to look at
        pattern: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Write to this file instead of the standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Run litmus tests in the kernel's C dialect; the output is herd7's
    #[command(
        after_help = "Exit status: 0 all files are tests, and as their Result: comments say; 1 some differ; 2 some are \
        no tests, or need what the model does not have; 3 a bound was hit before the answer was known."
    )]
    Litmus {
        /// Files, and folders to look for .litmus files in
        #[arg(required = true, value_name = "FILE|DIR")]
        paths: Vec<PathBuf>,
        /// lkmm is the kernel's model; sc and rc11 are what else the facade can run under
        #[arg(long, value_parser = parse_model, value_name = "sc|rc11|lkmm", default_value = "lkmm")]
        model: Model,
        /// Write the results as JSON to this file, or to the standard output for -
        #[arg(long, value_name = "FILE|-")]
        json: Option<PathBuf>,
    },
    /// Simulate an incident at its size, on a clock
    #[command(subcommand)]
    Sim(sim::What),
}

#[derive(Debug, Args)]
struct Prove {
    /// Which rows to run; all if none is given
    patterns: Vec<String>,
    /// Who decides: our explorer, loom, or the explorer with loom's opinion beside it
    #[arg(long, value_enum, default_value_t = Choice::Explore)]
    engine: Choice,
    /// The memory model of the explorer, instead of the row's own
    #[arg(long, value_parser = parse_model, value_name = "sc|rc11|lkmm")]
    model: Option<Model>,
    /// Write the JSON report to this file, or to the standard output for -
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// The command cannot mean anything; one line for the user.
    Usage(String),
    /// The output could not be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// What a shell reports of a program that a closed pipe ended.
const CLOSED_PIPE: u8 = 128 + 13;

/// Runs the program on the arguments of the process.
pub fn main() -> ExitCode {
    let outcome = match Cli::try_parse() {
        Ok(cli) => run(cli.command),
        Err(error) => Err(Failure::Usage(complaint(&error))),
    };
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(CLOSED_PIPE),
        Err(failure) => {
            let line = match failure {
                Failure::Usage(line) => line,
                Failure::Output(error) => format!("cannot write the output: {error}"),
            };
            eprintln!("lockup: {line}");
            ExitCode::from(BAD_USAGE)
        }
    }
}

fn run(command: Command) -> Result<u8, Failure> {
    let rows = catalogue();
    let names: Vec<Name<'_>> = rows.iter().map(name).collect();
    let selected = |patterns: &[String]| -> Result<Vec<_>, Failure> {
        let patterns: Result<Vec<Pattern>, String> = patterns.iter().map(|text| Pattern::parse(text)).collect();
        let chosen = patterns.and_then(|patterns| select(&patterns, &names)).map_err(Failure::Usage)?;
        Ok(chosen.into_iter().map(|at| &rows[at]).collect())
    };
    match command {
        Command::List { json } => list::run(&rows, json),
        Command::Prove(Prove { patterns, engine, model, json }) => {
            prove::run(&selected(&patterns)?, engine, model, json.as_deref())
        }
        Command::Show { pattern, format, output } if pattern == show::investigation::INCIDENT => {
            show::investigation::run(&rows, format, output.as_deref())
        }
        Command::Show { pattern, format, output } => {
            show::run(&selected(&[pattern])?, &rows, format, output.as_deref())
        }
        Command::Litmus { paths, model, json } => litmus::command::run(&paths, model, json.as_deref()),
        Command::Sim(what) => sim::run(&what),
    }
}

fn parse_model(text: &str) -> Result<Model, String> {
    [Model::Sc, Model::Rc11, Model::Lkmm]
        .into_iter()
        .find(|model| model.to_string() == text)
        .ok_or_else(|| "the models are sc, rc11 and lkmm".to_owned())
}
