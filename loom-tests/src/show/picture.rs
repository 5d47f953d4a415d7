// SPDX-License-Identifier: GPL-2.0-only
//! A counterexample as a kernel commit message draws it: a column per CPU, time downwards.
//!
//! The picture is made once, here; the formats only draw it. These steps are left out, and no others: the interrupt
//! state, because the margin of each column shows it; `smp_processor_id()`, because the head of the column does; the
//! preempt count where only one task ever runs on that CPU, because then it decides nothing; the life of stack
//! objects, unless a property is violated. Where a function begins with steps on words that no other task of the run
//! touches, they are counted instead of drawn.

use super::calls::Calls;
use ksync::{Lockup, Trace, TraceStep, Verdict, Wait, WaitsFor};
use std::collections::{BTreeMap, HashMap, HashSet};
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
    fn is_private(&self) -> bool {
        matches!(self.what, What::Private(_))
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
    /// Something happens to a word that no other task of the run touches.
    Private(String),
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
            What::Step(action) | What::Private(action) => f.write_str(action),
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
        let users = users(trace, verdict);
        let violated = matches!(verdict, Verdict::Violated { .. });
        for step in trace.steps.iter().filter(|step| violated || !is_life_of_an_object(step)) {
            pen.step(step, word(step).is_some_and(|word| users[word].len() == 1));
        }
        for wait in waits(verdict) {
            pen.wait(wait);
        }
        let lines = fold(pen.lines);
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
    /// Draws a step; `private` says that it is on a word that no other task touches.
    fn step(&mut self, step: &'a TraceStep, private: bool) {
        let column = self.column(step.cpu);
        if is_preempt_count(step) && !self.is_shared(column) {
            return;
        }
        let depth = self.enter(column, &step.task, &step.function);
        self.irqs_off.insert(&step.task, step.irqs_off);
        if !is_shown_elsewhere(step) {
            let text = step.action.clone();
            self.draw(column, &step.task, depth, if private { What::Private(text) } else { What::Step(text) });
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

/// Counts the private steps that a function begins with, where there are several.
fn fold(lines: Vec<Line>) -> Vec<Line> {
    let mut folded: Vec<Line> = Vec::new();
    for block in lines.chunk_by(|a, b| a.column == b.column && a.depth == b.depth && b.is_private()) {
        let entered =
            matches!(folded.last(), Some(Line { what: What::Enter(_), column, .. }) if *column == block[0].column);
        if entered && block.len() > 1 && block.iter().all(Line::is_private) {
            let what = What::Private(format!("[{} private steps]", block.len()));
            folded.push(Line { what, ..block[block.len() - 1].clone() });
        } else {
            folded.extend_from_slice(block);
        }
    }
    folded
}

/// The tasks that touch each word, or wait for it at the end.
fn users<'a>(trace: &'a Trace, verdict: &'a Verdict) -> HashMap<&'a str, HashSet<&'a str>> {
    let touched = trace.steps.iter().filter_map(|step| Some((word(step)?, step.task.as_str())));
    let awaited = waits(verdict).iter().filter_map(|wait| match &wait.what {
        WaitsFor::Word(word) | WaitsFor::Sleep(word) => Some((word.as_str(), wait.task.as_str())),
        WaitsFor::Lock(_) | WaitsFor::Cpu(_) => None,
    });
    let mut users: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (word, task) in touched.chain(awaited) {
        users.entry(word).or_default().insert(task);
    }
    users
}

/// The word that a step reads or writes.
fn word(step: &TraceStep) -> Option<&str> {
    let (kind, word) = step.operation.split_once(' ')?;
    ["load", "store", "rmw", "await", "read", "write"].contains(&kind).then_some(word)
}

fn is_shown_elsewhere(step: &TraceStep) -> bool {
    step.operation.starts_with("IrqsOff(") || step.operation == "Cpu"
}

fn is_preempt_count(step: &TraceStep) -> bool {
    step.operation.starts_with("PreemptOff(")
}

fn is_life_of_an_object(step: &TraceStep) -> bool {
    step.operation.starts_with("Frame(")
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
