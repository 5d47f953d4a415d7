// SPDX-License-Identifier: GPL-2.0-only
//! Runs a litmus test over the engine's memories: the same operations that the facade asks for, and the same three
//! models. A process runs in program order and carries no dependencies, so this says what a port sees, not all that
//! the kernel's model allows. And it sees what no final state shows: who waits for whom for ever.

mod process;

use super::code::{Instr, Program, variable};
use super::outcome::{Final, Outcomes, condition_holds, filtered_out};
use ksync::Model;
use ksync::explore::memory::{CellKind, Lkmm, Memory, Rc11, Sc, Shown};
use process::{Next, Process, Uses};
use std::collections::{BTreeSet, HashSet};

/// How many states of a test are looked at.
const MAX_STATES: usize = 1_000_000;

/// Why an engine cannot run a test.
pub type Unsupported = String;

/// Every final state under one of the engine's models. An execution is counted once for each final state.
///
/// # Errors
/// What the test needs that the engine does not have. RCU is there under `sc` only, where a grace period is a wait.
pub fn run(program: &Program, model: Model) -> Result<Outcomes, Unsupported> {
    match model {
        Model::Sc => explore::<Sc>(program, true),
        Model::Rc11 => explore::<Rc11>(program, false),
        Model::Lkmm => explore::<Lkmm>(program, false),
    }
}

/// Somebody who waits for ever, if that can happen: looked for under the kernel's model where the engine can, else
/// under sequential consistency, whose executions are also possible.
pub fn deadlock(program: &Program) -> Option<String> {
    let waits = |instr: &Instr| matches!(instr, Instr::Lock { .. } | Instr::RcuSync | Instr::SrcuSync { .. });
    if !program.processes.iter().flat_map(|code| &code.instrs).any(|(instr, _)| waits(instr)) {
        return None;
    }
    run(program, Model::Lkmm).or_else(|_| run(program, Model::Sc)).ok()?.deadlock
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State<M> {
    memory: M,
    processes: Vec<Process>,
}

fn explore<M: Memory>(program: &Program, rcu: bool) -> Result<Outcomes, Unsupported> {
    let cells: Vec<(CellKind, u64)> =
        program.variables.iter().map(|&(_, value)| (CellKind::Atomic, value as u64)).collect();
    let processes: Vec<Process> = program.processes.iter().map(|code| Process::new(&code.regs)).collect();
    let mut uses = Uses::new(cells.len(), rcu);
    let mut outcomes = Outcomes::default();
    let (mut seen, mut ends) = (HashSet::new(), BTreeSet::new());
    let mut stack = vec![State { memory: M::new(processes.len(), &cells), processes }];
    while let Some(mut state) = stack.pop() {
        if seen.len() == MAX_STATES {
            outcomes.bounded = Some(format!("{MAX_STATES} states"));
            break;
        }
        let next = advance_all(program, &mut state.processes, &mut uses)?;
        for number in (0..next.len()).filter(|&number| matches!(next[number], Next::Done)) {
            state.memory.retire(number);
        }
        if next.iter().any(|next| matches!(next, Next::Beyond)) {
            outcomes.bounded = Some("what the engine has room for".to_owned());
            continue;
        }
        state.memory.canon();
        if !seen.insert(state.clone()) {
            continue;
        }
        // What can be put anywhere in the order of its kind needs no interleaving.
        let first = next.iter().position(|next| matches!(next, Next::Op(op) if M::eager(op)));
        let mut moved = false;
        for (number, next) in next.iter().enumerate() {
            let Next::Op(op) = next else { continue };
            if first.is_some_and(|first| first != number) {
                continue;
            }
            state.memory.step(number, op, &mut |memory, shown| {
                moved = true;
                let Shown::Value(value) = shown else { return };
                let mut next = State { memory, processes: state.processes.clone() };
                next.processes[number].finish(&program.processes[number], value);
                stack.push(next);
            });
        }
        if next.iter().all(|next| matches!(next, Next::Done)) {
            let shared = (0..cells.len()).map(|cell| state.memory.newest(cell as u32) as i64).collect();
            let regs = state.processes.iter().map(|process| process.regs.clone()).collect();
            let end = Final { regs, shared };
            if !filtered_out(program, &end) && ends.insert(end.clone()) {
                let holds = condition_holds(program, &end);
                outcomes.add(program, &end, holds);
            }
        } else if !moved && outcomes.deadlock.is_none() {
            outcomes.deadlock = Some(blame(program, &state));
        }
    }
    Ok(outcomes)
}

/// Lets every process go on until it has to ask memory, or waits. The end of a read-side critical section asks nothing of
/// memory and ends the wait of another process, so that one is asked again.
fn advance_all(program: &Program, processes: &mut [Process], uses: &mut Uses) -> Result<Vec<Next>, Unsupported> {
    loop {
        let before: Vec<usize> = processes.iter().map(|process| process.pc).collect();
        let mut next = Vec::new();
        for (number, code) in program.processes.iter().enumerate() {
            next.push(process::advance(processes, number, code, uses)?);
        }
        let waits = next.iter().any(|next| matches!(next, Next::Waits));
        if !waits || processes.iter().map(|process| process.pc).eq(before) {
            return Ok(next);
        }
    }
}

/// Who waits for whom: a cycle, or somebody who is gone.
fn blame<M: Memory>(program: &Program, state: &State<M>) -> String {
    let mut waits = Vec::new();
    for (number, code) in program.processes.iter().enumerate() {
        let process = &state.processes[number];
        let Some((instr, line)) = code.instrs.get(process.pc) else { continue };
        let what = match instr {
            Instr::Lock { at } => {
                let cell = variable(at.value(&process.regs), program.variables.len()).unwrap_or(0);
                let holder = (state.memory.newest(cell as u32) as usize).wrapping_sub(1);
                let gone = match program.processes.get(holder) {
                    Some(of) if of.instrs.len() <= state.processes[holder].pc => ", which ended without releasing it",
                    _ => "",
                };
                format!("{}, held by P{holder}{gone}", program.variables[cell].0)
            }
            _ => format!("the readers in {}", process::readers(&state.processes, number)),
        };
        waits.push(format!("P{number} (line {line}) waits for {what}"));
    }
    waits.join("; ")
}
