// SPDX-License-Identifier: GPL-2.0-only
//! What the measurements ran on, and who else was there.

use crate::{clock, thread};
use serde::{Deserialize, Serialize};
use std::fs::read_to_string;
use std::process::Command;

/// What does not change while the benchmark runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// The numbers of the CPUs that this process may use.
    pub cpus: Vec<usize>,
    /// `SCHED_FIFO` is allowed.
    pub may_fifo: bool,
    /// Real-time threads may run for so many microseconds of each second, or so; -1 is no limit.
    pub rt_runtime_us: Option<i64>,
    /// The kernel's release.
    pub kernel: String,
    /// The compiler.
    pub rustc: String,
    /// The commit, and a plus if files differ from it.
    pub commit: String,
    /// The clock and its rate.
    pub clock: String,
    /// Seconds since 1970 at the start.
    pub started: u64,
}

impl Machine {
    /// Looks at the machine.
    pub(crate) fn look() -> Machine {
        let cpus = thread::allowed_cpus();
        let cpu_info = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let dirty = if output("git", &["status", "--porcelain"]).is_empty() { "" } else { "+" };
        Machine {
            processor: processor.map_or(std::env::consts::ARCH, |(_, name)| name).to_owned(),
            may_fifo: thread::may_fifo(),
            cpus,
            rt_runtime_us: read_to_string("/proc/sys/kernel/sched_rt_runtime_us")
                .ok()
                .and_then(|us| us.trim().parse().ok()),
            kernel: read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            rustc: output("rustc", &["--version"]),
            commit: output("git", &["rev-parse", "--short=12", "HEAD"]) + dirty,
            clock: clock::name(),
            started: std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        }
    }
}

/// What a program prints; nothing if it cannot be run.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// What the CPUs did since the machine started, in ticks of the kernel's statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CpuTime {
    total: u64,
    steal: u64,
}

impl CpuTime {
    pub(crate) fn now() -> Option<CpuTime> {
        CpuTime::parse(&read_to_string("/proc/stat").ok()?)
    }

    /// The first line: user, nice, system, idle, iowait, irq, softirq, steal, and two that user and nice contain.
    fn parse(stat: &str) -> Option<CpuTime> {
        let ticks: Vec<u64> =
            stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map_while(|n| n.parse().ok()).collect();
        Some(CpuTime { total: ticks.iter().take(8).sum(), steal: *ticks.get(7)? })
    }

    /// The share of all CPUs' time that the hypervisor gave to others between the two moments.
    pub(crate) fn steal_since(self, before: CpuTime) -> f64 {
        let total = self.total.saturating_sub(before.total);
        if total == 0 { 0.0 } else { self.steal.saturating_sub(before.steal) as f64 / total as f64 }
    }
}

/// The load average of the last minute.
pub(crate) fn load() -> Option<f64> {
    read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_a_share_of_all_time() {
        let before = CpuTime::parse("cpu  100 0 50 800 10 0 0 5 7 0\ncpu0 1 2\n").expect("it is complete");
        let after = CpuTime::parse("cpu  150 0 60 830 10 0 0 15 7 0\n").expect("it is complete");
        assert_eq!(before, CpuTime { total: 965, steal: 5 });
        assert!((after.steal_since(before) - 0.1).abs() < 1e-9);
        assert!(before.steal_since(before).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_statistics_is_nothing() {
        assert_eq!(CpuTime::parse(""), None);
        assert_eq!(CpuTime::parse("cpu 1 2 3"), None);
    }
}
