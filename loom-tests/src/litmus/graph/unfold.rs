// SPDX-License-Identifier: GPL-2.0-only
//! Every way in which a process can run, where a read may return any value that somebody may have written there.

use super::super::code::{Barrier, Code, Gives, Instr, Pure, Reg};
use super::event::{Event, Half, Kind, Trace};
use super::relation::{MAX_EVENTS, Set};
use std::collections::{BTreeMap, BTreeSet};

/// How often a process may jump back: more rounds of a loop are not looked at.
const MAX_ROUNDS: usize = 3;
/// How many ways to run a process may have.
const MAX_TRACES: usize = 200_000;

/// The values that each address may hold at some time.
pub(super) type Values = BTreeMap<i64, BTreeSet<i64>>;

/// What unfolding gave.
pub(super) struct Unfolded {
    pub(super) traces: Vec<Trace>,
    /// A bound was hit: there are more ways to run.
    pub(super) bounded: Option<String>,
}

#[derive(Clone)]
struct Run {
    pc: usize,
    rounds: usize,
    regs: Vec<i64>,
    /// For each register, the reads that its value depends on.
    taint: Vec<Set>,
    /// For each open `if` or loop, the reads that its conditions depend on.
    ctrl: Vec<Set>,
    trace: Trace,
}

/// Unfolds a process. Addresses that `values` does not know hold 0.
pub(super) fn unfold(code: &Code, values: &Values) -> Unfolded {
    let run = Run {
        pc: 0,
        rounds: 0,
        regs: code.regs.clone(),
        taint: vec![0; code.regs.len()],
        ctrl: Vec::new(),
        trace: Trace::default(),
    };
    let mut unfolded = Unfolded { traces: Vec::new(), bounded: None };
    let mut stack = vec![run];
    while let Some(mut run) = stack.pop() {
        if unfolded.traces.len() == MAX_TRACES {
            unfolded.bounded = Some(format!("{MAX_TRACES} ways to run a process"));
            return unfolded;
        }
        loop {
            let Some((instr, _)) = code.instrs.get(run.pc) else {
                run.trace.regs = run.regs;
                unfolded.traces.push(run.trace);
                break;
            };
            // Two events at most come with each instruction.
            if run.trace.events.len() + 2 > MAX_EVENTS {
                unfolded.bounded = Some(format!("{MAX_EVENTS} events"));
                break;
            }
            if run.rounds > MAX_ROUNDS {
                unfolded.bounded = Some(format!("{MAX_ROUNDS} rounds of a loop"));
                break;
            }
            run.pc += 1;
            if let Some(at) = accessed(instr).map(|at| at.value(&run.regs)) {
                // Each value that can be read is a run of its own.
                let zero = BTreeSet::from([0]);
                for &value in values.get(&at).unwrap_or(&zero) {
                    let mut next = run.clone();
                    if next.read(instr, at, value) {
                        stack.push(next);
                    }
                }
                break;
            }
            run.step(instr);
        }
    }
    unfolded
}

/// The address that an instruction reads.
fn accessed(instr: &Instr) -> Option<&Pure> {
    match instr {
        Instr::Read { at, .. }
        | Instr::Rmw { at, .. }
        | Instr::Lock { at }
        | Instr::TryLock { at, .. }
        | Instr::IsLocked { at, .. } => Some(at),
        _ => None,
    }
}

impl Run {
    fn sources(&self, expr: &Pure) -> Set {
        let mut sources = 0;
        expr.registers(&mut |reg| sources |= self.taint[reg]);
        sources
    }

    fn set(&mut self, to: Reg, value: i64, sources: Set) {
        self.regs[to] = value;
        self.taint[to] = sources;
    }

    /// Adds an event and returns its number.
    fn event(&mut self, kind: Kind, at: i64, value: i64, addr: Set, data: Set) -> usize {
        self.trace.events.push(Event { kind, at, value });
        self.trace.addr.push(addr);
        self.trace.data.push(data);
        self.trace.ctrl.push(self.ctrl.iter().fold(0, |all, open| all | open));
        self.trace.events.len() - 1
    }

