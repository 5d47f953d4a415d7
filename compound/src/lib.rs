// SPDX-License-Identifier: GPL-2.0-only
//! The bit spinlock on `page->flags`, ported from Linux.
//!
//! The functions stand under their C names, in C's order of statements; a kernel is a choice of one revision of each
//! ([`kernel::Kernel`]). Statements that C has and no property here needs are left out and marked at their line.

pub mod bit_spinlock;
pub mod catalogue;
pub mod compound_lock;
pub mod kernel;
pub mod machine;
pub mod page_flags;
pub mod scenarios_bit_spin_lock;
pub mod scenarios_preempt;

/// The sources of this crate, so that reports can name functions.
pub const SOURCES: &[ksync::Source] = ksync::sources!("compound";
    "bit_spinlock.rs", "catalogue.rs", "compound_lock.rs", "kernel.rs", "lib.rs", "machine.rs", "page_flags.rs",
    "scenarios_bit_spin_lock.rs", "scenarios_preempt.rs",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn sources_are_all_files_of_the_directory() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let files: BTreeSet<String> = std::fs::read_dir(here)
            .expect("the sources are here")
            .map(|entry| format!("compound/src/{}", entry.expect("readable").file_name().display()))
            .collect();
        let listed: BTreeSet<String> = super::SOURCES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(listed, files);
    }
}
