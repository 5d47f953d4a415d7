// SPDX-License-Identifier: GPL-2.0-only
//! Litmus tests through the facade's own calls. On the explorer they end as the memories alone say; on loom, as far as
//! loom can; on real threads, never in a state that C11 forbids.

mod litmus_oracle;

use litmus_oracle::{cases, others, own};
use loom_tests::litmus::code::Program;
use loom_tests::litmus::facade::{Finals, outcomes, scenario};
use std::collections::BTreeSet;
use std::path::Path;

type States = BTreeSet<String>;

fn folders() -> Vec<std::path::PathBuf> {
    std::iter::once(own()).chain(others()).collect()
}

#[cfg(loom)]
mod models {
    use super::*;
    use ksync::{Model, Options, Report, Scenario, Verdict, explore, second};
    use loom_tests::litmus::engine;

    fn states(program: &Program, check: impl Fn(&Scenario) -> Report) -> Option<(States, Verdict)> {
        let finals = Finals::default();
        let scenario = scenario(program, &finals).ok()?;
        let verdict = check(&*scenario).verdict;
        Some((outcomes(program, &finals).states.into_keys().collect(), verdict))
    }

    #[test]
    fn the_explorer_ends_where_its_memories_end() {
        let mut equal = 0;
        for case in folders().iter().flat_map(|folder| cases(folder)) {
            for model in [Model::Sc, Model::Rc11, Model::Lkmm] {
                let Ok(alone) = engine::run(&case.program, model) else { continue };
                let options = Options { explain: false, ..Options::new(model) };
                let check = |scenario: &Scenario| explore::check(scenario, &options);
                let Some((found, verdict)) = states(&case.program, check) else { continue };
                assert_eq!(verdict, Verdict::Holds, "{}", case.path.display());
                let expected: States = alone.states.into_keys().collect();
                assert_eq!(found, expected, "{} under {model}", case.path.display());
                equal += 1;
            }
        }
        assert!(equal >= 70, "only {equal} could run");
    }

    /// loom against `rc11`: how many tests are equal, how many show more, how many show less.
    fn loom_against_rc11(folder: &Path) -> [usize; 3] {
        let mut score = [0; 3];
        for case in cases(folder) {
            let Ok(rc11) = engine::run(&case.program, Model::Rc11) else { continue };
            let mut options = Options::new(Model::Rc11);
            options.max_states = 20_000;
            let Some((found, verdict)) = states(&case.program, |scenario| second::check(scenario, &options)) else {
                continue;
            };
            if verdict != Verdict::Holds {
                println!("{}: {verdict}", case.path.display());
                continue;
            }
            let rc11: States = rc11.states.into_keys().collect();
            let at = if found == rc11 {
                0
            } else if found.is_subset(&rc11) {
                2
            } else {
                1
            };
            score[at] += 1;
        }
        println!("{}: loom against rc11: [equal, more, fewer] {score:?}", folder.display());
        score
    }

    #[test]
    fn loom_shows_what_rc11_allows() {
        for folder in folders() {
            let score = loom_against_rc11(&folder);
            assert!(score[0] > 0, "{score:?}");
        }
    }
}
