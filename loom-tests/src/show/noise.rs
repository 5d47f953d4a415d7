// SPDX-License-Identifier: GPL-2.0-only
//! What a picture leaves out, and no more:
//!
//! - the interrupt state, because the margin of each column shows it, and `smp_processor_id()`, because its head does;
//! - the preempt count where only one task ever runs on that CPU, because then it decides nothing;
//! - the life of stack objects, unless an assertion failed;
//! - *data steps*: plain accesses, which are ordered by a lock, and accesses to words that no other task of the run
//!   touches. Where a function begins with several of them they are counted; where they tell how far the function
//!   came they are drawn. After a race or a failed assertion nothing is a data step.

use super::picture::{Line, What, waits};
use ksync::{Trace, TraceStep, Verdict, WaitsFor};
use std::collections::{HashMap, HashSet};

/// Tells the steps that explain a verdict from those that do not.
#[derive(Debug)]
pub(super) struct Noise<'a> {
    /// The tasks that touch each word, or wait for it at the end.
    users: HashMap<&'a str, HashSet<&'a str>>,
    /// Everything may matter.
    data_matters: bool,
}

impl<'a> Noise<'a> {
    pub(super) fn of(trace: &'a Trace, verdict: &'a Verdict) -> Noise<'a> {
        let touched = trace.steps.iter().filter_map(|step| Some((access(step)?.1, step.task.as_str())));
        let awaited = waits(verdict).iter().filter_map(|wait| match &wait.what {
            WaitsFor::Word(word) | WaitsFor::Sleep(word) => Some((word.as_str(), wait.task.as_str())),
            WaitsFor::Lock(_) | WaitsFor::Cpu(_) => None,
        });
        let mut users: HashMap<&str, HashSet<&str>> = HashMap::new();
        for (word, task) in touched.chain(awaited) {
            users.entry(word).or_default().insert(task);
        }
        Noise { users, data_matters: matches!(verdict, Verdict::Violated { .. } | Verdict::Race { .. }) }
    }

    pub(super) fn is_data(&self, step: &TraceStep) -> bool {
        let Some((kind, word)) = access(step) else { return false };
        let plain = matches!(kind, "read" | "write");
        !self.data_matters && (plain || self.users[word].len() == 1)
    }

    pub(super) fn is_hidden(&self, step: &TraceStep) -> bool {
        !self.data_matters && step.operation.starts_with("Frame(")
    }
}

/// The margin or the head of the column shows it.
pub(super) fn is_in_the_margin(step: &TraceStep) -> bool {
    step.operation.starts_with("IrqsOff(") || step.operation == "Cpu"
}

pub(super) fn is_preempt_count(step: &TraceStep) -> bool {
    step.operation.starts_with("PreemptOff(")
}

/// How a step accesses a word, and which.
fn access(step: &TraceStep) -> Option<(&str, &str)> {
    let access = step.operation.split_once(' ')?;
    ["load", "store", "rmw", "await", "read", "write"].contains(&access.0).then_some(access)
}

/// Counts the data steps that a function begins with, where there are several.
pub(super) fn fold(lines: &[Line]) -> Vec<Line> {
    let mut folded: Vec<Line> = Vec::new();
    for block in lines.chunk_by(|a, b| a.column == b.column && a.depth == b.depth && b.is_data()) {
        let last = folded.last();
        let entered = last.is_some_and(|last| matches!(last.what, What::Enter(_)) && last.column == block[0].column);
        if entered && block.len() > 1 && block.iter().all(Line::is_data) {
            let what = What::Data(format!("[{} data steps]", block.len()));
            folded.push(Line { what, ..block[block.len() - 1].clone() });
        } else {
            folded.extend_from_slice(block);
        }
    }
    folded
}
