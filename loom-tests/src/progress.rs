// SPDX-License-Identifier: GPL-2.0-only
//! Progress bars on the standard error, only where that is a terminal.

use crate::catalogue::name;
use crate::engine::Job;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use ksync::{OnProgress, Progress};
use std::sync::Arc;

/// A bar over all runs, and a line for each that is under way. Off a terminal nothing is drawn.
#[derive(Debug)]
pub(crate) struct Bars {
    all: MultiProgress,
    rows: ProgressBar,
}

impl Bars {
    pub(crate) fn new(runs: usize) -> Bars {
        let all = MultiProgress::new();
        let rows = all.add(ProgressBar::new(runs as u64));
        rows.set_style(style("{bar:40} {pos}/{len} rows, {elapsed}"));
        Bars { all, rows }
    }

    /// Runs this job with a line of its own.
    pub(crate) fn watch<R>(&self, job: &Job<'_>, run: impl FnOnce(OnProgress) -> R) -> R {
        let line = self.all.add(ProgressBar::new_spinner());
        line.set_style(style("  {prefix}: {human_pos} states, {per_sec}, {msg}"));
        line.set_prefix(name(job.row).to_string());
        let told = line.clone();
        let result = run(Arc::new(move |Progress { states, depth }| {
            told.set_position(states);
            told.set_message(format!("depth {depth}"));
        }));
        line.finish_and_clear();
        self.rows.inc(1);
        result
    }

    /// Prints something above the bars.
    pub(crate) fn above<R>(&self, print: impl FnOnce() -> R) -> R {
        self.all.suspend(print)
    }

    pub(crate) fn clear(&self) {
        self.rows.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are valid")
}
