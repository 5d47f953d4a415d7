// SPDX-License-Identifier: GPL-2.0-only
//! What a mutant can lose. A catalogue says so in both builds; only an engine takes it away.

use crate::op::Fence;

/// What a mutant loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weakness {
    /// The barrier is not there.
    NoFence(Fence),
    /// Loads and awaits are relaxed.
    RelaxedLoad,
    /// Stores are relaxed.
    RelaxedStore,
    /// Read-modify-writes are relaxed.
    RelaxedRmw,
}
