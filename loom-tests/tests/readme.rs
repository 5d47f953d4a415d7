// SPDX-License-Identifier: GPL-2.0-only
//! What README.md and loom.md say is what the program does. `UPDATE_EXPECT=1` brings them up to date.
#![cfg(loom)]
#![allow(clippy::format_push_string, clippy::format_collect, reason = "the texts are short, and so are these lines")]

use expect_test::expect_file;
use ksync::catalogue::LoomUse;
use loom_tests::catalogue::catalogue;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const README: &str = include_str!("../../README.md");
/// A block of README.md that shows a run of the program.
const COMMAND: &str = "```console\n$ cargo lockup ";
/// The head of the list of scenarios that only the explorer decides.
const CANNOT_CARRY: &str = "\
# What loom cannot carry

The explorer alone decides these scenarios. Why loom is not asked about them, reason by reason; written by the test
`readme` with `UPDATE_EXPECT=1`. All other rows run on both engines.
";

#[test]
fn the_readme_shows_what_the_program_prints() {
    let mut fresh = String::new();
    let mut rest = README;
    while let Some((before, block)) = rest.split_once(COMMAND) {
        let (command, block) = block.split_once('\n').expect("a line");
        let (shown, after) = block.split_once("```").expect("the block ends");
        let output = Command::new(env!("CARGO_BIN_EXE_lockup")).args(command.split(' ')).output().expect("it starts");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        let same = without_seconds(&printed) == without_seconds(shown);
        fresh += &format!("{before}{COMMAND}{command}\n{}```", if same { shown } else { &printed });
        rest = after;
    }
    fresh += rest;
    expect_file!["../../README.md"].assert_eq(&fresh);
}

/// The text without what differs from run to run: a number before ` s`, and the blanks that align it.
fn without_seconds(text: &str) -> String {
    let line = |line: &str| match line.strip_suffix(" s").and_then(|line| line.rsplit_once(' ')) {
        Some((front, seconds)) if seconds.parse::<f64>().is_ok() => front.trim_end().to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_loom_cannot_carry_is_listed() {
    let mut reasons: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for row in catalogue() {
        if let LoomUse::CannotCarry(why) = row.loom {
            reasons.entry(why).or_default().insert(format!("`{}/{}`", row.incident, row.scenario));
        }
    }
    let section = |(why, scenarios): (&str, BTreeSet<String>)| {
        let items: String = scenarios.iter().map(|scenario| format!("- {scenario}\n")).collect();
        format!("\n## {why}\n\n{items}")
    };
    let sections: String = reasons.into_iter().map(section).collect();
    expect_file!["../loom.md"].assert_eq(&format!("{CANNOT_CARRY}{sections}"));
}

#[test]
fn seconds_are_no_difference() {
    assert_eq!(without_seconds("a  31 states   0.01 s\nb\n"), without_seconds("a  31 states  12.34 s\nb\n"));
    assert_ne!(without_seconds("a  31 states   0.01 s"), without_seconds("a  32 states   0.01 s"));
}
