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
    crate::scenarios_bit_spin_lock::CASES,
    crate::scenarios_preempt::CASES,
    crate::scenarios_fairness::CASES,
    crate::scenarios_ticket::CASES,
    crate::scenarios_qspinlock::CASES,
    crate::scenarios_qspinlock_history::CASES,
    crate::scenarios_raw_mutex::CASES,
    crate::scenarios_stopper_lock::CASES,
    crate::scenarios_incident_002::CASES,
    crate::scenarios_compound_lock::CASES,
    crate::scenarios_reused_head::CASES,
    crate::scenarios_page_ref::CASES,
    crate::scenarios_futex_key::CASES,
    crate::scenarios_compound_head::CASES,
    crate::scenarios_split::CASES,
    crate::scenarios_pte::CASES,
    crate::scenarios_mm_ids::CASES,
    crate::scenarios_pins::CASES,
];
