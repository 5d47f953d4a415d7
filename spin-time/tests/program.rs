// SPDX-License-Identifier: GPL-2.0-only
//! The program on a terminal of somebody who mistypes.

use std::process::{Command, Output};

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spin-time")).args(arguments).output().expect("it runs")
}

#[test]
fn a_wrong_argument_is_one_line_and_two() {
    for arguments in [&["--frist"][..], &["goals", "now"]] {
        let output = program(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn help_and_goals_are_for_the_terminal() {
    for (arguments, word) in [(["--help"], "--quick"), (["goals"], "G14")] {
        let output = program(&arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains(word), "{text}");
    }
}
