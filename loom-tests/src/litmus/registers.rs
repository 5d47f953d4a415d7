// SPDX-License-Identifier: GPL-2.0-only
//! Every register that an instruction names, to be renumbered.

use super::code::{Instr, Pure, Reg, Update};

impl Pure {
    fn each_reg(&mut self, each: &dyn Fn(&mut Reg)) {
        match self {
            Pure::Int(_) => {}
            Pure::Reg(reg) => each(reg),
            Pure::Unary(_, of) => of.each_reg(each),
            Pure::Binary(_, left, right) => {
                left.each_reg(each);
                right.each_reg(each);
            }
            Pure::Select(cond, then, otherwise) => {
                for part in [cond, then, otherwise] {
                    part.each_reg(each);
                }
            }
        }
    }
}

impl Update {
    fn each_reg(&mut self, each: &dyn Fn(&mut Reg)) {
        match self {
            Update::CmpXchg(one, other) | Update::AddUnless(one, other) => {
                one.each_reg(each);
                other.each_reg(each);
            }
            Update::Xchg(one)
            | Update::Add(one)
            | Update::Sub(one)
            | Update::And(one)
            | Update::Or(one)
            | Update::Xor(one)
            | Update::AndNot(one) => one.each_reg(each),
        }
    }
}

impl Instr {
    pub(super) fn each_reg(&mut self, each: &dyn Fn(&mut Reg)) {
        match self {
            Instr::Let { to, value } => {
                each(to);
                value.each_reg(each);
            }
            Instr::Read { to, at, .. }
            | Instr::TryLock { to, at }
            | Instr::IsLocked { to, at }
            | Instr::SrcuLock { to, at } => {
                each(to);
                at.each_reg(each);
            }
            Instr::Write { at, value, .. } | Instr::SrcuUnlock { at, cookie: value } => {
                at.each_reg(each);
                value.each_reg(each);
            }
            Instr::Rmw { to, at, update, .. } => {
                each(to);
                at.each_reg(each);
                update.each_reg(each);
            }
            Instr::Lock { at } | Instr::Unlock { at } | Instr::SrcuSync { at } => at.each_reg(each),
            Instr::Guard { cond, .. } => cond.each_reg(each),
            Instr::Fence(_)
            | Instr::RcuLock
            | Instr::RcuUnlock
            | Instr::RcuSync
            | Instr::Open
            | Instr::Jump(_)
            | Instr::Close => {}
        }
    }
}
