// SPDX-License-Identifier: GPL-2.0-only
//! Virtual time: it goes on only when nothing else can, to the next event.

use super::compute::is_busy;
use super::machine::Machine;
use super::memory::Memory;
use super::schedule::{is_ready, settle};
use super::state::{NOBODY, State};
use super::step::{Move, Moves, Next, advance};
use super::task::{At, Nondeterminism, Reply};

/// When the next event is, if there is one up to the horizon.
pub(super) fn next_event<M: Memory>(machine: &Machine, state: &State<M>) -> Option<u64> {
    pending_events(machine, state).min().filter(|at| *at <= machine.setup.horizon)
}

/// Whether time would go on if it were not for the horizon.
pub(super) fn is_at_horizon<M: Memory>(machine: &Machine, state: &State<M>) -> bool {
    pending_events(machine, state).next().is_some()
}

fn pending_events<M: Memory>(machine: &Machine, state: &State<M>) -> impl Iterator<Item = u64> {
    let busy = (0..state.tasks.len()).filter(|&task| is_busy(machine, state, task));
    busy.map(|task| state.tasks[task].busy_until).chain(state.timers.iter().flatten().copied())
}

/// Whether the task waits in a loop with a body, and has not gone through it in this instant.
pub(super) fn turns<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> bool {
    let here = &state.tasks[task];
    let runner = state.cpus[usize::from(here.cpu)].running;
    let running = runner == task as u8 || runner == NOBODY;
    let waits = matches!(machine.at(task, here.node), At::Asks(asked) if asked.body);
    running && waits && state.bodies_ran & (1 << task) == 0 && !is_ready(machine, state, task)
}

/// Adds what happens when nothing else can: waiting loops go through their bodies, then time goes on.
pub(super) fn tick<M: Memory>(machine: &Machine, state: &State<M>, moves: &mut Moves<M>) {
    let mut next = Box::new(state.clone());
    // One after the other is enough for loops that share nothing: see `bodies.rs`.
    if let Some(task) = (0..state.tasks.len()).find(|&task| turns(machine, state, task)) {
        next.tasks[task].body_due = true;
    } else {
        let Some(now) = next_event(machine, state) else { return };
        next.bodies_ran = 0;
        next.clock = next.clock.max(now);
        everybody_knows(machine, &mut next);
        for (irq, timer) in next.timers.iter_mut().enumerate() {
            if timer.is_some_and(|at| at <= next.clock) {
                *timer = None;
                let cpu = machine.cpu_index(machine.setup.irqs[irq].cpu);
                next.cpus[usize::from(cpu)].pending |= 1 << irq;
            }
        }
    }
    moves.push((Move::Tick, Next::To(next)));
}

/// A store takes nanoseconds to arrive and a timer seconds to fire: when time goes on, each CPU knows what all others
/// did before. A stale read is a matter of one instant.
fn everybody_knows<M: Memory>(machine: &Machine, next: &mut State<M>) {
    let others = 1..machine.cpus.len();
    others.clone().for_each(|cpu| next.mem.learn(0, cpu));
    others.for_each(|cpu| next.mem.learn(cpu, 0));
    next.mem.canon();
}

/// Adds the way of a task through the body of its waiting loop.
pub(super) fn body<M: Memory>(
    machine: &mut Machine,
    state: &State<M>,
    task: usize,
    moves: &mut Moves<M>,
) -> Result<(), Nondeterminism> {
    let mut next = Box::new(state.clone());
    next.tasks[task].body_due = false;
    next.bodies_ran |= 1 << task;
    let failed = advance(machine, task, &mut next, Reply::Body)?;
    settle(machine, &mut next, task);
    moves.push((Move::Body { task: task as u8 }, failed.map_or(Next::To(next), Next::Fails)));
    Ok(())
}
