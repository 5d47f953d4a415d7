// SPDX-License-Identifier: GPL-2.0-only
//! What there is to tell about a failing row; the formats only differ in how they set it.

use super::calls::Calls;
use super::picture::{Picture, waits};
use ksync::{Lockup, Report, Trace, Verdict, Wait};

/// A counterexample with everything around it.
#[derive(Debug)]
pub struct Story {
    /// The row, and its revision in one line.
    pub title: String,
    /// The verdict, and how short the run is.
    pub summary: String,
    /// The run.
    pub picture: Picture,
    /// Where everybody is at its end.
    pub ending: Vec<String>,
}

impl Story {
    /// The story of a report under this memory model; `None` where the report has no trace.
    pub fn of(title: &str, model: &str, report: &Report, calls: &Calls) -> Option<Story> {
        let trace = report.trace.as_ref()?;
        Some(Story {
            title: title.to_owned(),
            summary: summary(&report.verdict, model, trace),
            picture: Picture::of(trace, &report.verdict, calls),
            ending: ending(&report.verdict, Some(trace)),
        })
    }
}

/// The verdict's name, and the severity of a lockup.
pub(crate) fn kind(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Lockup(Lockup { severity, .. }) => format!("Lockup ({severity})"),
        _ => verdict.kind().to_owned(),
    }
}

fn summary(verdict: &Verdict, model: &str, trace: &Trace) -> String {
    let kind = kind(verdict);
    let (steps, switches) = (trace.steps.len(), trace.switches());
    let switches = if switches == 1 { "1 context switch".to_owned() } else { format!("{switches} context switches") };
    let minimal = if trace.minimal { "; no run that fails is shorter" } else { "" };
    format!("{kind} under {model}, after {steps} steps and {switches}{minimal}.")
}

/// A sentence for everybody who waits, and the cycle; for other failures the verdict itself.
pub(crate) fn ending(verdict: &Verdict, trace: Option<&Trace>) -> Vec<String> {
    match verdict {
        Verdict::Holds => return Vec::new(),
        Verdict::Unbounded { pump, .. } if pump.len() > 1 => return vec![format!("{verdict}."), repeats(pump)],
        _ if waits(verdict).is_empty() => return vec![verdict.to_string()],
        _ => {}
    }
    let mut sentences: Vec<String> = waits(verdict).iter().map(|wait| sentence(wait, trace)).collect();
    if let Verdict::Lockup(Lockup { cycle: cycle @ 1.., waits, .. }) = verdict {
        let round = waits[..*cycle].iter().chain([&waits[0]]);
        let tasks: Vec<&str> = round.map(|wait| wait.task.as_str()).collect();
        sentences.push(format!("Cycle: {}.", tasks.join(" -> ")));
    }
    sentences
}

/// The functions of a pump, in order, each time that the task or the function changes.
fn repeats(pump: &[String]) -> String {
    let mut calls: Vec<&str> = pump.iter().filter_map(|step| Some(step.split_once("(): ")?.0)).collect();
    calls.dedup();
    let mut text = format!("What repeats, in {} steps:", pump.len());
    let mut before = "";
    for (task, function) in calls.iter().filter_map(|call| call.split_once(": ")) {
        text += &if task == before { format!(", {function}()") } else { format!(" [{task}] {function}()") };
        before = task;
    }
    text + "."
}

/// What a task waits for, and the locks that it holds meanwhile, where a trace says so.
fn sentence(wait: &Wait, trace: Option<&Trace>) -> String {
    let last = trace.and_then(|trace| trace.steps.iter().rfind(|step| step.task == wait.task));
    let holds = last.map(|step| step.holds.join(", ")).filter(|holds| !holds.is_empty());
    let holds = holds.map_or(String::new(), |holds| format!("; it holds {holds}"));
    format!("{wait}{holds}.")
}
