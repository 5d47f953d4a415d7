// SPDX-License-Identifier: GPL-2.0-only
//! A counterexample as a kernel commit message draws it: a column per CPU, time downwards.
//!
//! The picture is made once, here; the formats only draw it. Two kinds of steps are left out, and nothing else: the
//! interrupt state, because the margin of each column shows it, and the preempt count where only one task ever runs
//! on that CPU, because then it decides nothing.

use super::calls::Calls;
use ksync::{Trace, TraceStep};
use std::collections::{BTreeMap, HashMap};

/// A drawn counterexample.
#[derive(Debug)]
pub struct Picture {
    /// The CPUs that take part, in ascending order.
    pub columns: Vec<Column>,
    /// What happens, in order; each line stands in one column.
    pub lines: Vec<Line>,
}

/// One CPU.
#[derive(Debug)]
pub struct Column {
    /// Its number.
    pub cpu: u32,
    /// The tasks that run on it, in order of appearance.
    pub tasks: Vec<String>,
}

/// One line of one column.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The index of the column.
    pub column: usize,
    /// Interrupts are off on the CPU after it.
    pub irqs_off: bool,
    /// The depth of the call.
    pub depth: usize,
    /// What it says.
    pub what: What,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub enum What {
    /// Another task runs on this CPU from here on.
    Task(String),
    /// A function is entered.
    Enter(String),
    /// Something happens.
    Step(String),
}

impl Picture {
    /// Draws a trace; `calls` knows the functions that made no step of their own.
    pub fn of(trace: &Trace, calls: &Calls) -> Picture {
        let mut tasks: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for step in &trace.steps {
            let tasks = tasks.entry(step.cpu).or_default();
            if !tasks.contains(&step.task) {
                tasks.push(step.task.clone());
            }
        }
        let columns: Vec<Column> = tasks.into_iter().map(|(cpu, tasks)| Column { cpu, tasks }).collect();
        let mut pen =
            Pen { columns: &columns, calls, lines: Vec::new(), stacks: HashMap::new(), running: HashMap::new() };
        for step in &trace.steps {
            pen.step(step);
        }
        let lines = pen.lines;
        Picture { columns, lines }
    }
}

struct Pen<'a> {
    columns: &'a [Column],
    calls: &'a Calls,
    lines: Vec<Line>,
    /// The functions that a task is in, outermost first.
    stacks: HashMap<&'a str, Vec<String>>,
    /// The task that ran last, by column.
    running: HashMap<usize, &'a str>,
}

impl<'a> Pen<'a> {
    fn step(&mut self, step: &'a TraceStep) {
        let column = self.columns.iter().position(|column| column.cpu == step.cpu).expect("every CPU has a column");
        let shared = self.columns[column].tasks.len() > 1;
        if is_toggle_of_irqs(&step.action) || (is_toggle_of_preemption(&step.action) && !shared) {
            return;
        }
        let mut draw = |depth, what| self.lines.push(Line { column, irqs_off: step.irqs_off, depth, what });
        if shared && self.running.insert(column, &step.task) != Some(&step.task) {
            draw(0, What::Task(step.task.clone()));
        }
        let stack = self.stacks.entry(&step.task).or_default();
        let first_new = enter(stack, &step.function, self.calls);
        for (depth, function) in stack.iter().enumerate().skip(first_new) {
            draw(depth, What::Enter(function.clone()));
        }
        draw(stack.len(), What::Step(step.action.clone()));
    }
}

/// Makes `function` the innermost of the stack; gives the index of the first function that was not in it before.
fn enter(stack: &mut Vec<String>, function: &str, calls: &Calls) -> usize {
    if let Some(at) = stack.iter().rposition(|known| known == function) {
        stack.truncate(at + 1);
        return stack.len();
    }
    let called = (0..stack.len()).rev().find_map(|at| calls.path(&stack[at], function).map(|path| (at, path)));
    let Some((at, path)) = called else {
        *stack = vec![function.to_owned()];
        return 0;
    };
    stack.truncate(at + 1);
    stack.extend(path.into_iter().map(str::to_owned));
    at + 1
}

fn is_toggle_of_irqs(action: &str) -> bool {
    action.starts_with("local_irq_")
}

fn is_toggle_of_preemption(action: &str) -> bool {
    action.starts_with("preempt_")
}
