// SPDX-License-Identifier: GPL-2.0-only
//! Cells whose older values can still be read, and who knows how much of them. The weak models share this.
//!
//! An atomic cell holds *messages*: the writes that somebody may still read, in modification order, numbered from
//! 0. A cell with one message that tells nothing to its reader is *quiet*: it costs one value, and no column.
//! Race-checked cells, of which only the newest value can be read, are in [`super::plain`].

use super::CellKind;
use super::columns::Col;
use super::views::Views;
use crate::op::CellId;
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// Nobody in particular: the writer of initial values, and of messages whose writer no longer matters.
pub(super) const NOBODY: u8 = u8::MAX;
/// How many messages of a cell may be readable at once: their numbers have to fit a byte.
const MAX_LIVE: usize = 250;

/// A write that can still be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) cell: CellId,
    pub(super) writer: u8,
    /// A read-modify-write follows directly: nothing can be put between.
    pub(super) attached: bool,
    pub(super) value: u64,
}

impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Two numbers instead of four: memories are hashed all the time.
        state.write_u64(self.value);
        state.write_u64(u64::from(self.cell) << 9 | u64::from(self.writer) << 1 | u64::from(self.attached));
    }
}

/// All cells, and all views of them. The views of the messages are the last rows of the table; the rows before
/// belong to the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Cells {
    /// The newest value of each cell.
    pub(super) newest: Vec<u64>,
    /// By cell, then in modification order.
    messages: Vec<Message>,
    pub(super) cols: Vec<Col>,
    pub(super) views: Views,
    /// Number of views that belong to the model.
    own: usize,
}

impl Cells {
    pub(super) fn new(cells: &[(CellKind, u64)], own: usize, cols: Vec<Col>) -> Cells {
        let newest = cells.iter().map(|&(_, value)| value).collect();
        let views = Views::new(own, cols.len());
        Cells { newest, messages: Vec::new(), cols, views, own }
    }

    pub(super) fn newest(&self, cell: CellId) -> u64 {
        self.newest[cell as usize]
    }

    /// The column, if there is anything to know.
    pub(super) fn col(&self, col: Col) -> Option<usize> {
        self.cols.binary_search(&col).ok()
    }

    pub(super) fn cols(&self) -> &[Col] {
        &self.cols
    }

    /// What the view knows of a column that may not exist.
    pub(super) fn known(&self, row: usize, col: Option<usize>) -> usize {
        col.map_or(0, |col| self.views.get(row, col).into())
    }

    /// The column, which says nothing yet if it is new.
    pub(super) fn ensure(&mut self, col: Col) -> usize {
        self.cols.binary_search(&col).unwrap_or_else(|at| {
            self.cols.insert(at, col);
            self.views.insert_col(at, self.own + self.messages.len());
            at
        })
    }

    fn range(&self, cell: CellId) -> Range<usize> {
        let start = self.messages.partition_point(|message| message.cell < cell);
        let len = self.messages[start..].iter().take_while(|message| message.cell == cell).count();
        start..start + len
    }

    /// How many messages of the cell can be read by somebody.
    pub(super) fn live(&self, cell: CellId) -> usize {
        self.range(cell).len().max(1)
    }

