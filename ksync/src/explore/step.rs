// SPDX-License-Identifier: GPL-2.0-only
//! What can happen next: every way in which a state can go on.

use super::compute::{compute, take_cpu};
use super::machine::Machine;
use super::memory::{Memory, Shown};
use super::schedule::{deliverable, may_run, settle};
use super::state::State;
use super::task::{At, Nondeterminism, Reply};
use super::time::{body, tick, turns};
use crate::op::MemOp;
use crate::request::{IrqId, Request};
use crate::verdict::Verdict;
use smallvec::SmallVec;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Move {
    /// A task performs its request, in the way of this number.
    Step { task: u8, way: u16 },
    /// An interrupt's handler starts on a task.
    Interrupt { task: u8, irq: IrqId },
    /// A task that was preempted goes on on another CPU.
    Migrate { task: u8, cpu: u8 },
    /// A task takes its CPU to compute on it.
    Compute { task: u8 },
    /// A task goes through the body of its waiting loop.
    Body { task: u8 },
    /// Virtual time goes on to the next event.
    Tick,
}

impl Move {
    /// Whose move it is; the clock is nobody's.
    pub(super) fn task(self) -> Option<u8> {
        match self {
            Move::Step { task, .. }
            | Move::Interrupt { task, .. }
            | Move::Migrate { task, .. }
            | Move::Compute { task }
            | Move::Body { task } => Some(task),
            Move::Tick => None,
        }
    }
}

/// Where a move leads.
pub(super) enum Next<M> {
    To(Box<State<M>>),
    Fails(Verdict),
}

/// Every way in which a request can be met: the state that follows and the reply, or a failure.
pub(super) type Ways<M> = SmallVec<[Result<(Box<State<M>>, u64), Verdict>; 1]>;

/// The moves of a state, each with where it leads.
pub(super) type Moves<M> = Vec<(Move, Next<M>)>;

/// How to take steps: what the reductions may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stepping {
    /// Perform what commutes with everything that others can do as soon as a task comes to it.
    pub(super) eager: bool,
    /// Check plain accesses for races by what is still open in other tasks; memories with views check themselves.
    pub(super) footprints: bool,
    /// Waiting loops may go through their bodies at any time, also where nobody looks.
    pub(super) turns: bool,
}

/// Every move that is possible in this state. Empty: nothing can ever happen again.
pub(super) fn moves<M: Memory>(
    machine: &mut Machine,
    stepping: Stepping,
    state: &State<M>,
) -> Result<Moves<M>, Nondeterminism> {
    let mut moves = Vec::new();
    if state.halted {
        return Ok(moves);
    }
    if let Some(task) = state.tasks.iter().position(|task| task.body_due) {
        body(machine, state, task, &mut moves)?;
        return Ok(moves);
    }
    if let Some(task) = eager_task(machine, stepping, state) {
        perform(machine, stepping, state, task, &mut moves)?;
        return Ok(moves);
    }
    for task in 0..state.tasks.len() {
        if may_run(machine, state, task) && !compute(machine, state, task, &mut moves) {
            perform(machine, stepping, state, task, &mut moves)?;
        }
        if (stepping.turns || machine.is_looked_at(state, task)) && turns(machine, state, task) {
            body(machine, state, task, &mut moves)?;
        }
        interrupt(machine, state, task, &mut moves)?;
        migrate(machine, state, task, &mut moves);
    }
    if moves.is_empty() {
        tick(machine, state, &mut moves);
    }
    Ok(moves)
}

/// Goes on from a state as long as only one thing can happen and nobody needs to see what is in between.
///
/// Gives the moves on the way to `visit`, each with the state before it.
pub(super) fn run_ahead<M: Memory>(
    machine: &mut Machine,
    stepping: Stepping,
    mut next: Next<M>,
    mut visit: impl FnMut(&State<M>, Move),
) -> Result<Next<M>, Nondeterminism> {
    loop {
        let Next::To(state) = &next else { return Ok(next) };
        let Some(task) = eager_task(machine, stepping, state) else { return Ok(next) };
        let mut only = Vec::with_capacity(1);
        perform(machine, stepping, state, task, &mut only)?;
        if only.len() != 1 {
            return Ok(next);
        }
        let (happens, after) = only.remove(0);
        visit(state, happens);
        next = after;
    }
}

