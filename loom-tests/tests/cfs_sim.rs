// SPDX-License-Identifier: GPL-2.0-only
//! `lockup sim cfs` as its users meet it. It has a clock of its own, so it prints the same on every machine.
#![cfg(loom)]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::{Expect, expect};
use std::process::{Command, Stdio};

/// Runs it: status, standard output, standard error.
fn sim(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockup"));
    let output = command.args(["sim", "cfs"]).args(args).stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn check(args: &[&str], expected: &Expect) {
    let (status, stdout, stderr) = sim(args);
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{args:?}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
    expected.assert_eq(&stdout);
}

/// The visits and the longest time with interrupts off, in us, of the one kernel whose line this prints.
fn measured(args: &[&str]) -> (u64, f64) {
    let (_, stdout, stderr) = sim(args);
    let line = stdout.lines().last().unwrap_or_else(|| panic!("{args:?}: {stderr}"));
    let words: Vec<&str> = line.split_whitespace().collect();
    let size = match words[3] {
        "ns" => 1e-3,
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        unit => panic!("{unit} in {line}"),
    };
    (words[1].parse().expect("visits"), words[2].parse::<f64>().expect("a time") * size)
}

#[test]
fn without_options_it_has_the_size_of_the_report() {
    check(
        &[],
        &expect![[r#"
        48 CPUs have 1 ms in each 100 ms; all start throttled. Periods: 1.
        A visit takes 1 us. A CPU runs 200 ns after it, and is charged every 100 ns.

                                          interrupts off       share of a CPU
        revision             visits     longest    share       least     most  never ran
        51f2176d74ac^         10024   10.024 ms  10.024%      0.021%   0.021%          0
        c06f04c70489^         10024   10.024 ms  10.024%      0.021%   0.021%          0
        c06f04c70489             48       48 us   0.048%      0.000%   1.000%          0
        512ac999d275             48       48 us   0.048%      0.000%   1.000%          0
        baa9be4ffb55             48       48 us   0.048%      0.000%   1.000%          0
        2e8e19226398             48       48 us   0.048%      0.000%   1.000%          0
        66567fcbaeca             48       48 us   0.048%      0.000%   1.000%          0
        5e2d2cc2588b             48       48 us   0.048%      0.000%   1.000%          0
        de53fd7aedb1             48       48 us   0.048%      0.000%   1.000%          0
        4929a4e6faa0             48       48 us   0.048%      0.000%   1.000%          0
        26a8b12747c9              2        2 us   0.002%      0.000%   1.000%         47
        5a6d6a6ccb5f              2        2 us   0.002%      0.000%   1.000%         47
        e98fa02c4f2e              2        2 us   0.002%      0.000%   1.000%         47
        ab93a4bc955b              2        2 us   0.002%      0.000%   1.000%         47
        f4183717b370              2        2 us   0.002%      0.000%   1.000%         47
        8ad075c2eb1f              2        2 us   0.002%      0.000%   1.000%         47
        2f8c62296b6f              2        2 us   0.002%      0.000%   1.000%         47
        3.10.0-1160.el7          48       48 us   0.048%      0.000%   1.000%          0
    "#]],
    );
}

#[test]
fn a_walk_that_takes_its_period_is_a_hard_lockup() {
    let large = ["--quota", "11ms", "--visit", "20us", "--latency", "1us", "--charge", "2us"];
    check(
        &[&large[..], &["c06f04c70489^", "c06f04c70489"]].concat(),
        &expect![[r#"
        48 CPUs have 11 ms in each 100 ms; all start throttled. Periods: 1.
        A visit takes 20 us. A CPU runs 1 us after it, and is charged every 2 us.

                                          interrupts off       share of a CPU
        revision             visits     longest    share       least     most  never ran
        c06f04c70489^        500046    10.001 s 100.000%      0.208%   0.208%          0
            Watchdog detected hard LOCKUP: the handler has not come back
        c06f04c70489             48      960 us   0.960%      0.002%   5.002%          0
    "#]],
    );
}

/// A quota of 1 ms that is noticed at the tick: last in, first out starves all CPUs but one.
#[test]
fn many_periods_show_who_starves() {
    let ticks = ["--charge", "1ms", "--latency", "5us", "--visit", "2us", "--periods", "200"];
    check(
        &[&ticks[..], &["c06f04c70489*", "baa9b", "e98f", "2f8c", "3.10.*"]].concat(),
        &expect![[r#"
        48 CPUs have 1 ms in each 100 ms; all start throttled. Periods: 200.
        A visit takes 2 us. A CPU runs 5 us after it, and is charged every 1 ms.

                                          interrupts off       share of a CPU
        revision             visits     longest    share       least     most  never ran
        c06f04c70489^           423        6 us   0.004%      0.020%   0.025%          0
        c06f04c70489            201        4 us   0.002%      0.000%   1.000%         47
        baa9be4ffb55            423        6 us   0.004%      0.020%   0.025%          0
        e98fa02c4f2e            423        6 us   0.004%      0.020%   0.025%          0
        2f8c62296b6f            423        6 us   0.004%      0.020%   0.025%          0
        3.10.0-1160.el7         423        6 us   0.004%      0.020%   0.025%          0
    "#]],
    );
}

/// With a debt of D on each of N CPUs and d ns that one runs between two visits, a hidden pool of Q is visited
/// `V = N + (Q - N * (D + 1)) / d` times, and interrupts are off for `V * L`. The simulation is within one visit of
/// that, as long as N visits take longer than a CPU's `latency` and `charge`.
#[test]
fn the_visits_are_those_of_the_arithmetic() {
    for (cpus, quota_us, visit, charge) in [(48, 1_000, 1_000, 100), (48, 10_000, 1_000, 500), (8, 1_000, 2_000, 200)]
    {
        let [n, q, us, ns] = [cpus.to_string(), format!("{quota_us}us"), format!("{visit}ns"), format!("{charge}ns")];
        let args = ["c06f04c70489^", "--cpus", &n, "--quota", &q, "--visit", &us, "--charge", &ns];
        let (visits, irqs_off) = measured(&args);
        let expected = cpus + (quota_us * 1_000 - cpus * (charge / 2 + 1)) / charge;
        assert!(visits.abs_diff(expected) <= 1, "{args:?}: {visits} visits, not {expected}");
        let product = (visits * visit) as f64 / 1e3;
        assert!((irqs_off / product - 1.0).abs() < 1e-3, "{args:?}: {irqs_off} us, not {product}");
        let (fixed, _) = measured(&["c06f04c70489", "--cpus", &n, "--quota", &q, "--visit", &us, "--charge", &ns]);
        assert_eq!(fixed, cpus, "the fix visits each CPU once");
    }
}

#[test]
fn the_picture_has_a_curve_for_each_behaviour() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cfs.svg");
    let name = path.to_str().expect("UTF-8");
    let (status, stdout, stderr) = sim(&["--plot", name, "c06f04c70489*", "26a8", "5a6d"]);
    assert_eq!((status, stdout.lines().count(), stderr.as_str()), (Some(0), 9, ""), "{stdout}");
    let svg = std::fs::read_to_string(&path).expect("it was written");
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    for label in ["c06f04c70489^", "c06f04c7\n", "26a8b127, 5a6d6a6c", "quota, us", "interrupts off, us"] {
        assert!(svg.contains(label), "no {label} in {svg}");
    }
    let thick = svg.lines().filter(|line| line.starts_with("<polyline") && line.contains("stroke-width=\"2\""));
    assert_eq!(thick.count(), 6, "a curve and a line in the legend for each");
}

#[test]
fn bad_input_is_one_line_and_status_2() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("no-such-folder/cfs.svg");
    let cases: [(&[&str], &str); 10] = [
        (&["--cpus", "0"], "--cpus"),
        (&["--cpus", "many"], "many"),
        (&["--quota", "5"], "as in 250us"),
        (&["--quota", "0ms"], "must not be 0"),
        (&["--period", "-1ms"], "-1"),
        (&["--period", "2000s"], "longer than 1000s"),
        (&["--periods", "0"], "--periods"),
        (&["--no-such-option"], "--no-such-option"),
        (&["c06f", "e99"], "no revision 'e99'"),
        (&["--plot", missing.to_str().expect("UTF-8")], "cannot write"),
    ];
    for (args, names) in cases {
        let (status, stdout, stderr) = sim(args);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
        assert!(stderr.starts_with("lockup: ") && stderr.contains(names), "{args:?}: {stderr}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("still there").count(), 0);
}
