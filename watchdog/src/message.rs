// SPDX-License-Identifier: GPL-2.0-only
//! What the detectors print, letter by letter, and when.
//!
//! | kernel | soft | hard |
//! |---|---|---|
//! | to v4.12, and RHEL 7 | `NMI watchdog: BUG: ...` | `NMI watchdog: Watchdog detected ...` |
//! | to v6.4; the start, v4.13, is unverified | `watchdog: BUG: ...` | the same |
//! | v6.5 | the same | `watchdog: Watchdog detected ...` |
//! | v6.18 | the same | `watchdog: CPU<reporter>: Watchdog detected ...` |

use std::fmt;

/// The words of a kernel's reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// What stands before a soft lockup.
    pub soft: &'static str,
    /// What stands before a hard lockup.
    pub hard: &'static str,
    /// A hard lockup names its reporter, too.
    pub names_reporter: bool,
    /// What `panic()` says of a hard lockup; up to RHEL 7.2 it is the message itself.
    pub hard_panic: Option<&'static str>,
}

/// v3.10 in RHEL 7.2, the kernel of incident 002.
pub const RHEL_7_2: Words =
    Words { soft: "NMI watchdog: ", hard: "NMI watchdog: ", names_reporter: false, hard_panic: None };
/// Up to v4.12, and later kernels of RHEL 7.
pub const V4_12: Words = Words { hard_panic: Some("Hard LOCKUP"), ..RHEL_7_2 };
/// v4.13, and the vendor kernel of incident 003.
pub const V4_13: Words = Words { soft: "watchdog: ", ..V4_12 };
/// v6.5.
pub const V6_5: Words = Words { hard: "watchdog: ", ..V4_13 };
/// v6.18 and v7.1.
pub const V6_18: Words = Words { names_reporter: true, ..V6_5 };

/// What `panic()` says of a soft lockup.
pub const SOFT_PANIC: &str = "softlockup: hung tasks";

/// A report: who is stuck, for how long, and the line that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The CPU that is reported.
    pub cpu: u32,
    /// Soft, or hard.
    pub kind: Kind,
    /// When, in ns since the scenario began.
    pub at: u64,
    /// The CPUs that a waiting stopper waits for, where the kernel says so: a bit for each CPU number.
    pub waits_for: u64,
    /// The line on the console, without what the log puts before it.
    pub line: String,
}

/// What kind of lockup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Tasks do not come to run.
    Soft {
        /// For so many units of 2^30 ns.
        duration: u64,
        /// The task that has the CPU.
        comm: String,
    },
    /// Not even the timer comes.
    Hard {
        /// The CPU that noticed.
        reporter: u32,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl Words {
    /// `BUG: soft lockup`; the duration is in units of 2^30 ns.
    pub fn soft_lockup(&self, cpu: u32, duration: u64, comm: &str, pid: u32) -> String {
        format!("{}BUG: soft lockup - CPU#{cpu} stuck for {duration}s! [{comm}:{pid}]", self.soft)
    }

    /// `Watchdog detected hard LOCKUP`.
    pub fn hard_lockup(&self, reporter: u32, cpu: u32) -> String {
        let who = if self.names_reporter { format!("CPU{reporter}: ") } else { String::new() };
        format!("{}{who}Watchdog detected hard LOCKUP on cpu {cpu}", self.hard)
    }

    /// What `panic()` says of this hard lockup.
    pub fn hard_panic(&self, reporter: u32, cpu: u32) -> String {
        // RHEL 7.2 formats the message for panic() itself, without the prefix of its log lines.
        let whole = || self.hard_lockup(reporter, cpu).trim_start_matches(self.hard).to_owned();
        self.hard_panic.map_or_else(whole, str::to_owned)
    }
}

/// The line that v5.11 and later add to the trace of a stopper.
pub fn stopper_line(func: &str, caller: &str) -> String {
    format!("Stopper: {func} <- {caller}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_incidents() {
        // Incident 003, CPU#116, May 8.
        assert_eq!(
            V4_13.soft_lockup(116, 22, "migration/116", 733),
            "watchdog: BUG: soft lockup - CPU#116 stuck for 22s! [migration/116:733]"
        );
        assert_eq!(
            V4_12.soft_lockup(1, 23, "migration/1", 17),
            "NMI watchdog: BUG: soft lockup - CPU#1 stuck for 23s! [migration/1:17]"
        );
    }

    #[test]
    fn hard_lockups_of_four_eras() {
        assert_eq!(V4_12.hard_lockup(1, 1), "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1");
        assert_eq!(V4_13.hard_lockup(1, 1), "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1");
        assert_eq!(V6_5.hard_lockup(0, 1), "watchdog: Watchdog detected hard LOCKUP on cpu 1");
        assert_eq!(V6_18.hard_lockup(0, 1), "watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 1");
        assert_eq!(V4_12.hard_panic(1, 1), "Hard LOCKUP");
        assert_eq!(RHEL_7_2.hard_panic(26, 26), "Watchdog detected hard LOCKUP on cpu 26");
    }

    #[test]
    fn a_stopper_says_who_wanted_it() {
        assert_eq!(
            stopper_line("multi_cpu_stop", "stop_machine_cpuslocked"),
            "Stopper: multi_cpu_stop <- stop_machine_cpuslocked"
        );
    }
}
