// SPDX-License-Identifier: GPL-2.0-only
//! From the tree of a test to instructions.

use super::calls;
use super::code::{Code, Instr, Order, Program, Pure, Reg, address};
use super::lexer::ParseError;
use super::tree::{Call, Cond, Expr, Operand, Place, Process, Stmt, Target, Test};

/// Instructions that a process may have: an execution has to fit the tables of events.
const MAX_INSTRS: usize = 500;

/// Makes a test runnable.
///
/// # Errors
/// The line of a primitive that does not exist or is not used as it has to be.
pub fn lower(test: &Test) -> Result<Program, ParseError> {
    let mut variables = Variables { names: Vec::new() };
    for process in &test.processes {
        for param in &process.params {
            variables.number(param);
        }
    }
    for (place, value) in &test.init {
        if let Place::Shared(name) = place {
            variables.number(name);
        }
        if let Operand::Address(name) = value {
            variables.number(name);
        }
    }
    // A condition may name variables that no process has.
    let mut shown = test.locations.clone();
    places(&test.condition, &mut shown, &mut variables);
    if let Some(filter) = &test.filter {
        places(filter, &mut Vec::new(), &mut variables);
    }
    for place in &test.locations {
        if let Place::Shared(name) = place {
            variables.number(name);
        }
    }
    shown.sort();
    shown.dedup();
    let processes = test
        .processes
        .iter()
        .enumerate()
        .map(|(number, process)| Lowering::process(number, process, test, &mut variables))
        .collect::<Result<Vec<Code>, ParseError>>()?;
    let mut values = vec![0; variables.names.len()];
    for (place, value) in &test.init {
        if let Place::Shared(name) = place {
            values[variables.number(name)] = variables.initial(value);
        }
    }
    Ok(Program {
        name: test.name.clone(),
        variables: variables.names.into_iter().zip(values).collect(),
        processes,
        shown,
        filter: test.filter.clone(),
        quantifier: test.quantifier,
        condition: test.condition.clone(),
        result: test.result.clone(),
    })
}

fn places(cond: &Cond, into: &mut Vec<Place>, variables: &mut Variables) {
    match cond {
        Cond::Always(_) => {}
        Cond::Equal(place, value) => {
            let other = if let Operand::Place(other) = value { Some(other) } else { None };
            for place in [Some(place), other].into_iter().flatten() {
                if let Place::Shared(name) = place {
                    variables.number(name);
                }
                into.push(place.clone());
            }
            if let Operand::Address(name) = value {
                variables.number(name);
            }
        }
        Cond::Not(of) => places(of, into, variables),
        Cond::And(parts) | Cond::Or(parts) => parts.iter().for_each(|part| places(part, into, variables)),
    }
}

/// The shared variables, numbered in the order in which they are met.
struct Variables {
    names: Vec<String>,
}

impl Variables {
    fn number(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    fn initial(&mut self, value: &Operand) -> i64 {
        match value {
            Operand::Int(value) => *value,
            Operand::Address(name) => address(self.number(name)),
            Operand::Place(_) => 0,
        }
    }
}

/// The code of one process in the making.
pub(super) struct Lowering {
    instrs: Vec<(Instr, usize)>,
    names: Vec<String>,
    /// Registers without a name come after those that have one, however many those will be; until then they count
    /// from here.
    unnamed: usize,
}

const UNNAMED: Reg = 1 << 20;

impl Lowering {
    fn process(number: usize, process: &Process, test: &Test, variables: &mut Variables) -> Result<Code, ParseError> {
        let mut lowering = Lowering { instrs: Vec::new(), names: process.params.clone(), unnamed: 0 };
        lowering.block(&process.body)?;
        let mut regs: Vec<i64> = process.params.iter().map(|param| address(variables.number(param))).collect();
        regs.resize(lowering.names.len(), 0);
        for (place, value) in &test.init {
            let Place::Register(of, name) = place else { continue };
            if *of == number {
                let reg = lowering.register(name);
                regs.resize(lowering.names.len(), 0);
                regs[reg] = variables.initial(value);
            }
        }
        let named = lowering.names.len();
        regs.resize(named + lowering.unnamed, 0);
        lowering.instrs.iter_mut().for_each(|(instr, _)| rename(instr, named));
        Ok(Code { instrs: lowering.instrs, regs, names: lowering.names })
    }

