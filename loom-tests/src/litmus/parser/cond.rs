// SPDX-License-Identifier: GPL-2.0-only
//! What follows the processes: `locations [..]`, `filter`, and the condition. `/\` binds tighter than `\/`.

use super::super::lexer::Word;
use super::super::tree::{Cond, Operand, Place, Quantifier};
use super::{Parsed, Parser};

pub(super) struct Tail {
    pub(super) locations: Vec<Place>,
    pub(super) filter: Option<Cond>,
    pub(super) quantifier: Quantifier,
    pub(super) condition: Cond,
}

impl Parser<'_> {
    pub(super) fn tail(&mut self, processes: usize) -> Parsed<Tail> {
        let (mut locations, mut filter) = (Vec::new(), None);
        let quantifier = loop {
            if self.accept_name("locations")? {
                self.locations(processes, &mut locations)?;
            } else if self.accept_name("filter")? {
                filter = Some(self.any_of(processes)?);
            } else if self.accept_name("exists")? {
                break Quantifier::Exists;
            } else if self.accept_name("forall")? {
                break Quantifier::Forall;
            } else if self.accept("~")? {
                if !self.accept_name("exists")? {
                    return self.unexpected("'exists'");
                }
                break Quantifier::NotExists;
            } else {
                return self.unexpected("'locations', 'filter', 'exists', '~exists' or 'forall'");
            }
        };
        let condition = self.any_of(processes)?;
        self.accept(";")?;
        if *self.peek()? != Word::End {
            return self.unexpected("the end of the file");
        }
        Ok(Tail { locations, filter, quantifier, condition })
    }

    fn locations(&mut self, processes: usize, into: &mut Vec<Place>) -> Parsed<()> {
        self.expect("[")?;
        while !self.accept("]")? {
            into.push(self.place(processes)?);
            if !self.accept(";")? && *self.peek()? != Word::Mark("]") {
                return self.unexpected("';' or ']'");
            }
        }
        Ok(())
    }

    fn any_of(&mut self, processes: usize) -> Parsed<Cond> {
        let mut parts = vec![self.all_of(processes)?];
        while self.accept("\\/")? {
            parts.push(self.all_of(processes)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Cond::Or(parts) })
    }

    fn all_of(&mut self, processes: usize) -> Parsed<Cond> {
        let mut parts = vec![self.atom(processes)?];
        while self.accept("/\\")? {
            parts.push(self.atom(processes)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Cond::And(parts) })
    }

    fn atom(&mut self, processes: usize) -> Parsed<Cond> {
        if self.accept("~")? || self.accept_name("not")? {
            return self.deeper(|parser| Ok(Cond::Not(Box::new(parser.atom(processes)?))));
        }
        if self.accept("(")? {
            let inner = self.deeper(|parser| parser.any_of(processes))?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.accept_name("true")? {
            return Ok(Cond::Always(true));
        }
        if self.accept_name("false")? {
            return Ok(Cond::Always(false));
        }
        let place = self.place(processes)?;
        if self.accept("!=")? {
            return Ok(Cond::Not(Box::new(Cond::Equal(place, self.operand(processes)?))));
        }
        if !self.accept("=")? && !self.accept("==")? {
            return self.unexpected("'=' or '!='");
        }
        Ok(Cond::Equal(place, self.operand(processes)?))
    }

    /// `0:r1`, `x`, or `[x]`.
    fn place(&mut self, processes: usize) -> Parsed<Place> {
        if let Word::Int(process) = *self.peek()? {
            self.take()?;
            return self.register(process, processes);
        }
        if self.accept("[")? {
            let name = self.name("a shared variable")?;
            self.expect("]")?;
            return Ok(Place::Shared(name));
        }
        Ok(Place::Shared(self.name("a register like 0:r1, or a shared variable")?))
    }

    fn register(&mut self, process: i64, processes: usize) -> Parsed<Place> {
        if usize::try_from(process).is_ok_and(|process| process < processes) {
            self.expect(":")?;
            return Ok(Place::Register(process as usize, self.name("a register")?));
        }
        self.error(&format!("expected a process from 0 to {}, found {process}", processes - 1))
    }

    fn operand(&mut self, processes: usize) -> Parsed<Operand> {
        self.accept("&")?;
        match *self.peek()? {
            Word::Name(_) => Ok(Operand::Address(self.name("a shared variable")?)),
            Word::Int(value) => {
                self.take()?;
                if *self.peek()? == Word::Mark(":") {
                    return Ok(Operand::Place(self.register(value, processes)?));
                }
                Ok(Operand::Int(value))
            }
            Word::Mark("[") => Ok(Operand::Place(self.place(processes)?)),
            _ => Ok(Operand::Int(self.integer("a value")?)),
        }
    }
}
