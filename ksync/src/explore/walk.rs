// SPDX-License-Identifier: GPL-2.0-only
//! From moves to a run that people can read.

use super::blame::Held;
use super::control::perform;
use super::machine::Machine;
use super::memory::{Memory, Shown};
use super::state::State;
use super::step::{Move, Next, Stepping, Ways, moves, run_ahead, with_holder};
use super::task::{At, Nondeterminism, Reply};
use crate::describe::{describe, operation};
use crate::op::MemOp;
use crate::place::function_at;
use crate::report::TraceStep;
use crate::request::Request;
use smallvec::SmallVec;

/// What a task does that goes through the body of its waiting loop.
pub(super) const WAITS_ON: &str = "waits on";

/// A run, step by step, and where it ends.
pub(super) struct Walk<M> {
    pub(super) steps: Vec<TraceStep>,
    pub(super) held: Vec<Held>,
    pub(super) end: Next<M>,
}

/// Makes these moves from the first state on, and in between what the stepping does by itself.
pub(super) fn walk<M: Memory>(
    machine: &mut Machine,
    stepping: Stepping,
    path: &[Move],
) -> Result<Walk<M>, Nondeterminism> {
    let mut walk = Walk { steps: Vec::new(), held: Vec::new(), end: machine.start() };
    for happens in path.iter().copied().map(Some).chain([None]) {
        let mut passed: Vec<(Box<State<M>>, Move)> = Vec::new();
        let next =
            run_ahead(machine, stepping, walk.end, |state, happens| passed.push((Box::new(state.clone()), happens)))?;
        walk.end = next;
        let Some(happens) = happens else {
            note_all(machine, stepping, &mut walk, passed)?;
            break;
        };
        let Next::To(state) = &walk.end else { break };
        passed.push((state.clone(), happens));
        let found = moves(machine, stepping, state)?.into_iter().find(|(other, _)| *other == happens);
        walk.end = found.expect("a path is made of moves").1;
        note_all(machine, stepping, &mut walk, passed)?;
    }
    Ok(walk)
}

fn note_all<M: Memory>(
    machine: &mut Machine,
    stepping: Stepping,
    walk: &mut Walk<M>,
    passed: Vec<(Box<State<M>>, Move)>,
) -> Result<(), Nondeterminism> {
    for (state, happens) in passed {
        let found = moves(machine, stepping, &state)?.into_iter().find(|(other, _)| *other == happens);
        let (_, next) = found.expect("it was just made");
        note(machine, walk, &state, happens, &next);
    }
    Ok(())
}

impl Machine {
    /// The name by which a replay knows what this move does.
    pub(super) fn operation(&self, request: &Request, happens: Move) -> String {
        match happens {
            Move::Interrupt { irq, .. } => format!("interrupt {}", self.setup.irqs[usize::from(irq)].name),
            Move::Migrate { cpu, .. } => format!("move to CPU{}", self.cpus[usize::from(cpu)]),
            Move::Body { .. } => WAITS_ON.to_owned(),
            Move::Compute { .. } => "takes its CPU".to_owned(),
            Move::Step { .. } | Move::Tick => operation(request, &|cell| self.name(cell)),
        }
    }
}

/// What the task sees of the move that fails: no state behind it says so.
fn last_value<M: Memory>(machine: &Machine, before: &State<M>, task: usize, request: &Request, happens: Move) -> u64 {
    let Move::Step { way, .. } = happens else { return 0 };
    let mut seen = Vec::new();
    if let Request::Mem(op) = request {
        let agent = usize::from(before.tasks[task].cpu);
        let mine = with_holder(op, agent);
        before.mem.step(agent, mine.as_ref().unwrap_or(op), &mut |_, shown| {
            seen.push(if let Shown::Value(value) = shown { value } else { 0 });
        });
    } else {
        let mut ways: Ways<M> = SmallVec::new();
        perform(machine, before, task, request, &mut ways);
        seen.extend(ways.iter().map(|way| way.as_ref().map_or(0, |&(_, value)| value)));
    }
    seen.get(usize::from(way)).copied().unwrap_or(0)
}

