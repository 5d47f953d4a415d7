// SPDX-License-Identifier: GPL-2.0-only
//! The program as its users meet it: exit status, streams, files.
#![cfg(loom)]

use ksync::Model;
use ksync::catalogue::{Expected, LoomUse, Row};
use loom_tests::catalogue::{catalogue, name};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the program with its output in pipes.
fn lockup(args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockup"));
    let output = command.args(args).stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs it where it can do nothing: status 2, one line that names what is wrong, and nothing else.
fn refused(args: &[&str], names: &[&str]) {
    let Ran { status, stdout, stderr } = lockup(args);
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    assert!(stderr.starts_with("lockup: "), "{args:?}: {stderr}");
    for name in names {
        assert!(stderr.contains(name), "{args:?} does not name {name}: {stderr}");
    }
}

/// The pattern of the first row like this.
fn a_row(like: impl Fn(&Row) -> bool) -> String {
    let rows = catalogue();
    let row = rows.iter().find(|&row| like(row)).expect("the catalogue has such a row");
    name(row).to_string()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).expect("valid JSON")
}

#[test]
fn list_names_every_row() {
    let rows = catalogue();
    let Ran { status, stdout, stderr } = lockup(&["list"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    for row in &rows {
        assert!(stdout.contains(&format!("{}/{}\n", row.incident, row.scenario)), "{row:?}");
        assert!(stdout.contains(&format!("@{} ", row.revision)), "{row:?}");
    }
    let json = lockup(&["list", "--json"]);
    let listed = parsed(&json.stdout);
    assert_eq!(listed.as_array().map(Vec::len), Some(rows.len()));
    assert_eq!(listed[0]["expected"]["kind"], rows[0].expected.kind());
}

#[test]
fn prove_prints_a_line_for_each_row_and_is_quiet_in_a_pipe() {
    let Ran { status, stdout, stderr } = lockup(&["prove", "migrate-swap/s9-incident"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    let rows = catalogue().iter().filter(|row| row.scenario == "s9-incident").count();
    assert_eq!(stdout.lines().count(), rows + 1, "{stdout}");
    let summary = format!("{rows} as expected, 0 different, 0 undecided, in ");
    assert!(stdout.lines().last().is_some_and(|line| line.starts_with(&summary)), "{stdout}");
}

#[test]
fn the_certificate_has_the_promised_shape() {
    let Ran { status, stdout, stderr } = lockup(&["prove", "migrate-swap/s9-incident", "--json", "-"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let certificate = parsed(&stdout);
    assert_eq!(certificate["tool"], format!("lockup {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(certificate["sources"].as_str().map(str::len), Some(64));
    assert_eq!(certificate["all_as_expected"], true);
    let results = certificate["results"].as_array().expect("a list");
    let keys: Vec<&str> = results[0].as_object().expect("an object").keys().map(String::as_str).collect();
    let mut promised = [
        "incident",
        "scenario",
        "revision",
        "engine",
        "model",
        "cpus",
        "tasks",
        "expected",
        "verdict",
        "as_expected",
        "states",
        "executions",
        "bounds",
        "exhausted",
        "seconds",
        "detail",
    ];
    promised.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, promised);
    for result in results {
        assert_eq!(result["verdict"]["kind"], result["expected"]["kind"], "{result}");
        assert_eq!(result["exhausted"], result["verdict"]["kind"] == "Holds", "{result}");
        assert_eq!(result["engine"], "explore");
    }
    let lockup = results.iter().find(|result| result["verdict"]["kind"] == "Lockup").expect("the incident");
    let waits = lockup["verdict"]["waits"].as_array().expect("a list");
    let waited_for: Vec<&str> = waits.iter().filter_map(|wait| wait["what"].as_str()).collect();
    assert!(waited_for.contains(&"stopper26.lock"), "{lockup}");
    assert!(waited_for.contains(&"migration/1.on_cpu"), "{lockup}");
}

#[test]
fn a_certificate_goes_to_its_file_and_replaces_the_old_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("report.json");
    std::fs::write(&path, "x".repeat(1 << 16)).expect("the folder is ours");
    let row = a_row(|row| row.expected == Expected::Lockup);
    let ran = lockup(&["prove", &row, "--json", path.to_str().expect("UTF-8")]);
    assert_eq!(ran.status, Some(0));
    assert_eq!(ran.stdout.lines().count(), 2, "lines for people go to the standard output: {}", ran.stdout);
    let certificate = parsed(&std::fs::read_to_string(&path).expect("written"));
    assert_eq!(certificate["results"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_unwritable_file_is_found_before_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("no-such-folder/report.json");
    let path = path.to_str().expect("UTF-8");
    refused(&["prove", "migrate-swap", "--json", path], &[path]);
    refused(&["show", "migrate-swap", "-o", path], &[path]);
    assert_eq!(std::fs::read_dir(folder.path()).expect("still there").count(), 0);
}

#[test]
fn bad_usage_is_one_line_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("report.json");
    let json = path.to_str().expect("UTF-8");
    refused(&["prove", "migrate-swp", "--json", json], &["migrate-swp", "did you mean 'migrate-swap'?"]);
    refused(&["prove", "migrate-swap/nonsense"], &["no scenario 'nonsense'"]);
    refused(&["prove", "migrate-swap@ffff"], &["no revision 'ffff'", "0b26351b910f"]);
    refused(&["prove", "@0b26"], &["empty incident"]);
    refused(&["prove", "--engine", "spin"], &["spin", "explore", "loom", "both"]);
    refused(&["prove", "--model", "tso"], &["tso", "sc, rc11 and lkmm"]);
    refused(&["show", "migrate-swap", "--format", "svg"], &["svg", "text"]);
    refused(&["show", "nonsense"], &["no incident 'nonsense'"]);
    refused(&["frobnicate"], &["frobnicate"]);
    assert!(!Path::new(json).exists());
}

#[test]
fn a_verdict_that_differs_is_status_1() {
    let weak_only =
        a_row(|row| row.model == Model::Lkmm && row.expected != Expected::Holds && !row.weaken.is_empty());
    let Ran { status, stdout, .. } = lockup(&["prove", &weak_only, "--model", "sc"]);
    assert_eq!(status, Some(1), "{stdout}");
    assert!(stdout.contains("DIFFERS") && stdout.contains(", found Holds\n"), "{stdout}");
}

#[test]
fn what_nobody_decided_is_status_3() {
    let not_for_loom = a_row(|row| matches!(row.loom, LoomUse::CannotCarry(_)));
    let Ran { status, stdout, .. } = lockup(&["prove", &not_for_loom, "--engine", "loom", "--json", "-"]);
    assert_eq!(status, Some(3), "{stdout}");
    let certificate = parsed(&stdout);
    assert_eq!(certificate["all_as_expected"], false);
    assert_eq!(certificate["results"][0]["verdict"]["kind"], "Unknown");
}

#[test]
fn show_draws_the_incident() {
    let Ran { status, stdout, stderr } = lockup(&["show", "migrate-swap"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    for name in ["CPU1 ", "CPU26", "cpu_stop_queue_two_works()", "lock stopper26.lock", "spins on migration/1.on_cpu"]
    {
        assert!(stdout.contains(name), "no {name} in\n{stdout}");
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 100), "{stdout}");
}

#[test]
fn show_says_when_there_is_nothing_to_show() {
    let holds = a_row(|row| row.expected == Expected::Holds);
    let Ran { status, stdout, .. } = lockup(&["show", &holds]);
    assert_eq!((status, stdout.as_str()), (Some(0), "no counterexample: the one row holds\n"));
}
