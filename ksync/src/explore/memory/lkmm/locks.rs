// SPDX-License-Identifier: GPL-2.0-only
//! Spin locks: an acquire read-modify-write and a release write, and what an unlock orders with a later lock.

use super::access::Reading;
use super::{ALL, CARRIED, Extra, FENCE, Lkmm, OWN, SO_FAR, row};
use crate::explore::memory::columns::Col;
use crate::op::CellId;

impl Lkmm {
    /// Takes the lock if it is free. Lock order is execution order: only the newest message can be free.
    pub(super) fn lock(&self, agent: usize, cell: CellId, holder: u64) -> Option<Self> {
        if self.cells.newest(cell) != 0 {
            return None;
        }
        let id = agent as u8;
        let mut next = self.clone();
        let at = next.cells.live(cell) - 1;
        next.read(agent, cell, at, Reading::Acquire);
        let after = next.ensure_extra(Extra::AfterLock(id));
        // What was before the unlock that this lock follows. The unlock itself was not.
        if let (_, Some(unlock)) = next.cells.message(cell, at) {
            next.cells.views.join(after, unlock);
            if let Some(col) = next.cells.col(Col::messages(cell)) {
                next.cells.views.set(after, col, at.saturating_sub(1) as u8);
            }
        }
        // After an own unlock, of whatever lock: what was before it is before all that follows, and the agent's writes
        // before it are carried by the later ones.
        if let Some(own) = next.extra(Extra::Unlock(id)) {
            next.cells.views.join(row(agent, ALL), own);
            next.cells.views.join(after, own);
        }
        // The same for the own writes of whoever held this lock before.
        for extra in [Extra::UnlockOwn(id), Extra::Handed(cell)] {
            if let Some(carried) = next.extra(extra) {
                next.cells.views.join(row(agent, CARRIED), carried);
                next.cells.views.join(row(agent, OWN), carried);
            }
        }
        next.remove_extra(Extra::Handed(cell));
        next.write(agent, cell, at, holder, false, true);
        next.after_lock |= 1 << agent;
        Some(next)
    }

    /// A release write right above the lock's own.
    pub(super) fn unlock(&self, agent: usize, cell: CellId) -> Self {
        assert_ne!(self.cells.newest(cell), 0, "unlock of a free lock");
        let id = agent as u8;
        let mut next = self.clone();
        let below = next.cells.live(cell) - 1;
        for extra in [Extra::UnlockOwn(id), Extra::Handed(cell)] {
            let own = next.ensure_extra(extra);
            next.cells.views.copy(own, row(agent, OWN));
            next.cells.views.join(own, row(agent, CARRIED));
        }
        next.write(agent, cell, below, 0, true, false);
        let snapshot = next.ensure_extra(Extra::Unlock(id));
        next.cells.views.copy(snapshot, row(agent, SO_FAR));
        if let Some(col) = next.cells.col(Col::messages(cell)) {
            next.cells.views.set(snapshot, col, below as u8);
        }
        debug_assert_eq!(next.fence_of(row(agent, CARRIED)), 0, "column {FENCE} of what is carried is not used");
        next
    }
}
