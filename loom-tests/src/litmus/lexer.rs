// SPDX-License-Identifier: GPL-2.0-only
//! Words of a litmus file.
//!
//! Comments depend on the place: `(* … *)` stands outside of processes only, because `READ_ONCE(*x)` is code.

use std::fmt;

/// Where reading stopped, and what would have been right there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong: mostly what was expected, and what was found instead.
    pub what: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Name(String),
    Int(i64),
    /// An operator or a bracket.
    Mark(&'static str),
    End,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Name(name) => write!(f, "'{name}'"),
            Word::Int(value) => write!(f, "'{value}'"),
            Word::Mark(mark) => write!(f, "'{mark}'"),
            Word::End => f.write_str("the end of the file"),
        }
    }
}

/// Longer marks come before those that they begin with.
const MARKS: [&str; 34] = [
    "/\\", "\\/", "&&", "||", "==", "!=", "<=", ">=", "<<", ">>", "(", ")", "{", "}", "[", "]", ";", ",", "=", "*",
    "&", "!", "~", "-", "+", "/", "%", "<", ">", "?", ":", "|", "^", ".",
];

/// Cuts a file into words, on demand.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    pub(super) line: usize,
    /// Whether `(*` begins a comment.
    pub(super) outside: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Lexer { text, at: 0, line: 1, outside: true }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn advance(&mut self, bytes: usize) {
        self.line += self.rest()[..bytes].matches('\n').count();
        self.at += bytes;
    }

    fn error<T>(&self, what: &str) -> Result<T, ParseError> {
        Err(ParseError { line: self.line, what: what.to_owned() })
    }

    /// The rest of this line; what follows begins on the next one.
    pub(super) fn rest_of_line(&mut self) -> &'a str {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        self.advance(line.len());
        line
    }

    fn skip_past(&mut self, end: &str, what: &str) -> Result<(), ParseError> {
        match self.rest().find(end) {
            Some(found) => {
                self.advance(found + end.len());
                Ok(())
            }
            None => self.error(what),
        }
    }

    /// Comments of this kind nest.
    fn skip_ocaml_comment(&mut self) -> Result<(), ParseError> {
        let start = self.line;
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("(*") {
                depth += 1;
                self.advance(2);
            } else if rest.starts_with("*)") {
                depth -= 1;
                self.advance(2);
                if depth == 0 {
                    return Ok(());
                }
            } else if let Some(next) = rest.chars().next() {
                self.advance(next.len_utf8());
            } else {
                return Err(ParseError { line: start, what: "expected '*)' at the end of this comment".into() });
            }
        }
    }

    fn skip_blank(&mut self) -> Result<(), ParseError> {
        loop {
            let rest = self.rest();
            if rest.starts_with("//") {
                self.rest_of_line();
            } else if rest.starts_with("/*") {
                self.advance(2);
                self.skip_past("*/", "expected '*/' at the end of this comment")?;
            } else if self.outside && rest.starts_with("(*") {
                self.skip_ocaml_comment()?;
            } else if let Some(blank) = rest.chars().next().filter(|next| next.is_whitespace()) {
                self.advance(blank.len_utf8());
            } else {
                return Ok(());
            }
        }
    }

    /// Skips everything up to the first `{` that is in no comment and no string, without taking it.
    pub(super) fn skip_header(&mut self) -> Result<(), ParseError> {
        loop {
            self.skip_blank()?;
            let rest = self.rest();
            if rest.starts_with('{') {
                return Ok(());
            } else if rest.starts_with('"') {
                self.advance(1);
                self.skip_past("\"", "expected '\"' at the end of this string")?;
            } else if let Some(next) = rest.chars().next() {
                self.advance(next.len_utf8());
            } else {
                return self.error("expected '{' of the initial values, found the end of the file");
            }
        }
    }

    /// The next word and the line that it stands on.
    pub(super) fn next(&mut self) -> Result<(Word, usize), ParseError> {
        self.skip_blank()?;
        let (rest, line) = (self.rest(), self.line);
        let Some(first) = rest.chars().next() else { return Ok((Word::End, line)) };
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = if first.is_ascii_digit() {
            let digits = rest[..end].trim_end_matches(['u', 'U', 'l', 'L']);
            let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
                Some(hex) => i64::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            match value {
                Ok(value) => Word::Int(value),
                Err(_) => return self.error(&format!("expected a number, found '{}'", &rest[..end])),
            }
        } else if end > 0 {
            Word::Name(rest[..end].to_owned())
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            self.advance(mark.len());
            return Ok((Word::Mark(mark), line));
        } else {
            return self.error(&format!("found '{}', which no litmus test contains here", first.escape_default()));
        };
        self.advance(end);
        Ok((word, line))
    }
}
