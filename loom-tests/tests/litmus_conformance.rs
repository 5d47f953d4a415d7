// SPDX-License-Identifier: GPL-2.0-only
//! Does the facade mean what it says? The engine's memories run the kernel community's litmus tests, and herd7's
//! answers judge them. Where they differ it is for a reason that this project states: no load buffering, no
//! dependencies, C11 instead of the kernel's model; the reasons are computed, test by test.
//!
//! `litmus.md` has the result for the tests of this folder; `UPDATE_EXPECT=1` writes it anew. A folder named by
//! `LOCKUP_LITMUS` is judged in the same way, and with `UPDATE_EXPECT=1` its result goes to `litmus-further.md`.
#![cfg(loom)]

mod litmus_oracle;

use expect_test::expect_file;
use ksync::{Model, Options, Verdict, second};
use litmus_oracle::{Case, cases, others, own};
use loom_tests::litmus::graph::{Parts, WHOLE, judge};
use loom_tests::litmus::{engine, facade};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

type States = BTreeSet<String>;

/// A test, its whole set of states under each model, and why the engine's sets differ from herd7's.
struct Row {
    name: String,
    herd: usize,
    /// By model: how the set compares, and why.
    compared: Vec<(String, String)>,
}

fn judged(case: &Case, parts: Parts) -> States {
    let outcomes = judge(&case.program, parts);
    assert_eq!(outcomes.bounded, None, "{}", case.path.display());
    outcomes.states.into_keys().collect()
}

fn compare(found: &States, herd: &States) -> &'static str {
    match (found.is_superset(herd), found.is_subset(herd)) {
        (true, true) => "equal",
        (true, false) => "weaker",
        (false, true) => "stricter",
        (false, false) => "both",
    }
}

fn row(case: &Case) -> Row {
    let herd = &case.states;
    let no_load_buffering = judged(case, Parts { load_buffering: false, ..WHOLE });
    let no_dependencies = judged(case, Parts { dependencies: false, load_buffering: false });
    let mut compared = vec![(compare(&judged(case, WHOLE), herd).to_owned(), String::new())];
    let run = |model| engine::run(&case.program, model);
    let lkmm: Option<States> = run(Model::Lkmm).ok().map(|outcomes| outcomes.states.into_keys().collect());
    for model in [Model::Lkmm, Model::Rc11, Model::Sc] {
        let outcomes = match run(model) {
            Ok(outcomes) => outcomes,
            Err(what) => {
                compared.push(("not run".to_owned(), what));
                continue;
            }
        };
        assert_eq!(outcomes.bounded, None, "{}", case.path.display());
        let found: States = outcomes.states.into_keys().collect();
        let mut reasons = BTreeSet::new();
        for state in herd.difference(&found) {
            reasons.insert(if !no_load_buffering.contains(state) {
                "needs load buffering"
            } else if model == Model::Sc {
                "needs a weak memory"
            } else if model == Model::Rc11 && lkmm.as_ref().is_none_or(|lkmm| lkmm.contains(state)) {
                "C11's fences order more"
            } else {
                "UNEXPLAINED, missing"
            });
        }
        for state in found.difference(herd) {
            reasons.insert(if no_dependencies.contains(state) {
                "dependencies forbid it"
            } else if model == Model::Rc11 && lkmm.as_ref().is_none_or(|lkmm| !lkmm.contains(state)) {
                "C11 orders less"
            } else if case.program.processes.iter().flat_map(|code| &code.instrs).any(|(instr, _)| is_plain(instr)) {
                "plain accesses"
            } else {
                "UNEXPLAINED, extra"
            });
        }
        let reasons: Vec<&str> = reasons.into_iter().collect();
        compared.push((compare(&found, herd).to_owned(), reasons.join(", ")));
    }
    compared.push(loom(case));
    let name = case.path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Row { name, herd: herd.len(), compared }
}

/// How many executions loom gets for a test.
const LOOM_EXECUTIONS: u64 = 2_000;

