// SPDX-License-Identifier: GPL-2.0-only
//! `cargo spin-time`: all benchmarks, one after the other, and the goals.

use crate::goal_table::table;
use crate::interrupt;
use crate::record::Report;
use crate::session::results;
use clap::{Parser, Subcommand};
use std::path::Path;
use std::process::{Command, ExitCode};
use usage::{BAD_USAGE, complaint};

/// Runs all benchmarks, which takes some minutes, and shows the goals.
#[derive(Debug, Parser)]
#[command(name = "spin-time", bin_name = "cargo spin-time", version, args_conflicts_with_subcommands = true)]
struct Cli {
    /// Run all benchmarks only to show that they work
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    command: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the goals as the last run left them
    Goals,
}

/// The benchmarks, each with its crate.
const BENCHMARKS: &[(&str, &str)] = &[
    ("spin-time", "floors"),
    ("ksync", "instructions"),
    ("compound", "locks"),
    ("stopper", "stop"),
    ("cfs_bw", "period_timer"),
    ("watchdog", "heartbeat"),
];

/// The main function of the program. Ends with 0; 1 if a benchmark failed; 2 if the command line is wrong; 130 after
/// Ctrl-C.
pub fn program() -> ExitCode {
    let quick = match Cli::try_parse() {
        Ok(Cli { command: Some(What::Goals), .. }) => {
            show(&results());
            return ExitCode::SUCCESS;
        }
        Ok(Cli { command: None, quick }) => quick,
        Err(error) => {
            eprintln!("spin-time: {}", complaint(&error));
            return ExitCode::from(BAD_USAGE);
        }
    };
    interrupt::listen();
    let directory = if quick { results().join("quick") } else { results() };
    set_aside(&directory);
    // Built before anything is measured: a compiler is bad company.
    let failed = !run(&["--no-run", "--quiet"], false) || !run(&[], quick);
    println!();
    show(&directory);
    match (interrupt::asked(), failed) {
        (true, _) => ExitCode::from(130),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    }
}

/// Runs cargo for each benchmark; says whether all went well.
fn run(flags: &[&str], quick: bool) -> bool {
    let mut well = true;
    for (package, bench) in BENCHMARKS {
        if interrupt::asked() {
            return false;
        }
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.args(["bench", "--package", package, "--bench", bench]).args(flags);
        if quick {
            cargo.args(["--", "--quick"]);
        }
        let status = cargo.status();
        if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
            eprintln!("spin-time: {bench} of {package} did not go well");
            well = false;
        }
    }
    well
}

/// Keeps the last run, to compare the next one with.
fn set_aside(directory: &Path) {
    let last = directory.join("last");
    // What cannot be kept is not compared with.
    let _ = std::fs::create_dir_all(&last);
    for (_, bench) in BENCHMARKS {
        let file = format!("{bench}.json");
        let _ = std::fs::rename(directory.join(&file), last.join(&file));
    }
}

fn show(directory: &Path) {
    let read = |directory: &Path| -> Vec<Report> {
        let file = |bench: &str| directory.join(format!("{bench}.json"));
        BENCHMARKS.iter().filter_map(|(_, bench)| Report::read(&file(bench)).ok()).collect()
    };
    print!("{}", table(&read(directory), &read(&directory.join("last"))));
}
