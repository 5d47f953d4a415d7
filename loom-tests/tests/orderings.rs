// SPDX-License-Identifier: GPL-2.0-only
//! Every barrier and every ordering that a port performs is there for a reason: taken away, some scenario fails.
#![cfg(loom)]

use ksync::catalogue::{Expected, Row};
use ksync::explore::{check, orderings};
use ksync::op::Fence;
use ksync::{Explain, Model, Options, Verdict, Weaken, Weakness};
use loom_tests::catalogue::catalogue;
use loom_tests::run::in_order;
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
        Weaken::new("take_csd_interrupt", Weakness::RelaxedRmw),
        // A head that looks once and a head that waits do the same; the mutant `relaxed-next` takes both away.
        Weaken::new("look_for_next", Weakness::RelaxedLoad),
        // The full barrier behind the wait would do as well.
        Weaken::new("ticket_spin_lock", Weakness::RelaxedLoad),
        // What fails without it needs load buffering: `split_barrier.rs` asks the judge that has it.
        Weaken::new("split_tail", Weakness::NoFence(Fence::Mb)),
        // The wakeup in `stop_machine_unpark()` is a full barrier in front of it; it was not while another CPU woke.
        Weaken::new("cpuhp_online_idle", Weakness::RelaxedRmw),
        // A CPU's timer, its stopper and whoever enables its watchdog are one CPU, which sees what it did itself.
        Weaken::new("kick", Weakness::RelaxedLoad),
        Weaken::new("softlockup_fn", Weakness::RelaxedRmw),
        Weaken::new("watchdog_enable", Weakness::RelaxedRmw),
        Weaken::new("watchdog_disable", Weakness::RelaxedRmw),
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
    Options { explain: Explain::Nothing, max_states: ENOUGH, ..Options::new(model) }
}

/// Every ordering that the newest kernels perform, with the scenarios that do, smallest first.
fn performed(rows: &[Row]) -> BTreeMap<Weaken, Vec<(u64, &Row)>> {
    let mut performed: BTreeMap<Weaken, Vec<(u64, &Row)>> = BTreeMap::new();
    let explore = |row: &&Row| {
        let scenario = (row.build)();
        (check(&*scenario, &options(row)), orderings(&*scenario, &options(row)))
    };
    in_order(&newest(rows), explore, |row, explored| {
        let (report, orderings) = explored.unwrap_or_else(|panic| panic!("{}: {panic}", row.scenario));
        assert!(matches!(report.verdict, Verdict::Holds | Verdict::Unknown { .. }), "{} does not hold", row.scenario);
        for ordering in orderings {
            performed.entry(ordering).or_default().push((report.states, row));
        }
    });
    for rows in performed.values_mut() {
        rows.sort_by_key(|(states, _)| *states);
    }
    performed
}

#[test]
fn each_ordering_is_needed_by_some_scenario() {
    let rows = catalogue();
    let performed = performed(&rows);
    let excused = not_needed_here();
    let missing: Vec<&Weaken> = excused.iter().filter(|ordering| !performed.contains_key(ordering)).collect();
    assert!(missing.is_empty(), "no port has these any more: {missing:?}");
    let asked: Vec<_> = performed.iter().filter(|(ordering, _)| !excused.contains(ordering)).collect();
    let find = |(ordering, rows): &(&Weaken, &Vec<(u64, &Row)>)| {
        let fails = |row: &&Row| {
            let report = check(&*(row.build)(), &options(row).weakened([(*ordering).clone()]));
            !matches!(report.verdict, Verdict::Holds | Verdict::Unknown { .. })
        };
        rows.iter().map(|(_, row)| *row).find(fails).map(|row| format!("{}/{}", row.incident, row.scenario))
    };
    let mut needless = Vec::new();
    in_order(&asked, find, |(ordering, _), found| {
        match found.unwrap_or_else(|panic| panic!("{ordering:?}: {panic}")) {
            Some(row) => println!("{ordering:?}: {row} fails without it"),
            None => needless.push(*ordering),
        }
    });
    assert!(needless.is_empty(), "nothing fails without these: {needless:#?}");
}
