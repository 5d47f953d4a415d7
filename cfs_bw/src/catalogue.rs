// SPDX-License-Identifier: GPL-2.0-only
//! Every scenario of this crate on every revision that it tells apart.

use crate::kernel::Kernel;
use ksync::Scenario;
use ksync::catalogue::{Expected, LoomUse, ModelName, Row};

/// A scenario and what must come out of it on each kernel. It stands in the file of the function that it is about.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The incident or function.
    pub incident: &'static str,
    /// The scenario's name.
    pub name: &'static str,
    /// The memory model that decides.
    pub model: ModelName,
    /// What loom says.
    pub loom: LoomUse,
    /// Makes the scenario for a kernel.
    pub scenario: fn(Kernel) -> Box<Scenario>,
    /// The kernels and their verdicts, oldest first.
    pub rows: &'static [(Kernel, Expected)],
}

impl Case {
    fn rows(self) -> impl Iterator<Item = Row> {
        self.rows.iter().map(move |&(kernel, expected)| Row {
            incident: self.incident,
            scenario: self.name,
            revision: kernel.commit,
            what: kernel.what,
            expected,
            model: self.model,
            loom: self.loom,
            weaken: kernel.weaken.to_vec(),
            mutant: kernel.mutant,
            build: Box::new(move || (self.scenario)(kernel)),
        })
    }
}

/// All rows, by incident.
pub fn rows() -> Vec<Row> {
    CASES.iter().copied().flatten().copied().flat_map(Case::rows).collect()
}

/// The cases of each file.
const CASES: &[&[Case]] = &[
    crate::scenarios_distribute::CASES,
    crate::scenarios_runtime::CASES,
    crate::scenarios_slack::CASES,
    crate::scenarios_period::CASES,
    crate::scenarios_async::CASES,
];
