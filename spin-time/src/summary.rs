// SPDX-License-Identifier: GPL-2.0-only
//! A table for a terminal of 80 columns.

use crate::place::Place;
use crate::record::{Candidate, PER_CANARY, Record};
use crate::statistics::{Interval, short};
use std::fmt::Write;

/// How many columns the names have.
const NAME: usize = 22;
/// And the first value.
const FIRST: usize = 9;
/// And its ratio.
const RATIO: usize = 18;
/// And another value.
const VALUE: usize = 10;
/// How many values fit beside the ratio.
const OTHERS: usize = 3;

/// The table of an experiment: for each candidate the first value, its ratio to the first candidate with the interval,
/// and the medians of some more.
pub(crate) fn table(record: &Record) -> String {
    let mut text = format!("{}: {}\n", record.name, record.what);
    let threads = if record.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", record.threads) };
    let blocks = record.candidates.first().map_or(0, |first| first.blocks.len());
    let load = |load: Option<f64>| load.map_or("?".to_owned(), |load| format!("{load:.1}"));
    let _ = writeln!(
        text,
        "  {}; {threads}, {blocks} repetitions, load {} to {}",
        record.regime,
        load(record.load[0]),
        load(record.load[1])
    );
    if let Some(place) = Place::of_most(record) {
        let _ = write!(text, "  a store went one way in {place}");
        let _ = match record.elsewhere() {
            0 => writeln!(text),
            elsewhere => writeln!(text, "; blocks elsewhere, left out: {elsewhere}"),
        };
    }
    let metrics: Vec<&str> = record.metrics.iter().map(String::as_str).take(1 + OTHERS).collect();
    let Some((first, others)) = metrics.split_first() else { return text };
    let _ = write!(text, "{:NAME$}{:>FIRST$} {:RATIO$}", "", heading(first), "ratio to the first");
    for metric in others {
        let _ = write!(text, "{:>VALUE$}", heading(metric));
    }
    text.push('\n');
    for (number, candidate) in record.candidates.iter().enumerate() {
        line(&mut text, record, number, candidate, (first, others));
    }
    for doubt in &record.doubts {
        let _ = writeln!(text, "  ! {doubt}");
    }
    text
}

/// The ratio with its interval, or without if that is too long; the file has it all.
fn fitting(ratio: Interval) -> String {
    let text = ratio.to_string();
    if text.len() > RATIO { short(ratio.middle) } else { text }
}

/// The name of a value as a column has it.
fn heading(metric: &str) -> &str {
    if metric.ends_with(PER_CANARY) { PER_CANARY } else { metric }
}

fn line(text: &mut String, record: &Record, number: usize, candidate: &Candidate, metrics: (&str, &[&str])) {
    let (first, others) = metrics;
    let value = |metric| record.value(metric, candidate).map_or("-".to_owned(), |value| short(value.middle));
    let ratio = match number {
        0 => String::new(),
        _ => record.ratio(first, candidate, &record.candidates[0]).map_or("-".to_owned(), fitting),
    };
    let name: String = candidate.name.chars().take(NAME - 1).collect();
    let mut row = format!("{name:NAME$}{:>FIRST$} {ratio:RATIO$}", value(first));
    for metric in others {
        let _ = write!(row, "{:>VALUE$}", value(metric));
    }
    let _ = writeln!(text, "{}", row.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{candidate, record};

    #[test]
    fn the_table_fits_a_terminal() {
        let mut record = record(vec![
            candidate("std::sync::Mutex", &[(5.0, None); 3]),
            candidate("the same again", &[(5.05, None); 3]),
            candidate("a lock with a name that is far too long", &[(123_456.0, None); 3]),
        ]);
        record.metrics.extend(["wait p99".to_owned(), "fairness".to_owned(), "Mops".to_owned(), "more".to_owned()]);
        record.doubts.push("something".to_owned());
        let table = table(&record);
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        assert!(table.contains("the same again             5.05 1.01 [1.01, 1.01]"), "{table}");
        assert!(table.contains("  ! something\n") && !table.contains("more"), "{table}");
    }
}
