// SPDX-License-Identifier: GPL-2.0-only
//! One way to run for each process, put side by side: everything that does not depend on who reads from whom.

use super::super::code::{Barrier, Order};
use super::event::{Event, Half, Kind, Trace};
use super::relation::{MAX_EVENTS, Rel, Set};
use std::collections::{BTreeMap, BTreeSet};

/// The process of initial writes: none.
const NOBODY: usize = usize::MAX;

/// Events of all processes, the sets that the model speaks of, and the relations that the code alone gives.
pub(super) struct Skeleton {
    pub(super) events: Vec<Event>,
    pub(super) process: Vec<usize>,
    pub(super) po: Rel,
    /// Pairs of events of one process.
    pub(super) int: Rel,
    /// Pairs of events at one address.
    pub(super) loc: Rel,
    pub(super) addr: Rel,
    pub(super) data: Rel,
    pub(super) ctrl: Rel,
    pub(super) rmw: Rel,
    /// Matching `rcu_read_lock()` and `rcu_read_unlock()`.
    pub(super) rcu_rscs: Rel,
    /// By address: the initial write first, then the others in program order, process by process.
    pub(super) writes: BTreeMap<i64, Vec<usize>>,
    /// By address, process by process in program order.
    pub(super) reads: BTreeMap<i64, Vec<usize>>,
}

impl Skeleton {
    /// `initial` gives the value of an address before anybody writes to it. Nothing if there are too many events.
    pub(super) fn new(traces: &[&Trace], initial: impl Fn(i64) -> i64) -> Option<Skeleton> {
        let mut writes: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        let mut reads: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        let (mut events, mut process) = (Vec::new(), Vec::new());
        for event in traces.iter().flat_map(|trace| &trace.events) {
            if (event.kind.reads() || event.kind.writes()) && !writes.contains_key(&event.at) {
                writes.insert(event.at, vec![events.len()]);
                reads.insert(event.at, Vec::new());
                events.push(Event { kind: Kind::Init, at: event.at, value: initial(event.at) });
                process.push(NOBODY);
            }
        }
        let count = events.len() + traces.iter().map(|trace| trace.events.len()).sum::<usize>();
        if count > MAX_EVENTS {
            return None;
        }
        let none = || Rel::none(count);
        let (mut po, mut int, mut rmw, mut rcu_rscs) = (none(), none(), none(), none());
        let (mut addr, mut data, mut ctrl) = (none(), none(), none());
        for (number, trace) in traces.iter().enumerate() {
            let first = events.len();
            let mut sections = Vec::new();
            for (at, event) in trace.events.iter().enumerate() {
                let this = first + at;
                for earlier in first..this {
                    po.add(earlier, this);
                }
                for other in first..first + trace.events.len() {
                    int.add(this, other);
                }
                for (relation, sources) in
                    [(&mut addr, trace.addr[at]), (&mut data, trace.data[at]), (&mut ctrl, trace.ctrl[at])]
                {
                    for source in super::relation::members(sources) {
                        relation.add(first + source, this);
                    }
                }
                match event.kind {
                    Kind::RcuLock => sections.push(this),
                    Kind::RcuUnlock => {
                        if let Some(lock) = sections.pop() {
                            rcu_rscs.add(lock, this);
                        }
                    }
                    kind if kind.reads() => reads.entry(event.at).or_default().push(this),
                    kind if kind.writes() => writes.entry(event.at).or_default().push(this),
                    _ => {}
                }
                events.push(*event);
                process.push(number);
            }
            for &(read, write) in &trace.rmw {
                rmw.add(first + read, first + write);
            }
        }
        let mut loc = none();
        for (one, event) in events.iter().enumerate() {
            for (other, than) in events.iter().enumerate() {
                if event.at == than.at && event.at != 0 {
                    loc.add(one, other);
                }
            }
        }
        Some(Skeleton { events, process, po, int, loc, addr, data, ctrl, rmw, rcu_rscs, writes, reads })
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// The events whose kind is like this.
    pub(super) fn set(&self, like: impl Fn(Kind) -> bool) -> Set {
        let bit = |(at, event): (usize, &Event)| if like(event.kind) { 1 << at } else { 0 };
        self.events.iter().enumerate().map(bit).fold(0, |set, bit: Set| set | bit)
    }

    pub(super) fn is(&self, kind: Kind) -> Set {
        self.set(|other| other == kind)
    }

    /// `fencerel(barriers)`: pairs with one of the barriers between.
    pub(super) fn fencerel(&self, barrier: Barrier) -> Rel {
        self.po.to(self.is(Kind::Fence(barrier))).then(&self.po)
    }

    pub(super) fn all(&self) -> Set {
        self.set(|_| true)
    }

    /// An unlock that belongs to no lock of its process makes the test meaningless.
    pub(super) fn locks_are_matched(&self) -> bool {
        let (mut held, mut fits) = (BTreeSet::new(), true);
        for (event, &process) in self.events.iter().zip(&self.process) {
            match event.kind {
                Kind::LockWrite => fits &= held.insert((process, event.at)),
                Kind::Unlock => fits &= held.remove(&(process, event.at)),
                _ => {}
            }
        }
        fits
    }
}

/// The sets of the bell file.
pub(super) struct Sets {
    pub(super) r: Set,
    pub(super) w: Set,
    pub(super) m: Set,
    pub(super) init: Set,
    pub(super) plain: Set,
    pub(super) marked: Set,
    pub(super) acquire: Set,
    pub(super) release: Set,
    /// Reads that `smp_rmb()` orders.
    pub(super) r4rmb: Set,
    pub(super) noreturn: Set,
    pub(super) full_r: Set,
    pub(super) full_w: Set,
    /// Both halves of read-modify-writes, also failed ones.
    pub(super) rmw: Set,
    pub(super) gp: Set,
}

impl Sets {
    pub(super) fn new(skeleton: &Skeleton) -> Sets {
        // The SRCU events count as accesses, whose values say nothing.
        let r = skeleton.set(|kind| kind.reads() || kind == Kind::SrcuLock);
        let w = skeleton.set(|kind| kind.writes() || kind == Kind::SrcuUnlock);
        let plain = skeleton.set(|kind| matches!(kind, Kind::Read(Order::Plain, _) | Kind::Write(Order::Plain, _)));
        let noreturn = skeleton.set(|kind| matches!(kind, Kind::Read(Order::Void, _)));
        // A failed read-modify-write orders nothing, whatever its name says.
        let reads =
            |order| skeleton.set(|kind| matches!(kind, Kind::Read(o, half) if o == order && half != Half::Failed));
        let writes = |order| skeleton.set(|kind| matches!(kind, Kind::Write(o, _) if o == order));
        Sets {
            r,
            w,
            m: r | w,
            init: skeleton.is(Kind::Init),
            plain,
            marked: skeleton.all() & !plain,
            acquire: reads(Order::Acquire) | skeleton.is(Kind::LockRead),
            release: writes(Order::Release) | skeleton.is(Kind::Unlock),
            r4rmb: r & !noreturn,
            noreturn,
            full_r: reads(Order::Full),
            full_w: writes(Order::Full),
            rmw: skeleton
                .set(|kind| matches!(kind, Kind::Read(_, half) | Kind::Write(_, half) if half != Half::None)),
            gp: skeleton.set(|kind| matches!(kind, Kind::RcuSync | Kind::SrcuSync)),
        }
    }
}
