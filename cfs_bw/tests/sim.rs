// SPDX-License-Identifier: GPL-2.0-only
//! The simulation against the arithmetic of the near-infinite loop.
//!
//! With `N` CPUs whose debts are `D`, a quota `Q`, and `d` ns that each runs between two visits, a hidden pool makes
//! `N + (Q - sum(D) - N) / d` visits, and each takes `L` with interrupts off.
#![allow(clippy::format_push_string, reason = "the texts are short, and so are these lines")]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use cfs_bw::kernel;
use cfs_bw::sim::{Load, simulate};
use expect_test::expect;

/// 48 CPUs with 1 ms in 100 ms, and tasks that are charged every 100 ns.
const REPORT: Load =
    Load { cpus: 48, quota: 1_000_000, period: 100_000_000, visit: 1_000, latency: 200, interval: 100, periods: 1 };

/// The visits that the arithmetic gives for a hidden pool.
fn arithmetic(load: &Load) -> u64 {
    let (cpus, debt) = (u64::from(load.cpus), load.debt());
    cpus + (load.quota - cpus * (debt + 1)) / load.interval
}

#[test]
fn a_hidden_pool_is_as_the_arithmetic_says() {
    for (visit, latency, interval) in [(1_000, 200, 100), (1_000, 500, 500), (2_000, 1_000, 2_000)] {
        for quota in [1_000_000, 4_000_000] {
            let load = Load { visit, latency, interval, quota, ..REPORT };
            let outcome = simulate(kernel::BEFORE, load);
            let expected = arithmetic(&load);
            assert!(outcome.visits.abs_diff(expected) <= 1, "{} visits, not {expected}", outcome.visits);
            assert_eq!(outcome.irqs_off, outcome.visits * visit);
        }
    }
}

/// A walk that takes longer than a period finds the next quota when it is done: `Q / P >= d / L`, here 1 / 10.
#[test]
fn it_never_ends_where_a_walk_takes_a_period() {
    let load = Load { visit: 20_000, latency: 1_000, interval: 2_000, ..REPORT };
    for (quota, hard_lockup) in [(9_000_000, false), (11_000_000, true)] {
        assert_eq!(
            simulate(kernel::BEFORE, Load { quota, ..load }).hard_lockup,
            hard_lockup,
            "a quota of {quota} ns"
        );
    }
    let fixed = simulate(kernel::NEAR_INFINITE, Load { quota: 11_000_000, ..load });
    assert_eq!((fixed.visits, fixed.hard_lockup), (48, false));
}

#[test]
fn a_period_of_each_kernel() {
    let mut table = String::from("kernel           charged    visits  irqs off   consumed   never ran\n");
    for kernel in [
        kernel::BEFORE,
        kernel::NEAR_INFINITE,
        kernel::RHEL_7_9,
        kernel::FROM_THE_POOL,
        kernel::BURST,
        kernel::ASYNC_LISTED,
    ] {
        for (visit, latency, interval) in [(1_000, 200, 100), (2_000, 1_000, 2_000), (2_000, 2_000, 20_000)] {
            let outcome = simulate(kernel, Load { visit, latency, interval, ..REPORT });
            table += &format!(
                "{:<15} {:>6} ns {:>8} {:>6} us {:>7} us   {:>2} of 48\n",
                kernel.label.revision,
                interval,
                outcome.visits,
                outcome.irqs_off / 1_000,
                outcome.total() / 1_000,
                outcome.starved(),
            );
        }
    }
    expect![[r#"
        kernel           charged    visits  irqs off   consumed   never ran
        c06f04c70489^      100 ns    10024  10024 us    1002 us    0 of 48
        c06f04c70489^     2000 ns      524   1048 us    1046 us    0 of 48
        c06f04c70489^    20000 ns       74    148 us    1460 us    0 of 48
        c06f04c70489       100 ns       48     48 us    1004 us    0 of 48
        c06f04c70489      2000 ns       48     96 us    1096 us    0 of 48
        c06f04c70489     20000 ns       48     96 us    1960 us    0 of 48
        3.10.0-1160.el7    100 ns       48     48 us    1004 us    0 of 48
        3.10.0-1160.el7   2000 ns       48     96 us    1096 us    0 of 48
        3.10.0-1160.el7  20000 ns       48     96 us    1960 us    0 of 48
        26a8b12747c9       100 ns        2      2 us    1000 us   47 of 48
        26a8b12747c9      2000 ns        3      6 us    1000 us   46 of 48
        26a8b12747c9     20000 ns       12     24 us    1100 us   37 of 48
        f4183717b370       100 ns        2      2 us    1000 us   47 of 48
        f4183717b370      2000 ns        3      6 us    1000 us   46 of 48
        f4183717b370     20000 ns       12     24 us    1100 us   37 of 48
        2f8c62296b6f       100 ns        2      2 us    1000 us   47 of 48
        2f8c62296b6f      2000 ns        3      6 us    1000 us   46 of 48
        2f8c62296b6f     20000 ns       12     24 us    1100 us   37 of 48
    "#]]
    .assert_eq(&table);
}

/// A quota of 1 ms, noticed at the tick: the list decides who runs at all.
#[test]
fn last_in_first_out_starves() {
    let load = Load { visit: 2_000, latency: 5_000, interval: 1_000_000, periods: 200, ..REPORT };
    for (kernel, starved) in [
        (kernel::BEFORE, 0),
        (kernel::NEAR_INFINITE, 47),
        (kernel::STARVATION, 0),
        (kernel::RHEL_7_9, 0),
        (kernel::BURST, 0),
    ] {
        let outcome = simulate(kernel, load);
        assert_eq!(outcome.starved(), starved, "{}", kernel.label.revision);
        // A quota in each period, and what the first one overran: less than a tick on each CPU.
        assert!(
            (200_000_000..=248_000_000).contains(&outcome.total()),
            "{}: {} ns",
            kernel.label.revision,
            outcome.total()
        );
    }
}
