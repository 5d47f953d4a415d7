// SPDX-License-Identifier: GPL-2.0-only
//! What stands below the facade: real atomics, or a model.

mod repr;
pub(crate) use repr::{Repr, Word8, Word16, Word32, Word64};

/// Where a real thread sleeps.
pub(crate) mod parking;
pub(crate) use parking::Parking;

#[cfg(not(loom))]
mod real;
#[cfg(not(loom))]
pub(crate) use real::*;

#[cfg(loom)]
mod model;
#[cfg(loom)]
pub(crate) mod world;
#[cfg(loom)]
pub(crate) use model::*;
