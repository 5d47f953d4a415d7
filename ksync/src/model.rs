// SPDX-License-Identifier: GPL-2.0-only
//! The names of the memory models. A catalogue names them in both builds; only the explorer has the models.

use std::fmt;

/// The memory model of the explorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Model {
    /// One value per word, one order of everything.
    Sc,
    /// C11 as repaired, without load buffering: what the real atomics promise.
    Rc11,
    /// The Linux kernel memory model, without load buffering.
    Lkmm,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Model::Sc => "sc",
            Model::Rc11 => "rc11",
            Model::Lkmm => "lkmm",
        })
    }
}
