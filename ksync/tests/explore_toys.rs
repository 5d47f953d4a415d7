// SPDX-License-Identifier: GPL-2.0-only
//! The named toys with their verdicts and state counts, which do not depend on the machine.
#![cfg(loom)]

mod toys;

use ksync::explore::check;
use ksync::{Model, Options, Verdict};
use toys::{migrate_swap, multi_cpu_stop};

fn states(scenario: &ksync::Scenario, model: Model) -> u64 {
    let report = check(scenario, &Options::new(model));
    assert_eq!(report.verdict, Verdict::Holds, "{model}");
    assert!(report.exhausted);
    report.states
}

#[test]
fn migrate_swap_locks_up_with_its_cycle_and_the_fix_holds() {
    ksync::register_sources(&[("ksync/tests/toys/mod.rs", include_str!("toys/mod.rs"))]);
    for model in [Model::Sc, Model::Rc11, Model::Lkmm] {
        let report = check(&*migrate_swap(false), &Options::new(model));
        let Verdict::Lockup(lockup) = &report.verdict else { panic!("{}", report.verdict) };
        assert_eq!((lockup.cycle, lockup.severity), (2, ksync::Severity::Hard));
        assert_eq!(
            lockup.waits[1].to_string(),
            "migration/1 on CPU1 waits for stopper26.lock in migrate_swap(), \
             held by custom_exporter on CPU26 since migrate_swap()"
        );
        assert_eq!(report.trace.expect("a counterexample").switches(), 1);
    }
    assert_eq!(states(&*migrate_swap(true), Model::Sc), 20);
}

#[test]
fn multi_cpu_stop_ends_and_needs_its_wmb() {
    let sc: Vec<u64> = (2..=6).map(|cpus| states(&*multi_cpu_stop(cpus, true), Model::Sc)).collect();
    assert_eq!(sc, [99, 248, 454, 730, 1079]);
    let lkmm: Vec<u64> = (2..=4).map(|cpus| states(&*multi_cpu_stop(cpus, true), Model::Lkmm)).collect();
    assert_eq!(lkmm, [111, 861, 7786]);
    for cpus in 2..=3 {
        let report = check(&*multi_cpu_stop(cpus, false), &Options::new(Model::Lkmm));
        assert!(matches!(report.verdict, Verdict::Lockup(_)), "{}", report.verdict);
    }
}
