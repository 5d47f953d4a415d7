// SPDX-License-Identifier: GPL-2.0-only
//! `lockup prove`.

use crate::catalogue::name;
use crate::certificate::{Certificate, Entry};
use crate::cli::Failure;
use crate::engine::{Choice, Engine, Job, undecided};
use crate::output::Output;
use crate::progress::Bars;
use crate::run;
use crate::show::story::{ending, kind};
use ksync::catalogue::Row;
use ksync::{Explain, Model, Report, Verdict};
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

/// Exit status where some verdict differs from the expected one.
const SOME_DIFFER: u8 = 1;
/// Exit status where none differs, but some are Unknown.
const SOME_UNKNOWN: u8 = 3;

/// Runs the rows, prints a line for each and writes the certificate.
///
/// # Errors
/// If the report cannot be written, which shows before the run, or the standard output.
pub fn run(rows: &[&Row], engine: Choice, model: Option<Model>, json: Option<&Path>) -> Result<u8, Failure> {
    let certificate = json.map(Output::open).transpose()?;
    let for_people = !matches!(certificate, Some(Output::Stdout));
    let jobs = engine.jobs(rows, model);
    let lines = Lines::over(&jobs);
    let bars = Bars::new(jobs.len());
    let start = Instant::now();
    let mut entries = Vec::new();
    let mut printed = Ok(());
    run::in_order(
        &jobs,
        |job| bars.watch(job, |on_progress| job.run(Explain::First, Some(on_progress))),
        |job, result| {
            let report = result.unwrap_or_else(|panic| undecided(format!("the engine panicked: {panic}")));
            let entry = Entry::new(job, &report);
            if for_people && printed.is_ok() {
                printed = bars.above(|| io::stdout().lock().write_all(lines.line(job, &report, &entry).as_bytes()));
            }
            entries.push(entry);
        },
    );
    bars.clear();
    printed?;
    let tally = Tally::of(&entries);
    if for_people {
        let skipped = if engine == Choice::Both { 2 * rows.len() - jobs.len() } else { 0 };
        writeln!(io::stdout(), "{}", tally.summary(start.elapsed().as_secs_f64(), skipped))?;
    }
    if let Some(output) = certificate {
        output.write(&Certificate::new(entries).to_json())?;
    }
    Ok(tally.status())
}

/// How the lines are aligned.
struct Lines {
    name_width: usize,
}

impl Lines {
    fn over(jobs: &[Job<'_>]) -> Lines {
        Lines { name_width: jobs.iter().map(|job| name(job.row).to_string().len()).max().unwrap_or(0) }
    }

    /// One line for a row as expected; what was found below it for any other.
    fn line(&self, job: &Job<'_>, report: &Report, entry: &Entry) -> String {
        let (count, unit) = match job.engine {
            Engine::Explore => (report.states, "states"),
            Engine::Loom => (report.executions, "runs"),
        };
        let mark = match (entry.as_expected, &report.verdict) {
            (true, _) => "expected",
            (false, Verdict::Unknown { .. }) => "UNDECIDED",
            (false, _) => "DIFFERS",
        };
        let mut line = format!(
            "{:<width$} {:<4} {:<10} {mark:<9} {:>9} {unit:<6} {:>6.2} s\n",
            name(job.row).to_string(),
            entry.model,
            report.verdict.kind(),
            grouped(count),
            report.seconds,
            width = self.name_width,
        );
        if !entry.as_expected {
            line += &format!("    {}\n", job.row.what);
            line += &format!("    expected {}, found {}\n", job.row.expected, kind(&report.verdict));
            line.extend(ending(&report.verdict, report.trace.as_ref()).iter().map(|text| format!("    {text}\n")));
        }
        line
    }
}

/// How the rows came out.
struct Tally {
    as_expected: usize,
    differ: usize,
    unknown: usize,
}

impl Tally {
    fn of(entries: &[Entry]) -> Tally {
        let as_expected = entries.iter().filter(|entry| entry.as_expected).count();
        let unknown = entries.iter().filter(|entry| !entry.as_expected && entry.is_unknown()).count();
        Tally { as_expected, unknown, differ: entries.len() - as_expected - unknown }
    }

    fn summary(&self, seconds: f64, skipped: usize) -> String {
        let Tally { as_expected, differ, unknown } = self;
        let mut line =
            format!("{as_expected} as expected, {differ} different, {unknown} undecided, in {seconds:.2} s");
        if skipped > 0 {
            line += &format!("; loom cannot carry {skipped} rows");
        }
        line
    }

    fn status(&self) -> u8 {
        match self {
            Tally { differ: 1.., .. } => SOME_DIFFER,
            Tally { unknown: 1.., .. } => SOME_UNKNOWN,
            _ => 0,
        }
    }
}

/// A number with commas between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (123_456, "123,456"), (9_876_543, "9,876,543")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_difference_outweighs_an_unknown() {
        let status = |differ, unknown| Tally { as_expected: 5, differ, unknown }.status();
        assert_eq!([status(0, 0), status(2, 0), status(2, 1), status(0, 1)], [0, 1, 1, 3]);
    }
}
