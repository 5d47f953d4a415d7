// SPDX-License-Identifier: GPL-2.0-only
//! The rows of all ports, and what they are called.

use crate::pattern::Name;
use ksync::Source;
use ksync::catalogue::Row;

/// Every scenario of every port on every revision that it tells apart.
pub fn catalogue() -> Vec<Row> {
    // Then reports can name the functions of the ports.
    ksync::register_sources(&sources());
    let mut rows = stopper::catalogue::rows();
    rows.extend(cfs_bw::catalogue::rows());
    rows.extend(compound::catalogue::rows());
    rows.extend(watchdog::catalogue::rows());
    rows
}

/// The source files of all ports.
pub fn sources() -> Vec<Source> {
    [stopper::SOURCES, cfs_bw::SOURCES, compound::SOURCES, watchdog::SOURCES].concat()
}

/// What a row is called on the command line and in reports.
pub fn name(row: &Row) -> Name<'_> {
    Name { incident: row.incident, scenario: row.scenario, revision: row.revision }
}
