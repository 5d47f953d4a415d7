// SPDX-License-Identifier: GPL-2.0-only
//! Forgetting what makes no difference any more, so that equal futures compare equal.

use super::{ALL, BY_READS, BY_WRITES, CARRIED, Extra, FENCE, KINDS, Lkmm, OWN, READS, SO_FAR, Seen, WRITES, row};
use crate::explore::memory::columns::Col;

impl Lkmm {
    pub(super) fn canonical(&mut self) {
        let known = self.known_by_agents();
        let base = self.base(&known);
        self.drop_implied(&known);
        for seen in &mut self.seen {
            if let Some(col) = self.cells.col(Col::messages(seen.cell)) {
                seen.at = (seen.at - i16::from(base[col])).max(-1);
            }
        }
        self.cells.rebase(&base);
        self.drop_fences();
        self.drop_empty();
    }

    fn live_agents(&self) -> impl Iterator<Item = usize> + use<> {
        let (agents, retired) = (self.agents as usize, self.retired);
        (0..agents).filter(move |agent| retired >> agent & 1 == 0)
    }

    /// What a view is bound to: what it knows, and what the strong fence that it knows has forced.
    fn bound_of(&self, row: usize, into: &mut [u8]) {
        into.copy_from_slice(self.cells.views.row(row));
        if let Some(forced) = self.forced_by(self.fence_of(row)) {
            for (known, &forced) in into.iter_mut().zip(forced).skip(FENCE + 1) {
                *known = (*known).max(forced);
            }
        }
    }

    fn forced_by(&self, fence: u8) -> Option<&[u8]> {
        (fence > 0).then(|| self.cells.views.row(self.fence_row(fence.into())))
    }

    /// For each agent, what all its later events are bound to.
    fn known_by_agents(&self) -> Vec<u8> {
        let width = self.cells.cols().len();
        let mut known = vec![0; width * self.agents as usize];
        for agent in self.live_agents() {
            self.bound_of(row(agent, ALL), &mut known[agent * width..(agent + 1) * width]);
        }
        known
    }

    /// What all agents are past.
    fn base(&self, known: &[u8]) -> Vec<u8> {
        let width = self.cells.cols().len();
        // A fence to come from an older snapshot has to know what was *not* before it.
        let mut snapshots = Vec::new();
        for (at, extra) in self.extras.iter().enumerate() {
            if matches!(extra, Extra::Before(_)) {
                let mut bound = vec![0; width];
                self.bound_of(self.extra_row(at), &mut bound);
                snapshots.push(bound);
            }
        }
        let agents = self.live_agents().map(|agent| &known[agent * width..(agent + 1) * width]);
        self.cells.least(agents.chain(snapshots.iter().map(Vec::as_slice)))
    }

    /// Clears the entries of views that say no more than what is joined with them whenever they are used.
    fn drop_implied(&mut self, known: &[u8]) {
        let width = self.cells.cols().len();
        for agent in self.live_agents() {
            let known = &known[agent * width..(agent + 1) * width];
            // What bounds the agent's own events is used together with `ALL`.
            for kind in [READS, WRITES, BY_READS, BY_WRITES] {
                self.cells.views.forget(row(agent, kind), known);
                self.drop_forced(row(agent, kind), 0);
            }
            // What others come to know is not: coherence is nobody else's business. But a strong fence is.
            let fence = self.fence_of(row(agent, ALL));
            for kind in [SO_FAR, CARRIED, OWN] {
                self.drop_forced(row(agent, kind), fence);
            }
            self.cells.views.subtract(row(agent, OWN), row(agent, CARRIED));
        }
        for index in 0..self.extras.len() {
            let extra = self.extra_row(index);
            match self.extras[index] {
                Extra::Accesses(agent, _) => {
                    self.cells.views.forget(extra, &known[agent as usize * width..(agent as usize + 1) * width]);
                    self.drop_forced(extra, 0);
                }
                Extra::Before(agent) | Extra::Unlock(agent) | Extra::AfterLock(agent) => {
                    self.drop_forced(extra, self.fence_of(row(agent.into(), ALL)));
                }
                Extra::UnlockOwn(agent) => {
                    self.drop_forced(extra, self.fence_of(row(agent.into(), ALL)));
                    self.cells.views.subtract(extra, row(agent.into(), CARRIED));
                }
                Extra::Handed(cell) => {
                    if let (_, Some(unlock)) = self.cells.message(cell, self.cells.live(cell) - 1) {
                        self.drop_forced(extra, self.fence_of(unlock));
                    }
                }
            }
        }
        for message in self.extra_row(self.extras.len())..self.cells.rows() {
            self.drop_forced(message, 0);
        }
        for agent in self.live_agents() {
            self.drop_forced(row(agent, ALL), 0);
        }
    }

    /// Clears in a view what was before the strong fence that it knows, or before the fence `with`.
    fn drop_forced(&mut self, view: usize, with: u8) {
        let own = self.fence_of(view);
        let fence = own.max(with);
        if fence > 0 {
            self.cells.views.subtract(view, self.fence_row(fence.into()));
        }
        // The fence itself stays, unless `with` is as high.
        self.cells.views.set(view, FENCE, if own <= with { 0 } else { own });
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
