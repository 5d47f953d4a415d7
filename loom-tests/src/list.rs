// SPDX-License-Identifier: GPL-2.0-only
//! `lockup list`.

use crate::certificate::Kind;
use crate::cli::Failure;
use ksync::catalogue::Row;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Listed<'a> {
    incident: &'a str,
    scenario: &'a str,
    revision: &'a str,
    what: &'a str,
    mutant: bool,
    expected: Kind,
}

/// Prints the catalogue.
///
/// # Errors
/// If the standard output cannot be written.
pub fn run(rows: &[Row], json: bool) -> Result<u8, Failure> {
    let text = if json { as_json(rows) } else { as_text(rows) };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(0)
}

fn as_json(rows: &[Row]) -> String {
    let listed = |row: &Row| Listed {
        incident: row.incident,
        scenario: row.scenario,
        revision: row.revision,
        what: row.what,
        mutant: row.mutant,
        expected: Kind { kind: row.expected.kind() },
    };
    let rows: Vec<Listed<'_>> = rows.iter().map(listed).collect();
    serde_json::to_string_pretty(&rows).expect("strings only") + "\n"
}

fn as_text(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.revision.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut heading = None;
    for row in rows {
        let scenario = (row.incident, row.scenario);
        if heading.replace(scenario) != Some(scenario) {
            text += &format!("{}/{}\n", row.incident, row.scenario);
        }
        let mutant = if row.mutant { " (wrong patch)" } else { "" };
        text += &format!("  @{:<width$}  {:<10}  {}{mutant}\n", row.revision, row.expected.kind(), row.what);
    }
    text
}
