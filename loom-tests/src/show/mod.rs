// SPDX-License-Identifier: GPL-2.0-only
//! `lockup show`.

pub mod calls;
pub mod elsewhere;
pub mod evidence;
pub mod html;
pub mod investigation;
pub mod mermaid;
mod noise;
pub mod picture;
pub mod story;
#[cfg(test)]
mod tests;
pub mod text;

use crate::catalogue::{name, sources};
use crate::cli::Failure;
use crate::engine::Choice;
use crate::output::Output;
use calls::Calls;
use clap::ValueEnum;
use ksync::catalogue::Row;
use ksync::{Explain, Report, Source, Verdict};
use std::collections::HashSet;
use std::path::Path;
use story::Story;

/// How a counterexample is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A column per CPU, in text
    Text,
    /// One HTML file that fetches nothing
    Html,
    /// A Mermaid sequence diagram
    Mermaid,
}

impl Format {
    /// The story in this format.
    pub fn draw(self, story: &Story) -> String {
        match self {
            Format::Text => text::page(story),
            Format::Html => html::page(story),
            Format::Mermaid => mermaid::draw(story),
        }
    }
}

/// Prints the counterexample of the first of these rows that fails, or says that there is none. `all` are the rows of
/// the catalogue: in text, the run is tried on the other revisions of its scenario too.
///
/// # Errors
/// If the output cannot be written, which shows before the run.
pub fn run(rows: &[&Row], all: &[Row], format: Format, output: Option<&Path>) -> Result<u8, Failure> {
    let output = Output::open(output.unwrap_or(Path::new("-")))?;
    let mut failure = None;
    let mut undecided = 0;
    // One after the other: the first is usually the one.
    for job in Choice::Explore.jobs(rows, None) {
        let report = job.run(Explain::Shortest, None);
        match report.verdict {
            Verdict::Holds => {}
            Verdict::Unknown { .. } => undecided += 1,
            _ => {
                failure = Some((job, report));
                break;
            }
        }
    }
    let text = match failure {
        Some((job, report)) => {
            let title = format!("{}: {}", name(job.row), job.row.what);
            let story = Story::of(&title, &job.model_name(), &report, &Calls::of(&sources_of(&report)));
            let mut text =
                story.map_or_else(|| format!("{title}\n{}\n", report.verdict), |story| format.draw(&story));
            if let (Format::Text, Some(trace)) = (format, &report.trace) {
                text += &elsewhere::lines(all, &job, trace);
            }
            text
        }
        None if undecided > 0 => format!("no counterexample in {} rows, but {undecided} are undecided\n", rows.len()),
        None if rows.len() == 1 => "no counterexample: the one row holds\n".to_owned(),
        None => format!("no counterexample: all {} rows hold\n", rows.len()),
    };
    output.write(&text)?;
    Ok(0)
}

/// The sources of the crates that the trace goes through: in others there are only namesakes.
fn sources_of(report: &Report) -> Vec<Source> {
    let top = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    let steps = report.trace.iter().flat_map(|trace| &trace.steps);
    let crates: HashSet<String> = steps.map(|step| top(&step.place)).collect();
    sources().into_iter().filter(|(path, _)| crates.contains(&top(path))).collect()
}
