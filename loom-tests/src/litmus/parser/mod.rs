// SPDX-License-Identifier: GPL-2.0-only
//! Reads the kernel's C litmus dialect. Whatever the file contains, the answer is a test or a line with what was
//! expected there.

mod cond;
mod expr;
mod init;
mod stmt;

pub use super::lexer::ParseError;

use super::lexer::{Lexer, Word};
use super::tree::{Process, Test};

/// How deeply expressions and statements may nest: a file must not be able to overflow the stack.
const MAX_DEPTH: usize = 64;
/// How many processes a test may have.
const MAX_PROCESSES: usize = 15;

type Parsed<T> = Result<T, ParseError>;

struct Parser<'a> {
    lexer: Lexer<'a>,
    peeked: Option<(Word, usize)>,
    depth: usize,
}

/// Reads a litmus test.
///
/// # Errors
/// The line where the text stops being a test, and what was expected there.
pub fn parse(text: &str) -> Result<Test, ParseError> {
    let mut parser = Parser { lexer: Lexer::new(text), peeked: None, depth: 0 };
    let name = parser.name_of_test()?;
    parser.lexer.skip_header()?;
    let init = parser.init()?;
    let processes = parser.processes()?;
    let tail = parser.tail(processes.len())?;
    Ok(Test {
        name,
        init,
        processes,
        locations: tail.locations,
        filter: tail.filter,
        quantifier: tail.quantifier,
        condition: tail.condition,
        result: expected_result(text),
    })
}

/// The word after `Result:` in a comment, as the kernel's tests have it.
fn expected_result(text: &str) -> Option<String> {
    let line =
        text.lines().find_map(|line| line.trim_start_matches([' ', '\t', '*', '(', '/']).strip_prefix("Result:"))?;
    let word = line.split_whitespace().next()?;
    ["Never", "Sometimes", "Always", "DEADLOCK"]
        .into_iter()
        .find(|known| word.eq_ignore_ascii_case(known))
        .map(str::to_owned)
}

impl Parser<'_> {
    fn name_of_test(&mut self) -> Parsed<String> {
        let (word, line) = self.take()?;
        let name = self.lexer.rest_of_line().trim();
        if word != Word::Name("C".into()) || name.is_empty() {
            return Err(ParseError { line, what: format!("expected 'C NAME' (a test in C), found {word}") });
        }
        // herd7 does the same.
        Ok(name.strip_suffix(".litmus").unwrap_or(name).to_owned())
    }

    fn processes(&mut self) -> Parsed<Vec<Process>> {
        let mut processes = Vec::new();
        loop {
            while matches!(self.peek()?, Word::Name(name) if name == "void" || name == "static") {
                self.take()?;
            }
            let expected = format!("P{}", processes.len());
            match self.peek()? {
                Word::Name(name) if *name == expected => {
                    if processes.len() == MAX_PROCESSES {
                        return self.error(&format!("expected at most {MAX_PROCESSES} processes"));
                    }
                    self.take()?;
                    self.lexer.outside = false;
                    processes.push(self.process()?);
                }
                Word::Name(name) if name.starts_with('P') && name[1..].parse::<u32>().is_ok() => {
                    return self.unexpected(&format!("'{expected}'"));
                }
                _ if processes.is_empty() => return self.unexpected("'P0'"),
                _ => return Ok(processes),
            }
        }
    }

    fn process(&mut self) -> Parsed<Process> {
        self.expect("(")?;
        let mut params: Vec<String> = Vec::new();
        while *self.peek()? != Word::Mark(")") {
            let name = self.declared("a parameter")?;
            if params.contains(&name) {
                return self.error(&format!("the parameter '{name}' stands here twice"));
            }
            params.push(name);
            if !self.accept(",")? {
                break;
            }
        }
        self.expect(")")?;
        self.expect("{")?;
        let mut body = Vec::new();
        // What follows the last brace is outside again, so it must not be looked at before.
        while *self.peek()? != Word::Mark("}") {
            self.statement(&mut body)?;
        }
        self.take()?;
        self.lexer.outside = true;
        Ok(Process { params, body })
    }

    /// A declaration without its initial value: words and stars, of which the last word is the name. `(void)`, with
    /// no name, is no parameter.
    fn declared(&mut self, what: &str) -> Parsed<String> {
        let mut name = None;
        loop {
            match self.peek()? {
                Word::Name(_) => name = Some(self.name(what)?),
                Word::Mark("*") => {
                    self.take()?;
                    name = None;
                }
                _ => break,
            }
        }
        match name {
            Some(name) => Ok(name),
            None => self.unexpected(what),
        }
    }

    fn peek(&mut self) -> Parsed<&Word> {
        if self.peeked.is_none() {
            self.peeked = Some(self.lexer.next()?);
        }
        Ok(self.peeked.as_ref().map_or(&Word::End, |(word, _)| word))
    }

    fn take(&mut self) -> Parsed<(Word, usize)> {
        match self.peeked.take() {
            Some(word) => Ok(word),
            None => self.lexer.next(),
        }
    }

    /// The line of the next word.
    fn line(&mut self) -> Parsed<usize> {
        self.peek()?;
        Ok(self.peeked.as_ref().map_or(self.lexer.line, |&(_, line)| line))
    }

    fn error<T>(&mut self, what: &str) -> Parsed<T> {
        Err(ParseError { line: self.line()?, what: what.to_owned() })
    }

    fn unexpected<T>(&mut self, expected: &str) -> Parsed<T> {
        let found = self.peek()?.to_string();
        self.error(&format!("expected {expected}, found {found}"))
    }

    fn accept(&mut self, mark: &str) -> Parsed<bool> {
        let found = matches!(self.peek()?, Word::Mark(found) if *found == mark);
        if found {
            self.take()?;
        }
        Ok(found)
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.accept(mark)? { Ok(()) } else { self.unexpected(&format!("'{mark}'")) }
    }

    fn accept_name(&mut self, wanted: &str) -> Parsed<bool> {
        let found = matches!(self.peek()?, Word::Name(found) if found == wanted);
        if found {
            self.take()?;
        }
        Ok(found)
    }

    fn name(&mut self, what: &str) -> Parsed<String> {
        match self.peek()? {
            Word::Name(_) => match self.take()?.0 {
                Word::Name(name) => Ok(name),
                _ => self.unexpected(what),
            },
            _ => self.unexpected(what),
        }
    }

    /// Runs a rule that may contain itself, unless it already does so too often.
    fn deeper<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return self.error(&format!("expected no more than {MAX_DEPTH} levels of nesting"));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }
}
