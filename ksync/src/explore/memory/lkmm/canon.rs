// SPDX-License-Identifier: GPL-2.0-only
//! Forgetting what makes no difference any more, so that equal futures compare equal.

use super::{ALL, BY_READS, BY_WRITES, CARRIED, Extra, FENCE, KINDS, Lkmm, OWN, READS, SO_FAR, Seen, WRITES, row};
use crate::explore::memory::cells::Col;

impl Lkmm {
    pub(super) fn canonical(&mut self) {
        self.drop_passed();
        self.drop_implied();
        self.drop_fences();
        self.drop_empty();
    }

    fn live_agents(&self) -> impl Iterator<Item = usize> + use<> {
        let (agents, retired) = (self.agents as usize, self.retired);
        (0..agents).filter(move |agent| retired >> agent & 1 == 0)
    }

    /// Drops messages that all agents are past.
    fn drop_passed(&mut self) {
        let width = self.cells.cols().len();
        let mut base = vec![0; width];
        // A fence to come from an older snapshot has to know what was *not* before it.
        let snapshots = self.extras.iter().enumerate().filter(|(_, extra)| matches!(extra, Extra::Before(_)));
        let rows: Vec<usize> = self
            .live_agents()
            .map(|agent| row(agent, ALL))
            .chain(snapshots.map(|(at, _)| self.extra_row(at)))
            .collect();
        for (col, base) in base.iter_mut().enumerate().skip(FENCE + 1) {
            let bound = |&row| self.known(&[row], Some(col)).0 as u8;
            *base = rows.iter().map(bound).min().unwrap_or_else(|| self.cells.top(col));
        }
        for seen in &mut self.seen {
            if let Some(col) = self.cells.col(Col::Messages(seen.cell)) {
                seen.at = (seen.at - i16::from(base[col])).max(-1);
            }
        }
        self.cells.rebase(&base);
    }

    /// Clears the entries of views that say no more than what is joined with them whenever they are used.
    fn drop_implied(&mut self) {
        for agent in self.live_agents() {
            let all = row(agent, ALL);
            // What bounds the agent's own events is used together with `ALL`.
            for kind in [READS, WRITES, BY_READS, BY_WRITES] {
                self.clear(row(agent, kind), all, true);
            }
            // What others come to know is not: coherence is nobody else's business. But a strong fence is.
            self.clear(row(agent, SO_FAR), all, false);
            self.clear(row(agent, CARRIED), all, false);
            self.clear(row(agent, OWN), all, false);
            self.subtract(row(agent, OWN), row(agent, CARRIED));
        }
        for index in 0..self.extras.len() {
            let extra = self.extra_row(index);
            match self.extras[index] {
                Extra::Accesses(agent, _) => self.clear(extra, row(agent.into(), ALL), true),
                Extra::Before(agent) | Extra::Unlock(agent) | Extra::AfterLock(agent) => {
                    self.clear(extra, row(agent.into(), ALL), false)
                }
                Extra::UnlockOwn(agent) => {
                    self.clear(extra, row(agent.into(), ALL), false);
                    self.subtract(extra, row(agent.into(), CARRIED));
                }
                Extra::Handed(cell) => {
                    if let (_, Some(unlock)) = self.cells.message(cell, self.cells.live(cell) - 1) {
                        self.clear(extra, unlock, false);
                    }
                }
            }
        }
        for message in self.extra_row(self.extras.len())..self.cells.rows() {
            self.clear(message, message, false);
        }
        for agent in self.live_agents() {
            self.clear(row(agent, ALL), row(agent, ALL), false);
        }
    }

    /// Clears in a view what is before the strong fence that it or `with` knows, and if `own` what `with` knows.
    fn clear(&mut self, view: usize, with: usize, own: bool) {
        let fence = self.fence_of(view).max(self.fence_of(with));
        for col in FENCE + 1..self.cells.cols().len() {
            let entry = self.cells.views.get(view, col);
            if entry > 0 {
                let forced = if fence == 0 { 0 } else { self.cells.views.get(self.fence_row(fence.into()), col) };
                let known = if own { forced.max(self.cells.views.get(with, col)) } else { forced };
                if entry <= known {
                    self.cells.views.set(view, col, 0);
                }
            }
        }
        if view != with && self.fence_of(view) <= self.fence_of(with) {
            self.cells.views.set(view, FENCE, 0);
        }
    }

