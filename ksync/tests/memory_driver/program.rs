// SPDX-License-Identifier: GPL-2.0-only
//! Programs as text; the words are in the table above.

use ksync::explore::memory::CellKind;
use ksync::op::{CellId, Cond, Fence, MemOp, Observe, Order, Rmw};
use std::rc::Rc;

pub(super) struct Instr {
    pub(super) op: MemOp,
    /// Whether what it is shown belongs to the outcome.
    pub(super) read: bool,
    /// Skipped unless the last trylock succeeded.
    pub(super) conditional: bool,
}

/// A program, with the names of its cells in order of appearance.
pub(crate) struct Program {
    pub(super) names: Vec<String>,
    pub(super) cells: Vec<(CellKind, u64)>,
    pub(super) agents: Vec<Vec<Instr>>,
}

impl Program {
    /// Reads a program; all cells start at 0.
    pub(crate) fn new(text: &str) -> Program {
        let mut program = Program { names: vec![], cells: vec![], agents: vec![] };
        for process in text.split('|') {
            let instrs = process.split_whitespace().map(|word| program.instr(word)).collect();
            program.agents.push(instrs);
        }
        program
    }

    /// The same with another initial value.
    pub(crate) fn init(mut self, name: &str, value: u64) -> Program {
        let cell = self.names.iter().position(|known| known == name).expect("a cell of the program");
        self.cells[cell].1 = value;
        self
    }

    fn cell(&mut self, name: &str, kind: CellKind) -> CellId {
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.into());
            self.cells.push((kind, 0));
            self.names.len() - 1
        });
        at as CellId
    }

    fn instr(&mut self, word: &str) -> Instr {
        let mut parts = word.split(':');
        let name = parts.next().expect("an operation");
        let target = parts.next();
        let args: Vec<u64> = parts.map(|arg| arg.parse().expect("a value")).collect();
        let (base, order) = [("rlx", Order::Relaxed), ("acq", Order::Acquire), ("rel", Order::Release)]
            .into_iter()
            .find_map(|(suffix, order)| Some((name.strip_suffix(suffix)?, order)))
            .unwrap_or((name, if matches!(name, "R" | "W") { Order::Relaxed } else { Order::Full }));
        let kind = match base {
            "L" | "U" | "T" | "Uif" | "?" => CellKind::Lock,
            "P" | "Q" => CellKind::Plain,
            _ => CellKind::Atomic,
        };
        let cell = target.map_or(0, |target| self.cell(target, kind));
        let holder = self.agents.len() as u64 + 1;
        let (op, read) = fence(base)
            .map(|fence| (MemOp::Fence(fence), false))
            .or_else(|| update(base, cell, order, &args))
            .unwrap_or_else(|| match base {
                "R" => (MemOp::Load { cell, order }, true),
                "W" => (MemOp::Store { cell, value: args[0], order }, false),
                "await" => {
                    let wanted = args[0];
                    let cond = Cond(Rc::new(move |value| value == wanted));
                    (MemOp::Await { cell, cond, order: Order::Relaxed }, true)
                }
                "L" => (MemOp::Lock { cell, holder }, false),
                "T" => (MemOp::TryLock { cell, holder }, true),
                "U" | "Uif" => (MemOp::Unlock { cell }, false),
                "?" => (MemOp::IsLocked { cell }, true),
                "P" => (MemOp::Read { cell }, true),
                "Q" => (MemOp::Write { cell, value: args[0] }, false),
                _ => panic!("unknown operation {word}"),
            });
        Instr { op, read, conditional: base == "Uif" }
    }
}

fn fence(name: &str) -> Option<Fence> {
    Some(match name {
        "mb" => Fence::Mb,
        "wmb" => Fence::Wmb,
        "rmb" => Fence::Rmb,
        "ba" => Fence::BeforeAtomic,
        "aa" => Fence::AfterAtomic,
        "as" => Fence::AfterSpinlock,
        "aul" => Fence::AfterUnlockLock,
        "ctrl" => Fence::AcquireAfterCtrlDep,
        _ => return None,
    })
}

/// A read-modify-write, and whether it shows something.
fn update(name: &str, cell: CellId, order: Order, args: &[u64]) -> Option<(MemOp, bool)> {
    let (rmw, observe) = match name {
        "X" => (Rmw::Xchg(args[0]), Observe::Old),
        "fadd" => (Rmw::Add(args[0]), Observe::Old),
        "for" => (Rmw::Or(args[0]), Observe::Old),
        "fand" => (Rmw::And(args[0]), Observe::Old),
        "C" => (Rmw::CmpXchg { old: args[0], new: args[1] }, Observe::Old),
        "unless" => (Rmw::AddUnless { add: args[0], unless: args[1] }, Observe::Success),
        "dec0" => (Rmw::Add(u64::MAX), Observe::NewIsZero),
        "inc" => (Rmw::Add(1), Observe::Nothing),
        _ => return None,
    };
    let order = if name == "inc" { Order::Relaxed } else { order };
    Some((MemOp::Rmw { cell, rmw, mask: u64::MAX, order, observe }, observe != Observe::Nothing))
}
