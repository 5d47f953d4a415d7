// SPDX-License-Identifier: GPL-2.0-only
//! Views, side by side in one block of bytes, so that to clone a memory is to copy it.

/// A table of small numbers. A row is a view: what some agent, message or fence knows. A column is something that
/// can be known. 0 is what everybody knows, a greater number is more knowledge, so the join is the maximum.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Views {
    width: usize,
    bytes: Vec<u8>,
}

impl Views {
    /// Views that know nothing.
    pub(super) fn new(rows: usize, width: usize) -> Views {
        Views { width, bytes: vec![0; rows * width] }
    }

    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.bytes[row * self.width..(row + 1) * self.width]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [u8] {
        &mut self.bytes[row * self.width..(row + 1) * self.width]
    }

    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        // A table without columns has no rows to show; chunks of 0 bytes do not exist.
        self.bytes.chunks_exact_mut(self.width.max(1))
    }

    pub(super) fn get(&self, row: usize, col: usize) -> u8 {
        self.bytes[row * self.width + col]
    }

    pub(super) fn set(&mut self, row: usize, col: usize, to: u8) {
        self.bytes[row * self.width + col] = to;
    }

    /// Makes one entry at least `to`.
    pub(super) fn raise(&mut self, row: usize, col: usize, to: u8) {
        let entry = &mut self.bytes[row * self.width + col];
        *entry = (*entry).max(to);
    }

    /// The view `into` learns what the view `from` knows.
    pub(super) fn join(&mut self, into: usize, from: usize) {
        let (into, from) = self.pair(into, from);
        for (entry, &known) in into.iter_mut().zip(from) {
            *entry = (*entry).max(known);
        }
    }

    /// Clears what a view says where another one says as much.
    pub(super) fn subtract(&mut self, from: usize, known: usize) {
        let (from, known) = self.pair(from, known);
        for (entry, &known) in from.iter_mut().zip(known) {
            *entry = if *entry <= known { 0 } else { *entry };
        }
    }

    /// Two different views, the first to be changed.
    fn pair(&mut self, one: usize, other: usize) -> (&mut [u8], &[u8]) {
        let (one, other, width) = (one * self.width, other * self.width, self.width);
        if one < other {
            let (low, high) = self.bytes.split_at_mut(other);
            (&mut low[one..one + width], &high[..width])
        } else {
            let (low, high) = self.bytes.split_at_mut(one);
            (&mut high[..width], &low[other..other + width])
        }
    }

    /// Clears what a view says where that is no more than `known`.
    pub(super) fn forget(&mut self, row: usize, known: &[u8]) {
        for (entry, &known) in self.row_mut(row).iter_mut().zip(known) {
            *entry = if *entry <= known { 0 } else { *entry };
        }
    }

    pub(super) fn copy(&mut self, into: usize, from: usize) {
        let start = from * self.width;
        self.bytes.copy_within(start..start + self.width, into * self.width);
    }

    pub(super) fn is_zero(&self, row: usize) -> bool {
        self.row(row).iter().all(|&entry| entry == 0)
    }

    /// Sets a column in all views.
    pub(super) fn fill(&mut self, col: usize, to: u8) {
        for row in self.rows_mut() {
            row[col] = to;
        }
    }

    /// Makes room for the number `at` in a column: what stands there or above moves up.
    pub(super) fn shift(&mut self, col: usize, at: u8) {
        for row in self.rows_mut() {
            if row[col] >= at {
                row[col] += 1;
            }
        }
    }

    /// Adds a view that knows nothing.
    pub(super) fn insert_row(&mut self, at: usize) {
        let old = self.bytes.len();
        self.bytes.resize(old + self.width, 0);
        let start = at * self.width;
        self.bytes.copy_within(start..old, start + self.width);
        self.bytes[start..start + self.width].fill(0);
    }

    pub(super) fn remove_rows(&mut self, at: usize, count: usize) {
        self.bytes.drain(at * self.width..(at + count) * self.width);
    }

    /// Adds a column of which nobody knows anything. `rows` is the number of views.
    pub(super) fn insert_col(&mut self, at: usize, rows: usize) {
        let (old, new) = (self.width, self.width + 1);
        let mut bytes = Vec::with_capacity(rows * new);
        for row in 0..rows {
            let row = &self.bytes[row * old..(row + 1) * old];
            bytes.extend_from_slice(&row[..at]);
            bytes.push(0);
            bytes.extend_from_slice(&row[at..]);
        }
        self.width = new;
        self.bytes = bytes;
    }

    /// Keeps the listed columns, in that order.
    pub(super) fn select_cols(&mut self, cols: &[usize]) {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for row in self.bytes.chunks_exact(self.width.max(1)) {
            bytes.extend(cols.iter().map(|&col| row[col]));
        }
        self.width = cols.len();
        self.bytes = bytes;
    }

    /// Replaces the views by the listed ones, in that order.
    pub(super) fn select_rows(&mut self, rows: &[usize]) {
        let mut bytes = Vec::with_capacity(rows.len() * self.width);
        for &row in rows {
            bytes.extend_from_slice(self.row(row));
        }
        self.bytes = bytes;
    }
}
