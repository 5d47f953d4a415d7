// SPDX-License-Identifier: GPL-2.0-only
//! Which engine runs on this OS thread, and what the scenario's setup made so far.

use super::Kind;
use crate::op::{CellId, MemOp};
use crate::place::Place;
use crate::request::{FrameId, Request};
use crate::setup::{Scenario, Setup};
use crate::weaken;
use std::cell::{Cell, RefCell};
use std::fmt;

/// A word that a setup made.
#[derive(Debug, Clone)]
pub(crate) struct CellDecl {
    pub(crate) kind: Kind,
    pub(crate) init: u64,
    /// Bits that the word's type has.
    pub(crate) mask: u64,
    pub(crate) name: String,
    pub(crate) frame: Option<FrameId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No model runs here.
    Outside,
    /// A scenario makes its objects.
    Setup,
    /// A task of the explorer runs.
    Explorer,
    /// A thread of loom runs.
    Loom,
    /// An abandoned execution is torn down: facade calls do nothing.
    Torn,
}

thread_local! {
    static PHASE: Cell<Phase> = const { Cell::new(Phase::Outside) };
    static CELLS: RefCell<Vec<CellDecl>> = const { RefCell::new(Vec::new()) };
    static FRAMES: Cell<FrameId> = const { Cell::new(0) };
    static OPEN_FRAME: Cell<Option<FrameId>> = const { Cell::new(None) };
    static CPUS: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn phase() -> Phase {
    PHASE.get()
}

/// Changes the phase and returns the one before.
pub(crate) fn enter(phase: Phase) -> Phase {
    PHASE.replace(phase)
}

/// What a setup made: the declarations, the words and the CPU numbers in use, in ascending order.
pub(crate) struct Made {
    pub(crate) setup: Setup,
    pub(crate) cells: Vec<CellDecl>,
    pub(crate) cpus: Vec<u32>,
    pub(crate) frames: FrameId,
}

/// Runs the scenario's setup for an engine.
pub(crate) fn make(scenario: &Scenario) -> Made {
    CELLS.with_borrow_mut(Vec::clear);
    FRAMES.set(0);
    let before = enter(Phase::Setup);
    let setup = Setup::collect(scenario);
    enter(before);
    let numbers = setup.tasks.iter().map(|task| task.cpu).chain(setup.irqs.iter().map(|irq| irq.cpu));
    let mut cpus: Vec<u32> = numbers.collect();
    cpus.sort_unstable();
    cpus.dedup();
    CPUS.set(cpus.clone());
    Made { setup, cells: CELLS.take(), cpus, frames: FRAMES.get() }
}

pub(crate) fn new_cell(kind: Kind, bits: u64, mask: u64, name: fmt::Arguments<'_>) -> Option<CellId> {
    match phase() {
        Phase::Outside => None,
        Phase::Torn => Some(0),
        Phase::Setup => CELLS.with_borrow_mut(|cells| {
            let id = cells.len() as CellId;
            let name = if name.as_str() == Some("") { format!("word{id}") } else { name.to_string() };
            cells.push(CellDecl { kind, init: bits, mask, name, frame: OPEN_FRAME.get() });
            Some(id)
        }),
        Phase::Explorer | Phase::Loom => {
            panic!("a shared word was made inside a task: make it in the setup, or equal states look different")
        }
    }
}

pub(crate) fn begin_frame() -> FrameId {
    let id = FRAMES.get();
    assert!(id < 64, "at most 64 frames in a scenario");
    FRAMES.set(id + 1);
    OPEN_FRAME.set(Some(id));
    id
}

pub(crate) fn end_frame() {
    OPEN_FRAME.set(None);
}

/// The CPU numbers as a mask of CPU indices.
pub(crate) fn cpu_mask(cpus: &[u32]) -> u64 {
    CPUS.with_borrow(|all| {
        cpus.iter()
            .map(|cpu| 1 << all.iter().position(|known| known == cpu).expect("a CPU that no task was declared on"))
            .sum()
    })
}

pub(crate) fn task_migrates() -> bool {
    phase() == Phase::Explorer && crate::explore::task_migrates()
}

/// The running task wants to know which one it is: its CPU, if it stands for its like.
pub(crate) fn asks_which_it_is() -> Option<u32> {
    if phase() == Phase::Explorer { crate::explore::asks_which_it_is() } else { None }
}

pub(crate) fn request(request: Request, place: Place) -> u64 {
    request_looping(request, place, None)
}

/// A wait that is a loop with a body. Only the explorer's clock runs through it; loom knows no time.
pub(crate) fn request_looping(request: Request, place: Place, body: Option<&dyn Fn()>) -> u64 {
    match phase() {
        Phase::Outside => panic!("{place}: an object of a model is used outside of it"),
        Phase::Torn => 0,
        Phase::Setup => in_setup(&request, place),
        Phase::Explorer => match weaken::apply(request, place) {
            Some(request) => crate::explore::request(request, place, body),
            None => 0,
        },
        Phase::Loom => match weaken::apply(request, place) {
            Some(request) => crate::second::request(request, place),
            None => 0,
        },
    }
}

/// One task, no concurrency: the setup itself may use what it made.
fn in_setup(request: &Request, place: Place) -> u64 {
    let Request::Mem(op) = request else { return 0 };
    CELLS.with_borrow_mut(|cells| match op {
        MemOp::Load { cell, .. } | MemOp::Read { cell } | MemOp::IsLocked { cell } => cells[*cell as usize].init,
        MemOp::Store { cell, value, .. } | MemOp::Write { cell, value } => {
            cells[*cell as usize].init = *value;
            0
        }
        MemOp::Rmw { cell, rmw, mask, observe, .. } => {
            let word = &mut cells[*cell as usize].init;
            let old = *word;
            let new = rmw.apply(old, *mask);
            *word = new.unwrap_or(old);
            observe.of(old, new)
        }
        MemOp::Await { cell, cond, .. } => {
            let value = cells[*cell as usize].init;
            assert!(cond.holds(value), "{place}: the setup waits for ever");
            value
        }
        MemOp::Lock { cell, .. } => {
            let word = &mut cells[*cell as usize].init;
            assert!(*word == 0, "{place}: the setup takes a lock twice");
            *word = 1;
            0
        }
        MemOp::TryLock { cell, .. } => u64::from(std::mem::replace(&mut cells[*cell as usize].init, 1) == 0),
        MemOp::Unlock { cell } => {
            cells[*cell as usize].init = 0;
            0
        }
        MemOp::Fence(_) => 0,
    })
}
