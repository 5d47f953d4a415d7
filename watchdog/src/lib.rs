// SPDX-License-Identifier: GPL-2.0-only
//! The soft and hard lockup detectors, ported from Linux.
//!
//! The functions stand under their C names, in C's order of statements; a kernel is a choice of one revision of each
//! ([`kernel::Kernel`]), with the stoppers under it. Virtual time makes them exact: a scenario says who is held up for
//! how long, and the detectors say who is reported, when, and in which words.

pub mod buddy;
pub mod catalogue;
pub mod enable;
pub mod furnish;
pub mod hardlockup;
pub mod kernel;
pub mod machine;
pub mod message;
pub mod oom;
pub mod perf;
pub mod scenarios_buddy;
pub mod scenarios_feed;
pub mod scenarios_hard;
pub mod scenarios_incident_000;
pub mod scenarios_prepare;
pub mod scenarios_promises;
pub mod scenarios_sample;
pub mod softlockup;
pub mod sysctl;
pub mod timer;
pub mod touch;
pub mod units;

/// The sources of this crate, so that reports can name functions.
pub const SOURCES: &[ksync::Source] = ksync::sources!("watchdog";
    "buddy.rs", "catalogue.rs", "enable.rs", "furnish.rs", "hardlockup.rs", "kernel.rs", "lib.rs", "machine.rs",
    "message.rs", "oom.rs", "perf.rs", "scenarios_buddy.rs", "scenarios_feed.rs", "scenarios_hard.rs",
    "scenarios_incident_000.rs", "scenarios_prepare.rs", "scenarios_promises.rs", "scenarios_sample.rs",
    "softlockup.rs", "sysctl.rs", "timer.rs", "touch.rs", "units.rs", "user_backtrace.rs", "user_detector.rs",
    "user_elsewhere.rs", "user_linux.rs", "user_threads.rs",
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
