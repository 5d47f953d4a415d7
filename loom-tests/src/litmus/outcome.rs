// SPDX-License-Identifier: GPL-2.0-only
//! Final states, and what is asked of them.

use super::code::{Program, variable};
use super::tree::{Cond, Operand, Place};
use std::collections::BTreeMap;

/// Where an execution ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Final {
    /// By process.
    pub regs: Vec<Vec<i64>>,
    /// By variable.
    pub shared: Vec<i64>,
}

/// Everything that a test can end in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// The final states as herd7 prints them, each with whether the condition holds there.
    pub states: BTreeMap<String, bool>,
    /// How many executions end in a state where the condition holds.
    pub positive: usize,
    /// How many do not.
    pub negative: usize,
    /// Two accesses race, one of which is plain.
    pub data_race: bool,
    /// A plain write and a marked access to the same word stand side by side.
    pub mixed_accesses: bool,
    /// A bound was hit, so there may be more.
    pub bounded: Option<String>,
    /// Who waits for whom for ever.
    pub deadlock: Option<String>,
}

impl Outcomes {
    /// Counts an execution.
    pub fn add(&mut self, program: &Program, state: &Final, holds: bool) {
        *if holds { &mut self.positive } else { &mut self.negative } += 1;
        self.states.insert(line(program, state), holds);
    }
}

/// A state in one line.
fn line(program: &Program, state: &Final) -> String {
    let shown: Vec<String> = program
        .shown
        .iter()
        .map(|place| {
            let value = value_name(program, value_at(program, state, place));
            match place {
                Place::Register(process, name) => format!("{process}:{name}={value};"),
                Place::Shared(name) => format!("[{name}]={value};"),
            }
        })
        .collect();
    shown.join(" ")
}

/// A value as herd7 prints it: an address by its name.
fn value_name(program: &Program, value: i64) -> String {
    match variable(value, program.variables.len()) {
        Some(variable) => program.variables[variable].0.clone(),
        None => value.to_string(),
    }
}

/// What a place holds; a register that the process never names holds 0.
fn value_at(program: &Program, state: &Final, place: &Place) -> i64 {
    match place {
        Place::Register(process, name) => {
            let reg = program.processes[*process].names.iter().position(|known| known == name);
            reg.map_or(0, |reg| state.regs[*process][reg])
        }
        Place::Shared(name) => {
            let variable = program.variables.iter().position(|(known, _)| known == name);
            variable.map_or(0, |variable| state.shared[variable])
        }
    }
}

fn holds(program: &Program, state: &Final, cond: &Cond) -> bool {
    match cond {
        Cond::Always(always) => *always,
        Cond::Equal(place, operand) => {
            let right = match operand {
                Operand::Int(value) => *value,
                Operand::Address(name) => {
                    let at = program.variables.iter().position(|(known, _)| known == name);
                    at.map_or(0, super::code::address)
                }
                Operand::Place(other) => value_at(program, state, other),
            };
            value_at(program, state, place) == right
        }
        Cond::Not(of) => !holds(program, state, of),
        Cond::And(parts) => parts.iter().all(|part| holds(program, state, part)),
        Cond::Or(parts) => parts.iter().any(|part| holds(program, state, part)),
    }
}

/// Whether the test's condition holds in a state.
pub fn condition_holds(program: &Program, state: &Final) -> bool {
    holds(program, state, &program.condition)
}

/// Whether the test's filter throws a state away.
pub fn filtered_out(program: &Program, state: &Final) -> bool {
    program.filter.as_ref().is_some_and(|filter| !holds(program, state, filter))
}
