// SPDX-License-Identifier: GPL-2.0-only
//! One process of a litmus test, between two operations on memory.

use super::Unsupported;
use crate::litmus::code::{Barrier, Code, Gives, Instr, Order, Pure, Update, variable};
use ksync::op::{CellId, Fence, MemOp, Observe, Order as EngineOrder, Rmw};

/// A read-side critical section that is open: of RCU, or of an SRCU structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Section {
    of: Option<i64>,
    number: u32,
}

/// Where a process is, and what it has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) pc: usize,
    pub(super) regs: Vec<i64>,
    /// A bit for each lock that it holds.
    held: u128,
    sections: Vec<Section>,
    begun: u32,
    /// The sections that its grace period waits for, each with its process.
    waits: Option<Vec<(usize, Section)>>,
    /// How many operations it performed that add to memory. A loop that only reads comes back to where it was.
    added: u16,
}

/// How many operations that add to memory the processes may perform together: a memory has room for some 250 writes
/// and fences that still make a difference, and a read-modify-write may add three.
const MAX_ADDED: u16 = 80;

/// What a process does next.
pub(super) enum Next {
    Op(MemOp),
    /// Its grace period has to wait.
    Waits,
    /// It has done more than is looked at.
    Beyond,
    Done,
}

/// How the variables are used, and whether grace periods can be waits.
pub(super) struct Uses {
    locks: Vec<Option<bool>>,
    rcu: bool,
}

impl Uses {
    pub(super) fn new(variables: usize, rcu: bool) -> Uses {
        Uses { locks: vec![None; variables], rcu }
    }

    /// The cell at an address, which is a lock's word or another one, always.
    fn cell(&mut self, at: i64, lock: bool) -> Result<CellId, Unsupported> {
        let cell = variable(at, self.locks.len()).ok_or("an access outside of the declared variables")?;
        if self.locks[cell].replace(lock).is_some_and(|before| before != lock) {
            return Err("a word that is a spin lock and something else".to_owned());
        }
        Ok(cell as CellId)
    }
}

impl Process {
    pub(super) fn new(regs: &[i64]) -> Process {
        Process { pc: 0, regs: regs.to_vec(), held: 0, sections: Vec::new(), begun: 0, waits: None, added: 0 }
    }

    /// The operation at which the process stands is done, and returned this.
    pub(super) fn finish(&mut self, code: &Code, value: u64) {
        let value = value as i64;
        match self.instr(code) {
            Instr::Read { to, .. } | Instr::IsLocked { to, .. } => self.regs[*to] = value,
            Instr::TryLock { to, at } => {
                if value != 0 {
                    self.held |= bit(at.value(&self.regs));
                }
                self.regs[*to] = value;
            }
            Instr::Rmw { to, update, order, gives, .. } if *order != Order::Void => {
                self.regs[*to] = match gives {
                    Gives::NewIsZero | Gives::Success => value,
                    _ => gives.of(value, update.apply(value, &self.regs)),
                };
            }
            Instr::Lock { at } => self.held |= bit(at.value(&self.regs)),
            Instr::Unlock { at } => self.held &= !bit(at.value(&self.regs)),
            _ => {}
        }
        let adds = !matches!(self.instr(code), Instr::Read { .. } | Instr::IsLocked { .. });
        self.added += u16::from(adds);
        self.pc += 1;
    }

    fn instr<'c>(&self, code: &'c Code) -> &'c Instr {
        &code.instrs[self.pc].0
    }
}

fn bit(at: i64) -> u128 {
    variable(at, 128).map_or(0, |variable| 1 << variable)
}

/// Lets the process do everything that needs no memory.
pub(super) fn advance(
    processes: &mut [Process],
    number: usize,
    code: &Code,
    uses: &mut Uses,
) -> Result<Next, Unsupported> {
    // A loop that touches no memory would keep the process here for ever.
    for _ in 0..10_000 {
        let Some((instr, line)) = code.instrs.get(processes[number].pc) else { return Ok(Next::Done) };
        if let Instr::RcuLock
        | Instr::RcuUnlock
        | Instr::RcuSync
        | Instr::SrcuLock { .. }
        | Instr::SrcuUnlock { .. }
        | Instr::SrcuSync { .. } = instr
        {
            if !uses.rcu {
                return Err("RCU".to_owned());
            }
            if !grace(processes, number, instr) {
                return Ok(Next::Waits);
            }
            processes[number].pc += 1;
            continue;
        }
        let most = MAX_ADDED / processes.len() as u16;
        let process = &mut processes[number];
        match instr {
            Instr::Let { to, value } => process.regs[*to] = value.value(&process.regs),
            Instr::Guard { cond, otherwise } => {
                if cond.value(&process.regs) == 0 {
                    process.pc = *otherwise;
                    continue;
                }
            }
            Instr::Jump(to) => {
                process.pc = *to;
                continue;
            }
            Instr::Open | Instr::Close => {}
            _ if process.added > most => return Ok(Next::Beyond),
            _ => {
                return operation(process, number, instr, uses)
                    .map(Next::Op)
                    .map_err(|what| format!("{what} (line {line})"));
            }
        }
        process.pc += 1;
    }
    Err("a loop that touches no memory".to_owned())
}

