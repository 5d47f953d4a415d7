// SPDX-License-Identifier: GPL-2.0-only
//! Litmus tests on disk, each with herd7's answer beside it.

#![allow(dead_code, reason = "each test uses a part of it")]

use loom_tests::litmus::code::Program;
use loom_tests::litmus::{lower, parser};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A test and what herd7 says of it.
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    pub(crate) program: Program,
    /// The final states.
    pub(crate) states: BTreeSet<String>,
    /// `Ok` or `No`, the witnesses, the verdict.
    pub(crate) observation: String,
    pub(crate) witnesses: String,
    pub(crate) flags: BTreeSet<String>,
}

/// All litmus files below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    files
}

/// Those that have an answer.
pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    files(folder).iter().filter(|path| path.with_extension("herd").exists()).map(|path| case(path)).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "litmus") {
            into.push(path);
        }
    }
}

fn case(path: &Path) -> Case {
    let text = fs::read_to_string(path).expect("readable");
    let test = parser::parse(&text).unwrap_or_else(|error| panic!("{}:{error}", path.display()));
    let program = lower::lower(&test).unwrap_or_else(|error| panic!("{}:{error}", path.display()));
    let answer = fs::read_to_string(path.with_extension("herd")).expect("readable");
    let starting = |word: &str| answer.lines().find(|line| line.starts_with(word)).unwrap_or_default().to_owned();
    let states = answer.lines().skip_while(|line| !line.starts_with("States ")).skip(1);
    Case {
        path: path.to_owned(),
        program,
        states: states.take_while(|line| !matches!(*line, "Ok" | "No")).map(|line| line.trim().to_owned()).collect(),
        observation: starting("Observation "),
        witnesses: starting("Positive: "),
        flags: answer.lines().filter(|line| line.starts_with("Flag ")).map(str::to_owned).collect(),
    }
}

/// The tests that belong to this project.
pub(crate) fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litmus")
}

/// Further tests, where `LOCKUP_LITMUS` names a folder.
pub(crate) fn others() -> Option<PathBuf> {
    let folder = std::env::var_os("LOCKUP_LITMUS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("LOCKUP_LITMUS is not set: only the project's own litmus tests are run");
    }
    folder
}
