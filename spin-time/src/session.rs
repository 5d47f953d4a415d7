// SPDX-License-Identifier: GPL-2.0-only
//! A run of one benchmark, from the command line to the files that it leaves.

use crate::arguments::Arguments;
use crate::contended::{Contention, contended};
use crate::experiment::Experiment;
use crate::lock::Busted;
use crate::machine::Machine;
use crate::noise::Noise;
use crate::record::{Record, Report};
use crate::regime::Waiting;
use crate::stage::Stage;
use crate::summary::table;
use crate::{interrupt, noise, plot};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use usage::{BAD_USAGE, complaint};

/// How often a run looks whether it would notice a lock that is none.
const BUSTED: u32 = 3;

/// A run of one benchmark.
#[derive(Debug)]
pub struct Session {
    pub(crate) arguments: Arguments,
    pub(crate) report: Report,
    directory: PathBuf,
    /// An experiment was asked for by its name, or by none.
    pub(crate) known: bool,
    failed: bool,
}

/// The main function of a benchmark. Results go to `target/spin-time/<name>.json` and pictures beside it.
///
/// Ends with 0; 1 if a candidate failed, a result could not be written or the lock that is none went unnoticed; 2 if
/// the command line is wrong; 130 after Ctrl-C.
pub fn main(name: &str, experiments: impl FnOnce(&mut Session)) -> ExitCode {
    let arguments = match Arguments::read(std::env::args()) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{name}: {}", complaint(&error));
            return ExitCode::from(BAD_USAGE);
        }
    };
    interrupt::listen();
    let mut session = Session::begin(name, arguments);
    session.look_for_busted();
    experiments(&mut session);
    session.end()
}

/// What a benchmark of ports says in the model build.
pub fn main_of_the_model_build(name: &str) {
    println!("{name}: real threads are in the plain build; run it without RUSTFLAGS=\"--cfg loom\"");
}

impl Session {
    fn begin(name: &str, arguments: Arguments) -> Session {
        let ours = || if arguments.quick { results().join("quick") } else { results() };
        let directory = arguments.out.clone().unwrap_or_else(ours);
        let machine = Machine::look();
        println!(
            "{name}: {}, CPUs {:?}, Linux {}\n  {}, commit {}, {}{}",
            machine.processor,
            machine.cpus,
            machine.kernel,
            machine.rustc,
            machine.commit,
            machine.clock,
            if arguments.quick { "\n  quick: the figures only show that it works" } else { "" }
        );
        let noise = Noise::look(&machine, arguments.quick);
        println!("  {}", noise::line(&noise));
        let report = Report {
            bench: name.to_owned(),
            quick: arguments.quick,
            interrupted: false,
            machine,
            noise,
            busted: (0, 0),
            experiments: Vec::new(),
        };
        Session { arguments, report, directory, known: false, failed: false }
    }

    /// A run that cannot see a lock that is none cannot see anything.
    fn look_for_busted(&mut self) {
        let (machine, threads) = (&self.report.machine, 2);
        let cpus = &machine.cpus[..threads.min(machine.cpus.len())];
        let stage = Stage::new(machine, cpus, threads, Waiting::Spinning, true);
        let stage = Stage { quick: self.arguments.quick, ..stage };
        let how =
            Contention { threads, inside: 200, outside: 0, window: Duration::from_millis(30), class: None, hogs: 0 };
        let noticed = (0..BUSTED).filter(|_| contended(&stage, &how, &Busted).is_err()).count();
        self.report.busted = (BUSTED, noticed as u32);
        if noticed < BUSTED as usize {
            self.failed = true;
            println!("  ! a lock that lets everybody in was noticed in {noticed} of {BUSTED} runs: believe nothing");
        }
    }

    /// Begins an experiment: its name, and in one sentence what is done.
    pub fn experiment(&mut self, name: &'static str, what: &'static str) -> Experiment<'_> {
        Experiment::new(self, name, what)
    }

    /// Writes what there is so far, also of an experiment that goes on.
    pub(crate) fn keep(&mut self, record: &Record) {
        self.report.experiments.retain(|known| known.name != record.name);
        self.report.experiments.push(record.clone());
        self.write();
    }

    /// An experiment is over.
    pub(crate) fn finish(&mut self, record: &Record) {
        println!("\n{}", table(record).trim_end());
        self.failed |= record.candidates.iter().any(|candidate| candidate.failure.is_some());
        let picture = self.directory.join(format!("{}-{}.svg", self.report.bench, record.name));
        if let Err(error) = plot::draw(record, &picture) {
            self.failed = true;
            eprintln!("{}: {error}", picture.display());
        }
        self.keep(record);
    }

    fn file(&self) -> PathBuf {
        self.directory.join(format!("{}.json", self.report.bench))
    }

    fn write(&mut self) {
        let file = self.file();
        let written = std::fs::create_dir_all(&self.directory).and_then(|()| self.report.write(&file));
        if let Err(error) = written {
            // Once is enough.
            if !std::mem::replace(&mut self.failed, true) {
                eprintln!("{}: {error}", file.display());
            }
        }
    }

    fn end(mut self) -> ExitCode {
        self.report.interrupted = interrupt::asked();
        if !self.known && !self.report.interrupted {
            eprintln!("{}: no experiment has such a name", self.report.bench);
            return ExitCode::from(BAD_USAGE);
        }
        self.write();
        println!("\nAll values and intervals: {}", self.file().display());
        match (self.report.interrupted, self.failed) {
            (true, _) => ExitCode::from(130),
            (false, true) => ExitCode::FAILURE,
            (false, false) => ExitCode::SUCCESS,
        }
    }
}

/// `target/spin-time`, wherever the target folder is: a benchmark is `target/release/deps/name`, a program has no `deps`.
pub(crate) fn results() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let profile = program.ancestors().skip(1).find(|path| !path.ends_with("deps"));
    profile.and_then(Path::parent).unwrap_or(Path::new("target")).join("spin-time")
}
