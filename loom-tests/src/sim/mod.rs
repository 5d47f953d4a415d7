// SPDX-License-Identifier: GPL-2.0-only
//! `lockup sim`: an incident at its size, by events on a clock. Nothing is interleaved; that is for `lockup prove`.

mod duration;
mod plot;

use crate::cli::Failure;
use crate::output::Output;
use crate::pattern::{Name, Pattern, select};
use cfs_bw::kernel::{HISTORY, Kernel, RHEL_7_9};
use cfs_bw::sim::{Load, Outcome, simulate};
use clap::{Args, Subcommand};
use duration::{in_words, parse};
use std::io::{self, Write as _};
use std::path::PathBuf;

/// What there is to simulate.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Incident 001: a group with a quota of CPU time, throttled on all CPUs when its period starts
    #[command(
        after_help = "A TIME is a number with ns, us, ms or s behind it. A CPU has a task of the group that never \
        sleeps; the period timer has one more CPU for itself. Exit status: 0; 2 bad usage."
    )]
    Cfs(Cfs),
}

/// The options of `lockup sim cfs`; without any it is the size that the report of the incident was made for.
#[derive(Debug, Args)]
pub struct Cfs {
    /// Commits, the beginning of one, or releases; all if none is given
    revisions: Vec<String>,
    /// CPUs that the group runs on
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=1024))]
    cpus: u32,
    /// What the group may run in a period
    #[arg(long, value_parser = parse, value_name = "TIME", default_value = "1ms")]
    quota: u64,
    /// How often the quota is refilled
    #[arg(long, value_parser = parse, value_name = "TIME", default_value = "100ms")]
    period: u64,
    /// How many periods
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    periods: u64,
    /// What a visit to a throttled CPU takes, with interrupts off
    #[arg(long, value_parser = parse, value_name = "TIME", default_value = "1us")]
    visit: u64,
    /// From a visit until the CPU runs
    #[arg(long, value_parser = parse, value_name = "TIME", default_value = "200ns")]
    latency: u64,
    /// How long a CPU runs until it is charged for it
    #[arg(long, value_parser = parse, value_name = "TIME", default_value = "100ns")]
    charge: u64,
    /// Draw the time with interrupts off over the quota, as SVG
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

impl Cfs {
    fn load(&self) -> Load {
        let &Cfs { cpus, quota, period, periods, visit, latency, charge, .. } = self;
        Load { cpus, quota, period, visit, latency, interval: charge, periods }
    }
}

/// Runs a simulation and prints its table.
///
/// # Errors
/// A revision that there is not, or an output that cannot be written, which shows before the run.
pub fn run(What::Cfs(cfs): &What) -> Result<u8, Failure> {
    let kernels = selected(&cfs.revisions)?;
    let plot = cfs.plot.as_deref().map(Output::open).transpose()?;
    let load = cfs.load();
    let mut out = io::stdout().lock();
    write!(out, "{}", heading(&load))?;
    for kernel in &kernels {
        writeln!(out, "{}", line(kernel, &load, &simulate(*kernel, load)))?;
    }
    if let Some(output) = plot {
        output.write(&plot::irqs_off_over_quota(&kernels, load))?;
    }
    Ok(0)
}

/// The kernels of the history, and the distribution's, that these name.
fn selected(revisions: &[String]) -> Result<Vec<Kernel>, Failure> {
    let kernels = [HISTORY, &[RHEL_7_9]].concat();
    let name = |kernel: &Kernel| Name { incident: "cfs", scenario: "*", revision: kernel.label.revision };
    let names: Vec<Name<'_>> = kernels.iter().map(name).collect();
    let patterns: Result<Vec<Pattern>, String> =
        revisions.iter().map(|revision| Pattern::parse(&format!("cfs@{revision}"))).collect();
    let chosen = patterns.and_then(|patterns| select(&patterns, &names)).map_err(Failure::Usage)?;
    Ok(chosen.into_iter().map(|at| kernels[at]).collect())
}

fn heading(load: &Load) -> String {
    let &Load { cpus, quota, period, visit, latency, interval, periods } = load;
    let [quota, period, visit, latency, interval] = [quota, period, visit, latency, interval].map(in_words);
    format!(
        "{cpus} CPUs have {quota} in each {period}; all start throttled. Periods: {periods}.\n\
         A visit takes {visit}. A CPU runs {latency} after it, and is charged every {interval}.\n\
         \n{:27}{:>21}{:>21}\n{:<16}{:>11}{:>12}{:>9}{:>12}{:>9}{:>11}\n",
        "",
        "interrupts off",
        "share of a CPU",
        "revision",
        "visits",
        "longest",
        "share",
        "least",
        "most",
        "never ran"
    )
}

/// A kernel's line. Its time with interrupts off is that of its visits.
fn line(kernel: &Kernel, load: &Load, outcome: &Outcome) -> String {
    let percent = |part: u64, all: u64| format!("{:.3}%", 100.0 * part as f64 / all.max(1) as f64);
    let consumed = || outcome.consumed.iter().copied();
    let of_cpu = |consumed: Option<u64>| percent(consumed.unwrap_or(0), outcome.elapsed);
    let mut line = format!(
        "{:<16}{:>11}{:>12}{:>9}{:>12}{:>9}{:>11}",
        kernel.label.revision,
        outcome.visits,
        in_words(outcome.irqs_off),
        percent(outcome.visits * load.visit, outcome.elapsed),
        of_cpu(consumed().min()),
        of_cpu(consumed().max()),
        outcome.starved(),
    );
    if outcome.hard_lockup {
        line += "\n    Watchdog detected hard LOCKUP: the handler has not come back";
    }
    line
}
