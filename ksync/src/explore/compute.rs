// SPDX-License-Identifier: GPL-2.0-only
//! Tasks that compute: each on a CPU that nobody else has meanwhile.
//!
//! Who is preempted computes the rest when it is back. A handler puts off the end of what it interrupts by the time
//! that it takes itself.

use super::machine::Machine;
use super::memory::Memory;
use super::schedule::{has_cpu, is_ready};
use super::state::{NOBODY, State, TaskState};
use super::step::{Move, Moves, Next};
use super::task::{Asked, At};
use crate::request::Request;
use crate::setup::Class;

/// What the task is to compute, in nanoseconds, if that is its request.
fn wanted<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> Option<u64> {
    let At::Asks(asked) = machine.at(task, state.tasks[task].node) else { return None };
    if let Request::Busy(ns) = asked.request { Some(ns.max(1)) } else { None }
}

/// Whether the task computes or is away, and virtual time has to go on for it.
pub(super) fn is_busy<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> bool {
    let here = &state.tasks[task];
    let goes_on = |asked: &Asked| matches!(asked.request, Request::Busy(_) | Request::Away(_));
    here.busy_until > state.clock && matches!(machine.at(task, here.node), At::Asks(asked) if goes_on(asked))
}

/// Whether the task would compute, and needs its CPU for that.
fn needs_cpu<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> bool {
    state.tasks[task].busy_until == 0 && wanted(machine, state, task).is_some()
}

/// The CPU is this task's from now on. Who had it computes no longer.
pub(super) fn take_cpu<M>(state: &mut State<M>, task: usize) {
    let cpu = &mut state.cpus[usize::from(state.tasks[task].cpu)];
    let before = std::mem::replace(&mut cpu.running, task as u8);
    if before != NOBODY && before != task as u8 {
        state.tasks[usize::from(before)].pause(state.clock);
    }
}

fn begin<M: Memory>(machine: &Machine, state: &mut State<M>, task: usize) {
    let ns = wanted(machine, state, task).expect("it computes");
    take_cpu(state, task);
    let here = &mut state.tasks[task];
    here.busy_until = state.clock + if here.left == 0 { ns } else { here.left };
    here.left = 0;
}

/// Who comes to compute on a CPU that is its own begins, and a free CPU goes at once to who would compute on it, if it
/// is the only one that wants it.
pub(super) fn settle<M: Memory>(machine: &Machine, state: &mut State<M>, cpu: u8) {
    let running = state.cpus[usize::from(cpu)].running;
    if running != NOBODY {
        if needs_cpu(machine, state, running.into()) {
            begin(machine, state, running.into());
        }
        return;
    }
    let here = |&task: &usize| state.tasks[task].cpu == cpu && is_ready(machine, state, task);
    let mut want = (0..state.tasks.len()).filter(here);
    if let (Some(task), None) = (want.next(), want.next())
        && has_cpu(machine, state, task)
        && needs_cpu(machine, state, task)
    {
        begin(machine, state, task);
    }
}

/// Adds that a task takes its CPU to compute on it; whether it has yet to do so.
///
/// Of two tasks of a class the one that was preempted waits, or they would take the CPU from each other for ever.
pub(super) fn compute<M: Memory>(machine: &Machine, state: &State<M>, task: usize, moves: &mut Moves<M>) -> bool {
    if !needs_cpu(machine, state, task) {
        return false;
    }
    let here = &state.tasks[task];
    let running = state.cpus[usize::from(here.cpu)].running;
    let computes = running != NOBODY && is_busy(machine, state, running.into());
    let beats = here.left == 0 || machine.setup.tasks[task].class != Class::Fair;
    if !computes || beats {
        let mut next = Box::new(state.clone());
        begin(machine, &mut next, task);
        moves.push((Move::Compute { task: task as u8 }, Next::To(next)));
    }
    true
}

impl TaskState {
    /// Another task takes the CPU.
    pub(super) fn pause(&mut self, clock: u64) {
        if self.busy_until > clock {
            self.left = self.busy_until - clock;
            self.busy_until = 0;
        }
    }

    /// A handler starts on the task.
    pub(super) fn enter_handler(&mut self, clock: u64) {
        let [newest, oldest] = self.interrupted;
        assert!(oldest == 0, "more than two handlers on top of a computation");
        // One more than is left, so that 0 is no computation.
        let left = if self.busy_until == 0 { 0 } else { self.busy_until.saturating_sub(clock) + 1 };
        self.interrupted = [left, newest];
        self.busy_until = 0;
    }

    /// It ends.
    pub(super) fn leave_handler(&mut self, clock: u64) {
        let [newest, oldest] = self.interrupted;
        self.busy_until = if newest == 0 { 0 } else { clock + newest - 1 };
        self.interrupted = [oldest, 0];
    }
}
