// SPDX-License-Identifier: GPL-2.0-only
//! Statements.

use super::super::lexer::Word;
use super::super::tree::{Expr, Stmt, Target};
use super::expr::is_type;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// Reads a statement and adds what it amounts to: nothing for a declaration, several for a block.
    pub(super) fn statement(&mut self, into: &mut Vec<Stmt>) -> Parsed<()> {
        self.deeper(|parser| parser.one_statement(into))
    }

    fn one_statement(&mut self, into: &mut Vec<Stmt>) -> Parsed<()> {
        let line = self.line()?;
        if self.accept(";")? {
            return Ok(());
        }
        if self.accept("{")? {
            while !self.accept("}")? {
                self.statement(into)?;
            }
            return Ok(());
        }
        if self.accept_name("if")? {
            let cond = self.in_parentheses()?;
            let (mut then, mut otherwise) = (Vec::new(), Vec::new());
            self.statement(&mut then)?;
            if self.accept_name("else")? {
                self.statement(&mut otherwise)?;
            }
            into.push(Stmt::If(cond, then, otherwise, line));
            return Ok(());
        }
        if self.accept_name("while")? {
            let cond = self.in_parentheses()?;
            let mut body = Vec::new();
            self.statement(&mut body)?;
            into.push(Stmt::While(cond, body, line));
            return Ok(());
        }
        if matches!(self.peek()?, Word::Name(name) if is_type(name)) {
            return self.declaration(into);
        }
        self.assignment_or_call(into, line)?;
        self.expect(";")
    }

    fn in_parentheses(&mut self) -> Parsed<Expr> {
        self.expect("(")?;
        let inner = self.expr()?;
        self.expect(")")?;
        Ok(inner)
    }

    /// `int *r0 = 1, r1;`
    fn declaration(&mut self, into: &mut Vec<Stmt>) -> Parsed<()> {
        loop {
            let line = self.line()?;
            let name = self.declared("the name of a variable")?;
            if self.accept("=")? {
                into.push(Stmt::Assign(Target::Name(name), self.expr()?, line));
            }
            if !self.accept(",")? {
                return self.expect(";");
            }
        }
    }

    fn assignment_or_call(&mut self, into: &mut Vec<Stmt>, line: usize) -> Parsed<()> {
        let expr = self.expr()?;
        if *self.peek()? != Word::Mark("=") {
            if matches!(expr, Expr::Call(_)) {
                into.push(Stmt::Eval(expr, line));
                return Ok(());
            }
            return self.unexpected("'=' (a statement is an assignment or a call)");
        }
        let target = match expr {
            Expr::Name(name) => Target::Name(name),
            Expr::Deref(at) => Target::Deref(*at),
            _ => return self.error("expected a register or '*pointer' to the left of '='"),
        };
        self.take()?;
        into.push(Stmt::Assign(target, self.expr()?, line));
        Ok(())
    }
}
