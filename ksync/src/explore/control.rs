// SPDX-License-Identifier: GPL-2.0-only
//! Requests that are not about memory: preemption, interrupts, time, choices, and the life of objects.

use super::machine::Machine;
use super::memory::Memory;
use super::state::State;
use super::step::Ways;
use crate::request::Request;
use crate::verdict::Verdict;

/// Adds every way in which the task's request can be met.
pub(super) fn perform<M: Memory>(
    machine: &Machine,
    state: &State<M>,
    task: usize,
    request: &Request,
    ways: &mut Ways<M>,
) {
    if let &Request::Nondet(n) = request {
        ways.extend((0..n).map(|choice| Ok((Box::new(state.clone()), choice))));
        return;
    }
    let mut next = Box::new(state.clone());
    let mut value = 0;
    let here = &mut next.tasks[task];
    match *request {
        Request::PreemptOff(off) => here.preempt_off = off,
        Request::IrqsOff(off) => here.irqs_off = off,
        Request::IrqReturn(off) => {
            here.irqs_off = off;
            here.in_nmi = here.in_nmi.saturating_sub(1);
            here.leave_handler(state.clock);
        }
        Request::Cpu => value = u64::from(machine.cpus[usize::from(here.cpu)]),
        Request::SetAllowed(mask) => here.allowed = mask as u16,
        Request::Busy(_) | Request::Away(_) => here.busy_until = 0,
        Request::Now => value = state.clock,
        Request::Halt => next.halted = true,
        Request::Raise(irq) => {
            let cpu = machine.cpu_index(machine.setup.irqs[usize::from(irq)].cpu);
            next.cpus[usize::from(cpu)].pending |= 1 << irq;
        }
        Request::Timer(irq, at) => {
            next.timers[usize::from(irq)] = at;
            if at.is_none() {
                let cpu = machine.cpu_index(machine.setup.irqs[usize::from(irq)].cpu);
                next.cpus[usize::from(cpu)].pending &= !(1 << irq);
            }
        }
        Request::Frame(frame, true) => next.frames |= 1 << frame,
        Request::Frame(frame, false) => next.frames &= !(1 << frame),
        Request::Work(site) => {
            let work = &machine.setup.works[usize::from(site)];
            let rounds = &mut next.work[usize::from(site)];
            *rounds += 1;
            if u64::from(*rounds) > work.bound {
                let (work, bound) = (work.name.clone(), work.bound);
                ways.push(Err(Verdict::Unbounded { work, bound, pump: Vec::new() }));
                return;
            }
        }
        Request::Sleep { .. } | Request::Distil | Request::Distilled { .. } => {}
        Request::Idle | Request::Mem(_) | Request::Nondet(_) => unreachable!("not a request of this kind"),
    }
    ways.push(Ok((next, value)));
}
