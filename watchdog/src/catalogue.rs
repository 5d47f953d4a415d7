// SPDX-License-Identifier: GPL-2.0-only
//! Every scenario of this crate on every revision that it tells apart.

use crate::kernel::Kernel;
use ksync::catalogue::{self, Row};

/// A scenario of this crate.
pub type Case = catalogue::Case<Kernel>;

/// All rows, by incident.
pub fn rows() -> Vec<Row> {
    catalogue::rows(CASES)
}

/// The cases of each file.
const CASES: &[&[Case]] = &[
    crate::scenarios_prepare::CASES,
    crate::scenarios_promises::CASES,
    crate::scenarios_incident_000::CASES,
    crate::scenarios_feed::CASES,
    crate::scenarios_sample::CASES,
    crate::scenarios_hard::CASES,
    crate::scenarios_buddy::CASES,
];
