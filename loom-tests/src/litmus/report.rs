// SPDX-License-Identifier: GPL-2.0-only
//! The result of a litmus test as herd7 prints it.

use super::code::Program;
use super::outcome::Outcomes;
use super::tree::{Cond, Operand, Place, Quantifier};
use std::fmt::Write as _;

/// Whether the condition holds in the states that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// In none.
    Never,
    /// In some.
    Sometimes,
    /// In all.
    Always,
}

impl Observation {
    /// What was observed.
    pub fn of(outcomes: &Outcomes) -> Observation {
        match (outcomes.positive, outcomes.negative) {
            (0, _) => Observation::Never,
            (_, 0) => Observation::Always,
            _ => Observation::Sometimes,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Observation::Never => "Never",
            Observation::Sometimes => "Sometimes",
            Observation::Always => "Always",
        }
    }
}

/// Whether the test's own question is answered with yes.
pub fn is_ok(program: &Program, outcomes: &Outcomes) -> bool {
    match program.quantifier {
        Quantifier::Exists => outcomes.positive > 0,
        Quantifier::NotExists => outcomes.positive == 0,
        Quantifier::Forall => outcomes.negative == 0,
    }
}

/// Whether the outcome is what the file's `Result:` comment says; nothing, where there is none. A test that ends in no
/// state deadlocks.
pub fn as_expected(program: &Program, outcomes: &Outcomes) -> Option<bool> {
    let expected = program.result.as_deref()?;
    let deadlocks = outcomes.states.is_empty() || outcomes.deadlock.is_some();
    Some(if expected == "DEADLOCK" { deadlocks } else { expected == Observation::of(outcomes).name() })
}

/// The whole answer.
pub fn herd(program: &Program, outcomes: &Outcomes, seconds: f64) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    let (kind, quantifier) = match program.quantifier {
        Quantifier::Exists => ("Allowed", "exists"),
        Quantifier::NotExists => ("Forbidden", "~exists"),
        Quantifier::Forall => ("Required", "forall"),
    };
    line(format!("Test {} {kind}", program.name));
    line(format!("States {}", outcomes.states.len()));
    outcomes.states.keys().for_each(|state| line(state.clone()));
    line(if is_ok(program, outcomes) { "Ok" } else { "No" }.to_owned());
    line("Witnesses".to_owned());
    let (positive, negative) = match program.quantifier {
        Quantifier::NotExists => (outcomes.negative, outcomes.positive),
        Quantifier::Exists | Quantifier::Forall => (outcomes.positive, outcomes.negative),
    };
    line(format!("Positive: {positive} Negative: {negative}"));
    for (flag, raised) in [("data-race", outcomes.data_race), ("mixed-accesses", outcomes.mixed_accesses)] {
        if raised {
            line(format!("Flag {flag}"));
        }
    }
    if let Some(deadlock) = &outcomes.deadlock {
        line(format!("Deadlock: {deadlock}"));
    }
    if let Some(bound) = &outcomes.bounded {
        line(format!("Unknown: there may be more, beyond {bound}"));
    }
    line(format!("Condition {quantifier} ({})", condition(&program.condition)));
    let observation = Observation::of(outcomes).name();
    line(format!("Observation {} {observation} {} {}", program.name, outcomes.positive, outcomes.negative));
    line(format!("Time {} {seconds:.2}", program.name));
    text
}

fn place(place: &Place) -> String {
    match place {
        Place::Register(process, name) => format!("{process}:{name}"),
        Place::Shared(name) => format!("[{name}]"),
    }
}

fn condition(cond: &Cond) -> String {
    match cond {
        Cond::Always(always) => always.to_string(),
        Cond::Equal(of, value) => {
            let value = match value {
                Operand::Int(value) => value.to_string(),
                Operand::Address(name) => name.clone(),
                Operand::Place(other) => place(other),
            };
            format!("{}={value}", place(of))
        }
        Cond::Not(of) => format!("not ({})", condition(of)),
        Cond::Or(parts) => parts.iter().map(condition).collect::<Vec<_>>().join(" \\/ "),
        Cond::And(parts) => {
            let part = |part: &Cond| match part {
                Cond::Or(_) => format!("({})", condition(part)),
                _ => condition(part),
            };
            parts.iter().map(part).collect::<Vec<_>>().join(" /\\ ")
        }
    }
}
