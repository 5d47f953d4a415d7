// SPDX-License-Identifier: GPL-2.0-only
//! `lockup show compound-lock`: the facts of incident 002 against what each hypothesis leads to.

use super::calls::Calls;
use super::evidence::{Run, Says};
use super::story::{Story, kind};
use super::{Format, html, text};
use crate::catalogue::{name, sources};
use crate::cli::Failure;
use crate::engine::{Choice, Job};
use crate::output::Output;
use compound::investigation::{Fact, HYPOTHESES, Hypothesis, UNDECIDED};
use ksync::catalogue::Row;
use ksync::{Explain, Report};
use std::path::Path;

pub use compound::investigation::INCIDENT;

/// The width of the table and of the sentences around it, in characters.
pub const WIDTH: usize = 80;

/// A hypothesis, and what its row came to.
#[derive(Debug)]
pub struct Finding<'a> {
    /// What was supposed.
    pub hypothesis: &'static Hypothesis,
    /// The same scenario without what the hypothesis adds.
    pub without: Report,
    /// The run of the row.
    pub report: Report,
    job: Job<'a>,
}

impl Finding<'_> {
    /// What its run says about the fact; nothing without a run.
    pub fn says(&self, fact: Fact) -> Says {
        Run::of(&self.report).map_or(Says::Nothing, |run| run.says(fact))
    }

    fn story(&self, calls: &Calls) -> Option<Story> {
        let title = format!("{}: {}", name(self.job.row), self.job.row.what);
        Story::of(&title, &self.job.model_name(), &self.report, calls)
    }
}

/// Runs the rows of all hypotheses.
///
/// # Panics
/// If the catalogue lacks one of them.
pub fn findings(rows: &[Row]) -> Vec<Finding<'_>> {
    let run = |(incident, scenario, revision)| {
        let is = |row: &&Row| (row.incident, row.scenario, row.revision) == (incident, scenario, revision);
        let row = rows.iter().find(is).expect("each hypothesis has its rows");
        let job = Choice::Explore.jobs(&[row], None).remove(0);
        (job, job.run(Explain::Shortest, None))
    };
    HYPOTHESES
        .iter()
        .map(|hypothesis| {
            let (incident, scenario, _) = hypothesis.row;
            let (_, without) = run((incident, scenario, hypothesis.without));
            let (job, report) = run(hypothesis.row);
            Finding { hypothesis, without, report, job }
        })
        .collect()
}

/// Prints the investigation: the table, and a counterexample for each hypothesis that has one.
///
/// # Errors
/// If the format has no tables, or the output cannot be written, which shows before the runs.
pub fn run(rows: &[Row], format: Format, output: Option<&Path>) -> Result<u8, Failure> {
    if format == Format::Mermaid {
        return Err(Failure::Usage(format!("{INCIDENT} is an investigation with a table: it is text or html")));
    }
    let output = Output::open(output.unwrap_or(Path::new("-")))?;
    let findings = findings(rows);
    let calls = Calls::of(&sources());
    let stories: Vec<Story> = findings.iter().filter_map(|finding| finding.story(&calls)).collect();
    let page = match format {
        Format::Html => html_page(&findings, &stories),
        Format::Text | Format::Mermaid => {
            let runs: String = stories.iter().map(|story| format!("\n\n{}", text::page(story))).collect();
            table(&findings) + &runs
        }
    };
    output.write(&page)?;
    Ok(0)
}

const TITLE: &str = "Incident 002: the lock bit of a head page stays set";
const MARKS: &str = "+ the run ends so, - it ends otherwise, . it has nothing of the kind.";

fn letter(n: usize) -> char {
    char::from(b'a' + n as u8)
}

/// What a hypothesis leads to, and that it leads there only with what it adds.
fn outcome(finding: &Finding<'_>) -> String {
    let Hypothesis { row: (_, scenario, revision), without, needs, .. } = finding.hypothesis;
    format!(
        "{scenario}@{revision}: {}; @{without}: {}. It takes: {needs}",
        kind(&finding.report.verdict),
        kind(&finding.without.verdict)
    )
}

/// The facts, the table, and what stays open, in lines of at most [`WIDTH`] characters.
pub fn table(findings: &[Finding<'_>]) -> String {
    let mut page = format!("{TITLE}\n\nWhat the dump shows:\n");
    for (n, fact) in Fact::ALL.into_iter().enumerate() {
        page += &paragraph(&format!("{}) {}", letter(n), fact.text()), 3);
    }
    page += &format!("\n{:25} {:16}", "Hypothesis", "Verdict");
    page.extend((0..Fact::ALL.len()).flat_map(|n| [' ', letter(n), ' ']));
    page = page.trim_end().to_owned() + "\n";
    for finding in findings {
        page += &format!("{:25} {:16}", finding.hypothesis.name, kind(&finding.report.verdict));
        page.extend(Fact::ALL.into_iter().flat_map(|fact| [' ', finding.says(fact).mark(), ' ']));
        page = page.trim_end().to_owned() + "\n";
    }
    page += &format!("{MARKS}\n\n");
    for finding in findings {
        page += &paragraph(&format!("{}: {}", finding.hypothesis.name, outcome(finding)), 2);
    }
    page += "\nWhat the dump does not decide:\n";
    for sentence in UNDECIDED {
        page += &paragraph(&format!("- {sentence}"), 2);
    }
    page
}

/// A paragraph whose lines after the first hang.
fn paragraph(text: &str, hang: usize) -> String {
    let lines = text::wrap(text, WIDTH, hang);
    lines.into_iter().map(|(hang, line)| format!("{:hang$}{line}\n", "")).collect()
}

fn html_page(findings: &[Finding<'_>], stories: &[Story]) -> String {
    let item = |text: &str| format!("<li>{}</li>\n", html::escaped(text));
    let facts: String = Fact::ALL.into_iter().map(|fact| item(fact.text())).collect();
    let letters: String = (0..Fact::ALL.len()).map(|n| format!("<th>{}</th>", letter(n))).collect();
    let line = |finding: &Finding<'_>| {
        let marks: String = Fact::ALL
            .into_iter()
            .map(|fact| format!("<td class=\"mark\">{}</td>", finding.says(fact).mark()))
            .collect();
        let (name, verdict) = (finding.hypothesis.name, kind(&finding.report.verdict));
        format!("<tr><td class=\"mark\">{name}</td><td class=\"mark\">{verdict}</td>{marks}</tr>\n")
    };
    let lines: String = findings.iter().map(line).collect();
    let needs = |finding: &Finding<'_>| item(&format!("{}: {}", finding.hypothesis.name, outcome(finding)));
    let needs: String = findings.iter().map(needs).collect();
    let open: String = UNDECIDED.iter().map(|sentence| item(sentence)).collect();
    let runs = |story: &Story| format!("<h2>{}</h2>\n{}", html::escaped(&story.title), html::section(story));
    let runs: String = stories.iter().map(runs).collect();
    let body = format!(
        "<h2>What the dump shows</h2>\n<ol type=\"a\">\n{facts}</ol>\n\
         <table>\n<tr><th>Hypothesis</th><th>Verdict</th>{letters}</tr>\n{lines}</table>\n<p>{MARKS}</p>\n\
         <ul>\n{needs}</ul>\n<h2>What the dump does not decide</h2>\n<ul>\n{open}</ul>\n{runs}"
    );
    html::document(TITLE, &body)
}
