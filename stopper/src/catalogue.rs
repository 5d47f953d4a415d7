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
    crate::scenarios_migrate_swap::CASES,
    crate::scenarios_stop_cpus::CASES,
    crate::scenarios_wake_q::CASES,
    crate::scenarios_barriers::CASES,
    crate::scenarios_ttwu::CASES,
    crate::scenarios_multi_cpu_stop::CASES,
    crate::scenarios_in_step::CASES,
    crate::scenarios_stop_wait::CASES,
    crate::scenarios_stop_machine::CASES,
    crate::scenarios_hotplug::CASES,
    crate::scenarios_balance::CASES,
];