/// A running task whose request needs no interleaving with anybody's.
fn eager_task<M: Memory>(machine: &Machine, stepping: Stepping, state: &State<M>) -> Option<usize> {
    if state.halted {
        return None;
    }
    if let Some(task) = distilling_task(machine, state) {
        return Some(task);
    }
    if !stepping.eager || state.tasks.iter().any(|task| task.body_due) {
        return None;
    }
    (0..state.tasks.len()).find(|&number| {
        let task = &state.tasks[number];
        let cpu = usize::from(task.cpu);
        let At::Asks(asked) = machine.at(number, task.node) else { return false };
        let running = state.cpus[cpu].running == number as u8;
        if !running && machine.contended[cpu] {
            return false;
        }
        // On its own CPU nobody else can come in between.
        let masked = task.irqs_off && (!machine.has_nmi[cpu] || task.in_nmi > 0);
        let alone = !machine.contended[cpu] || running && (masked || task.preempt_off && !machine.interrupted[cpu]);
        match &asked.request {
            Request::Mem(op) => {
                let commutes = M::eager(op) || stepping.footprints && op.is_plain();
                alone && commutes && !machine.looks(state, number)
            }
            Request::PreemptOff(true) | Request::IrqsOff(true) => alone,
            Request::PreemptOff(false) | Request::IrqsOff(false) | Request::IrqReturn(_) => running || alone,
            Request::Sleep { .. } | Request::Busy(_) | Request::Away(_) | Request::Idle => false,
            _ => alone,
        }
    })
}

/// A task at the edge of a block of which only the result is kept. That is no event, so no other can come before it.
fn distilling_task<M: Memory>(machine: &Machine, state: &State<M>) -> Option<usize> {
    (0..state.tasks.len()).find(
        |&task| matches!(machine.at(task, state.tasks[task].node), At::Asks(asked) if asked.request.is_distilling()),
    )
}

/// Adds every way in which the task can perform its request now.
fn perform<M: Memory>(
    machine: &mut Machine,
    stepping: Stepping,
    state: &State<M>,
    task: usize,
    moves: &mut Moves<M>,
) -> Result<(), Nondeterminism> {
    let At::Asks(asked) = machine.at(task, state.tasks[task].node) else { return Ok(()) };
    let asked = asked.clone();
    let mut ways: Ways<M> = SmallVec::new();
    let agent = usize::from(state.tasks[task].cpu);
    if let Request::Mem(op) = &asked.request {
        if let Some(verdict) = forbidden(machine, stepping, state, task, op) {
            moves.push((Move::Step { task: task as u8, way: 0 }, Next::Fails(verdict)));
            return Ok(());
        }
        let mine = with_holder(op, agent);
        state.mem.step(agent, mine.as_ref().unwrap_or(op), &mut |mem, shown| {
            ways.push(match shown {
                Shown::Value(value) => Ok((Box::new(state.with_memory(mem)), value)),
                Shown::Race(cell) => Err(Verdict::Race { word: machine.name(cell) }),
            });
        });
    } else {
        super::control::perform(machine, state, task, &asked.request, &mut ways);
    }
    for (way, result) in ways.into_iter().enumerate() {
        let next = match result {
            Ok((mut next, value)) => {
                let node = advance(machine, task, &mut next, Reply::Value(value))?;
                if !asked.request.is_distilling() {
                    take_cpu(&mut next, task);
                }
                settle(machine, &mut next, task);
                node.map_or(Next::To(next), Next::Fails)
            }
            Err(verdict) => Next::Fails(verdict),
        };
        moves.push((Move::Step { task: task as u8, way: way as u16 }, next));
    }
    Ok(())
}

