// SPDX-License-Identifier: GPL-2.0-only
//! Nothing can happen any more: is that the end, or who waits for whom?

use super::compute::is_busy;
use super::machine::Machine;
use super::memory::Memory;
use super::schedule::{has_cpu, is_ready};
use super::state::{NOBODY, State};
use super::task::{At, Nondeterminism};
use super::time::is_at_horizon;
use crate::cycle::{Waiting, lockup, severity};
use crate::op::{CellId, MemOp};
use crate::place::function_at;
use crate::request::Request;
use crate::verdict::{Holder, Severity, Verdict, Wait, WaitsFor};

/// A lock that a task holds, and the function that took it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) cell: CellId,
    pub(super) task: usize,
    pub(super) function: String,
}

/// The verdict on a state that has no successor; `None` if it is a good end.
pub(super) fn at_the_end<M: Memory>(
    machine: &mut Machine,
    state: &State<M>,
) -> Result<Option<Verdict>, Nondeterminism> {
    if let Some(verdict) = stuck(machine, state, &[]) {
        return Ok(Some(verdict));
    }
    if is_at_horizon(machine, state) && !state.halted {
        return Ok(None); // Time goes on, so nothing has ended that a final check could look at.
    }
    Ok(machine.final_check(state)?.map(|property| Verdict::Violated { property }))
}

/// Who is stuck in a state that has no successor; `held` says who holds which lock, where a run is known.
pub(super) fn stuck<M: Memory>(machine: &Machine, state: &State<M>, held: &[Held]) -> Option<Verdict> {
    if state.halted {
        return None;
    }
    let alive: Vec<usize> = (0..state.tasks.len())
        .filter(|&task| matches!(machine.at(task, state.tasks[task].node), At::Asks(asked) if !matches!(asked.request, Request::Idle)))
        .collect();
    let asleep = |task: usize| {
        let At::Asks(asked) = machine.at(task, state.tasks[task].node) else { return false };
        matches!(asked.request, Request::Sleep { .. }) && !is_ready(machine, state, task)
    };
    let served = |task: usize| machine.setup.tasks[task].daemon && asleep(task);
    if is_at_horizon(machine, state) {
        return for_ever(machine, state, &alive, held);
    }
    let lost: Vec<usize> = alive.iter().copied().filter(|&task| wants(machine, state, task)).collect();
    if alive.iter().all(|&task| served(task)) && lost.is_empty() {
        return None;
    }
    let waiting: Vec<usize> = alive.iter().copied().filter(|&task| !served(task) || lost.contains(&task)).collect();
    if waiting.iter().all(|&task| asleep(task)) && !lost.is_empty() {
        let waits = lost.iter().map(|&task| wait(machine, state, task, held).0).collect();
        return Some(Verdict::LostWakeup { waits });
    }
    let all: Vec<Waiting> = alive.iter().map(|&task| waiting_task(machine, state, task, held)).collect();
    Some(Verdict::Lockup(lockup(&all, &waiting)))
}

fn waiting_task<M: Memory>(machine: &Machine, state: &State<M>, task: usize, held: &[Held]) -> Waiting {
    let (wait, blocker) = wait(machine, state, task, held);
    Waiting { task, wait, blocker }
}

/// Who waits for ever although time goes on: every task that could end one of these waits waits itself.
fn for_ever<M: Memory>(machine: &Machine, state: &State<M>, alive: &[usize], held: &[Held]) -> Option<Verdict> {
    let mut members: Vec<usize> = alive
        .iter()
        .copied()
        .filter(|&task| !is_busy(machine, state, task))
        .filter(|&task| !(is_ready(machine, state, task) && has_cpu(machine, state, task)))
        .collect();
    loop {
        let ended_only_by = |&task: &usize| match wait(machine, state, task, held) {
            (Wait { what: WaitsFor::Word(_) | WaitsFor::Sleep(_), .. }, _) => {
                writers(machine, state, task).all(|other| members.contains(&other))
            }
            (_, blocker) => blocker.is_some_and(|other| members.contains(&other)),
        };
        let fewer: Vec<usize> = members.iter().copied().filter(ended_only_by).collect();
        if fewer.len() == members.len() {
            break;
        }
        members = fewer;
    }
    let all: Vec<Waiting> = members.iter().map(|&task| waiting_task(machine, state, task, held)).collect();
    let spins = |waiting: &Waiting| severity(&waiting.wait) != Severity::Sleep;
    all.iter().any(spins).then(|| Verdict::Lockup(lockup(&all, &members)))
}

