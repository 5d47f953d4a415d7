// SPDX-License-Identifier: GPL-2.0-only
//! The CPU stopper, `wake_q` and the core of `try_to_wake_up()` and `__schedule()`, ported from Linux.

pub mod catalogue;
