// SPDX-License-Identifier: GPL-2.0-only
//! `lockup litmus` as its users meet it.
#![cfg(loom)]

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn litmus(args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockup"));
    let output = command.arg("litmus").args(args).stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The path of a test of this project.
fn own(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litmus").join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("the folder is ours");
    }
    folder
}

fn text(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("UTF-8")
}

const ABBA: &str = "C ABBA\n(* Result: DEADLOCK *)\n{}\nP0(spinlock_t *a, spinlock_t *b)\n{\n\tspin_lock(a);\n\tspin_lock(b);\n\
    \tspin_unlock(b);\n\tspin_unlock(a);\n}\nP1(spinlock_t *a, spinlock_t *b)\n{\n\tspin_lock(b);\n\tspin_lock(a);\n\
    \tspin_unlock(a);\n\tspin_unlock(b);\n}\nexists (true)\n";

#[test]
fn the_output_is_that_of_herd7() {
    let Ran { status, stdout, stderr } = litmus(&[&own("textbook/SB+mbs.litmus")]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = stdout.lines().filter(|line| !line.starts_with("Time ")).collect();
    let expected = "Test SB+mbs Allowed\nStates 3\n0:r0=0; 1:r0=1;\n0:r0=1; 1:r0=0;\n0:r0=1; 1:r0=1;\nNo\nWitnesses\n\
        Positive: 0 Negative: 3\nCondition exists (0:r0=0 /\\ 1:r0=0)\nObservation SB+mbs Never 0 3\n";
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn each_model_gives_its_own_answer() {
    for (name, never_under) in
        [("SB", &["sc"] as &[&str]), ("LB", &["sc", "rc11"]), ("MP+wmb+rmb", &["sc", "rc11", "lkmm"])]
    {
        for model in ["sc", "rc11", "lkmm"] {
            let ran = litmus(&[&own(&format!("textbook/{name}.litmus")), "--model", model]);
            let never = ran.stdout.contains(" Never 0 ");
            assert_eq!(never, never_under.contains(&model), "{name} under {model}: {}", ran.stdout);
            // The comment of SB and LB says Sometimes, that of MP+wmb+rmb Never.
            let expected = i32::from(never && name != "MP+wmb+rmb");
            assert_eq!(ran.status, Some(expected), "{name} under {model}");
        }
    }
}

#[test]
fn a_deadlock_is_reported_with_its_cycle() {
    let forgotten = "C forgotten\n(* Result: DEADLOCK *)\n{}\nP0(spinlock_t *a)\n{\n\tspin_lock(a);\n}\nP1(spinlock_t *a)\n{\n\
        \tspin_lock(a);\n\tspin_unlock(a);\n}\nexists (true)\n";
    let inside = "C inside\n{}\nP0(int *x)\n{\n\trcu_read_lock();\n\tsynchronize_rcu();\n\trcu_read_unlock();\n}\n\
        exists (true)\n";
    let folder = folder(&[("abba.litmus", ABBA), ("forgotten.litmus", forgotten), ("inside.litmus", inside)]);
    let Ran { status, stdout, stderr } = litmus(&[text(&folder)]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    let deadlocks: Vec<&str> = stdout.lines().filter(|line| line.starts_with("Deadlock: ")).collect();
    assert_eq!(deadlocks.len(), 3, "{stdout}");
    assert_eq!(deadlocks[0], "Deadlock: P0 (line 7) waits for b, held by P1; P1 (line 14) waits for a, held by P0");
    assert!(deadlocks[1].contains("held by P0, which ended without releasing it"), "{stdout}");
    assert_eq!(deadlocks[2], "Deadlock: P0 (line 6) waits for the readers in P0");
}

#[test]
fn no_deadlock_where_the_order_is_one() {
    let ordered = ABBA
        .replace("spin_lock(b);\n\tspin_lock(a);", "spin_lock(a);\n\tspin_lock(b);")
        .replace("Result: DEADLOCK", "Result: Always");
    let folder = folder(&[("ordered.litmus", &ordered)]);
    let Ran { status, stdout, .. } = litmus(&[text(&folder)]);
    assert_eq!(status, Some(0), "{stdout}");
    assert!(!stdout.contains("Deadlock"), "{stdout}");
}

#[test]
fn a_malformed_file_is_status_2_and_the_others_still_run() {
    let folder =
        folder(&[("a.litmus", "C a\n{}\nP0(int *x)\n{\n\tWRITE_ONCE(*x 1);\n}\nexists (x=1)\n"), ("b.litmus", ABBA)]);
    let Ran { status, stdout, stderr } = litmus(&[text(&folder), &own("textbook/SB.litmus")]);
    assert_eq!(status, Some(2));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("a.litmus:5: expected ')', found '1'"), "{stderr}");
    assert!(stdout.contains("Test ABBA ") && stdout.contains("Test SB "), "{stdout}");
}

#[test]
fn a_result_that_differs_is_status_1() {
    let folder = folder(&[("abba.litmus", &ABBA.replace("DEADLOCK", "Sometimes"))]);
    assert_eq!(litmus(&[text(&folder)]).status, Some(1));
}

#[test]
fn a_bound_that_was_hit_is_unknown() {
    let loops = "C loops\n(* Result: Never *)\n{}\nP0(int *x)\n{\n\tint r0;\n\twhile (r0 < 100)\n\t\tr0 = atomic_inc_return(x);\n}\n\
        exists (x=1000)\n";
    let folder = folder(&[("loops.litmus", loops)]);
    for model in ["lkmm", "rc11"] {
        let Ran { status, stdout, .. } = litmus(&[text(&folder), "--model", model]);
        assert_eq!(status, Some(3), "{stdout}");
        assert!(stdout.contains("Unknown: "), "{stdout}");
    }
}

#[test]
fn the_certificate_lists_every_file() {
    let folder = folder(&[("a.litmus", "nonsense"), ("b.litmus", ABBA)]);
    let Ran { status, stdout, .. } = litmus(&[text(&folder), "--json", "-"]);
    assert_eq!(status, Some(2));
    let certificate: Value = serde_json::from_str(&stdout).expect("valid JSON");
    assert_eq!(certificate["model"], "lkmm");
    assert_eq!(certificate["all_as_expected"], false);
    let results = certificate["results"].as_array().expect("a list");
    assert_eq!(results.len(), 2);
    assert!(results[0]["error"].as_str().is_some_and(|error| error.contains("a.litmus:1: expected 'C NAME'")));
    assert_eq!(results[1]["as_expected"], true);
    assert_eq!(results[1]["observation"], "Always");
}

#[test]
fn bad_usage_is_one_line() {
    let empty = folder(&[]);
    for (args, says) in [
        (vec!["/no/such/file"], "cannot read /no/such/file"),
        (vec![text(&empty)], "no .litmus file in"),
        (vec![], "FILE|DIR"),
        (vec!["x", "--model", "tso"], "sc, rc11 and lkmm"),
    ] {
        let Ran { status, stdout, stderr } = litmus(&args);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{args:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(says), "{args:?}: {stderr}");
    }
}
