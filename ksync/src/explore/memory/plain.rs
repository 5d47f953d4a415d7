// SPDX-License-Identifier: GPL-2.0-only
//! Race-checked cells. Such a cell holds one value: an access that could see another one is a race. What can be
//! known of it is its last write, and each agent's last read since that write; a cell of which everybody knows
//! all that costs no column.

use super::cells::Cells;
use super::columns::Col;
use crate::op::CellId;
use std::ops::Range;

impl Cells {
    /// Whether a plain access of `agent` races, where `knows` says of a column whether the access is bound to see
    /// it: a read has to know the last write, a write also all reads since.
    pub(super) fn races(&self, agent: usize, cell: CellId, write: bool, knows: impl Fn(usize) -> bool) -> bool {
        if self.col(Col::written(cell)).is_some_and(|col| !knows(col)) {
            return true;
        }
        write && self.reads(cell).any(|col| self.cols[col] != Col::read_by(cell, agent as u8) && !knows(col))
    }

    fn reads(&self, cell: CellId) -> Range<usize> {
        let start = self.cols.partition_point(|&col| col < Col::read_by(cell, 0));
        let end = self.cols[start..].partition_point(|&col| col <= Col::read_by(cell, u8::MAX));
        start..start + end
    }

    /// A plain read that nobody else knows yet. Returns its column, where the model marks who knows it.
    pub(super) fn plain_read(&mut self, agent: usize, cell: CellId) -> usize {
        let col = self.ensure(Col::read_by(cell, agent as u8));
        self.views.fill(col, 0);
        col
    }

    /// A plain write that nobody else knows yet. It is bound to come after all earlier accesses, so whoever knows
    /// it need not know them: they are forgotten.
    pub(super) fn plain_write(&mut self, cell: CellId, value: u64) -> usize {
        self.newest[cell as usize] = value;
        for col in self.reads(cell) {
            self.views.fill(col, 1);
        }
        let col = self.ensure(Col::written(cell));
        self.views.fill(col, 0);
        col
    }
}
