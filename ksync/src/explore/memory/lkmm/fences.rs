// SPDX-License-Identifier: GPL-2.0-only
//! Barriers, and the order of strong fences.

use super::{ALL, BY_READS, BY_WRITES, CARRIED, Extra, FENCE, Lkmm, OWN, READS, SO_FAR, Seen, WRITES, row};
use crate::explore::memory::columns::Col;
use crate::op::Fence;

impl Lkmm {
    pub(super) fn fence(&self, agent: usize, fence: Fence, each: &mut dyn FnMut(Self)) {
        let mut next = self.clone();
        let id = agent as u8;
        match fence {
            Fence::Mb => return next.strong(agent, row(agent, SO_FAR), each),
            Fence::AfterAtomic if self.after_rmw >> agent & 1 != 0 => {
                return next.strong(agent, row(agent, SO_FAR), each);
            }
            Fence::AfterSpinlock if self.after_lock >> agent & 1 != 0 => {
                return next.strong(agent, row(agent, SO_FAR), each);
            }
            Fence::AfterUnlockLock if self.after_lock >> agent & 1 != 0 => {
                let snapshot = next.ensure_extra(Extra::AfterLock(id));
                return next.strong(agent, snapshot, each);
            }
            Fence::AfterAtomic | Fence::AfterSpinlock | Fence::AfterUnlockLock => {}
            Fence::Wmb => {
                next.cells.views.join(row(agent, WRITES), row(agent, BY_WRITES));
                // Own writes only: this barrier is not cumulative over what was read.
                next.cells.views.join(row(agent, CARRIED), row(agent, OWN));
            }
            Fence::Rmb => next.cells.views.join(row(agent, READS), row(agent, BY_READS)),
            Fence::AcquireAfterCtrlDep => {
                next.cells.views.join(row(agent, ALL), row(agent, BY_READS));
            }
            Fence::BeforeAtomic => {
                next.remove_extra(Extra::Before(id));
                next.before_rmw |= 1 << agent;
            }
        }
        each(next);
    }

    /// Runs the fence of an earlier `smp_mb__before_atomic()`, if there is one.
    pub(super) fn pending(&self, agent: usize, each: &mut dyn FnMut(Self)) {
        let mut next = self.clone();
        let extra = Extra::Before(agent as u8);
        if self.before_rmw >> agent & 1 != 0 {
            next.before_rmw &= !(1 << agent);
            next.strong(agent, row(agent, SO_FAR), each);
        } else if let Some(snapshot) = self.extra(extra) {
            next.strong(agent, snapshot, &mut |mut next| {
                next.remove_extra(extra);
                each(next);
            });
        } else {
            each(next);
        }
    }

    /// Every place for a strong fence that orders the view `snapshot` before what the agent does from now on.
    pub(super) fn strong(self, agent: usize, snapshot: usize, each: &mut dyn FnMut(Self)) {
        let first = self.fence_of(row(agent, ALL)).max(self.fence_of(snapshot));
        let mut place = self.place(snapshot, first.into());
        if place == Some(first.into()) && self.forced(snapshot, first.into()) {
            // What it orders is already before the last fence that this agent is after.
            let mut next = self;
            next.cells.views.join(row(agent, ALL), snapshot);
            return each(next);
        }
        while let Some(after) = place {
            // Above a fence that has forced the same, there is nothing to gain: there the new fence bounds its own
            // agent more and nobody less.
            let last = after == self.fences as usize || self.forced(snapshot, after + 1);
            place = if last { None } else { self.place(snapshot, after + 1) };
            if place.is_none() {
                let mut next = self;
                next.put(agent, snapshot, after);
                return each(next);
            }
            let mut next = self.clone();
            next.put(agent, snapshot, after);
            each(next);
        }
    }

    /// Whether all that the snapshot holds was before this fence or a lower one.
    fn forced(&self, snapshot: usize, fence: usize) -> bool {
        let snapshot = &self.cells.views.row(snapshot)[FENCE + 1..];
        if fence == 0 {
            return snapshot.iter().all(|&known| known == 0);
        }
        let forced = &self.cells.views.row(self.fence_row(fence))[FENCE + 1..];
        snapshot.iter().zip(forced).all(|(known, forced)| known <= forced)
    }

    /// The lowest place from `first` on where a fence with this snapshot may go; a place is the number of fences
    /// below. No event after a higher fence may have missed what the snapshot holds.
    fn place(&self, snapshot: usize, first: usize) -> Option<usize> {
        // 0 is what everybody is bound to. An unlock of long ago may not have known that much; it is held to have, which can only
        // keep an `smp_mb__after_unlock_lock()` from places that another interleaving gives it.
        let missed = |seen: &&Seen| {
            let col = self.cells.col(Col::messages(seen.cell));
            self.cells.known(snapshot, col) as i16 > seen.at
        };
        let highest = self.seen.iter().filter(missed).map(|seen| seen.fence as usize).max().unwrap_or(0);
        let place = first.max(highest);
        (place <= self.fences as usize).then_some(place)
    }

    /// Puts a strong fence right above the fence `after`. The agent's later writes need not carry the snapshot:
    /// whoever reads them knows of this fence, and is bound by it.
    fn put(&mut self, agent: usize, snapshot: usize, after: usize) {
        assert!(self.fences < 250, "more than 250 strong fences make a difference at once");
        let at = self.fence_row(after + 1);
        self.fences += 1;
        self.cells.insert_own(at);
        let snapshot = if snapshot >= at { snapshot + 1 } else { snapshot };
        let views = &mut self.cells.views;
        views.shift(FENCE, after as u8 + 1);
        for seen in self.seen.iter_mut().filter(|seen| seen.fence as usize > after) {
            seen.fence += 1;
        }
        if after > 0 {
            views.copy(at, at - 1);
        }
        for fence in after + 1..=self.fences as usize {
            let row = at + fence - (after + 1);
            views.join(row, snapshot);
            views.set(row, FENCE, 0);
        }
        views.join(row(agent, ALL), snapshot);
        views.raise(row(agent, ALL), FENCE, after as u8 + 1);
    }
}
