// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's model on random programs whose outcomes are known: 200 of loads, stores, exchanges and fences, with and
//! without load buffering, and 200 that use all primitives.
#![cfg(loom)]

use loom_tests::litmus::graph::{Parts, WHOLE, judge};
use loom_tests::litmus::{lower, parser};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Programs in the words of the memories' own tests become litmus tests.
struct Writer {
    text: String,
    reads: Vec<String>,
    process: usize,
    last_trylock: String,
}

impl Writer {
    fn operation(&mut self, word: &str) {
        let mut parts = word.split(':');
        let name = parts.next().expect("an operation");
        let at = parts.next().unwrap_or_default();
        let args: Vec<&str> = parts.collect();
        let (base, suffix) = [("rlx", "_relaxed"), ("acq", "_acquire"), ("rel", "_release")]
            .into_iter()
            .find_map(|(short, suffix)| Some((name.strip_suffix(short)?, suffix)))
            .unwrap_or((name, ""));
        let arg = |number: usize| args[number];
        let (reads, call) = match base {
            "R" if suffix.is_empty() => (true, format!("READ_ONCE(*{at})")),
            "R" => (true, format!("smp_load{suffix}({at})")),
            "W" if suffix.is_empty() => (false, format!("WRITE_ONCE(*{at}, {})", arg(0))),
            "W" => (false, format!("smp_store{suffix}({at}, {})", arg(0))),
            "X" => (true, format!("xchg{suffix}({at}, {})", arg(0))),
            "fadd" => (true, format!("atomic_fetch_add{suffix}({}, {at})", arg(0))),
            "for" => (true, format!("atomic_fetch_or{suffix}({}, {at})", arg(0))),
            "fand" => (true, format!("atomic_fetch_and{suffix}({}, {at})", arg(0))),
            "C" => (true, format!("cmpxchg{suffix}({at}, {}, {})", arg(0), arg(1))),
            "unless" => (true, format!("atomic_add_unless({at}, {}, {})", arg(0), arg(1))),
            "dec0" => (true, format!("atomic_dec_and_test({at})")),
            "inc" => (false, format!("atomic_inc({at})")),
            "L" => (false, format!("spin_lock({at})")),
            "U" => (false, format!("spin_unlock({at})")),
            "T" => (true, format!("spin_trylock({at})")),
            "?" => (true, format!("spin_is_locked({at})")),
            "Uif" => (false, format!("if ({}) spin_unlock({at})", self.last_trylock)),
            "mb" | "wmb" | "rmb" => (false, format!("smp_{base}()")),
            "ba" => (false, "smp_mb__before_atomic()".into()),
            "aa" => (false, "smp_mb__after_atomic()".into()),
            "as" => (false, "smp_mb__after_spinlock()".into()),
            "aul" => (false, "smp_mb__after_unlock_lock()".into()),
            _ => panic!("what is {word}?"),
        };
        if reads {
            let register = format!("r{:02}", self.reads.len());
            let _ = writeln!(self.text, "\tint {register} = {call};");
            if base == "T" {
                self.last_trylock.clone_from(&register);
            }
            self.reads.push(format!("{}:{register}", self.process));
        } else {
            let _ = writeln!(self.text, "\t{call};");
        }
    }
}

/// The outcomes of a program, as its table writes them.
fn outcomes(program: &str, init: &str, finals: &[&str], parts: Parts) -> BTreeSet<String> {
    let mut writer =
        Writer { text: format!("C random\n{{ {init}; }}\n"), reads: vec![], process: 0, last_trylock: String::new() };
    for (process, code) in program.split('|').enumerate() {
        writer.process = process;
        let _ = writeln!(
            writer.text,
            "P{process}(int *x, int *y, int *z, int *a, int *b, int *u, int *v, spinlock_t *s, spinlock_t *t)\n{{"
        );
        code.split_whitespace().for_each(|word| writer.operation(word));
        writer.text.push_str("}\n");
    }
    let shown: Vec<String> = writer.reads.iter().cloned().chain(finals.iter().map(|name| (*name).into())).collect();
    let text = format!("{}locations [{};]\nexists (true)\n", writer.text, shown.join("; "));
    let test = parser::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let program = lower::lower(&test).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let outcomes = judge(&program, parts);
    assert_eq!(outcomes.bounded, None, "{text}");
    let outcome = |state: &String| {
        let value = |place: &str| {
            let start =
                state.find(&format!("{place}=")).unwrap_or_else(|| panic!("{place} in {state}")) + place.len();
            state[start + 1..].split(';').next().unwrap_or_default().to_owned()
        };
        let reads: Vec<String> = writer.reads.iter().map(|place| value(place)).collect();
        let last: Vec<String> = finals.iter().map(|name| format!("{name}={}", value(&format!("[{name}]")))).collect();
        format!("{};{}", reads.join(","), last.join(","))
    };
    outcomes.states.keys().map(outcome).collect()
}

#[test]
fn with_and_without_load_buffering() {
    let mut programs = 0;
    for line in include_str!("../../ksync/tests/data/outcomes.tsv").lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let finals: Vec<&str> =
            ["x", "y"].into_iter().filter(|name| columns[1].contains(&format!(":{name}"))).collect();
        for (column, load_buffering) in [(5, true), (6, false)] {
            let expected: BTreeSet<String> = columns[column].split(' ').map(String::from).collect();
            let found = outcomes(columns[1], "", &finals, Parts { load_buffering, ..WHOLE });
            assert_eq!(found, expected, "{}: {}, load buffering {load_buffering}", columns[0], columns[1]);
        }
        programs += 1;
    }
    assert_eq!(programs, 200);
}

#[test]
fn all_primitives() {
    let mut programs = 0;
    for line in include_str!("../../ksync/tests/data/programs.tsv").lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        // The kernel has atomic_add_unless() without a suffix only.
        if ["unlessrlx", "unlessacq", "unlessrel"].iter().any(|name| columns[1].contains(name)) {
            continue;
        }
        let finals: Vec<&str> = columns[3].split_whitespace().collect();
        // Somebody who waits for ever is in no final state.
        let expected = columns[4].split(' ').filter(|outcome| *outcome != "stuck").map(String::from).collect();
        let found = outcomes(columns[1], columns[2], &finals, Parts { load_buffering: false, ..WHOLE });
        assert_eq!(found, expected, "{}: {}", columns[0], columns[1]);
        programs += 1;
    }
    assert!(programs > 100, "{programs}");
}