/// Stock loom, over the facade. What it means to have is RC11, so that is what its answer is explained by.
fn loom(case: &Case) -> (String, String) {
    let not_run = |why: String| ("not run".to_owned(), why);
    let finals = facade::Finals::default();
    let scenario = match facade::scenario(&case.program, &finals) {
        Ok(scenario) => scenario,
        Err(what) => return not_run(what),
    };
    if case.program.processes.len() > 4 {
        return not_run("more than 4 processes".to_owned());
    }
    let Ok(rc11) = engine::run(&case.program, Model::Rc11) else { return not_run("RCU".to_owned()) };
    let mut options = Options::new(Model::Rc11);
    options.max_states = LOOM_EXECUTIONS;
    let report = second::check(&*scenario, &options);
    let found: States = facade::outcomes(&case.program, &finals).states.into_keys().collect();
    match report.verdict {
        Verdict::Holds => {}
        Verdict::Unknown { .. } => return not_run(format!("more than {LOOM_EXECUTIONS} executions")),
        // An execution in which somebody waits for ever is none: loom stops at the first.
        Verdict::Lockup(_) => return not_run("a deadlock".to_owned()),
        other => panic!("{}: {other}", case.path.display()),
    }
    let rc11: States = rc11.states.into_keys().collect();
    let why = match compare(&found, &rc11) {
        "equal" => "as rc11",
        "stricter" => "loses states of rc11",
        "weaker" => "shows more than rc11",
        _ => "differs from rc11",
    };
    (compare(&found, &case.states).to_owned(), why.to_owned())
}

fn is_plain(instr: &loom_tests::litmus::code::Instr) -> bool {
    use loom_tests::litmus::code::{Instr, Order};
    matches!(instr, Instr::Read { order: Order::Plain, .. } | Instr::Write { order: Order::Plain, .. })
}

const MODELS: [&str; 5] = ["the axioms", "engine, lkmm", "engine, rc11", "engine, sc", "loom"];

/// All rows, and how many there are of each class.
fn report(folder: &Path, what: &str) -> (Vec<Row>, String) {
    let rows: Vec<Row> = cases(folder).iter().map(row).collect();
    let mut text = format!(
        "# Litmus tests: {what}\n\nEach test's whole set of final states, against herd7's under the kernel's model. Weaker: \
         states that herd7 does not have.\nStricter: states that only herd7 has. Written by the test `litmus_conformance` \
         with `UPDATE_EXPECT=1`.\n\n{} tests.\n\n| model | compared | why | tests |\n|---|---|---|---|\n",
        rows.len()
    );
    for (at, model) in MODELS.iter().enumerate() {
        let mut classes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for row in &rows {
            let (compared, why) = &row.compared[at];
            let why = if compared == "not run" { why.split(" (").next().unwrap_or(why) } else { why };
            *classes.entry((compared, why)).or_default() += 1;
        }
        for ((compared, why), count) in classes {
            let _ = writeln!(text, "| {model} | {compared} | {why} | {count} |");
        }
    }
    text.push_str(
        "\n| test | states | axioms | engine, lkmm | engine, rc11 | engine, sc | loom |\n|---|---|---|---|---|---|---|\n",
    );
    for Row { name, herd, compared } in &rows {
        let cells: Vec<String> = compared
            .iter()
            .map(|(compared, why)| if why.is_empty() { compared.clone() } else { format!("{compared}: {why}") })
            .collect();
        let _ = writeln!(text, "| {name} | {herd} | {} |", cells.join(" | "));
    }
    (rows, text)
}

/// What must be so of any folder: each difference has a reason, and sequential consistency shows nothing new.
fn judge_rows(rows: &[Row]) {
    for Row { name, compared, .. } in rows {
        assert_eq!(compared[0].0, "equal", "{name}: the kernel's model as this project has it");
        for (model, (_, why)) in MODELS.iter().zip(compared) {
            assert!(!why.contains("UNEXPLAINED") || name == "back-prop-pb", "{name}: {model}: {why}");
        }
        assert!(["equal", "stricter", "not run"].contains(&compared[3].0.as_str()), "{name}: {:?}", compared[3]);
    }
}

#[test]
fn the_projects_own_tests() {
    let (rows, text) = report(&own(), "those of this project");
    expect_file!["../litmus.md"].assert_eq(&text);
    judge_rows(&rows);
}

#[test]
fn a_folder_of_further_tests() {
    let Some(folder) = others() else { return };
    let (rows, text) = report(&folder, "further ones, which are not part of this project");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        expect_file!["../litmus-further.md"].assert_eq(&text);
    }
    judge_rows(&rows);
}
