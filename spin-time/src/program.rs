// SPDX-License-Identifier: GPL-2.0-only
//! `cargo spin-time`: all benchmarks, one after the other, and the goals.

use crate::goal_table::table;
use crate::interrupt;
use crate::record::Report;
use crate::session::results;
use std::path::Path;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo spin-time [--quick | goals]
  (nothing)  runs all benchmarks, which takes some minutes, and shows the goals
  --quick    runs all benchmarks only to show that they work
  goals      shows the goals as the last run left them";

/// The benchmarks, each with its crate.
const BENCHMARKS: &[(&str, &str)] = &[
    ("spin-time", "floors"),
    ("ksync", "instructions"),
    ("compound", "locks"),
    ("stopper", "stop"),
    ("cfs_bw", "period_timer"),
];

/// The main function of the program. Ends with 0; 1 if a benchmark failed; 2 if the command line is wrong; 130 after
/// Ctrl-C.
pub fn program() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let quick = match arguments[..] {
        [] => false,
        ["--quick"] => true,
        ["goals"] => {
            show(&results());
            return ExitCode::SUCCESS;
        }
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("spin-time: cannot make sense of '{}'; --help says more", arguments.join(" "));
            return ExitCode::from(2);
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
