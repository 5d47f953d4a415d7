// SPDX-License-Identifier: GPL-2.0-only
//! Stock loom on 100 random programs whose outcomes are known: what it misses, and what it makes up.
//!
//! `data/outcomes.tsv` has the exact outcome set of each program under RC11, the model that loom means to have; every
//! second one is run, each to its end.
#![cfg(loom)]

use ksync::second::{Touch, check_touching};
use ksync::{
    Acquire, Atomic, Full, Model, Options, Plain, Relaxed, Release, Scenario, Setup, Verdict, smp_mb, smp_rmb,
    smp_wmb,
};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

type Outcomes = BTreeSet<String>;

/// The shared words of a program, by name.
struct Words(Vec<(&'static str, Atomic<u32>)>);

impl Words {
    fn new(program: &str) -> Words {
        let used = ["x", "y"].into_iter().filter(|name| program.contains(&format!(":{name}")));
        Words(used.map(|name| (name, Atomic::named(0, format_args!("{name}")))).collect())
    }

    fn get(&self, name: &str) -> &Atomic<u32> {
        &self.0.iter().find(|(known, _)| *known == name).expect("a word of the program").1
    }
}

/// Performs one operation, as `Wrel:x:1`; gives what it read, if it reads.
fn perform(operation: &str, words: &Words) -> Option<u32> {
    let mut parts = operation.split(':');
    let kind = parts.next().expect("an operation");
    let word = parts.next().map(|name| words.get(name));
    let value = parts.next().map(|value| value.parse().expect("a number"));
    match (kind, word, value) {
        ("mb", ..) => smp_mb(),
        ("wmb", ..) => smp_wmb(),
        ("rmb", ..) => smp_rmb(),
        ("W", Some(word), Some(value)) => word.store(value, Relaxed),
        ("Wrel", Some(word), Some(value)) => word.store(value, Release),
        ("R", Some(word), None) => return Some(word.load(Relaxed)),
        ("Racq", Some(word), None) => return Some(word.load(Acquire)),
        ("X", Some(word), Some(value)) => return Some(word.xchg(value, Full)),
        ("Xrlx", Some(word), Some(value)) => return Some(word.xchg(value, Relaxed)),
        ("Xacq", Some(word), Some(value)) => return Some(word.xchg(value, Acquire)),
        ("Xrel", Some(word), Some(value)) => return Some(word.xchg(value, Release)),
        _ => panic!("what is {operation}?"),
    }
    None
}

/// The program as a scenario that adds the outcome of each execution to the set.
fn scenario(program: &'static str, outcomes: Arc<Mutex<Outcomes>>) -> Box<Scenario> {
    Box::new(move |setup: &mut Setup| {
        let words = Arc::new(Words::new(program));
        let mut registers = Vec::new();
        for (number, process) in program.split('|').enumerate() {
            let reads = process.split_whitespace().filter(|operation| operation.starts_with(['R', 'X'])).count();
            let mine: Vec<Arc<Plain<u32>>> = (0..reads).map(|_| Arc::new(Plain::new(0))).collect();
            registers.extend(mine.iter().cloned());
            let words = words.clone();
            setup.task(format!("P{number}"), number as u32, move |_| {
                let mut free = mine.iter();
                for operation in process.split_whitespace() {
                    if let Some(value) = perform(operation, &words) {
                        free.next().expect("a register for each read").set(value);
                    }
                }
            });
        }
        let outcomes = outcomes.clone();
        setup.finally(move |_| {
            let reads: Vec<String> = registers.iter().map(|register| register.get().to_string()).collect();
            let last = words.0.iter().map(|(name, word)| format!("{name}={}", word.load(Relaxed)));
            let last: Vec<String> = last.collect();
            outcomes.lock().insert(format!("{};{}", reads.join(","), last.join(",")));
        });
    })
}

/// How many programs loom gets right; shows impossible outcomes for; misses outcomes of.
fn score(touch: Touch) -> [usize; 3] {
    let mut score = [0; 3];
    for line in include_str!("data/outcomes.tsv").lines().skip(1).step_by(2) {
        let columns: Vec<&str> = line.split('\t').collect();
        let right: Outcomes = columns[3].split_whitespace().map(str::to_owned).collect();
        let outcomes = Arc::new(Mutex::new(Outcomes::new()));
        let options = Options { max_states: u64::MAX, ..Options::new(Model::Rc11) };
        let report = check_touching(touch, &*scenario(columns[1], outcomes.clone()), &options);
        let outcomes = outcomes.lock();
        match report.verdict {
            Verdict::Holds => {
                score[0] += usize::from(*outcomes == right);
                score[1] += usize::from(!outcomes.is_subset(&right));
                score[2] += usize::from(!right.is_subset(&outcomes));
            }
            other => panic!("{}: {other}", columns[1]),
        }
    }
    score
}

#[test]
fn stock_loom_misses_12_of_100_programs_and_shows_impossible_outcomes_of_6() {
    assert_eq!(score(Touch::Nothing), [82, 6, 12]);
}

#[test]
fn loom_misses_nothing_once_a_write_depends_on_all_readers() {
    assert_eq!(score(Touch::Readers), [94, 6, 0]);
}
