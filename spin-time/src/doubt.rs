// SPDX-License-Identifier: GPL-2.0-only
//! What makes a run worth less than it seems. The harness looks for it, the reader should not have to.

use crate::record::Record;
use crate::regime::Regime;

/// More of the CPUs' time than this taken by the hypervisor.
const STEAL: f64 = 0.01;
/// The first candidate further from itself than this, and surely.
const NULL: f64 = 0.05;
/// More blocks than this of another place than the others, or of two.
const LOST: f64 = 0.25;
/// Threads of a contended block that ran together for less of the time than this.
const TOGETHER: f64 = 0.9;

/// Every reason to doubt the experiment.
pub(crate) fn doubts(record: &Record, planned: usize) -> Vec<String> {
    let mut doubts = Vec::new();
    if record.regime == Regime::NoPrivilege {
        doubts.push("SCHED_FIFO is not allowed here: other programs are part of what was measured".to_owned());
    }
    if record.steal > STEAL {
        doubts.push(format!("the hypervisor took {:.1} % of the time", record.steal * 100.0));
    }
    let made = record.candidates.first().map_or(0, |first| first.blocks.len());
    if made < planned {
        doubts.push(format!("{made} of {planned} repetitions were made"));
    }
    doubts.extend(null_pair(record));
    doubts.extend(canaries(record));
    for candidate in &record.candidates {
        if let Some(failure) = &candidate.failure {
            doubts.push(format!("{} failed: {failure}", candidate.name));
        }
    }
    let alone = record.candidates.iter().flat_map(|candidate| candidate.values("together")).flatten();
    let least = alone.fold(f64::INFINITY, f64::min);
    if record.regime == Regime::Quiet && least < TOGETHER {
        doubts.push(format!("in one block all threads ran together for only {:.0} % of the time", least * 100.0));
    }
    doubts
}

/// The first candidate must equal itself. Only in the quiet regime: elsewhere nothing finer than an order of magnitude
/// is claimed.
fn null_pair(record: &Record) -> Option<String> {
    let metric = record.metrics.first()?;
    let [first, again, ..] = &record.candidates[..] else { return None };
    let Some(ratio) = record.ratio(metric, again, first) else {
        return Some("there is no null pair".to_owned());
    };
    let off = !ratio.contains(1.0) && (ratio.middle - 1.0).abs() > NULL;
    (off && record.regime != Regime::Oversubscribed)
        .then(|| format!("the null pair is off: {} is {ratio} times itself", first.name))
}

/// The CPUs must not move too often: what moved is left out, and the rest is less.
fn canaries(record: &Record) -> Option<String> {
    let blocks = record.candidates.iter().map(|candidate| candidate.blocks.len()).sum::<usize>();
    let (all, lost) = (blocks + record.discarded, record.elsewhere() + record.discarded);
    (lost as f64 > LOST * all as f64)
        .then(|| format!("{lost} of {all} blocks are lost: the CPUs moved, as the canaries tell"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{candidate, record};

    fn quiet(first: f64, again: f64) -> Record {
        record(vec![candidate("A", &[(first, None); 9]), candidate("A again", &[(again, None); 9])])
    }

    #[test]
    fn a_good_run_is_not_doubted() {
        assert_eq!(doubts(&quiet(100.0, 102.0), 9), Vec::<String>::new());
    }

    #[test]
    fn a_null_pair_that_is_off_is_flagged() {
        let doubts = doubts(&quiet(100.0, 120.0), 9);
        assert!(doubts.len() == 1 && doubts[0].contains("null pair is off"), "{doubts:?}");
    }

    #[test]
    fn no_null_pair_is_flagged() {
        let doubts = doubts(&record(vec![candidate("A", &[(1.0, None)]), candidate("A again", &[])]), 1);
        assert!(doubts.len() == 1 && doubts[0].contains("no null pair"), "{doubts:?}");
    }

    #[test]
    fn no_privilege_steal_and_missing_repetitions_are_flagged() {
        let record = Record { regime: Regime::NoPrivilege, steal: 0.05, ..quiet(1.0, 1.0) };
        let doubts = doubts(&record, 20);
        for word in ["SCHED_FIFO", "5.0 %", "9 of 20"] {
            assert!(doubts.iter().any(|doubt| doubt.contains(word)), "{word} in {doubts:?}");
        }
        assert_eq!(doubts.len(), 3);
    }

    #[test]
    fn cpus_that_moved_are_flagged() {
        let blocks = [(300.0, Some(215.0)), (300.0, Some(220.0)), (100.0, Some(80.0))];
        let record = Record { discarded: 2, ..record(vec![candidate("A", &blocks), candidate("A again", &blocks)]) };
        assert_eq!(doubts(&record, 3), ["4 of 8 blocks are lost: the CPUs moved, as the canaries tell"]);
    }

    #[test]
    fn a_failure_and_lonely_threads_are_flagged() {
        let mut record = quiet(1.0, 1.0);
        record.candidates[1].failure = Some("no exclusion".to_owned());
        let block = record.candidates[0].blocks[3].as_mut().expect("it is there");
        block.values.insert("together".to_owned(), 0.4);
        let doubts = doubts(&record, 9);
        assert!(doubts.contains(&"A again failed: no exclusion".to_owned()), "{doubts:?}");
        assert!(doubts.iter().any(|doubt| doubt.contains("only 40 %")), "{doubts:?}");
    }
}
