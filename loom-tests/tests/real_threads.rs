// SPDX-License-Identifier: GPL-2.0-only
//! The facade on real atomics: small random programs on real threads never end in a way that C11 forbids.
//!
//! A stress run can only refute. The outcome sets are those of RC11, so without load buffering, which compilers do not
//! produce from relaxed atomics and x86 does not either.
#![cfg(not(loom))]

use ksync::{Acquire, Atomic, Full, Plain, Relaxed, Release, Setup, run_threads, smp_mb, smp_rmb, smp_wmb};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a program runs before the threads meet again.
const BATCH: usize = 500;
/// How long all programs together may take.
const BUDGET: Duration = Duration::from_secs(4);

/// One run of a program: its shared words, and a register for each read.
struct Instance {
    x: Atomic<u32>,
    y: Atomic<u32>,
    registers: Vec<Plain<u32>>,
}

impl Instance {
    /// Performs one operation, as `Wrel:x:1`; gives what it read, if it reads.
    fn perform(&self, operation: &str) -> Option<u32> {
        let mut parts = operation.split(':');
        let kind = parts.next().expect("an operation");
        let word = if parts.next() == Some("y") { &self.y } else { &self.x };
        let value = parts.next().map_or(0, |value| value.parse().expect("a number"));
        match kind {
            "mb" => smp_mb(),
            "wmb" => smp_wmb(),
            "rmb" => smp_rmb(),
            "W" => word.store(value, Relaxed),
            "Wrel" => word.store(value, Release),
            "R" => return Some(word.load(Relaxed)),
            "Racq" => return Some(word.load(Acquire)),
            "X" => return Some(word.xchg(value, Full)),
            "Xrlx" => return Some(word.xchg(value, Relaxed)),
            "Xacq" => return Some(word.xchg(value, Acquire)),
            "Xrel" => return Some(word.xchg(value, Release)),
            _ => panic!("what is {operation}?"),
        }
        None
    }

    fn outcome(&self, program: &str) -> String {
        let reads: Vec<String> = self.registers.iter().map(|register| register.get().to_string()).collect();
        let last =
            [("x", &self.x), ("y", &self.y)].into_iter().filter(|(name, _)| program.contains(&format!(":{name}")));
        let last: Vec<String> = last.map(|(name, word)| format!("{name}={}", word.load(Relaxed))).collect();
        format!("{};{}", reads.join(","), last.join(","))
    }
}

fn reads(operations: &[&str]) -> usize {
    operations.iter().filter(|operation| operation.starts_with(['R', 'X'])).count()
}

/// Runs a program many times and adds how it ended to the set.
fn batch(program: &'static str, outcomes: &Arc<Mutex<BTreeSet<String>>>) {
    let outcomes = outcomes.clone();
    run_threads(&move |setup: &mut Setup| {
        let processes: Vec<Vec<&str>> = program.split('|').map(|code| code.split_whitespace().collect()).collect();
        let count: usize = processes.iter().map(|operations| reads(operations)).sum();
        let instance = |_| Instance {
            x: Atomic::new(0),
            y: Atomic::new(0),
            registers: (0..count).map(|_| Plain::new(0)).collect(),
        };
        let instances: Arc<Vec<Instance>> = Arc::new((0..BATCH).map(instance).collect());
        let waiting = Arc::new(Atomic::new(processes.len() as u32));
        let mut first = 0;
        for (number, operations) in processes.into_iter().enumerate() {
            let (instances, waiting, mine) = (instances.clone(), waiting.clone(), first);
            first += reads(&operations);
            setup.task(format!("P{number}"), number as u32, move |_| {
                // All begin together: a thread that is alone sees nothing.
                waiting.add(u32::MAX);
                waiting.cond_load(Relaxed, |left| left == 0);
                for instance in instances.iter() {
                    let mut registers = instance.registers[mine..].iter();
                    for operation in &operations {
                        if let Some(value) = instance.perform(operation) {
                            registers.next().expect("a register for each read").set(value);
                        }
                    }
                }
            });
        }
        let outcomes = outcomes.clone();
        setup.finally(move |_| {
            outcomes.lock().extend(instances.iter().map(|instance| instance.outcome(program)));
        });
    });
}

#[test]
fn real_atomics_stay_within_c11() {
    let table: Vec<Vec<&str>> = include_str!("../../ksync/tests/data/outcomes.tsv")
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(table.len(), 200);
    let seen: Vec<_> = table.iter().map(|_| Arc::new(Mutex::new(BTreeSet::new()))).collect();
    let (started, mut rounds) = (Instant::now(), 0);
    while rounds == 0 || started.elapsed() < BUDGET {
        for (columns, outcomes) in table.iter().zip(&seen) {
            batch(columns[1], outcomes);
        }
        rounds += 1;
    }
    let (mut shown, mut possible) = (0, 0);
    for (columns, outcomes) in table.iter().zip(&seen) {
        let allowed: BTreeSet<String> = columns[3].split(' ').map(str::to_owned).collect();
        let outcomes = outcomes.lock();
        let forbidden: Vec<&String> = outcomes.difference(&allowed).collect();
        assert!(forbidden.is_empty(), "{}: {} ended in {forbidden:?}", columns[0], columns[1]);
        shown += outcomes.len();
        possible += allowed.len();
    }
    println!("{rounds} rounds of {BATCH}: {shown} of {possible} outcomes seen");
    // A run in which the threads never met would show one outcome for each program.
    assert!(shown > table.len(), "only {shown} outcomes of {} programs", table.len());
}
