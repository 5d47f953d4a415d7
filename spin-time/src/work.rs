// SPDX-License-Identifier: GPL-2.0-only
//! Work of a known length: instructions, not time, so that a preempted thread does not call its absence work.

use std::hint::black_box;

/// A chain of so many steps, each of which needs the one before it.
#[inline]
pub fn spin(steps: u64) -> u64 {
    let mut x = black_box(steps);
    for _ in 0..steps {
        x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (x >> 32);
    }
    black_box(x)
}
