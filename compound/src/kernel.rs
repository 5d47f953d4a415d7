// SPDX-License-Identifier: GPL-2.0-only
//! A kernel is one revision of each function.

use crate::{bit_spinlock, compound_lock, page_flags};
use ksync::catalogue::WeakenKind;

/// One revision of each function.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// The commit that made it, `commit^` for the kernel before it, a release, or the name of a mutant.
    pub commit: &'static str,
    /// The commit in its own words, or what the mutant does.
    pub what: &'static str,
    /// It was never merged: a plausible wrong patch.
    pub mutant: bool,
    /// Orderings that it lost: the function, and what it lost.
    pub weaken: &'static [(&'static str, WeakenKind)],
    /// `bit_spin_lock()` and the rest of its header.
    pub bit_spinlock: bit_spinlock::Rev,
    /// `SetPageReferenced()` and its like.
    pub page_flags: page_flags::Rev,
    /// `compound_lock_irqsave()`.
    pub compound_lock: compound_lock::Rev,
}

/// Everything as it stands in v7.1, or as it stood when it was last there.
pub const MAINLINE: Kernel = Kernel {
    commit: "v7.1",
    what: "as it stands",
    mutant: false,
    weaken: &[],
    bit_spinlock: bit_spinlock::MAINLINE,
    page_flags: page_flags::MAINLINE,
    compound_lock: compound_lock::MAINLINE,
};

/// The kernel of incident 002 is an older one; its bit spinlock is the same.
pub const INCIDENT_002: Kernel =
    Kernel { commit: "v3.10", what: "compound pages have a bit spinlock in page->flags", ..MAINLINE };

impl Kernel {
    /// This kernel with a patch that was never merged.
    pub const fn mutant(self, name: &'static str, what: &'static str) -> Kernel {
        Kernel { commit: name, what, mutant: true, ..self }
    }

    /// This kernel with orderings lost.
    pub const fn without(self, weaken: &'static [(&'static str, WeakenKind)]) -> Kernel {
        Kernel { weaken, ..self }
    }
}
