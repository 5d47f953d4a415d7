// SPDX-License-Identifier: GPL-2.0-only
//! What a crate of ports offers to a prover: scenarios, the revisions to run them on, and what must come out.
//!
//! Plain data, the same in both builds, so that a list can be printed without an engine.

use crate::op::Fence;
use crate::setup::Scenario;
use std::fmt;

/// The name of a verdict, as [`Verdict::kind`](crate::Verdict::kind) gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The property holds in every interleaving.
    Holds,
    /// Tasks wait for each other for ever.
    Lockup,
    /// A task sleeps for ever although it has work.
    LostWakeup,
    /// An assertion fails, or a dead object is used.
    Violated,
    /// Two plain accesses are not ordered.
    Race,
    /// A declared bound on work fails.
    Unbounded,
}

impl Expected {
    /// The name, to compare with a verdict's.
    pub fn kind(self) -> &'static str {
        match self {
            Expected::Holds => "Holds",
            Expected::Lockup => "Lockup",
            Expected::LostWakeup => "LostWakeup",
            Expected::Violated => "Violated",
            Expected::Race => "Race",
            Expected::Unbounded => "Unbounded",
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// The memory model that a row is decided under. The explorer's own type exists only in the model build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelName {
    /// Sequential consistency: the row needs no weak memory to fail, and a row that holds under it says so.
    Sc,
    /// C11 without load buffering.
    Rc11,
    /// The Linux kernel memory model without load buffering.
    Lkmm,
}

/// What loom, the second opinion, has to say about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoomUse {
    /// It comes to the same verdict.
    Agrees,
    /// It cannot decide the row, for this reason.
    CannotCarry(&'static str),
}

/// An ordering that a mutant loses; the plain form of the engine's `Weakness`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeakenKind {
    /// The barrier is not there.
    NoFence(Fence),
    /// Loads and awaits are relaxed.
    RelaxedLoad,
    /// Stores are relaxed.
    RelaxedStore,
    /// Read-modify-writes are relaxed.
    RelaxedRmw,
}

/// One line of the catalogue: a scenario on a revision.
pub struct Row {
    /// The incident or function that the scenario is about, as in `migrate-swap`.
    pub incident: &'static str,
    /// The scenario, as in `s9-incident`.
    pub scenario: &'static str,
    /// A commit, or the name of a mutant.
    pub revision: &'static str,
    /// The revision in one line.
    pub what: &'static str,
    /// What must come out.
    pub expected: Expected,
    /// The memory model that decides.
    pub model: ModelName,
    /// What loom says.
    pub loom: LoomUse,
    /// Orderings to take away: the C name of the function, and what it loses.
    pub weaken: Vec<(&'static str, WeakenKind)>,
    /// The revision is a wrong patch that was never merged.
    pub mutant: bool,
    /// Makes the scenario.
    pub build: Box<dyn Fn() -> Box<Scenario> + Send + Sync>,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.incident, self.scenario, self.revision)
    }
}
