// SPDX-License-Identifier: GPL-2.0-only
//! What a view can know about.

use crate::op::CellId;

/// Something that a view knows about; the number in the view says how much. Packed in one number, so that columns
/// are found fast: kind, cell, agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Col(u32);

impl Col {
    /// The last strong fence (`lkmm` only; there it is the first column, always).
    pub(super) const FENCES: Col = Col(0);
    const MESSAGES: u32 = 1;
    const WRITTEN: u32 = 2;
    const READ_BY: u32 = 3;

    fn new(kind: u32, cell: CellId, agent: u8) -> Col {
        Col(kind << 28 | cell << 8 | u32::from(agent))
    }

    /// The newest known message of an atomic cell.
    pub(super) fn messages(cell: CellId) -> Col {
        Col::new(Col::MESSAGES, cell, 0)
    }

    /// Whether the last plain write of a cell is known.
    pub(super) fn written(cell: CellId) -> Col {
        Col::new(Col::WRITTEN, cell, 0)
    }

    /// Whether an agent's last plain read of a cell is known.
    pub(super) fn read_by(cell: CellId, agent: u8) -> Col {
        Col::new(Col::READ_BY, cell, agent)
    }

    fn kind(self) -> u32 {
        self.0 >> 28
    }

    /// Whether this is about plain accesses.
    pub(super) fn is_plain(self) -> bool {
        self.kind() >= Col::WRITTEN
    }

    /// Whether this is about a plain read.
    pub(super) fn is_read(self) -> bool {
        self.kind() == Col::READ_BY
    }

    pub(super) fn cell(self) -> CellId {
        self.0 >> 8 & 0xf_ffff
    }

    pub(super) fn agent(self) -> u8 {
        self.0 as u8
    }
}
