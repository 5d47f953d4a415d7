// SPDX-License-Identifier: GPL-2.0-only
//! A counterexample as a kernel commit message draws it: a column per CPU, time downwards.
//!
//! The picture is made once, here; the formats only draw it. These steps are left out, and no others: the interrupt
//! state, because the margin of each column shows it; `smp_processor_id()`, because the head of the column does; and
//! the preempt count where only one task ever runs on that CPU, because then it decides nothing.

use super::calls::Calls;
use ksync::{Lockup, Trace, TraceStep, Verdict, Wait, WaitsFor};
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
    /// Where a task waits at the end.
    Wait(String),
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
        let (stacks, running) = Default::default();
        let mut pen = Pen { columns: &columns, calls, lines: Vec::new(), stacks, running };
        for step in &trace.steps {
            pen.step(step);
        }
        for wait in waits(verdict) {
            pen.wait(wait);
        }
        let lines = pen.lines;
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
    /// The task that ran last, by column.
    running: HashMap<usize, &'a str>,
}

impl<'a> Pen<'a> {
    fn step(&mut self, step: &'a TraceStep) {
        let column = self.column(step.cpu);
        if is_shown_elsewhere(&step.action) || (is_preempt_count(&step.action) && !self.is_shared(column)) {
            return;
        }
        let depth = self.enter(column, &step.task, &step.function, step.irqs_off);
        self.draw(column, step.irqs_off, depth, What::Step(step.action.clone()));
    }

    fn wait(&mut self, wait: &'a Wait) {
        let column = self.column(wait.cpu);
        let depth = self.enter(column, &wait.task, &wait.function, wait.irqs_off);
        self.draw(column, wait.irqs_off, depth, What::Wait(in_a_column(wait)));
    }

    /// Draws the way of a task into a function; gives the depth below it.
    fn enter(&mut self, column: usize, task: &'a str, function: &str, irqs_off: bool) -> usize {
        if self.is_shared(column) && self.running.insert(column, task) != Some(task) {
            self.draw(column, irqs_off, 0, What::Task(task.to_owned()));
        }
        let mut stack = self.stacks.remove(task).unwrap_or_default();
        let first_new = enter(&mut stack, function, self.calls);
        for (depth, function) in stack.iter().enumerate().skip(first_new) {
            self.draw(column, irqs_off, depth, What::Enter(function.clone()));
        }
        let depth = stack.len();
        self.stacks.insert(task, stack);
        depth
    }

    fn draw(&mut self, column: usize, irqs_off: bool, depth: usize, what: What) {
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

fn is_shown_elsewhere(action: &str) -> bool {
    matches!(action, "interrupts off" | "interrupts on") || action.starts_with("smp_processor_id()")
}

fn is_preempt_count(action: &str) -> bool {
    matches!(action, "preempt_disable()" | "preempt_enable()")
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
