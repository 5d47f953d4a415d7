// SPDX-License-Identifier: GPL-2.0-only
//! Expressions, with C's precedences.

use super::super::lexer::Word;
use super::super::tree::{Call, Expr, Op1, Op2};
use super::{Parsed, Parser};

/// Binary operators, those that bind least first.
const LEVELS: [&[(&str, Op2)]; 10] = [
    &[("||", Op2::Or)],
    &[("&&", Op2::And)],
    &[("|", Op2::BitOr)],
    &[("^", Op2::BitXor)],
    &[("&", Op2::BitAnd)],
    &[("==", Op2::Eq), ("!=", Op2::Ne)],
    &[("<=", Op2::Le), (">=", Op2::Ge), ("<", Op2::Lt), (">", Op2::Gt)],
    &[("<<", Op2::Shl), (">>", Op2::Shr)],
    &[("+", Op2::Add), ("-", Op2::Sub)],
    &[("*", Op2::Mul), ("/", Op2::Div), ("%", Op2::Rem)],
];

/// Whether a declaration or a cast begins with this word.
pub(super) fn is_type(word: &str) -> bool {
    const TYPES: [&str; 19] = [
        "int", "long", "short", "char", "unsigned", "signed", "void", "volatile", "const", "struct", "union", "bool",
        "_Bool", "u8", "u16", "u32", "u64", "s32", "s64",
    ];
    TYPES.contains(&word) || word.ends_with("_t")
}

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| {
            let cond = parser.binary(0)?;
            if !parser.accept("?")? {
                return Ok(cond);
            }
            let then = parser.expr()?;
            parser.expect(":")?;
            let otherwise = parser.expr()?;
            Ok(Expr::Select(Box::new(cond), Box::new(then), Box::new(otherwise)))
        })
    }

    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        let mut links = 0;
        loop {
            let Word::Mark(found) = *self.peek()? else { return Ok(left) };
            let Some(&(_, op)) = operators.iter().find(|(mark, _)| *mark == found) else { return Ok(left) };
            // A chain nests to the left, and whoever walks it does so on the stack.
            links += 1;
            if links > super::MAX_DEPTH {
                return self.error(&format!("expected no more than {} operators in a row", super::MAX_DEPTH));
            }
            self.take()?;
            left = Expr::Binary(op, Box::new(left), Box::new(self.binary(level + 1)?));
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.deeper(Self::one_unary)
    }

    fn one_unary(&mut self) -> Parsed<Expr> {
        for (mark, op) in [("-", Op1::Minus), ("!", Op1::Not), ("~", Op1::Flip)] {
            if self.accept(mark)? {
                return Ok(Expr::Unary(op, Box::new(self.unary()?)));
            }
        }
        if self.accept("+")? {
            return self.unary();
        }
        if self.accept("*")? {
            let at = self.unary()?;
            return Ok(Expr::Deref(Box::new(at)));
        }
        if self.accept("&")? {
            // A parameter is a pointer already: herd's tests write both `x` and `&x` for the address.
            return match self.unary()? {
                Expr::Deref(at) => Ok(*at),
                Expr::Name(name) => Ok(Expr::Name(name)),
                _ => self.error("expected a name or '*pointer' after '&'"),
            };
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let line = self.line()?;
        match self.peek()? {
            Word::Int(value) => {
                let value = *value;
                self.take()?;
                Ok(Expr::Int(value))
            }
            Word::Mark("(") => {
                self.take()?;
                if matches!(self.peek()?, Word::Name(name) if is_type(name)) {
                    return self.cast();
                }
                let inner = self.expr()?;
                self.expect(")")?;
                Ok(inner)
            }
            Word::Name(_) => {
                let name = self.name("a name")?;
                if self.accept("(")? {
                    let args = self.arguments()?;
                    return Ok(Expr::Call(Call { name, args, line }));
                }
                Ok(Expr::Name(name))
            }
            _ => self.unexpected("an expression"),
        }
    }

    /// A cast changes nothing: values are as wide as pointers.
    fn cast(&mut self) -> Parsed<Expr> {
        while matches!(self.peek()?, Word::Name(_) | Word::Mark("*")) {
            self.take()?;
        }
        self.expect(")")?;
        self.unary()
    }

    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let mut args = Vec::new();
        if self.accept(")")? {
            return Ok(args);
        }
        loop {
            args.push(self.expr()?);
            if !self.accept(",")? {
                self.expect(")")?;
                return Ok(args);
            }
        }
    }
}
