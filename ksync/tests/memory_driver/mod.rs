// SPDX-License-Identifier: GPL-2.0-only
//! Small programs in one line of text, and every outcome that a memory model gives them.
//!
//! Processes are separated by `|`, operations by spaces. `x` is a cell, numbers are values:
//!
//! | operation | kernel |
//! | --- | --- |
//! | `R:x` `Racq:x` | `READ_ONCE`, `smp_load_acquire` |
//! | `W:x:1` `Wrel:x:1` | `WRITE_ONCE`, `smp_store_release` |
//! | `X:x:1`, `fadd:x:1` `for:x:1` `fand:x:1` | `xchg`, `atomic_fetch_add`, `_or`, `_and`; also with `rlx`, `acq`, `rel` |
//! | `C:x:old:new`, `unless:x:add:unless` | `cmpxchg` (its old value), `atomic_add_unless` (its success); also with `rlx`, `acq`, `rel` |
//! | `inc:x`, `dec0:x` | `atomic_inc`, `atomic_dec_and_test` |
//! | `await:x:1` | `smp_cond_load_relaxed(x, VAL == 1)` |
//! | `L:s` `U:s` `T:s` `Uif:s` `?:s` | `spin_lock`, `spin_unlock`, `spin_trylock`, unlock if the last trylock succeeded, `spin_is_locked` |
//! | `mb` `wmb` `rmb` `ba` `aa` `as` `aul` `ctrl` | `smp_mb`, `smp_wmb`, `smp_rmb`, `smp_mb__before_atomic`, `__after_atomic`, `__after_spinlock`, `__after_unlock_lock`, `smp_acquire__after_ctrl_dep` |
//! | `P:x` `Q:x:1` | plain read, plain write |
//!
//! An outcome is what all reads returned, process by process, and the final values that were asked for.

#![allow(dead_code, reason = "each test uses a part of it")]

mod program;

use ksync::explore::memory::{Memory, Shown};
use ksync::op::{CellId, MemOp};
use program::Instr;
pub(crate) use program::Program;
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;

/// The outcome of a program in which a plain access races.
pub(crate) const RACE: &str = "race";
/// The outcome of an execution in which all agents that are not done wait.
pub(crate) const STUCK: &str = "stuck";

/// How to search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search {
    /// Perform eager operations at once.
    pub(crate) eager: bool,
    /// Call `canon` after each step.
    pub(crate) canon: bool,
    /// Call `retire` for agents that are done.
    pub(crate) retire: bool,
}

/// As the explorer searches.
pub(crate) const REDUCED: Search = Search { eager: true, canon: true, retire: true };
/// Every interleaving, and nothing forgotten.
pub(crate) const NAIVE: Search = Search { eager: false, canon: false, retire: false };

#[derive(Clone, PartialEq, Eq, Hash)]
struct State<M> {
    memory: M,
    pcs: Vec<u8>,
    read: Vec<Vec<u64>>,
}

/// What a search found.
pub(crate) struct Found {
    pub(crate) outcomes: BTreeSet<String>,
    pub(crate) states: usize,
}

/// Every outcome of the program under the model `M`. `finals` names the cells whose final value is part of it.
pub(crate) fn outcomes<M: Memory>(program: &Program, finals: &[&str], search: Search) -> Found {
    let agents = program.agents.len();
    let memory = M::new(agents, &program.cells);
    let mut stack = vec![State { memory, pcs: vec![0; agents], read: vec![vec![]; agents] }];
    let mut found = Found { outcomes: BTreeSet::new(), states: 0 };
    let mut seen = FxHashSet::default();
    while let Some(mut state) = stack.pop() {
        for agent in 0..agents {
            let code = &program.agents[agent];
            let at = state.pcs[agent] as usize;
            if code
                .get(at)
                .is_some_and(|instr| instr.conditional && !trylock_succeeded(&code[..at], &state.read[agent]))
            {
                state.pcs[agent] += 1;
            }
            if search.retire && state.pcs[agent] as usize == code.len() {
                state.memory.retire(agent);
            }
        }
        if search.canon {
            state.memory.canon();
        }
        if !seen.insert(state.clone()) {
            continue;
        }
        let next = |agent: usize| program.agents[agent].get(state.pcs[agent] as usize);
        let first = (0..agents).find(|&agent| search.eager && next(agent).is_some_and(|instr| M::eager(&instr.op)));
        let (mut live, mut moved) = (false, false);
        for agent in 0..agents {
            let Some(instr) = next(agent) else { continue };
            live = true;
            if first.is_some_and(|first| first != agent) {
                continue;
            }
            let mut called = false;
            state.memory.step(agent, &instr.op, &mut |memory, shown| {
                called = true;
                match shown {
                    Shown::Race(_) => {
                        found.outcomes.insert(RACE.into());
                    }
                    Shown::Value(value) => {
                        let mut next = State { memory, pcs: state.pcs.clone(), read: state.read.clone() };
                        next.pcs[agent] += 1;
                        if instr.read {
                            next.read[agent].push(value);
                        }
                        stack.push(next);
                    }
                }
            });
            assert_eq!(
                called,
                state.memory.ready(agent, &instr.op),
                "ready() disagrees with step() on {:?}",
                instr.op
            );
            moved |= called;
        }
        if !live {
            found.outcomes.insert(outcome(program, &state, finals));
        } else if !moved {
            found.outcomes.insert(STUCK.into());
        }
    }
    found.states = seen.len();
    found
}

/// Whether the last trylock of the code that ran returned 1.
fn trylock_succeeded(code: &[Instr], read: &[u64]) -> bool {
    let trylock = code.iter().rposition(|instr| matches!(instr.op, MemOp::TryLock { .. })).expect("a trylock before");
    read[code[..trylock].iter().filter(|instr| instr.read).count()] == 1
}

fn outcome<M: Memory>(program: &Program, state: &State<M>, finals: &[&str]) -> String {
    let reads: Vec<String> = state.read.iter().flatten().map(u64::to_string).collect();
    let last = |name: &&str| {
        let cell = program.names.iter().position(|known| known == name).expect("a cell of the program");
        format!("{name}={}", state.memory.newest(cell as CellId))
    };
    let finals: Vec<String> = finals.iter().map(last).collect();
    format!("{};{}", reads.join(","), finals.join(","))
}
