// SPDX-License-Identifier: GPL-2.0-only
//! Identical tasks: any two states that differ only in which of them is which are one.

use super::machine::Machine;
use super::memory::Memory;
use super::state::State;

/// Brings the identical tasks of a state into an order that does not depend on their names.
///
/// Tasks that stand at the same point but differ in what memory shows them may keep two orders; that costs states,
/// never a verdict.
pub(super) fn canonical<M: Memory>(machine: &Machine, state: &mut State<M>) {
    for group in &machine.groups {
        if group.iter().any(|&task| machine.contended[usize::from(state.tasks[task].cpu)]) {
            continue; // Their CPUs are not alike.
        }
        let mut order = group.clone();
        order.sort_by_key(|&task| {
            let here = &state.tasks[task];
            (here.node, here.preempt_off, here.irqs_off, here.busy_until)
        });
        if order == *group {
            continue;
        }
        // The task `order[n]` becomes the task `group[n]`, and its CPU that one's CPU.
        let mut cpus: Vec<usize> = (0..state.cpus.len()).collect();
        let (tasks, old_cpus, bodies_ran) = (state.tasks.clone(), state.cpus.clone(), state.bodies_ran);
        for (&from, &to) in order.iter().zip(group) {
            let (old_cpu, new_cpu) = (tasks[from].cpu, tasks[to].cpu);
            cpus[usize::from(old_cpu)] = usize::from(new_cpu);
            state.tasks[to] = tasks[from];
            state.tasks[to].cpu = new_cpu;
            state.tasks[to].allowed = tasks[to].allowed;
            state.bodies_ran = state.bodies_ran & !(1 << to) | (bodies_ran >> from & 1) << to;
            let cpu = &mut state.cpus[usize::from(new_cpu)];
            *cpu = old_cpus[usize::from(old_cpu)];
            if cpu.running == from as u8 {
                cpu.running = to as u8;
            }
        }
        state.mem.rename(&cpus);
    }
}
