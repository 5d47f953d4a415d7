// SPDX-License-Identifier: GPL-2.0-only
//! A counterexample as a kernel commit message draws it: a column per CPU, time downwards.
//!
//! The picture is made once, here; the formats only draw it. The module `noise` says what is left out.

use super::calls::Calls;
use super::noise::{Noise, fold, is_in_the_margin, is_preempt_count};
use ksync::{Lockup, Trace, TraceStep, Verdict, Wait, WaitsFor};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The index of the column.
    pub column: usize,
    /// Interrupts are off on the CPU: before a function is entered, after anything else.
    pub irqs_off: bool,
    /// The depth of the call.
    pub depth: usize,
    /// What it says.
    pub what: What,
}

impl Line {
    /// It says something that could not have gone otherwise.
    pub(super) fn is_data(&self) -> bool {
        matches!(self.what, What::Data(_))
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Another task runs on this CPU from here on.
    Task(String),
    /// A function is entered.
    Enter(String),
    /// Something happens.
    Step(String),
    /// Something happens that could not have gone otherwise.
    Data(String),
    /// Where a task waits at the end.
    Wait {
        /// For what, and who could end it.
        text: String,
        /// The CPU of who could end it.
        on: Option<u32>,
    },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Task(task) => write!(f, "[{task}]"),
            What::Enter(function) => write!(f, "{function}()"),
            What::Step(action) | What::Data(action) => f.write_str(action),
            What::Wait { text, .. } => write!(f, "-- {text}"),
        }
    }
}

impl Picture {
    /// Draws a trace that ends in this verdict; `calls` knows the functions that made no step of their own.
    pub fn of(trace: &Trace, verdict: &Verdict, calls: &Calls) -> Picture {
        let mut tasks: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        let stepping = trace.steps.iter().map(|step| (step.cpu, &step.task));
        for (cpu, task) in stepping.chain(waits(verdict).iter().map(|wait| (wait.cpu, &wait.task))) {
            let tasks = tasks.entry(cpu).or_default();
            if !tasks.contains(task) {
                tasks.push(task.clone());
            }
        }
        let columns: Vec<Column> = tasks.into_iter().map(|(cpu, tasks)| Column { cpu, tasks }).collect();
        let (stacks, irqs_off, running) = Default::default();
        let mut pen = Pen { columns: &columns, calls, lines: Vec::new(), stacks, irqs_off, running };
        let noise = Noise::of(trace, verdict);
        for step in &trace.steps {
            pen.step(step, &noise);
        }
        for wait in waits(verdict) {
            pen.wait(wait);
        }
        let lines = fold(&pen.lines);
        Picture { columns, lines }
    }
}

/// Everybody who waits in a verdict.
pub(super) fn waits(verdict: &Verdict) -> &[Wait] {
    match verdict {
        Verdict::Lockup(Lockup { waits, .. }) | Verdict::LostWakeup { waits } => waits,
        _ => &[],
    }
}

struct Pen<'a> {
    columns: &'a [Column],
    calls: &'a Calls,
    lines: Vec<Line>,
    /// The functions that a task is in, outermost first.
    stacks: HashMap<&'a str, Vec<String>>,
    /// Whether a task has its CPU's interrupts off.
    irqs_off: HashMap<&'a str, bool>,
    /// The task that ran last, by column.
    running: HashMap<usize, &'a str>,
}

impl<'a> Pen<'a> {
    fn step(&mut self, step: &'a TraceStep, noise: &Noise<'_>) {
        let column = self.column(step.cpu);
        if noise.is_hidden(step) || (is_preempt_count(step) && !self.is_shared(column)) {
            return;
        }
        let depth = self.enter(column, &step.task, &step.function);
        self.irqs_off.insert(&step.task, step.irqs_off);
        if !is_in_the_margin(step) {
            let text = step.action.clone();
            self.draw(
                column,
                &step.task,
                depth,
                if noise.is_data(step) { What::Data(text) } else { What::Step(text) },
            );
        }
    }

    fn wait(&mut self, wait: &'a Wait) {
        let column = self.column(wait.cpu);
        let depth = self.enter(column, &wait.task, &wait.function);
        let on = wait.holder.as_ref().map(|holder| holder.cpu).filter(|cpu| *cpu != wait.cpu);
        self.irqs_off.insert(&wait.task, wait.irqs_off);
        self.draw(column, &wait.task, depth, What::Wait { text: in_a_column(wait), on });
    }

    /// Draws the way of a task into a function; gives the depth below it.
    fn enter(&mut self, column: usize, task: &'a str, function: &str) -> usize {
        if self.is_shared(column) && self.running.insert(column, task) != Some(task) {
            self.draw(column, task, 0, What::Task(task.to_owned()));
        }
        let mut stack = self.stacks.remove(task).unwrap_or_default();
        let first_new = enter(&mut stack, function, self.calls);
        for (depth, function) in stack.iter().enumerate().skip(first_new) {
            self.draw(column, task, depth, What::Enter(function.clone()));
        }
        let depth = stack.len();
        self.stacks.insert(task, stack);
        depth
    }

    fn draw(&mut self, column: usize, task: &str, depth: usize, what: What) {
        let irqs_off = self.irqs_off.get(task).copied().unwrap_or(false);
        self.lines.push(Line { column, irqs_off, depth, what });
    }

    fn column(&self, cpu: u32) -> usize {
        self.columns.iter().position(|column| column.cpu == cpu).expect("every CPU has a column")
    }

    fn is_shared(&self, column: usize) -> bool {
        self.columns[column].tasks.len() > 1
    }
}

/// Makes `function` the innermost of the stack; gives the index of the first function that was not in it before.
/// What stands outside the ports, as the drop of a guard, has a place for a name: it is no function to be in.
fn enter(stack: &mut Vec<String>, function: &str, calls: &Calls) -> usize {
    if function.contains(':') && !stack.is_empty() {
        return stack.len();
    }
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

/// A wait in the words of a column: whose CPU it is stands at its head, and the function above it.
fn in_a_column(wait: &Wait) -> String {
    let holder = wait.holder.as_ref();
    let by = |verb: &str| holder.map_or(String::new(), |holder| format!(", {verb} CPU{}", holder.cpu));
    match &wait.what {
        WaitsFor::Lock(lock) => format!("waits for {lock}{}", by("held by")),
        WaitsFor::Word(word) => format!("spins on {word}{}", by("written by")),
        WaitsFor::Sleep(word) => format!("sleeps on {word}{}", by("written by")),
        WaitsFor::Cpu(_) => match holder {
            Some(holder) => format!("cannot run: {} does", holder.task),
            None => "cannot run".to_owned(),
        },
    }
}