    /// Clears in a view what another one knows.
    fn subtract(&mut self, view: usize, known: usize) {
        for col in 0..self.cells.cols().len() {
            if self.cells.views.get(view, col) <= self.cells.views.get(known, col) {
                self.cells.views.set(view, col, 0);
            }
        }
    }

    /// Drops the strong fences that bound nothing, and those that nobody can tell from the next one.
    fn drop_fences(&mut self) {
        if self.fences == 0 {
            self.seen.clear();
            return;
        }
        self.drop_seen();
        let mut fence = self.fences as usize;
        while fence > 0 {
            let this = self.fence_row(fence);
            let same = if fence == 1 {
                self.cells.views.is_zero(this)
            } else {
                self.cells.views.row(this) == self.cells.views.row(this - 1)
            };
            // It forces no more than the fence below: to be after it is to be after that one.
            if same {
                self.remove_fence(fence, true);
            } else if !self.used(fence) && !self.seen.iter().any(|seen| usize::from(seen.fence) == fence) {
                // No event is right after it: whoever is after it is after the next one, which forces the same
                // and more, and any fence that could be put between can as well be put below.
                self.remove_fence(fence, false);
            }
            fence -= 1;
        }
        self.drop_seen();
    }

    fn used(&self, fence: usize) -> bool {
        let agents = self.agents as usize * KINDS;
        let mut rows = (0..agents).chain(self.extra_row(0)..self.cells.rows());
        rows.any(|row| usize::from(self.fence_of(row)) == fence)
    }

    /// Removes a fence. Who was right after it is then after the one below, if `merge`; else there is nobody.
    fn remove_fence(&mut self, fence: usize, merge: bool) {
        self.cells.remove_own(self.fence_row(fence));
        self.fences -= 1;
        let least = if merge { fence } else { fence + 1 };
        for row in self.cells.views.rows_mut() {
            if usize::from(row[FENCE]) >= least {
                row[FENCE] -= 1;
            }
        }
        for seen in &mut self.seen {
            if usize::from(seen.fence) >= least {
                seen.fence -= 1;
            }
        }
    }

    /// Forgets accesses that cannot refuse a place to any fence to come.
    fn drop_seen(&mut self) {
        if self.seen.is_empty() {
            return;
        }
        let mut lowest = u8::MAX;
        for agent in self.live_agents() {
            let all = self.fence_of(row(agent, ALL));
            let id = agent as u8;
            let old = [Extra::Before(id), Extra::Unlock(id), Extra::AfterLock(id)]
                .into_iter()
                .filter_map(|extra| self.extra(extra));
            let snapshot = old.chain([row(agent, SO_FAR)]).map(|row| self.fence_of(row)).min().unwrap_or(0);
            lowest = lowest.min(all.max(snapshot));
        }
        self.seen.sort_unstable();
        let seen = std::mem::take(&mut self.seen);
        let weaker = |one: &Seen, than: &Seen| one.cell == than.cell && one.fence <= than.fence && one.at >= than.at;
        self.seen = seen
            .iter()
            .enumerate()
            .filter(|&(at, one)| {
                one.fence > lowest
                    && !seen
                        .iter()
                        .enumerate()
                        .any(|(other, than)| other != at && weaker(one, than) && (one != than || other < at))
            })
            .map(|(_, &one)| one)
            .collect();
    }

    /// Drops extra views that say nothing, and messages that are alone and tell nothing.
    fn drop_empty(&mut self) {
        for index in (0..self.extras.len()).rev() {
            let extra = self.extras[index];
            // An empty snapshot is still a fence to come.
            if self.cells.views.is_zero(self.extra_row(index)) && !matches!(extra, Extra::Before(_)) {
                self.remove_extra(extra);
            }
        }
        let (agents, retired) = (self.agents, self.retired);
        self.cells.settle(|agent| agent < agents && retired >> agent & 1 != 0);
    }
}