    /// The messages of a cell in modification order, each with the row of its view if it has one.
    pub(super) fn messages(&self, cell: CellId) -> impl Iterator<Item = (Message, Option<usize>)> + '_ {
        let range = self.range(cell);
        let quiet = range.is_empty().then(|| (self.quiet(cell), None));
        quiet.into_iter().chain(range.map(|at| (self.messages[at], Some(self.own + at))))
    }

    fn quiet(&self, cell: CellId) -> Message {
        Message { cell, writer: NOBODY, attached: false, value: self.newest(cell) }
    }

    /// The message at a position, and the row of its view.
    pub(super) fn message(&self, cell: CellId, at: usize) -> (Message, Option<usize>) {
        let range = self.range(cell);
        if range.is_empty() {
            (self.quiet(cell), None)
        } else {
            (self.messages[range.start + at], Some(self.own + range.start + at))
        }
    }

    /// Puts a write at a position of the modification order. Returns the row of its view, which knows nothing yet,
    /// and the cell's column.
    pub(super) fn insert(&mut self, cell: CellId, at: usize, writer: usize, value: u64) -> (usize, usize) {
        let mut range = self.range(cell);
        if range.is_empty() {
            let quiet = self.quiet(cell);
            self.add_message(range.start, quiet);
            range.end += 1;
        }
        assert!(range.len() < MAX_LIVE, "more than {MAX_LIVE} values of cell {cell} can be read at once");
        let col = self.ensure(Col::messages(cell));
        if at < range.len() {
            self.views.shift(col, at as u8);
        } else {
            self.newest[cell as usize] = value;
        }
        let index = range.start + at;
        self.add_message(index, Message { cell, writer: writer as u8, attached: false, value });
        (self.own + index, col)
    }

    fn add_message(&mut self, index: usize, message: Message) {
        self.messages.insert(index, message);
        self.views.insert_row(self.own + index);
    }

    /// Marks that a read-modify-write took this message.
    pub(super) fn attach(&mut self, cell: CellId, at: usize) {
        let start = self.range(cell).start;
        self.messages[start + at].attached = true;
    }

    /// Adds a view of the model's.
    pub(super) fn insert_own(&mut self, at: usize) {
        self.views.insert_row(at);
        self.own += 1;
    }

    pub(super) fn remove_own(&mut self, at: usize) {
        self.views.remove_rows(at, 1);
        self.own -= 1;
    }

    /// Number of views.
    pub(super) fn rows(&self) -> usize {
        self.own + self.messages.len()
    }

    /// The least that any of these views knows in each column; everything if there is no view.
    pub(super) fn least<'a>(&self, views: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut base = vec![u8::MAX; self.cols.len()];
        let mut any = false;
        for view in views {
            any = true;
            for (base, &known) in base.iter_mut().zip(view) {
                *base = (*base).min(known);
            }
        }
        if !any {
            base = self
                .cols
                .iter()
                .map(|&col| if col.is_plain() { 1 } else { (self.live(col.cell()) - 1) as u8 })
                .collect();
        }
        if self.cols.first() == Some(&Col::FENCES) {
            base[0] = 0;
        }
        base
    }

    /// Drops what every agent is past: `base` holds, for each column, the least that any future access is bound
    /// to.
    pub(super) fn rebase(&mut self, base: &[u8]) {
        if base.iter().all(|&least| least == 0) {
            return;
        }
        for row in self.views.rows_mut() {
            for (entry, &least) in row.iter_mut().zip(base) {
                *entry = entry.saturating_sub(least);
            }
        }
        for (&col, &least) in self.cols.iter().zip(base) {
            if least > 0 && !col.is_plain() {
                let start = self.range(col.cell()).start;
                self.messages.drain(start..start + usize::from(least));
                self.views.remove_rows(self.own + start, least.into());
            }
        }
        let open = |at: usize| match self.cols[at] {
            Col::FENCES => true,
            // A message column that lost nothing still has several messages.
            col => base[at] == 0 || !col.is_plain() && self.live(col.cell()) > 1,
        };
        let keep: Vec<usize> = (0..self.cols.len()).filter(|&col| open(col)).collect();
        if keep.len() < self.cols.len() {
            self.views.select_cols(&keep);
            self.cols = keep.iter().map(|&col| self.cols[col]).collect();
        }
    }

    /// Forgets messages that are alone and tell nothing, and writers that do not matter: `gone` says who left.
    pub(super) fn settle(&mut self, gone: impl Fn(u8) -> bool) {
        for at in (0..self.messages.len()).rev() {
            let zero = self.views.is_zero(self.own + at);
            let message = &mut self.messages[at];
            if zero || gone(message.writer) {
                message.writer = NOBODY;
            }
            let cell = message.cell;
            let near = |other: Option<&Message>| other.is_some_and(|other| other.cell == cell);
            let alone = !near(self.messages.get(at + 1))
                && !near(at.checked_sub(1).and_then(|below| self.messages.get(below)));
            if zero && alone {
                self.messages.remove(at);
                self.views.remove_rows(self.own + at, 1);
            }
        }
    }

    /// Renames the agents. `rows` gives the order in which the model's own views are to stand.
    pub(super) fn rename(&mut self, to: &[usize], mut rows: Vec<usize>) {
        let new = |agent: u8| to.get(agent as usize).map_or(NOBODY, |&agent| agent as u8);
        for message in &mut self.messages {
            message.writer = new(message.writer);
        }
        for col in self.cols.iter_mut().filter(|col| col.is_read()) {
            *col = Col::read_by(col.cell(), new(col.agent()));
        }
        rows.extend(self.own..self.own + self.messages.len());
        self.views.select_rows(&rows);
        let mut order: Vec<usize> = (0..self.cols.len()).collect();
        order.sort_by_key(|&col| self.cols[col]);
        self.views.select_cols(&order);
        self.cols.sort_unstable();
    }
}