/// The tasks that could write the word that this one waits for: who was seen to write it, and who still computes at
/// the horizon, with those who want its CPU next. What these would have done is not known.
fn writers<M: Memory>(machine: &Machine, state: &State<M>, waiter: usize) -> impl Iterator<Item = usize> {
    let At::Asks(asked) = machine.at(waiter, state.tasks[waiter].node) else { unreachable!("it waits") };
    let cell = match &asked.request {
        Request::Mem(op) => op.cell(),
        Request::Sleep { cell, .. } => Some(*cell),
        _ => None,
    };
    let writes = move |&task: &usize| {
        let mut asked = machine.trees[machine.tree_of[task]].all_asked();
        let alive = matches!(machine.at(task, state.tasks[task].node), At::Asks(_));
        alive && asked.any(|asked| matches!(&asked.request, Request::Mem(op) if op.writes() && op.cell() == cell))
    };
    let computes = |task: usize| {
        let occupant = state.cpus[usize::from(state.tasks[task].cpu)].running;
        let held_up =
            || occupant != NOBODY && !has_cpu(machine, state, task) && is_busy(machine, state, occupant.into());
        is_busy(machine, state, task) || (is_ready(machine, state, task) && held_up())
    };
    (0..state.tasks.len()).filter(move |task| *task != waiter && (writes(task) || computes(*task)))
}

/// Whether the task sleeps although what it waits for is there.
fn wants<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> bool {
    let At::Asks(asked) = machine.at(task, state.tasks[task].node) else { return false };
    match &asked.request {
        Request::Sleep { wants: Some((cell, cond)), .. } => {
            !is_ready(machine, state, task) && cond.holds(state.mem.newest(*cell))
        }
        _ => false,
    }
}

/// What the task waits for, and the task that could end it.
fn wait<M: Memory>(machine: &Machine, state: &State<M>, task: usize, held: &[Held]) -> (Wait, Option<usize>) {
    let here = &state.tasks[task];
    let At::Asks(asked) = machine.at(task, here.node) else { unreachable!("only tasks that ask can wait") };
    let occupant = state.cpus[usize::from(here.cpu)].running;
    let (what, blocker) = if is_ready(machine, state, task) && !has_cpu(machine, state, task) {
        let blocker = (occupant != NOBODY).then(|| {
            let other = usize::from(occupant);
            (other, function_of(machine, state, other))
        });
        (WaitsFor::Cpu(machine.cpus[usize::from(here.cpu)]), blocker)
    } else {
        match &asked.request {
            Request::Mem(MemOp::Lock { cell, .. }) => {
                (WaitsFor::Lock(machine.name(*cell)), holder(machine, state, *cell, held))
            }
            Request::Mem(op) => {
                let cell = op.cell().expect("a wait has a word");
                (WaitsFor::Word(machine.name(cell)), writer(machine, state, cell, task))
            }
            Request::Sleep { cell, .. } => {
                (WaitsFor::Sleep(machine.name(*cell)), writer(machine, state, *cell, task))
            }
            other => unreachable!("{other:?} does not wait"),
        }
    };
    let wait = Wait {
        task: machine.setup.tasks[task].name.clone(),
        cpu: machine.cpus[usize::from(here.cpu)],
        irqs_off: here.irqs_off,
        what,
        function: function_at(asked.place),
        holder: blocker.as_ref().map(|(other, function)| Holder {
            task: machine.setup.tasks[*other].name.clone(),
            cpu: machine.cpus[usize::from(state.tasks[*other].cpu)],
            function: function.clone(),
        }),
    };
    (wait, blocker.map(|(other, _)| other))
}

fn function_of<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> String {
    match machine.at(task, state.tasks[task].node) {
        At::Asks(asked) => function_at(asked.place),
        _ => "its end".to_owned(),
    }
}

/// The task that holds the lock: from the run if there is one, else whoever runs on the CPU that the word names.
fn holder<M: Memory>(machine: &Machine, state: &State<M>, cell: CellId, held: &[Held]) -> Option<(usize, String)> {
    if let Some(held) = held.iter().rev().find(|held| held.cell == cell) {
        return Some((held.task, held.function.clone()));
    }
    let cpu = state.mem.newest(cell).checked_sub(1)? as usize;
    let running = state.cpus.get(cpu)?.running;
    (running != NOBODY).then(|| (usize::from(running), function_of(machine, state, usize::from(running))))
}

/// A task still alive that was seen, in some run, to write this word; and where.
fn writer<M: Memory>(machine: &Machine, state: &State<M>, cell: CellId, waiter: usize) -> Option<(usize, String)> {
    let writes = |task: usize| {
        let tree = &machine.trees[machine.tree_of[task]];
        let mut places = tree.all_asked().filter_map(|asked| match &asked.request {
            Request::Mem(op) if op.writes() && op.cell() == Some(cell) => Some(asked.place),
            _ => None,
        });
        places.next_back()
    };
    let alive = |task: &usize| matches!(machine.at(*task, state.tasks[*task].node), At::Asks(_));
    (0..state.tasks.len())
        .filter(|task| *task != waiter && alive(task))
        .find_map(|task| writes(task).map(|place| (task, function_at(place))))
}
