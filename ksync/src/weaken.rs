// SPDX-License-Identifier: GPL-2.0-only
//! Mutants made by the engine: a barrier or an ordering that a port has, taken away.
//!
//! A port's ordering is justified by a test that fails without it. Such a test names the function and the
//! operation, and no port needs a switch for it.

use crate::op::{MemOp, Order};
use crate::place::{Place, function_at};
use crate::request::Request;
use crate::weakness::Weakness;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

/// An ordering to take away wherever a function has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weaken {
    /// The C name of the function.
    pub function: String,
    /// What goes.
    pub what: Weakness,
}

impl Weaken {
    /// `Weaken::new("set_state", Weakness::NoFence(Fence::Wmb))`.
    pub fn new(function: &str, what: Weakness) -> Self {
        Weaken { function: function.to_owned(), what }
    }
}

#[derive(Default)]
struct Active {
    mutants: Vec<Weaken>,
    /// Function names by place: looking one up reads the source.
    functions: HashMap<(usize, u32, u32), String>,
    /// Whether each mutant met an operation that it could weaken.
    met: Vec<bool>,
    /// Every ordering that was performed, where somebody asked for them.
    performed: Option<BTreeSet<Weaken>>,
}

thread_local! {
    static ACTIVE: RefCell<Active> = RefCell::default();
}

/// Makes these the mutants of all models on this OS thread, until the next call.
pub(crate) fn activate(mutants: &[Weaken]) {
    ACTIVE.set(Active { met: vec![false; mutants.len()], mutants: mutants.to_vec(), ..Active::default() });
}

/// The first active mutant that never met its operation: it proves nothing.
pub(crate) fn idle() -> Option<Weaken> {
    ACTIVE.with_borrow(|active| {
        let idle = active.met.iter().position(|met| !met)?;
        Some(active.mutants[idle].clone())
    })
}

/// Collects, from now on, every ordering that models on this OS thread perform.
pub(crate) fn start_recording() {
    ACTIVE.set(Active { performed: Some(BTreeSet::new()), ..Active::default() });
}

/// What was performed since [`start_recording`].
pub(crate) fn recorded() -> BTreeSet<Weaken> {
    ACTIVE.take().performed.unwrap_or_default()
}

/// The request as the active mutants leave it; `None` if nothing is left.
pub(crate) fn apply(request: Request, place: Place) -> Option<Request> {
    ACTIVE.with_borrow_mut(|active| {
        let active = &mut *active;
        if active.mutants.is_empty() && active.performed.is_none() {
            return Some(request);
        }
        let Request::Mem(op) = request else { return Some(request) };
        let at = (place.file().as_ptr() as usize, place.line(), place.column());
        let function = active.functions.entry(at).or_insert_with(|| function_at(place));
        if let (Some(performed), Some(what)) = (&mut active.performed, Weakness::of(&op)) {
            performed.insert(Weaken { function: function.clone(), what });
        }
        let mut op = Some(op);
        for (mutant, met) in active.mutants.iter().zip(&mut active.met) {
            if mutant.function == *function {
                op = op.and_then(|op| mutant.what.weaken(op, met));
            }
        }
        op.map(Request::Mem)
    })
}

impl Weakness {
    /// What this operation could lose.
    fn of(op: &MemOp) -> Option<Weakness> {
        match op {
            MemOp::Fence(kind) => Some(Weakness::NoFence(*kind)),
            MemOp::Load { order: Order::Acquire, .. } | MemOp::Await { order: Order::Acquire, .. } => {
                Some(Weakness::RelaxedLoad)
            }
            MemOp::Store { order: Order::Release, .. } => Some(Weakness::RelaxedStore),
            MemOp::Rmw { order, .. } if *order != Order::Relaxed => Some(Weakness::RelaxedRmw),
            _ => None,
        }
    }

    fn weaken(self, mut op: MemOp, met: &mut bool) -> Option<MemOp> {
        match (self, &mut op) {
            (Weakness::NoFence(gone), MemOp::Fence(kind)) if gone == *kind => {
                *met = true;
                return None;
            }
            (Weakness::RelaxedLoad, MemOp::Load { order, .. } | MemOp::Await { order, .. })
            | (Weakness::RelaxedStore, MemOp::Store { order, .. })
            | (Weakness::RelaxedRmw, MemOp::Rmw { order, .. }) => {
                *met |= *order != Order::Relaxed;
                *order = Order::Relaxed;
            }
            _ => {}
        }
        Some(op)
    }
}
