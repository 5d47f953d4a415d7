// SPDX-License-Identifier: GPL-2.0-only
//! The command line of `reenact`.

use crate::incident::{ALL, Incident, Revision};
use crate::run::{Limits, Outcome, Told, cores, run};
use clap::{Arg, ArgMatches, Command, value_parser};
use indicatif::{HumanCount, ProgressBar};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use usage::{BAD_USAGE, complaint};

/// As expected of the revision.
const AS_EXPECTED: u8 = 0;
/// It ran through and should have locked up, or the other way round.
const NOT_AS_EXPECTED: u8 = 1;
/// What a shell reports of a program that a closed pipe ended.
const CLOSED_PIPE: u8 = 128 + 13;

/// Runs the program on the arguments of the process.
pub fn main() -> ExitCode {
    let mut out = io::stdout();
    let status = match command().try_get_matches() {
        Ok(matches) => match matches.subcommand() {
            Some(("list", _)) => list(&mut out).map(|()| Ok(AS_EXPECTED)),
            Some((name, matches)) => reenact(name, matches, &mut out),
            None => unreachable!("a subcommand is required"),
        },
        Err(error) => Ok(Err(complaint(&error))),
    };
    match status {
        Ok(Ok(status)) => ExitCode::from(status),
        Ok(Err(line)) => {
            eprintln!("reenact: {line}");
            ExitCode::from(BAD_USAGE)
        }
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            eprintln!("reenact: cannot write the output: {error}");
            ExitCode::from(BAD_USAGE)
        }
    }
}

fn command() -> Command {
    let incidents = ALL.iter().map(|incident| {
        Command::new(incident.name)
            .about(incident.about)
            .long_about(incident.help)
            .args([
                Arg::new("revision")
                    .long("revision")
                    .value_name("COMMIT")
                    .help("The kernel; the last one that has the bug if none is given"),
                Arg::new("seconds")
                    .long("seconds")
                    .value_parser(value_parser!(u32).range(1..))
                    .default_value("10")
                    .help("After so long no further round begins"),
                Arg::new("rounds")
                    .long("rounds")
                    .value_parser(value_parser!(u64).range(1..))
                    .default_value("1000000")
                    .help("At most so many rounds"),
            ])
            .after_help(STATUS)
    });
    Command::new("reenact")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Runs the kernel's lockups on real threads until they lock up, and lets a watchdog report them.")
        .subcommands(incidents)
        .subcommand(Command::new("list").about("List incidents, kernels and what is expected of them"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(STATUS)
}

const STATUS: &str = "Exit status: 0 it locked up on a kernel that has the bug, or ran to its end on one that has not; \
    1 it did not; 2 bad usage.";

fn list(out: &mut dyn Write) -> io::Result<()> {
    for incident in ALL {
        writeln!(out, "{}", incident.name)?;
        for Revision { name, what, locks_up, .. } in (incident.revisions)() {
            let expected = if locks_up { "locks up" } else { "runs" };
            writeln!(out, "  {name:<19} {expected:<8}  {what}")?;
        }
    }
    Ok(())
}

/// Bad usage is a line for the user.
fn reenact(name: &str, matches: &ArgMatches, out: &mut dyn Write) -> io::Result<Result<u8, String>> {
    let incident: Incident = *ALL.iter().find(|incident| incident.name == name).expect("clap knows no others");
    let revision = match incident.revision(matches.get_one::<String>("revision").map(String::as_str)) {
        Ok(revision) => revision,
        Err(line) => return Ok(Err(line)),
    };
    let seconds = *matches.get_one::<u32>("seconds").expect("it has a default");
    let rounds = *matches.get_one::<u64>("rounds").expect("it has a default");
    let limits = Limits { time: Duration::from_secs(seconds.into()), rounds };
    writeln!(out, "{}@{}: {}", incident.name, revision.name, revision.what)?;
    // None are known where the system does not tell.
    let cores = cores().len();
    if (1..incident.cores).contains(&cores) {
        writeln!(out, "\nNot as expected: it takes {} cores, and this process may use {cores}.", incident.cores)?;
        return Ok(Ok(NOT_AS_EXPECTED));
    }
    let load = (revision.load)();
    // Off a terminal nothing is drawn.
    let bar = ProgressBar::new_spinner();
    let mut written = Ok(());
    let ended = run(&load, limits, &mut |told| match told {
        Told::Report(text) => {
            let print = || writeln!(out, "\n{text}").and_then(|()| out.flush());
            // Whoever reads no more must not keep the threads from being released.
            written = std::mem::replace(&mut written, Ok(())).and_then(|()| bar.suspend(print));
        }
        Told::Rounds(rounds) => {
            bar.set_message(format!("{} rounds", HumanCount(rounds)));
            bar.tick();
        }
    });
    bar.finish_and_clear();
    written?;
    match ended {
        Ok(outcome) => verdict(out, &revision, outcome, load.released_by()).map(Ok),
        Err(failure) => {
            writeln!(out, "\nNot as expected: {failure}.")?;
            Ok(Ok(NOT_AS_EXPECTED))
        }
    }
}

/// The last line, and the exit status.
fn verdict(out: &mut dyn Write, revision: &Revision, outcome: Outcome, released_by: &str) -> io::Result<u8> {
    let Outcome { locked_up, rounds, last_round, elapsed } = outcome;
    let (rounds, began, seconds) = (HumanCount(rounds), last_round.as_secs_f64(), elapsed.as_secs_f64());
    let expected = locked_up == revision.locks_up;
    let judged = if expected { "as expected" } else { "not as expected" };
    if locked_up {
        writeln!(out, "\nLocked up in round {rounds} after {began:.2} s, reported after {seconds:.1} s: {judged}.")?;
        writeln!(out, "Ended by {released_by}; all threads are joined.")?;
    } else {
        writeln!(out, "\nDid not lock up in {rounds} rounds and {seconds:.1} s: {judged}.")?;
        writeln!(out, "All threads are joined.")?;
    }
    Ok(if expected { AS_EXPECTED } else { NOT_AS_EXPECTED })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Load;
    use std::sync::Arc;

    fn judged(locks_up: bool, locked_up: bool) -> (u8, String) {
        let load = || -> Arc<dyn Load> { unreachable!("nothing runs") };
        let revision = Revision { name: "r", what: "w", mutant: false, locks_up, load: Box::new(load) };
        let outcome = Outcome {
            locked_up,
            rounds: 1234,
            last_round: Duration::from_millis(250),
            elapsed: Duration::from_millis(1500),
        };
        let mut out = Vec::new();
        let status = verdict(&mut out, &revision, outcome, "a write").expect("memory takes it");
        (status, String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn the_status_says_whether_it_is_as_expected() {
        let locked_up = |judged| {
            format!(
                "\nLocked up in round 1,234 after 0.25 s, reported after 1.5 s: {judged}.\n\
                 Ended by a write; all threads are joined.\n"
            )
        };
        let ran =
            |judged| format!("\nDid not lock up in 1,234 rounds and 1.5 s: {judged}.\nAll threads are joined.\n");
        assert_eq!(judged(true, true), (0, locked_up("as expected")));
        assert_eq!(judged(false, true), (1, locked_up("not as expected")));
        assert_eq!(judged(false, false), (0, ran("as expected")));
        assert_eq!(judged(true, false), (1, ran("not as expected")));
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