    fn register(&mut self, name: &str) -> Reg {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    /// A register for an intermediate result.
    pub(super) fn fresh(&mut self) -> Reg {
        self.unnamed += 1;
        UNNAMED + self.unnamed - 1
    }

    pub(super) fn push(&mut self, instr: Instr, line: usize) {
        self.instrs.push((instr, line));
    }

    fn block(&mut self, block: &[Stmt]) -> Result<(), ParseError> {
        block.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<(), ParseError> {
        let (Stmt::Assign(_, _, line) | Stmt::Eval(_, line) | Stmt::If(_, _, _, line) | Stmt::While(_, _, line)) =
            *stmt;
        if self.instrs.len() > MAX_INSTRS {
            return Err(ParseError { line, what: format!("expected no more than {MAX_INSTRS} operations") });
        }
        match stmt {
            Stmt::Assign(Target::Name(name), value, _) => {
                // The value may name this register, which then holds what it held before.
                let to = self.register(name);
                match value {
                    Expr::Call(call) => self.call(call, Some(to))?,
                    Expr::Deref(at) => {
                        let at = self.expr(at, line)?;
                        self.push(Instr::Read { to, at, order: Order::Plain }, line);
                    }
                    _ => {
                        let value = self.expr(value, line)?;
                        self.push(Instr::Let { to, value }, line);
                    }
                }
            }
            Stmt::Assign(Target::Deref(at), value, _) => {
                let at = self.expr(at, line)?;
                let value = self.expr(value, line)?;
                self.push(Instr::Write { at, value, order: Order::Plain }, line);
            }
            Stmt::Eval(Expr::Call(call), _) => self.call(call, None)?,
            Stmt::Eval(expr, _) => {
                self.expr(expr, line)?;
            }
            Stmt::If(cond, then, otherwise, _) => {
                let guard = self.open(cond, line)?;
                self.block(then)?;
                let jump = self.instrs.len();
                self.push(Instr::Jump(0), line);
                self.patch(guard);
                self.block(otherwise)?;
                self.patch(jump);
                self.push(Instr::Close, line);
            }
            Stmt::While(cond, body, _) => {
                self.push(Instr::Open, line);
                let top = self.instrs.len();
                let cond = self.expr(cond, line)?;
                let guard = self.instrs.len();
                self.push(Instr::Guard { cond, otherwise: 0 }, line);
                self.block(body)?;
                self.push(Instr::Jump(top), line);
                self.patch(guard);
                self.push(Instr::Close, line);
            }
        }
        Ok(())
    }

    fn open(&mut self, cond: &Expr, line: usize) -> Result<usize, ParseError> {
        let cond = self.expr(cond, line)?;
        self.push(Instr::Open, line);
        self.push(Instr::Guard { cond, otherwise: 0 }, line);
        Ok(self.instrs.len() - 1)
    }

    /// Lets the jump at `from` lead here.
    fn patch(&mut self, from: usize) {
        let here = self.instrs.len();
        if let Instr::Jump(to) | Instr::Guard { otherwise: to, .. } = &mut self.instrs[from].0 {
            *to = here;
        }
    }

    /// An expression without what it reads from memory: that is read before, from left to right.
    pub(super) fn expr(&mut self, expr: &Expr, line: usize) -> Result<Pure, ParseError> {
        Ok(match expr {
            Expr::Int(value) => Pure::Int(*value),
            Expr::Name(name) => Pure::Reg(self.register(name)),
            Expr::Deref(at) => {
                let at = self.expr(at, line)?;
                let to = self.fresh();
                self.push(Instr::Read { to, at, order: Order::Plain }, line);
                Pure::Reg(to)
            }
            Expr::Unary(op, of) => Pure::Unary(*op, Box::new(self.expr(of, line)?)),
            Expr::Binary(op, left, right) => {
                let left = self.expr(left, line)?;
                Pure::Binary(*op, Box::new(left), Box::new(self.expr(right, line)?))
            }
            Expr::Select(cond, then, otherwise) => {
                let cond = self.expr(cond, line)?;
                let then = self.expr(then, line)?;
                Pure::Select(Box::new(cond), Box::new(then), Box::new(self.expr(otherwise, line)?))
            }
            Expr::Call(call) => {
                let to = self.fresh();
                self.call(call, Some(to))?;
                Pure::Reg(to)
            }
        })
    }

    fn call(&mut self, call: &Call, to: Option<Reg>) -> Result<(), ParseError> {
        calls::lower(self, call, to)
    }
}

/// Gives registers without a name their numbers.
fn rename(instr: &mut Instr, named: usize) {
    let reg = |reg: &mut Reg| {
        if *reg >= UNNAMED {
            *reg = *reg - UNNAMED + named;
        }
    };
    instr.each_reg(&reg);
}