/// Adds what a move does to the run.
fn note<M: Memory>(machine: &Machine, walk: &mut Walk<M>, before: &State<M>, happens: Move, next: &Next<M>) {
    let Some(task) = happens.task() else { return };
    let task = usize::from(task);
    let here = before.tasks[task];
    let At::Asks(asked) = machine.at(task, here.node) else { return };
    if asked.request.is_distilling() {
        return;
    }
    let value = match next {
        Next::To(next) => match machine.reply(task, next.tasks[task].node) {
            Reply::Value(value) => value,
            Reply::Irq(_) | Reply::Body => 0,
        },
        Next::Fails(_) => last_value(machine, before, task, &asked.request, happens),
    };
    let function = function_at(asked.place);
    let operation = machine.operation(&asked.request, happens);
    let way = if let Move::Step { way, .. } = happens { way } else { 0 };
    let action = match happens {
        Move::Interrupt { irq, .. } => format!("interrupt: {}", machine.setup.irqs[usize::from(irq)].name),
        Move::Migrate { cpu, .. } => format!("moved to CPU{}", machine.cpus[usize::from(cpu)]),
        Move::Body { .. } => WAITS_ON.to_owned(),
        Move::Compute { .. } => format!("takes CPU{}", machine.cpus[usize::from(here.cpu)]),
        _ => match &asked.request {
            Request::Work(work) => format!("one more round of {}", machine.setup.works[usize::from(*work)].name),
            request => describe(request, value, &|cell| machine.name(cell)),
        },
    };
    if let (Move::Step { .. }, Request::Mem(op)) = (happens, &asked.request) {
        match *op {
            MemOp::Lock { cell, .. } => walk.held.push(Held { cell, task, function: function.clone() }),
            MemOp::TryLock { cell, .. } if value != 0 => {
                walk.held.push(Held { cell, task, function: function.clone() });
            }
            MemOp::Unlock { cell } => walk.held.retain(|held| held.cell != cell),
            _ => {}
        }
    }
    let irqs_off = match next {
        Next::To(next) => next.tasks[task].irqs_off,
        Next::Fails(_) => here.irqs_off,
    };
    let mine = walk.held.iter().filter(|held| held.task == task);
    walk.steps.push(TraceStep {
        task: machine.setup.tasks[task].name.clone(),
        cpu: machine.cpus[usize::from(here.cpu)],
        function,
        place: format!("{}:{}", asked.place.file(), asked.place.line()),
        operation,
        way,
        action,
        holds: mine.map(|held| machine.name(held.cell)).collect(),
        irqs_off,
    });
}

/// What repeats in a run that ends with a round of work too many.
pub(super) fn pump(steps: &[TraceStep]) -> Vec<String> {
    let segment = between_like_rounds(steps).unwrap_or_else(|| longest_repeated(steps));
    segment.iter().map(|step| format!("{}: {}(): {}", step.task, step.function, step.action)).collect()
}

/// From a round to the next one in which the same task takes the same lock first: the last such stretch. Between the
/// two may be rounds for others, and a round seldom writes exactly the same words as the one before it.
fn between_like_rounds(steps: &[TraceStep]) -> Option<&[TraceStep]> {
    let work = steps.last()?;
    let is_round = |step: &TraceStep| (&step.task, &step.operation) == (&work.task, &work.operation);
    let rounds: Vec<usize> = (0..steps.len()).filter(|&at| is_round(&steps[at])).collect();
    let lock = |round: &[usize]| -> Option<&str> {
        let mut mine = steps[round[0]..round[1]].iter().filter(|step| step.task == work.task);
        mine.find(|step| step.operation.starts_with("lock ")).map(|step| &*step.operation)
    };
    let taken: Vec<Option<&str>> = rounds.windows(2).map(lock).collect();
    let alike = |&(a, b): &(usize, usize)| taken[b].is_some() && taken[a] == taken[b];
    let pairs = (0..taken.len()).rev().flat_map(|b| (0..b).rev().map(move |a| (a, b)));
    let (a, b) = pairs.into_iter().find(alike)?;
    Some(&steps[rounds[a]..rounds[b]])
}

/// The longest stretch of a run that follows at once on itself. The shortest run leaves out of its last turn what it
/// can, so the stretch need not stand at the end.
fn longest_repeated(steps: &[TraceStep]) -> &[TraceStep] {
    let same = |a: &TraceStep, b: &TraceStep| (&a.task, &a.operation) == (&b.task, &b.operation);
    let twice = |at: usize, len: usize| (at..at + len).all(|n| same(&steps[n], &steps[n + len]));
    let found = |len: usize| (0..=steps.len() - 2 * len).find(|&at| twice(at, len)).map(|at| &steps[at..at + len]);
    (1..=steps.len() / 2).rev().find_map(found).unwrap_or_default()
}
