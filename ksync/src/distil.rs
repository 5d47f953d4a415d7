// SPDX-License-Identifier: GPL-2.0-only
//! What a task has forgotten.

use crate::backend;
use crate::word::Word;

/// Runs a block and keeps nothing of it but its result.
///
/// A model task is what it was answered so far, so two histories are two states, even where the task has no use any
/// more for what it read. The result of a block is a word and the block changes nothing that it captures: behind it
/// the task can only depend on where the block began and on the result. So the explorer takes all ways through the
/// block that have one result for one. A lock's slow path is worth it; on real atomics the block just runs.
///
/// ```
/// # use ksync::{Atomic, Relaxed, distil};
/// # let word = Atomic::new(3u32);
/// let odd = distil(|| word.load(Relaxed) % 2 == 1);
/// # assert!(odd);
/// ```
///
/// ```compile_fail
/// # use ksync::{Atomic, Relaxed, distil};
/// # let word = Atomic::new(3u32);
/// let mut seen = 0;
/// distil(|| seen = word.load(Relaxed)); // the task would know more than the result
/// ```
#[inline(always)]
#[track_caller]
pub fn distil<R: Word>(block: impl Fn() -> R) -> R {
    backend::distil(block)
}
