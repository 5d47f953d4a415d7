// SPDX-License-Identifier: GPL-2.0-only
//! For one address: every order of its writes and every choice of what its reads return, as far as coherence and
//! the atomicity of read-modify-writes allow. Both look at one address only, so they are decided first.

use super::relation::members;
use super::skeleton::Skeleton;

/// One way in which the accesses of an address fit together.
pub(super) struct Choice {
    /// The writes in coherence order, the initial one first.
    pub(super) order: Vec<usize>,
    /// Each read with the write that it reads from.
    pub(super) rf: Vec<(usize, usize)>,
}

/// All ways. None, if some read cannot return what it is supposed to.
pub(super) fn choices(skeleton: &Skeleton, writes: &[usize], reads: &[usize]) -> Vec<Choice> {
    let mut search =
        Search { skeleton, writes, reads, place: vec![0; skeleton.len()], rf: Vec::new(), found: Vec::new() };
    let mut order = vec![writes[0]];
    search.orders(&mut order);
    search.found
}

struct Search<'a> {
    skeleton: &'a Skeleton,
    writes: &'a [usize],
    reads: &'a [usize],
    /// For each write, its place in the order.
    place: Vec<usize>,
    rf: Vec<(usize, usize)>,
    found: Vec<Choice>,
}

impl Search<'_> {
    /// Extends the order in every way that respects program order.
    fn orders(&mut self, order: &mut Vec<usize>) {
        if order.len() == self.writes.len() {
            self.sources(0, order);
            return;
        }
        for at in 0..self.writes.len() {
            let write = self.writes[at];
            let placed = |other: &usize| order.contains(other);
            let before = |other: &usize| self.skeleton.po.has(*other, write);
            if placed(&write) || self.writes.iter().any(|other| before(other) && !placed(other)) {
                continue;
            }
            // A read-modify-write follows what it read: so critical sections do not even overlap.
            let follows = order.last().map(|&last| self.skeleton.events[last].value);
            if self.taken_by(write).is_some_and(|taken| Some(taken) != follows) {
                continue;
            }
            self.place[write] = order.len();
            order.push(write);
            self.orders(order);
            order.pop();
        }
    }

    /// The value that the read of this read-modify-write returns; nothing for other writes.
    fn taken_by(&self, write: usize) -> Option<i64> {
        let read = self.reads.iter().find(|&&read| self.skeleton.rmw.has(read, write))?;
        Some(self.skeleton.events[*read].value)
    }

    /// Chooses sources for the reads from this one on.
    fn sources(&mut self, at: usize, order: &[usize]) {
        let Some(&read) = self.reads.get(at) else {
            self.found.push(Choice { order: order.to_vec(), rf: self.rf.clone() });
            return;
        };
        let po = &self.skeleton.po;
        let own_before = self.writes.iter().filter(|&&write| po.has(write, read)).map(|&write| self.place[write]);
        let read_before = self.rf.iter().filter(|(other, _)| po.has(*other, read)).map(|&(_, from)| self.place[from]);
        let least = own_before.chain(read_before).max().unwrap_or(0);
        let own_after = self.writes.iter().filter(|&&write| po.has(read, write)).map(|&write| self.place[write]);
        let end = own_after.min().unwrap_or(order.len());
        // A read-modify-write takes the value that its write follows directly.
        let taken = members(self.skeleton.rmw.after(read)).next().map(|write| self.place[write] - 1);
        for place in least..end {
            let from = order[place];
            let fits = taken.is_none_or(|taken| taken == place);
            if fits && self.skeleton.events[from].value == self.skeleton.events[read].value {
                self.rf.push((read, from));
                self.sources(at + 1, order);
                self.rf.pop();
            }
        }
    }
}
