// SPDX-License-Identifier: GPL-2.0-only
//! A litmus test as instructions: each accesses memory once at most, and computes on registers.

use super::tree::{Cond, Op1, Op2, Place, Quantifier};

/// A register of a process. Parameters are registers too, which hold the address of their variable.
pub type Reg = usize;

/// Addresses are numbers that no test computes by accident.
const FIRST_ADDRESS: i64 = 1 << 32;
const ADDRESS_STEP: i64 = 1 << 16;

/// The address of the shared variable with this number.
pub fn address(variable: usize) -> i64 {
    FIRST_ADDRESS + variable as i64 * ADDRESS_STEP
}

/// The number of the shared variable at this address, of so many that exist.
pub fn variable(address: i64, variables: usize) -> Option<usize> {
    let offset = address.checked_sub(FIRST_ADDRESS).filter(|offset| *offset >= 0 && offset % ADDRESS_STEP == 0)?;
    usize::try_from(offset / ADDRESS_STEP).ok().filter(|variable| *variable < variables)
}

/// An expression over registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pure {
    /// A number, or an address.
    Int(i64),
    /// What a register holds.
    Reg(Reg),
    /// One operand.
    Unary(Op1, Box<Pure>),
    /// Two operands.
    Binary(Op2, Box<Pure>, Box<Pure>),
    /// `a ? b : c`
    Select(Box<Pure>, Box<Pure>, Box<Pure>),
}

impl Pure {
    /// Its value. Arithmetic wraps, and a division by 0 gives 0: a test must not be able to stop the program.
    pub fn value(&self, regs: &[i64]) -> i64 {
        match self {
            Pure::Int(value) => *value,
            Pure::Reg(reg) => regs[*reg],
            Pure::Unary(op, of) => {
                let of = of.value(regs);
                match op {
                    Op1::Minus => of.wrapping_neg(),
                    Op1::Not => i64::from(of == 0),
                    Op1::Flip => !of,
                }
            }
            Pure::Binary(op, left, right) => apply(*op, left.value(regs), right.value(regs)),
            Pure::Select(cond, then, otherwise) => {
                if cond.value(regs) != 0 {
                    then.value(regs)
                } else {
                    otherwise.value(regs)
                }
            }
        }
    }

    /// Calls `each` with every register that the value is computed from.
    pub fn registers(&self, each: &mut dyn FnMut(Reg)) {
        match self {
            Pure::Int(_) => {}
            Pure::Reg(reg) => each(*reg),
            Pure::Unary(_, of) => of.registers(each),
            Pure::Binary(_, left, right) => {
                left.registers(each);
                right.registers(each);
            }
            Pure::Select(cond, then, otherwise) => {
                for part in [cond, then, otherwise] {
                    part.registers(each);
                }
            }
        }
    }
}

fn apply(op: Op2, a: i64, b: i64) -> i64 {
    match op {
        Op2::Or => i64::from(a != 0 || b != 0),
        Op2::And => i64::from(a != 0 && b != 0),
        Op2::BitOr => a | b,
        Op2::BitXor => a ^ b,
        Op2::BitAnd => a & b,
        Op2::Eq => i64::from(a == b),
        Op2::Ne => i64::from(a != b),
        Op2::Lt => i64::from(a < b),
        Op2::Gt => i64::from(a > b),
        Op2::Le => i64::from(a <= b),
        Op2::Ge => i64::from(a >= b),
        Op2::Shl => a.wrapping_shl(b as u32),
        Op2::Shr => a.wrapping_shr(b as u32),
        Op2::Add => a.wrapping_add(b),
        Op2::Sub => a.wrapping_sub(b),
        Op2::Mul => a.wrapping_mul(b),
        Op2::Div => a.checked_div(b).unwrap_or(0),
        Op2::Rem => a.checked_rem(b).unwrap_or(0),
    }
}

/// How an access is ordered, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// A plain C access.
    Plain,
    /// `READ_ONCE`, `WRITE_ONCE`, `_relaxed`.
    Once,
    /// `_acquire`
    Acquire,
    /// `_release`
    Release,
    /// A read-modify-write without a suffix that returns something.
    Full,
    /// A read-modify-write that returns nothing.
    Void,
}

/// What a read-modify-write does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// Stores the value.
    Xchg(Pure),
    /// Stores the second value if the first is there.
    CmpXchg(Pure, Pure),
    /// Adds.
    Add(Pure),
    /// Subtracts.
    Sub(Pure),
    /// Adds the first value unless the second is there.
    AddUnless(Pure, Pure),
    /// Keeps the bits of the mask.
    And(Pure),
    /// Sets the bits of the mask.
    Or(Pure),
    /// Flips the bits of the mask.
    Xor(Pure),
    /// Clears the bits of the mask.
    AndNot(Pure),
}