    fn step(&mut self, instr: &Instr) {
        match instr {
            Instr::Let { to, value } => self.set(*to, value.value(&self.regs), self.sources(value)),
            Instr::Write { at, value, order } => {
                let (addr, data) = (self.sources(at), self.sources(value));
                let (at, value) = (at.value(&self.regs), value.value(&self.regs));
                self.event(Kind::Write(*order, Half::None), at, value, addr, data);
            }
            Instr::Unlock { at } => {
                let addr = self.sources(at);
                self.event(Kind::Unlock, at.value(&self.regs), 0, addr, 0);
            }
            Instr::Fence(barrier) => self.fence(*barrier),
            Instr::RcuLock => self.plain_event(Kind::RcuLock, 0),
            Instr::RcuUnlock => self.plain_event(Kind::RcuUnlock, 0),
            Instr::RcuSync => self.plain_event(Kind::RcuSync, 0),
            Instr::SrcuSync { at } => self.plain_event(Kind::SrcuSync, at.value(&self.regs)),
            Instr::SrcuLock { to, at } => {
                let event = self.event(Kind::SrcuLock, at.value(&self.regs), 0, self.sources(at), 0);
                // What the cookie is does not matter, only where it comes from.
                self.set(*to, 0, 1 << event);
            }
            Instr::SrcuUnlock { at, cookie } => {
                let (addr, data) = (self.sources(at), self.sources(cookie));
                self.event(Kind::SrcuUnlock, at.value(&self.regs), 0, addr, data);
            }
            Instr::Open => self.ctrl.push(0),
            Instr::Guard { cond, otherwise } => {
                let sources = self.sources(cond);
                if let Some(open) = self.ctrl.last_mut() {
                    *open |= sources;
                }
                if cond.value(&self.regs) == 0 {
                    self.pc = *otherwise;
                }
            }
            Instr::Jump(to) => {
                if *to < self.pc {
                    self.rounds += 1;
                }
                self.pc = *to;
            }
            Instr::Close => {
                self.ctrl.pop();
            }
            Instr::Read { .. }
            | Instr::Rmw { .. }
            | Instr::Lock { .. }
            | Instr::TryLock { .. }
            | Instr::IsLocked { .. } => unreachable!("reads are for the caller"),
        }
    }

    fn plain_event(&mut self, kind: Kind, at: i64) {
        self.event(kind, at, 0, 0, 0);
    }

    fn fence(&mut self, barrier: Barrier) {
        self.plain_event(Kind::Fence(barrier), 0);
    }

    /// The instruction reads this value. Says no if it cannot go on with it.
    fn read(&mut self, instr: &Instr, at: i64, old: i64) -> bool {
        match instr {
            Instr::Read { to, at: address, order } => {
                let addr = self.sources(address);
                let read = self.event(Kind::Read(*order, Half::None), at, old, addr, 0);
                self.set(*to, old, 1 << read);
            }
            Instr::Rmw { to, at: address, update, order, gives } => {
                let addr = self.sources(address);
                let new = update.apply(old, &self.regs);
                let half = if new.is_some() { Half::Succeeded } else { Half::Failed };
                let operands = update.operands().into_iter().fold(0, |all, operand| all | self.sources(operand));
                let read = self.event(Kind::Read(*order, half), at, old, addr, 0);
                if let Some(new) = new {
                    let inside = if update.computes() { 1 << read } else { 0 };
                    let write = self.event(Kind::Write(*order, half), at, new, addr, operands | inside);
                    self.trace.rmw.push((read, write));
                }
                let seen = if *gives == Gives::Old { 0 } else { operands };
                self.set(*to, gives.of(old, new), 1 << read | seen);
            }
            Instr::Lock { at: address } => {
                if old != 0 {
                    return false;
                }
                self.take_lock(at, self.sources(address));
            }
            Instr::TryLock { to, at: address } => {
                let addr = self.sources(address);
                if old == 0 {
                    let read = self.take_lock(at, addr);
                    self.set(*to, 1, 1 << read);
                } else {
                    let read = self.event(Kind::SeenLocked, at, old, addr, 0);
                    self.set(*to, 0, 1 << read);
                }
            }
            Instr::IsLocked { to, at: address } => {
                let addr = self.sources(address);
                let kind = if old == 0 { Kind::SeenFree } else { Kind::SeenLocked };
                let read = self.event(kind, at, old, addr, 0);
                self.set(*to, i64::from(old != 0), 1 << read);
            }
            _ => self.step(instr),
        }
        true
    }

    fn take_lock(&mut self, at: i64, addr: Set) -> usize {
        let read = self.event(Kind::LockRead, at, 0, addr, 0);
        let write = self.event(Kind::LockWrite, at, 1, addr, 0);
        self.trace.rmw.push((read, write));
        read
    }
}
