// SPDX-License-Identifier: GPL-2.0-only
//! How the work of a distribution grows with the quota: by a visit for each nanosecond before the fix, not at all
//! after it.
#![cfg(loom)]

use cfs_bw::kernel::{self, Kernel};
use cfs_bw::scenarios_distribute::{Walk, walk};
use ksync::{Explain, Model, Options, Verdict};

/// The most visits that one period's timer makes in any interleaving, for quotas from 1 to 6 ns: of each the
/// smallest bound that holds.
fn most_visits(kernel: Kernel, throttled: u32, busy: u32) -> [u64; 6] {
    let options = Options { explain: Explain::Nothing, ..Options::new(Model::Sc) };
    let holds = |quota: u64, bound: u64| {
        let report = ksync::explore::check(&*walk(kernel, Walk { quota, throttled, busy, bound }), &options);
        match report.verdict {
            Verdict::Holds => true,
            Verdict::Unbounded { .. } => false,
            other => panic!("{}: {other}", kernel.label.revision),
        }
    };
    std::array::from_fn(|n| (0..40).find(|&bound| holds(n as u64 + 1, bound)).expect("fewer than 40 visits"))
}

/// Nobody has a debt, so each visit pays 1 ns, and each is for a CPU that ran 1 ns since its last one.
#[test]
fn a_hidden_pool_is_visits_to_the_last_nanosecond() {
    for (throttled, busy) in [(1, 1), (2, 1), (2, 2), (3, 1)] {
        assert_eq!(most_visits(kernel::BEFORE, throttled, busy), [1, 2, 3, 4, 5, 6], "{throttled} CPUs, {busy} busy");
    }
}

/// The quota may not pay all, so small ones end early; beyond that each is visited once, `c = 1`.
#[test]
fn head_insert_visits_each_once() {
    for kernel in [kernel::NEAR_INFINITE, kernel::STARVATION, kernel::FROM_THE_POOL] {
        for throttled in 1..=3 {
            let expected = std::array::from_fn(|n| (n as u64 + 1).min(u64::from(throttled)));
            assert_eq!(most_visits(kernel, throttled, 1), expected, "{}: {throttled} CPUs", kernel.label.revision);
        }
    }
}

/// Two CPUs that throttle again while the walker stands on them send it back to the front: the quota counts again.
#[test]
fn head_insert_has_a_hole_that_the_pool_closes() {
    for kernel in [kernel::NEAR_INFINITE, kernel::STARVATION] {
        assert_eq!(most_visits(kernel, 2, 2), [1, 2, 3, 4, 5, 6], "{}", kernel.label.revision);
    }
    assert_eq!(most_visits(kernel::FROM_THE_POOL, 2, 2), [1, 2, 3, 3, 3, 3]);
}

/// At the tail again, but only with an empty pool: whoever is met twice ends the walk. `N + 1` visits, so `c = 2`.
#[test]
fn tail_insert_with_an_empty_pool_adds_one_visit() {
    for kernel in [kernel::UNDER_ONE_LOCK, kernel::SILENT] {
        assert_eq!(most_visits(kernel, 1, 1), [1; 6]);
        assert_eq!(most_visits(kernel, 2, 1), [1, 2, 3, 3, 3, 3]);
        assert_eq!(most_visits(kernel, 2, 2), [1, 2, 3, 3, 3, 3]);
        assert_eq!(most_visits(kernel, 3, 1), [1, 2, 3, 4, 4, 4]);
    }
}

/// The same where each CPU unthrottles its own: whoever is paid already is met, and passed by. `N + 1` again, `c = 2`.
#[test]
fn asynchronous_unthrottling_keeps_that_bound() {
    for kernel in [kernel::ASYNC, kernel::ASYNC_LISTED, kernel::STARTS_WITH_ONE] {
        assert_eq!(most_visits(kernel, 1, 1), [1; 6], "{}", kernel.label.revision);
        assert_eq!(most_visits(kernel, 2, 1), [1, 2, 3, 3, 3, 3], "{}", kernel.label.revision);
        assert_eq!(most_visits(kernel, 2, 2), [1, 2, 3, 3, 3, 3], "{}", kernel.label.revision);
    }
    assert_eq!(most_visits(kernel::ASYNC_LISTED, 3, 1), [1, 2, 3, 4, 4, 4]);
}

/// A bound of `c` visits for each throttled CPU, whatever the quota: `c = 1` does not hold since 26a8b12747c9, and
/// `c = 2` holds in all fixes, but for the hole that head insert leaves. There is no such `c` before the fix, nor in
/// that hole: a quota of 6 has 6 visits.
#[test]
fn the_smallest_c_of_each_fix() {
    let smallest = |kernel, throttled, busy| {
        let most = most_visits(kernel, throttled, busy).into_iter().max().expect("six quotas");
        most.div_ceil(u64::from(throttled))
    };
    for (kernel, alone, both) in [
        (kernel::BEFORE, 3, 3),
        (kernel::NEAR_INFINITE, 1, 3),
        (kernel::STARVATION, 1, 3),
        (kernel::RHEL_7_9, 1, 3),
        (kernel::FROM_THE_POOL, 1, 2),
        (kernel::UNDER_ONE_LOCK, 2, 2),
        (kernel::BURST, 2, 2),
        (kernel::ASYNC_LISTED, 2, 2),
    ] {
        assert_eq!((smallest(kernel, 2, 1), smallest(kernel, 2, 2)), (alone, both), "{}", kernel.label.revision);
    }
}

#[test]
fn the_incident_shows_its_pump() {
    ksync::register_sources(cfs_bw::SOURCES);
    let scenario = walk(kernel::BEFORE, Walk { quota: 5, throttled: 1, busy: 1, bound: 3 });
    let report = ksync::explore::check(&*scenario, &Options::new(Model::Sc));
    let Verdict::Unbounded { pump, .. } = report.verdict else { panic!("{}", report.verdict) };
    for step in [
        "timer/50: distribute_cfs_runtime()",
        "timer/50: unthrottle_cfs_rq()",
        "busy/1: assign_cfs_rq_runtime()",
        "busy/1: throttle_cfs_rq()",
        "busy/1: list_add_tail_rcu()",
    ] {
        assert!(pump.iter().any(|line| line.starts_with(step)), "{step} is not in the pump: {pump:#?}");
    }
}
