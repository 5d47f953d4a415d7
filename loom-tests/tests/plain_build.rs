// SPDX-License-Identifier: GPL-2.0-only
//! The program must not pretend to prove anything where it has no engine.
#![cfg(not(loom))]

use std::process::Command;

#[test]
fn without_the_model_build_the_program_says_so() {
    for args in [&["prove"] as &[&str], &["list"], &["--help"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_lockup")).args(args).output().expect("the program starts");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr.starts_with("lockup: built without --cfg loom"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}
