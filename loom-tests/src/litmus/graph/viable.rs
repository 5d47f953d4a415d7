// SPDX-License-Identifier: GPL-2.0-only
//! Drops traces that no execution contains, before they are combined: where read-modify-writes follow each other,
//! unfolding alone gives far too many.

use super::event::Trace;
use std::collections::{BTreeMap, BTreeSet};

/// What a process may write, over all its traces.
type Written = BTreeSet<(i64, i64)>;

/// Keeps the traces whose reads can all return what they return. A trace that goes takes its writes with it, so others
/// may have to follow.
pub(super) fn retain(traces: &mut [Vec<Trace>], initial: impl Fn(i64) -> i64) {
    loop {
        let written: Vec<Written> = traces.iter().map(|of_process| written(of_process)).collect();
        let mut dropped = false;
        for (process, of_process) in traces.iter_mut().enumerate() {
            let others =
                |pair| written.iter().enumerate().any(|(other, pairs)| other != process && pairs.contains(&pair));
            let before = of_process.len();
            of_process.retain(|trace| is_viable(trace, &initial, others));
            dropped |= of_process.len() < before;
        }
        if !dropped {
            return;
        }
    }
}

fn written(traces: &[Trace]) -> Written {
    let events = traces.iter().flat_map(|trace| &trace.events);
    events.filter(|event| event.kind.writes()).map(|event| (event.at, event.value)).collect()
}

/// A read returns what another process writes, or else what its own last wrote, or the initial value if it wrote
/// nothing.
fn is_viable(trace: &Trace, initial: &impl Fn(i64) -> i64, others: impl Fn((i64, i64)) -> bool) -> bool {
    let mut own: BTreeMap<i64, i64> = BTreeMap::new();
    trace.events.iter().all(|event| {
        if event.kind.writes() {
            own.insert(event.at, event.value);
            return true;
        }
        !event.kind.reads()
            || own.get(&event.at).copied().unwrap_or_else(|| initial(event.at)) == event.value
            || others((event.at, event.value))
    })
}
