// SPDX-License-Identifier: GPL-2.0-only
//! How many states `multi_cpu_stop()` has for more and more CPUs: what it takes to say that it holds.
#![cfg(loom)]
#![allow(clippy::format_push_string, reason = "the texts are short, and so are these lines")]

use expect_test::expect;
use ksync::{Model, Options, Verdict};
use stopper::kernel;
use stopper::scenarios_in_step::in_step;

/// Explored to the end, this scenario holds in so many states.
fn states(model: Model, active: u32, passive: u32) -> u64 {
    let options = Options { explain: false, ..Options::new(model) };
    let report = ksync::explore::check(&*in_step(kernel::MAINLINE, active, passive), &options);
    assert_eq!(report.verdict, Verdict::Holds, "{active} and {passive} CPUs");
    assert!(report.exhausted);
    report.states
}

/// A line for each number of CPUs: the states if CPU0 runs the function, and, for fewer CPUs, if all run it.
fn growth(model: Model, most: u32, most_active: u32) -> String {
    let mut table = format!("{model}: CPUs, states if one runs the function, if all run it\n");
    for cpus in 2..=most {
        table += &format!("{cpus} {:>7}", states(model, 1, cpus - 1));
        table += &if cpus > most_active { "\n".to_owned() } else { format!("{:>7}\n", states(model, cpus, 0)) };
    }
    println!("{table}");
    table
}

#[test]
fn six_cpus_under_sequential_consistency() {
    let expected = expect![[r"
        sc: CPUs, states if one runs the function, if all run it
        2     366    192
        3    1863    685
        4    5194   1571
        5   10825   2949
        6   19435   4955
    "]];
    expected.assert_eq(&growth(Model::Sc, 6, 6));
}

#[test]
fn four_cpus_under_the_kernels_memory_model() {
    let expected = expect![[r"
        lkmm: CPUs, states if one runs the function, if all run it
        2     482    285
        3    9733   8100
        4  234178
    "]];
    expected.assert_eq(&growth(Model::Lkmm, 4, 3));
}

/// loom comes to the end for two CPUs, and for three it is nowhere near it when the explorer has long been done.
#[test]
fn loom_follows_to_two_cpus() {
    let loom = |active, passive, executions| {
        let options = Options { explain: false, max_states: executions, ..Options::new(Model::Lkmm) };
        let report = ksync::second::check(&*in_step(kernel::MAINLINE, active, passive), &options);
        (report.verdict, report.executions)
    };
    assert_eq!(loom(1, 1, 2_000_000), (Verdict::Holds, 249));
    assert_eq!(loom(2, 0, 2_000_000), (Verdict::Holds, 636));
    assert!(matches!(loom(3, 0, 20_000).0, Verdict::Unknown { .. }));
}
