// SPDX-License-Identifier: GPL-2.0-only
//! Blocks of which only the result is kept: where a task stands behind them.
//!
//! Such a block changes nothing that it captures, and its result is a word. So behind it the task depends on where the
//! block began and on the result, and on what stands beside the coroutine: the counts of its [`Current`].
//!
//! [`Current`]: crate::Current

use super::task::{At, NodeId, Tree};
use crate::op::CellId;
use crate::request::Request;
use std::rc::Rc;

/// All that the task knows of a block that ended, and of itself: where the block began, its result, the preempt count,
/// whether interrupts are off, and the accesses left open.
pub(super) type Distilled = (NodeId, u64, u32, bool, Rc<[(CellId, bool)]>);

impl Tree {
    /// If a block ends with this node's request: what is left of it.
    pub(super) fn distilled_by(&self, end: NodeId) -> Option<Distilled> {
        let asks = |id: NodeId| match &self.node(id).at {
            At::Asks(asked) => Some(&asked.request),
            _ => None,
        };
        let Some(&Request::Distilled { result, preempt_count, irqs_off }) = asks(end) else { return None };
        let (mut begin, mut inner) = (end, 0);
        loop {
            begin = self.node(begin).parent;
            match asks(begin) {
                Some(Request::Distil) if inner == 0 => break,
                Some(Request::Distil) => inner -= 1,
                Some(Request::Distilled { .. }) => inner += 1,
                _ => {}
            }
        }
        Some((begin, result, preempt_count, irqs_off, self.tail_after(end)))
    }
}
