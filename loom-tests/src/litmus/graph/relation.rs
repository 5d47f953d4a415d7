// SPDX-License-Identifier: GPL-2.0-only
//! Sets and relations of events, with the operators that the kernel's cat files use.

use std::ops::{BitAnd, BitOr, Sub};

/// A set of events: a bit for each.
pub(super) type Set = u128;
/// How many events an execution may have.
pub(super) const MAX_EVENTS: usize = 128;

/// The events of a set.
pub(super) fn members(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (set != 0).then(|| {
            let first = set.trailing_zeros() as usize;
            set &= set - 1;
            first
        })
    })
}

/// A relation: for each event the set of events that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rel {
    rows: Vec<Set>,
}

impl Rel {
    pub(super) fn none(events: usize) -> Rel {
        Rel { rows: vec![0; events] }
    }

    /// `[set]`
    pub(super) fn of(set: Set, events: usize) -> Rel {
        Rel { rows: (0..events).map(|event| set & (1 << event)).collect() }
    }

    pub(super) fn add(&mut self, from: usize, to: usize) {
        self.rows[from] |= 1 << to;
    }

    pub(super) fn has(&self, from: usize, to: usize) -> bool {
        self.rows[from] >> to & 1 != 0
    }

    pub(super) fn after(&self, from: usize) -> Set {
        self.rows[from]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().all(|&row| row == 0)
    }

    /// `[from] ; r`
    pub(super) fn from(&self, from: Set) -> Rel {
        let keep = |(event, &row): (usize, &Set)| if from >> event & 1 != 0 { row } else { 0 };
        Rel { rows: self.rows.iter().enumerate().map(keep).collect() }
    }

    /// `r ; [to]`
    pub(super) fn to(&self, to: Set) -> Rel {
        Rel { rows: self.rows.iter().map(|row| row & to).collect() }
    }

    /// `r ; s`
    pub(super) fn then(&self, next: &Rel) -> Rel {
        let step = |&row: &Set| members(row).fold(0, |reached, event| reached | next.rows[event]);
        Rel { rows: self.rows.iter().map(step).collect() }
    }

    /// `r?`
    pub(super) fn maybe(&self) -> Rel {
        Rel { rows: self.rows.iter().enumerate().map(|(event, row)| row | 1 << event).collect() }
    }

    /// `r+`
    pub(super) fn plus(&self) -> Rel {
        let mut rows = self.rows.clone();
        for via in 0..rows.len() {
            let reached = rows[via];
            if reached != 0 {
                for row in &mut rows {
                    if *row >> via & 1 != 0 {
                        *row |= reached;
                    }
                }
            }
        }
        Rel { rows }
    }

    /// `r*`
    pub(super) fn star(&self) -> Rel {
        self.plus().maybe()
    }

    /// `r^-1`
    pub(super) fn inverse(&self) -> Rel {
        let mut inverse = Rel::none(self.rows.len());
        for (from, &row) in self.rows.iter().enumerate() {
            for to in members(row) {
                inverse.add(to, from);
            }
        }
        inverse
    }

    pub(super) fn irreflexive(&self) -> bool {
        self.rows.iter().enumerate().all(|(event, row)| row >> event & 1 == 0)
    }

    pub(super) fn acyclic(&self) -> bool {
        self.plus().irreflexive()
    }

    fn zip(&self, other: &Rel, op: impl Fn(Set, Set) -> Set) -> Rel {
        Rel { rows: self.rows.iter().zip(&other.rows).map(|(&one, &other)| op(one, other)).collect() }
    }
}

impl BitOr for &Rel {
    type Output = Rel;
    fn bitor(self, other: &Rel) -> Rel {
        self.zip(other, |one, other| one | other)
    }
}

impl BitOr<&Rel> for Rel {
    type Output = Rel;
    fn bitor(self, other: &Rel) -> Rel {
        &self | other
    }
}

impl BitAnd for &Rel {
    type Output = Rel;
    fn bitand(self, other: &Rel) -> Rel {
        self.zip(other, |one, other| one & other)
    }
}

impl Sub for &Rel {
    type Output = Rel;
    fn sub(self, other: &Rel) -> Rel {
        self.zip(other, |one, other| one & !other)
    }
}