fn operation(process: &Process, number: usize, instr: &Instr, uses: &mut Uses) -> Result<MemOp, Unsupported> {
    let regs = &process.regs;
    let value = |of: &Pure| of.value(regs) as u64;
    let holder = number as u64 + 1;
    Ok(match instr {
        Instr::Read { at, order, .. } => {
            MemOp::Load { cell: uses.cell(at.value(regs), false)?, order: engine_order(*order) }
        }
        Instr::Write { at, value: new, order } => {
            MemOp::Store { cell: uses.cell(at.value(regs), false)?, value: value(new), order: engine_order(*order) }
        }
        Instr::Rmw { at, update, order, gives, .. } => {
            let rmw = match update {
                Update::Xchg(new) => Rmw::Xchg(value(new)),
                Update::CmpXchg(old, new) => Rmw::CmpXchg { old: value(old), new: value(new) },
                Update::Add(add) => Rmw::Add(value(add)),
                Update::Sub(sub) => Rmw::Add(value(sub).wrapping_neg()),
                Update::AddUnless(add, unless) => Rmw::AddUnless { add: value(add), unless: value(unless) },
                Update::And(bits) => Rmw::And(value(bits)),
                Update::Or(bits) => Rmw::Or(value(bits)),
                Update::Xor(bits) => Rmw::Xor(value(bits)),
                Update::AndNot(bits) => Rmw::And(!value(bits)),
            };
            let observe = match gives {
                _ if *order == Order::Void => Observe::Nothing,
                Gives::NewIsZero => Observe::NewIsZero,
                Gives::Success => Observe::Success,
                Gives::Old | Gives::New | Gives::NewIsNegative => Observe::Old,
            };
            let cell = uses.cell(at.value(regs), false)?;
            MemOp::Rmw { cell, rmw, mask: u64::MAX, order: engine_order(*order), observe }
        }
        Instr::Fence(barrier) => MemOp::Fence(match barrier {
            Barrier::Mb => Fence::Mb,
            Barrier::Wmb => Fence::Wmb,
            Barrier::Rmb => Fence::Rmb,
            Barrier::BeforeAtomic => Fence::BeforeAtomic,
            Barrier::AfterAtomic => Fence::AfterAtomic,
            Barrier::AfterSpinlock => Fence::AfterSpinlock,
            Barrier::AfterUnlockLock => Fence::AfterUnlockLock,
            Barrier::AfterSrcuReadUnlock if uses.rcu => Fence::Mb,
            Barrier::AfterSrcuReadUnlock => return Err("RCU".to_owned()),
        }),
        Instr::Lock { at } => MemOp::Lock { cell: uses.cell(at.value(regs), true)?, holder },
        Instr::TryLock { at, .. } => MemOp::TryLock { cell: uses.cell(at.value(regs), true)?, holder },
        Instr::IsLocked { at, .. } => MemOp::IsLocked { cell: uses.cell(at.value(regs), true)? },
        Instr::Unlock { at } => {
            let cell = uses.cell(at.value(regs), true)?;
            if process.held & bit(at.value(regs)) == 0 {
                return Err("an unlock of a lock that the process does not hold".to_owned());
            }
            MemOp::Unlock { cell }
        }
        _ => unreachable!("needs no memory"),
    })
}

fn engine_order(order: Order) -> EngineOrder {
    match order {
        // As far as their values go, plain accesses are relaxed ones.
        Order::Plain | Order::Once | Order::Void => EngineOrder::Relaxed,
        Order::Acquire => EngineOrder::Acquire,
        Order::Release => EngineOrder::Release,
        Order::Full => EngineOrder::Full,
    }
}

/// RCU under sequential consistency: a grace period waits for the sections that were open when it began. Says
/// whether the process can go on.
fn grace(processes: &mut [Process], number: usize, instr: &Instr) -> bool {
    let address = |at: &Pure| Some(at.value(&processes[number].regs));
    match instr {
        Instr::RcuLock => begin(&mut processes[number], None),
        Instr::SrcuLock { to, at } => {
            let of = address(at);
            let process = &mut processes[number];
            process.regs[*to] = 0;
            begin(process, of);
        }
        Instr::RcuUnlock => end(processes, number, None),
        Instr::SrcuUnlock { at, .. } => {
            let of = address(at);
            end(processes, number, of);
        }
        _ => {
            let of = if let Instr::SrcuSync { at } = instr { address(at) } else { None };
            let open = |(at, process): (usize, &Process)| {
                let of_this = process.sections.iter().filter(|section| section.of == of);
                of_this.map(|section| (at, *section)).collect::<Vec<_>>()
            };
            let now: Vec<(usize, Section)> = processes.iter().enumerate().flat_map(open).collect();
            let waits = processes[number].waits.take().unwrap_or_else(|| now.clone());
            let still: Vec<_> = waits.into_iter().filter(|section| now.contains(section)).collect();
            if !still.is_empty() {
                processes[number].waits = Some(still);
                return false;
            }
        }
    }
    true
}

fn begin(process: &mut Process, of: Option<i64>) {
    process.sections.push(Section { of, number: process.begun });
    process.begun += 1;
}

/// Ends the last section of this kind: the process's own, or else one whose cookie it was given.
fn end(processes: &mut [Process], number: usize, of: Option<i64>) {
    let count = processes.len();
    for process in (number..count).chain(0..number) {
        let sections = &mut processes[process].sections;
        if let Some(at) = sections.iter().rposition(|section| section.of == of) {
            sections.remove(at);
            return;
        }
    }
}

/// The processes whose sections a grace period waits for.
pub(super) fn readers(processes: &[Process], number: usize) -> String {
    let mut names: Vec<String> =
        processes[number].waits.iter().flatten().map(|(process, _)| format!("P{process}")).collect();
    names.dedup();
    names.join(", ")
}