impl Update {
    /// What it is given.
    pub fn operands(&self) -> Vec<&Pure> {
        match self {
            Update::CmpXchg(one, other) | Update::AddUnless(one, other) => vec![one, other],
            Update::Xchg(one)
            | Update::Add(one)
            | Update::Sub(one)
            | Update::And(one)
            | Update::Or(one)
            | Update::Xor(one)
            | Update::AndNot(one) => vec![one],
        }
    }

    /// The new value, or nothing where it fails on this old one.
    pub fn apply(&self, old: i64, regs: &[i64]) -> Option<i64> {
        match self {
            Update::Xchg(new) => Some(new.value(regs)),
            Update::CmpXchg(expected, new) => (old == expected.value(regs)).then(|| new.value(regs)),
            Update::Add(add) => Some(old.wrapping_add(add.value(regs))),
            Update::Sub(sub) => Some(old.wrapping_sub(sub.value(regs))),
            Update::AddUnless(add, unless) => (old != unless.value(regs)).then(|| old.wrapping_add(add.value(regs))),
            Update::And(bits) => Some(old & bits.value(regs)),
            Update::Or(bits) => Some(old | bits.value(regs)),
            Update::Xor(bits) => Some(old ^ bits.value(regs)),
            Update::AndNot(bits) => Some(old & !bits.value(regs)),
        }
    }

    /// Whether what it writes is computed from what it reads: a dependency inside of it. An exchange has none.
    pub fn computes(&self) -> bool {
        !matches!(self, Update::Xchg(_) | Update::CmpXchg(..))
    }
}

/// What a read-modify-write returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// The old value.
    Old,
    /// The new value.
    New,
    /// Whether the new value is 0.
    NewIsZero,
    /// Whether the new value is below 0.
    NewIsNegative,
    /// Whether it did not fail.
    Success,
}

impl Gives {
    /// What the caller sees.
    pub fn of(self, old: i64, new: Option<i64>) -> i64 {
        match self {
            Gives::Old => old,
            Gives::New => new.unwrap_or(old),
            Gives::NewIsZero => i64::from(new == Some(0)),
            Gives::NewIsNegative => i64::from(new.is_some_and(|new| new < 0)),
            Gives::Success => i64::from(new.is_some()),
        }
    }
}

/// A barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the kernel's own names")]
pub enum Barrier {
    Mb,
    Wmb,
    Rmb,
    BeforeAtomic,
    AfterAtomic,
    AfterSpinlock,
    AfterUnlockLock,
    AfterSrcuReadUnlock,
}

/// An instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the operands")]
pub enum Instr {
    Let {
        to: Reg,
        value: Pure,
    },
    Read {
        to: Reg,
        at: Pure,
        order: Order,
    },
    Write {
        at: Pure,
        value: Pure,
        order: Order,
    },
    Rmw {
        to: Reg,
        at: Pure,
        update: Update,
        order: Order,
        gives: Gives,
    },
    Fence(Barrier),
    Lock {
        at: Pure,
    },
    TryLock {
        to: Reg,
        at: Pure,
    },
    Unlock {
        at: Pure,
    },
    IsLocked {
        to: Reg,
        at: Pure,
    },
    RcuLock,
    RcuUnlock,
    RcuSync,
    SrcuLock {
        to: Reg,
        at: Pure,
    },
    SrcuUnlock {
        at: Pure,
        cookie: Pure,
    },
    SrcuSync {
        at: Pure,
    },
    /// An `if` or a loop begins: what is inside depends on its conditions.
    Open,
    /// Goes on if the value is not 0, otherwise to the instruction with this number.
    Guard {
        cond: Pure,
        otherwise: usize,
    },
    Jump(usize),
    /// An `if` or a loop ends.
    Close,
}

/// What a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The instructions, each with its line.
    pub instrs: Vec<(Instr, usize)>,
    /// Registers as the process finds them.
    pub regs: Vec<i64>,
    /// Names of the registers that have one; they are the first.
    pub names: Vec<String>,
}

/// A test that can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// The shared variables with their initial values.
    pub variables: Vec<(String, i64)>,
    /// What the processes run.
    pub processes: Vec<Code>,
    /// What is shown of a final state, in the order in which it is shown.
    pub shown: Vec<Place>,
    /// States that do not count are those where this does not hold.
    pub filter: Option<Cond>,
    /// How the condition is meant.
    pub quantifier: Quantifier,
    /// What is asked.
    pub condition: Cond,
    /// What a `Result:` comment says, where there is one.
    pub result: Option<String>,
}
