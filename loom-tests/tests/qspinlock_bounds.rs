// SPDX-License-Identifier: GPL-2.0-only
//! The queued lock with more CPUs and sections than a row of the catalogue may have states: three CPUs, twice each,
//! under the memory models that reorder; four CPUs, twice each, under sequential consistency. At each size the lock
//! holds in all of its states, and each of the wrong patches fails.
#![cfg(loom)]

use compound::kernel::{self, Kernel};
use compound::scenarios_qspinlock::CASES;
use compound::scenarios_spin_lock::{four_by_two, three_by_two};
use expect_test::{Expect, expect};
use ksync::explore::check;
use ksync::{Explain, Model, Options, Report, Scenario, Weaken};

/// One size, under one memory model.
struct Size {
    model: Model,
    scenario: fn(Kernel) -> Box<Scenario>,
}

impl Size {
    fn check(&self, kernel: Kernel) -> Report {
        ksync::register_sources(compound::SOURCES);
        ksync::register_sources(compound::SOURCES);
        let weaken = kernel.label.weaken.iter().map(|&(function, what)| Weaken::new(function, what));
        let options = Options { explain: Explain::Nothing, max_states: 10_000_000, ..Options::new(self.model) };
        check(&*(self.scenario)(kernel), &options.weakened(weaken))
    }

    fn holds(&self, expected: &Expect) {
        let report = self.check(kernel::MAINLINE);
        println!("{}: {} states in {:.1} s", self.model, report.states, report.seconds);
        assert!(report.exhausted, "{}", self.model);
        expected.assert_eq(&format!("{} in {} states", report.verdict, report.states));
    }

    /// Each of the mutants fails, with the verdict of this name.
    fn fail(&self, mutants: &[(&str, &str)]) {
        for &(mutant, expected) in mutants {
            let verdict = self.check(kernel(mutant)).verdict.to_string();
            assert_eq!(verdict.split(' ').next(), Some(expected), "{}: {mutant}: {verdict}", self.model);
        }
    }
}

/// The kernel of this name in the catalogue.
fn kernel(name: &str) -> Kernel {
    let mut kernels = CASES.iter().flat_map(|case| case.rows).map(|&(kernel, _)| kernel);
    kernels.find(|kernel| kernel.label.revision == name).expect("a row has it")
}

const THREE_LKMM: Size = Size { model: Model::Lkmm, scenario: three_by_two };
const THREE_RC11: Size = Size { model: Model::Rc11, scenario: three_by_two };
const FOUR_SC: Size = Size { model: Model::Sc, scenario: four_by_two };

#[test]
fn three_as_the_kernel_orders() {
    THREE_LKMM.fail(&[("relaxed-unlock", "Race"), ("relaxed-pending-wait", "Race"), ("no-dependency", "Race")]);
    THREE_LKMM.holds(&expect!["Holds in 751235 states"]);
}

#[test]
fn three_as_c11_orders() {
    THREE_RC11.fail(&[("relaxed-lock", "Race"), ("relaxed-unlock", "Race"), ("relaxed-pending-wait", "Race")]);
    THREE_RC11.holds(&expect!["Holds in 715460 states"]);
}

#[test]
fn four_under_sequential_consistency() {
    FOUR_SC.fail(&[
        ("tail-only", "Violated"),
        ("pending-left", "Lockup"),
        ("claim-store", "Lockup"),
        ("looks-once", "Lockup"),
        ("tail-word", "Lockup"),
        ("unlock-word", "Violated"),
        ("trylock-steals", "Race"),
    ]);
    FOUR_SC.holds(&expect!["Holds in 8736757 states"]);
}
