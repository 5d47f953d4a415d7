// SPDX-License-Identifier: GPL-2.0-only
//! No revision without the scenario that tells it from its parent.

use cfs_bw::catalogue::rows;
use cfs_bw::kernel::{BEFORE, HISTORY, Kernel, RHEL_7_9, UNLOCKED_READS};
use ksync::catalogue::{Expected, telling};

/// What a kernel is called: the commit that made it, and for one also the parent of the next.
fn names(kernel: &Kernel) -> Vec<&'static str> {
    let name = kernel.label.revision;
    if name == BEFORE.label.revision { vec![name, UNLOCKED_READS.label.revision] } else { vec![name] }
}

#[test]
fn each_kernel_is_told_from_the_one_before_it() {
    let rows = rows();
    for pair in HISTORY.windows(2) {
        let (parent, kernel) = (names(&pair[0]), names(&pair[1]));
        assert!(!telling(&rows, &parent, &kernel).is_empty(), "nothing tells {kernel:?} from {parent:?}");
    }
}

/// It took some fixes and left others out, so no mainline kernel does what it does.
#[test]
fn the_distribution_is_told_from_each_mainline_kernel() {
    let rows = rows();
    for kernel in HISTORY {
        assert!(
            !telling(&rows, &names(kernel), &names(&RHEL_7_9)).is_empty(),
            "nothing tells it from {}",
            kernel.label.revision
        );
    }
}

/// A mutant fails somewhere, or its row says that it is harmless there; and it is a change of something.
#[test]
fn each_mutant_fails_or_is_said_to_be_harmless() {
    for row in rows().iter().filter(|row| row.mutant && row.expected == Expected::Holds) {
        let why = ["harmless here", "does no harm any more"];
        assert!(why.iter().any(|words| row.what.contains(words)), "{row:?} holds, and does not say why");
    }
}
