// SPDX-License-Identifier: GPL-2.0-only
//! Every barrier and every ordering that a port performs is there for a reason: taken away, some scenario fails.
#![cfg(loom)]

use ksync::catalogue::{Expected, Row};
use ksync::explore::{check, orderings};
use ksync::op::Fence;
use ksync::{Model, Options, Verdict, Weaken, Weakness};
use loom_tests::catalogue::catalogue;
use std::collections::{BTreeMap, BTreeSet};

/// Orderings that C has and that no scenario here can need. The port says why at the line.
fn not_needed_here() -> BTreeSet<Weaken> {
    BTreeSet::from([
        // No signals here, so nothing stands behind the barrier.
        Weaken::new("__schedule", Weakness::NoFence(Fence::AfterSpinlock)),
        // What the dequeue writes, the runqueue's lock keeps from wakers.
        Weaken::new("block_task", Weakness::RelaxedStore),
        // Who finds a runqueue by the task's CPU takes that runqueue's lock.
        Weaken::new("__set_task_cpu", Weakness::NoFence(Fence::Wmb)),
        Weaken::new("__migrate_swap_task", Weakness::NoFence(Fence::Wmb)),
        // The acquire is the warning's; the interrupt came after the hand-over.
        Weaken::new("sched_ttwu_pending", Weakness::RelaxedLoad),
        // The walker takes the runqueue's lock, which the adder holds, before it reads the node.
        Weaken::new("__list_add_rcu", Weakness::RelaxedStore),
        // What the sender did, it did under the runqueue's lock, which the handler takes next.
        Weaken::new("take_csd_interrupts", Weakness::RelaxedRmw),
        // A head that looks once and a head that waits do the same; the mutant `relaxed-next` takes both away.
        Weaken::new("look_for_next", Weakness::RelaxedLoad),
        // The full barrier behind the wait would do as well.
        Weaken::new("ticket_spin_lock", Weakness::RelaxedLoad),
        // A CPU's timer, its stopper and whoever enables its watchdog are one CPU, which sees what it did itself.
        Weaken::new("kick", Weakness::RelaxedLoad),
        Weaken::new("softlockup_fn", Weakness::RelaxedRmw),
        Weaken::new("watchdog_enable", Weakness::RelaxedRmw),
        Weaken::new("watchdog_disable", Weakness::RelaxedRmw),
        // The wakeup in `stop_machine_unpark()` is a full barrier in front of it; it was not while another CPU woke.
        Weaken::new("cpuhp_online_idle", Weakness::RelaxedRmw),
        // The scenario's own barrier, for a kernel older than the newest.
        Weaken::new("woken_again", Weakness::NoFence(Fence::Mb)),
    ])
}

/// Where a search for the reason of an ordering gives up on a scenario, and turns to the next.
const ENOUGH: u64 = 100_000;

/// The newest revision of each scenario, where it holds: what stands in the kernel today.
fn newest(rows: &[Row]) -> Vec<&Row> {
    let mut newest: BTreeMap<(&str, &str), &Row> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.mutant && row.expected == Expected::Holds) {
        newest.insert((row.incident, row.scenario), row);
    }
    newest.into_values().collect()
}

/// The kernel's own memory model; C11's where the row is about what only that one allows.
fn options(row: &Row) -> Options {
    let model = if row.model == Model::Rc11 { Model::Rc11 } else { Model::Lkmm };
    Options { explain: false, max_states: ENOUGH, ..Options::new(model) }
}

#[test]
fn each_ordering_is_needed_by_some_scenario() {
    let rows = catalogue();
    let mut performed: BTreeMap<Weaken, Vec<(u64, &Row)>> = BTreeMap::new();
    for row in newest(&rows) {
        let report = check(&*(row.build)(), &options(row));
        assert!(matches!(report.verdict, Verdict::Holds | Verdict::Unknown { .. }), "{} does not hold", row.scenario);
        for ordering in orderings(&*(row.build)(), &options(row)) {
            performed.entry(ordering).or_default().push((report.states, row));
        }
    }
    let excused = not_needed_here();
    let missing: Vec<&Weaken> = excused.iter().filter(|ordering| !performed.contains_key(ordering)).collect();
    assert!(missing.is_empty(), "no port has these any more: {missing:?}");
    let mut needless = Vec::new();
    for (ordering, rows) in performed.iter_mut().filter(|(ordering, _)| !excused.contains(ordering)) {
        rows.sort_by_key(|(states, _)| *states);
        let fails = |(_, row): &&(u64, &Row)| {
            let report = check(&*(row.build)(), &options(row).weakened([ordering.clone()]));
            !matches!(report.verdict, Verdict::Holds | Verdict::Unknown { .. })
        };
        match rows.iter().find(fails) {
            Some((_, row)) => println!("{ordering:?}: {}/{} fails without it", row.incident, row.scenario),
            None => needless.push(ordering),
        }
    }
    assert!(needless.is_empty(), "nothing fails without these: {needless:#?}");
}
