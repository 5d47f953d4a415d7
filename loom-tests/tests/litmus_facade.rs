// SPDX-License-Identifier: GPL-2.0-only
//! Litmus tests through the facade's own calls: on the explorer they end as the memories alone say, and on real threads
//! never in a state that the kernel's model forbids. (`litmus_conformance` has loom.)

mod litmus_oracle;

use litmus_oracle::{cases, others, own};
use loom_tests::litmus::facade::{Finals, outcomes, scenario};
use std::collections::BTreeSet;

type States = BTreeSet<String>;

#[cfg(loom)]
#[test]
fn the_explorer_ends_where_its_memories_end() {
    use ksync::{Explain, Model, Options, Verdict, explore};
    use loom_tests::litmus::engine;

    let mut equal = 0;
    for case in std::iter::once(own()).chain(others()).flat_map(|folder| cases(&folder)) {
        for model in [Model::Sc, Model::Rc11, Model::Lkmm] {
            let Ok(alone) = engine::run(&case.program, model) else { continue };
            let finals = Finals::default();
            let Ok(scenario) = scenario(&case.program, &finals) else { continue };
            let options = Options { explain: Explain::Nothing, ..Options::new(model) };
            let verdict = explore::check(&*scenario, &options).verdict;
            assert_eq!(verdict, Verdict::Holds, "{}", case.path.display());
            let found: States = outcomes(&case.program, &finals).states.into_keys().collect();
            let expected: States = alone.states.into_keys().collect();
            assert_eq!(found, expected, "{} under {model}", case.path.display());
            equal += 1;
        }
    }
    assert!(equal >= 130, "only {equal} could run");
}

#[cfg(not(loom))]
#[test]
fn real_threads_end_where_the_kernels_model_allows() {
    use ksync::run_threads;
    use loom_tests::litmus::graph::{WHOLE, judge};

    /// How often each test runs.
    const RUNS: usize = 100;

    let mut ran = 0;
    for case in std::iter::once(own()).chain(others()).flat_map(|folder| cases(&folder)) {
        let finals = Finals::default();
        let Ok(scenario) = scenario(&case.program, &finals) else { continue };
        for _ in 0..RUNS {
            run_threads(&*scenario);
        }
        let found: States = outcomes(&case.program, &finals).states.into_keys().collect();
        let allowed: States = judge(&case.program, WHOLE).states.into_keys().collect();
        let forbidden: Vec<&String> = found.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "{} ended in {forbidden:?}", case.path.display());
        ran += 1;
    }
    assert!(ran >= 40, "only {ran} could run");
}
