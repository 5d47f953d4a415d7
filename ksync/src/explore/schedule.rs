// SPDX-License-Identifier: GPL-2.0-only
//! Who may run on a CPU.
//!
//! One task runs per CPU. Spinning occupies it, sleeping releases it: that turns a wait into a lockup. A task can be
//! preempted unless its preempt count is up, its interrupts are off or it is of the stop class; the stop class
//! preempts the rest. Who waits for a CPU of his own choice of moment is picked by the search, not by a policy.

use super::compute;
use super::machine::Machine;
use super::memory::Memory;
use super::state::{NOBODY, State};
use super::task::At;
use crate::request::{IrqId, Request};
use crate::setup::Class;

/// Whether the task could perform its request if it had its CPU.
pub(super) fn is_ready<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> bool {
    let here = &state.tasks[task];
    let At::Asks(asked) = machine.at(task, here.node) else { return false };
    match &asked.request {
        Request::Mem(op) => state.mem.ready(usize::from(here.cpu), op),
        Request::Sleep { cell, cond, .. } => cond.holds(state.mem.newest(*cell)),
        Request::Busy(_) | Request::Away(_) => here.busy_until <= state.clock,
        Request::Idle => false,
        _ => true,
    }
}

/// Whether the task may take its CPU, or has it.
pub(super) fn has_cpu<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> bool {
    let here = &state.tasks[task];
    let running = state.cpus[usize::from(here.cpu)].running;
    if running == task as u8 {
        return true;
    }
    if here.allowed & (1 << here.cpu) == 0 {
        return false; // It was preempted where it may not stay.
    }
    running == NOBODY || is_preemptible(machine, state, usize::from(running), task)
}

/// Whether the task can be preempted by another one.
fn is_preemptible<M: Memory>(machine: &Machine, state: &State<M>, task: usize, by: usize) -> bool {
    let here = &state.tasks[task];
    let class = |task: usize| machine.setup.tasks[task].class;
    let gives_way = match class(task) {
        Class::Fair => true,
        Class::Deadline => class(by) == Class::Stop,
        Class::Stop => false,
    };
    gives_way && !here.preempt_off && !here.irqs_off
}

/// Whether the task can make its move in this state.
pub(super) fn may_run<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> bool {
    has_cpu(machine, state, task) && is_ready(machine, state, task)
}

/// The pending interrupts whose handler can start on this task: it runs, and they are on; an NMI always can.
pub(super) fn deliverable<M: Memory>(machine: &Machine, state: &State<M>, task: usize) -> Vec<IrqId> {
    let here = &state.tasks[task];
    let cpu = &state.cpus[usize::from(here.cpu)];
    if cpu.pending == 0 {
        return Vec::new();
    }
    let idle = matches!(machine.at(task, here.node), At::Asks(asked) if matches!(asked.request, Request::Idle));
    let runs = cpu.running == task as u8 || cpu.running == NOBODY && idle;
    let on = |irq: &IrqId| {
        let nmi = machine.setup.irqs[usize::from(*irq)].nmi;
        if nmi { here.in_nmi == 0 } else { !here.irqs_off }
    };
    (0..machine.setup.irqs.len() as IrqId).filter(|irq| runs && cpu.pending & (1 << irq) != 0 && on(irq)).collect()
}

/// After a move of this task: a CPU whose task sleeps or is done is free, and who is to compute does.
pub(super) fn settle<M: Memory>(machine: &Machine, state: &mut State<M>, task: usize) {
    let number = task as u8;
    let here = state.tasks[task];
    let cpu = usize::from(here.cpu);
    match machine.at(task, here.node) {
        At::Asks(asked) => {
            if let Request::Away(ns) = asked.request
                && here.busy_until == 0
            {
                state.tasks[task].busy_until = state.clock + ns.max(1);
            }
            let sleeps = matches!(asked.request, Request::Sleep { .. } | Request::Idle | Request::Away(_));
            if sleeps && state.cpus[cpu].running == number {
                state.cpus[cpu].running = NOBODY;
            }
        }
        At::Done | At::Panicked(_) => {
            if state.cpus[cpu].running == number {
                state.cpus[cpu].running = NOBODY;
            }
            // Who is gone teaches nobody; where there are timers, all that a CPU did has to arrive when time goes on.
            if !machine.contended[cpu] && !machine.interrupted.contains(&true) {
                state.mem.retire(cpu);
            }
        }
    }
    compute::settle(machine, state, here.cpu);
    state.mem.canon();
}
