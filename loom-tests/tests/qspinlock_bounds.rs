// SPDX-License-Identifier: GPL-2.0-only
//! The queued lock with three CPUs, twice each, under the memory models that reorder: too many states for a row of the
//! catalogue, where `qspinlock/three-cpus-twice-sc` is the same under sequential consistency.
#![cfg(loom)]

use compound::kernel;
use compound::scenarios_spin_lock::three_by_two;
use ksync::explore::check;
use ksync::{Explain, Model, Options, Verdict};

fn holds(model: Model) {
    let options = Options { max_states: 1_000_000, explain: Explain::Nothing, ..Options::new(model) };
    let report = check(&*three_by_two(kernel::MAINLINE), &options);
    println!("{model}: {} states in {:.1} s", report.states, report.seconds);
    assert_eq!(report.verdict, Verdict::Holds, "{model}");
    assert!(report.exhausted, "{model}");
}

#[test]
fn as_the_kernel_orders() {
    holds(Model::Lkmm);
}

#[test]
fn as_c11_orders() {
    holds(Model::Rc11);
}
