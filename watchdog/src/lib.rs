// SPDX-License-Identifier: GPL-2.0-only
//! The soft and hard lockup detectors, ported from Linux.
//!
//! The functions stand under their C names, in C's order of statements; a kernel is a choice of one revision of each.

/// The sources of this crate, so that reports can name functions.
pub const SOURCES: &[ksync::Source] = ksync::sources!("watchdog"; "lib.rs",
    "user_backtrace.rs", "user_detector.rs", "user_elsewhere.rs", "user_linux.rs", "user_threads.rs",
);

// A watchdog for the threads of a program: no port, but the kernel's rules.
pub mod user_backtrace;
pub mod user_detector;
#[cfg_attr(target_os = "linux", path = "user_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "user_elsewhere.rs")]
mod user_system;
pub mod user_threads;

#[cfg(test)]
mod tests {
    #[test]
    fn sources_are_all_files_of_the_directory() {
        ksync::assert_sources_are_all(super::SOURCES, env!("CARGO_MANIFEST_DIR"));
    }
}
