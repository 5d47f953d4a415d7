// SPDX-License-Identifier: GPL-2.0-only
//! The block of initial values: `{ x=1; int *y = &x; atomic_t v = ATOMIC_INIT(2); 0:r1=x; }`.

use super::super::lexer::Word;
use super::super::tree::{Operand, Place};
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn init(&mut self) -> Parsed<Vec<(Place, Operand)>> {
        self.expect("{")?;
        let mut init: Vec<(Place, Operand)> = Vec::new();
        while !self.accept("}")? {
            if self.accept(";")? {
                continue;
            }
            let place = self.initialised()?;
            let value = if self.accept("=")? { self.initial_value()? } else { Operand::Int(0) };
            if init.iter().any(|(known, _)| *known == place) {
                return self.error("this variable has an initial value already");
            }
            init.push((place, value));
            if *self.peek()? != Word::Mark("}") {
                self.expect(";")?;
            }
        }
        Ok(init)
    }

    fn initialised(&mut self) -> Parsed<Place> {
        if let Word::Int(process) = *self.peek()? {
            self.take()?;
            self.expect(":")?;
            return Ok(Place::Register(process as usize, self.name("a register")?));
        }
        if self.accept("[")? {
            let name = self.name("a shared variable")?;
            self.expect("]")?;
            return Ok(Place::Shared(name));
        }
        Ok(Place::Shared(self.declared("a variable and its initial value")?))
    }

    fn initial_value(&mut self) -> Parsed<Operand> {
        self.accept("&")?;
        if let Word::Name(_) = self.peek()? {
            let name = self.name("a name")?;
            if name == "ATOMIC_INIT" {
                self.expect("(")?;
                let value = self.integer("an initial value")?;
                self.expect(")")?;
                return Ok(Operand::Int(value));
            }
            return Ok(Operand::Address(name));
        }
        Ok(Operand::Int(self.integer("an initial value")?))
    }

    /// A number with its sign.
    pub(super) fn integer(&mut self, what: &str) -> Parsed<i64> {
        let negative = self.accept("-")?;
        match *self.peek()? {
            Word::Int(value) => {
                self.take()?;
                Ok(if negative { value.wrapping_neg() } else { value })
            }
            _ => self.unexpected(what),
        }
    }
}