/// Moves the task to where this reply takes it; a failed assertion is a verdict.
pub(super) fn advance<M: Memory>(
    machine: &mut Machine,
    task: usize,
    next: &mut State<M>,
    reply: Reply,
) -> Result<Option<Verdict>, Nondeterminism> {
    let tree = &mut machine.trees[machine.tree_of[task]];
    let node = tree.child(next.tasks[task].node, reply)?;
    next.tasks[task].node = node;
    Ok(match &tree.node(node).at {
        At::Panicked(message) => Some(Verdict::Violated { property: message.clone() }),
        _ => None,
    })
}

/// The lock's word says which CPU holds it; `None` for any other operation.
pub(super) fn with_holder(op: &MemOp, agent: usize) -> Option<MemOp> {
    let holder = agent as u64 + 1;
    match *op {
        MemOp::Lock { cell, .. } => Some(MemOp::Lock { cell, holder }),
        MemOp::TryLock { cell, .. } => Some(MemOp::TryLock { cell, holder }),
        _ => None,
    }
}

/// Why the task must not do this at all: a dead word, or a race by what others did since their last operation.
fn forbidden<M: Memory>(
    machine: &Machine,
    stepping: Stepping,
    state: &State<M>,
    task: usize,
    op: &MemOp,
) -> Option<Verdict> {
    if !machine.alive(state, op) {
        let word = machine.name(op.cell()?);
        return Some(Verdict::Violated { property: format!("use of {word} outside of its life") });
    }
    let (cell, write) = match *op {
        MemOp::Read { cell } => (cell, false),
        MemOp::Write { cell, .. } => (cell, true),
        _ => return None,
    };
    let races = |other: usize| {
        let theirs = &state.tasks[other];
        let open = machine.tail(other, theirs.node);
        theirs.cpu != state.tasks[task].cpu && open.iter().any(|&(c, w)| c == cell && (w || write))
    };
    let race = stepping.footprints && (0..state.tasks.len()).any(races);
    race.then(|| Verdict::Race { word: machine.name(cell) })
}

/// Adds the interrupts that can start on this task now.
fn interrupt<M: Memory>(
    machine: &mut Machine,
    state: &State<M>,
    task: usize,
    moves: &mut Moves<M>,
) -> Result<(), Nondeterminism> {
    for irq in deliverable(machine, state, task) {
        let mut next = Box::new(state.clone());
        let cpu = usize::from(state.tasks[task].cpu);
        next.cpus[cpu].pending &= !(1 << irq);
        next.cpus[cpu].running = task as u8;
        next.tasks[task].irqs_off = true;
        next.tasks[task].enter_handler(state.clock);
        if machine.setup.irqs[usize::from(irq)].nmi {
            next.tasks[task].in_nmi += 1;
        }
        let failed = advance(machine, task, &mut next, Reply::Irq(irq))?;
        settle(machine, &mut next, task);
        moves.push((Move::Interrupt { task: task as u8, irq }, failed.map_or(Next::To(next), Next::Fails)));
    }
    Ok(())
}

/// Adds the CPUs that a preempted task may be moved to.
fn migrate<M: Memory>(machine: &Machine, state: &State<M>, task: usize, moves: &mut Moves<M>) {
    if !machine.setup.tasks[task].migrates {
        return;
    }
    let here = state.tasks[task];
    let At::Asks(asked) = machine.at(task, here.node) else { return };
    if here.preempt_off || here.irqs_off || matches!(asked.request, Request::Sleep { .. } | Request::Away(_)) {
        return;
    }
    for cpu in 0..machine.cpus.len() as u8 {
        if cpu == here.cpu || here.allowed & (1 << cpu) == 0 {
            continue;
        }
        let mut next = Box::new(state.clone());
        next.tasks[task].cpu = cpu;
        let old = &mut next.cpus[usize::from(here.cpu)];
        if old.running == task as u8 {
            old.running = super::state::NOBODY;
        }
        next.tasks[task].pause(state.clock);
        super::compute::settle(machine, &mut next, here.cpu);
        super::compute::settle(machine, &mut next, cpu);
        // The scheduler hands a task over with all that it did: it is not what these models are about.
        next.mem.learn(usize::from(cpu), usize::from(here.cpu));
        next.mem.canon();
        moves.push((Move::Migrate { task: task as u8, cpu }, Next::To(next)));
    }
}
