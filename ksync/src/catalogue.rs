// SPDX-License-Identifier: GPL-2.0-only
//! What a crate of ports offers to a prover: scenarios, the revisions to run them on, and what must come out.
//!
//! Plain data, the same in both builds, so that a list can be printed without an engine.

use crate::model::Model;
use crate::setup::Scenario;
use crate::weakness::Weakness;
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

/// What loom, the second opinion, has to say about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoomUse {
    /// It comes to the same verdict.
    Agrees,
    /// It cannot decide the row, for this reason.
    CannotCarry(&'static str),
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
    pub model: Model,
    /// What loom says.
    pub loom: LoomUse,
    /// Orderings to take away: the C name of the function, and what it loses.
    pub weaken: Vec<(&'static str, Weakness)>,
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

/// What a revision is called, and what the engine has to take away from it.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// A commit, `commit^` for the kernel before it, a release, or the name of a mutant.
    pub revision: &'static str,
    /// The commit in its own words, or what the mutant does.
    pub what: &'static str,
    /// It was never merged: a plausible wrong patch.
    pub mutant: bool,
    /// Orderings that it lost: the function, and what it lost.
    pub weaken: &'static [(&'static str, Weakness)],
}

impl Label {
    /// A kernel that there was, by its commit, as `commit^` for the kernel before it, or by its release; or one with a
    /// patch that is to be judged.
    ///
    /// ```
    /// use ksync::catalogue::Label;
    /// const BEFORE: Label = Label::commit("0b26351b910f^", "wakes the stoppers under their locks");
    /// assert!(!BEFORE.mutant && BEFORE.weaken.is_empty());
    /// ```
    pub const fn commit(revision: &'static str, what: &'static str) -> Label {
        Label { revision, what, mutant: false, weaken: &[] }
    }

    /// A kernel with a wrong patch that was never merged.
    ///
    /// ```
    /// use ksync::Weakness::RelaxedRmw;
    /// use ksync::catalogue::Label;
    /// const RELAXED: Label =
    ///     Label::mutant("relaxed-ack", "decrements without order").without(&[("ack_state", RelaxedRmw)]);
    /// assert!(RELAXED.mutant && RELAXED.weaken == [("ack_state", RelaxedRmw)]);
    /// ```
    pub const fn mutant(name: &'static str, what: &'static str) -> Label {
        Label { revision: name, what, mutant: true, weaken: &[] }
    }

    /// The same kernel with these orderings lost: the function, and what it loses.
    #[must_use]
    pub const fn without(self, weaken: &'static [(&'static str, Weakness)]) -> Label {
        Label { weaken, ..self }
    }
}

/// A kernel, as a crate of ports has it: one revision of each of its functions.
pub trait Revision: Copy + Send + Sync + 'static {
    /// What it is called.
    fn label(&self) -> Label;
}

/// A scenario and what must come out of it on each kernel. It stands in the file of the function that it is about.
#[derive(Debug, Clone, Copy)]
pub struct Case<K: Revision> {
    /// The incident or function.
    pub incident: &'static str,
    /// The scenario's name.
    pub name: &'static str,
    /// The memory model that decides.
    pub model: Model,
    /// What loom says.
    pub loom: LoomUse,
    /// Makes the scenario for a kernel.
    pub scenario: fn(K) -> Box<Scenario>,
    /// The kernels and their verdicts, oldest first.
    pub rows: &'static [(K, Expected)],
}

impl<K: Revision> Case<K> {
    fn rows(self) -> impl Iterator<Item = Row> {
        self.rows.iter().map(move |&(kernel, expected)| {
            let Label { revision, what, mutant, weaken } = kernel.label();
            Row {
                incident: self.incident,
                scenario: self.name,
                revision,
                what,
                expected,
                model: self.model,
                loom: self.loom,
                weaken: weaken.to_vec(),
                mutant,
                build: Box::new(move || (self.scenario)(kernel)),
            }
        })
    }
}

/// The rows of all cases, file by file.
pub fn rows<K: Revision>(cases: &[&[Case<K>]]) -> Vec<Row> {
    cases.iter().copied().flatten().copied().flat_map(Case::rows).collect()
}

/// The scenarios, by incident and name, whose verdicts tell two kernels apart: listed for both, with different ones. A
/// kernel is known by all its names, as the commit that made it and `commit^` of the next one.
pub fn telling<'a>(rows: &'a [Row], one: &[&str], other: &[&str]) -> Vec<(&'a str, &'a str)> {
    let of = |names: &[&str]| -> Vec<((&'a str, &'a str), Expected)> {
        let listed = rows.iter().filter(|row| names.contains(&row.revision));
        listed.map(|row| ((row.incident, row.scenario), row.expected)).collect()
    };
    let others = of(other);
    let differs = |(scenario, verdict)| others.iter().any(|&(name, other)| name == scenario && other != verdict);
    of(one).into_iter().filter(|&row| differs(row)).map(|(scenario, _)| scenario).collect()
}
