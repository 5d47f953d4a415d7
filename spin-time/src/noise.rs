// SPDX-License-Identifier: GPL-2.0-only
//! What a CPU is taken away for while nothing runs on it but a loop that reads the clock: interrupts, the hypervisor.
//! Tracers of the kernel look for noise in the same way.

use crate::clock;
use crate::machine::Machine;
use crate::regime::Waiting;
use crate::stage::Stage;
use serde::{Deserialize, Serialize};

/// Between two reads of the clock nothing of our own takes as long.
pub(crate) const GAP_NS: f64 = 500.0;

/// The gaps of one CPU.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Its number.
    pub cpu: usize,
    /// Gaps over 500 ns in each second.
    pub gaps_per_second: f64,
    /// The longest one, in nanoseconds.
    pub longest_ns: f64,
}

impl Noise {
    /// Looks at the CPUs of the machine, one after the other, for a burst each.
    pub(crate) fn look(machine: &Machine, quick: bool) -> Vec<Noise> {
        let stage = |cpu| Stage { quick, ..Stage::new(machine, &[cpu], 1, Waiting::Spinning, false) };
        machine.cpus.iter().map(|&cpu| Noise::of(&stage(cpu), cpu)).collect()
    }

    fn of(stage: &Stage, cpu: usize) -> Noise {
        let burst = stage.burst();
        let gaps = stage.on_a_thread(|| {
            let (mut gaps, mut last) = (Vec::new(), clock::now());
            let (deadline, least) = (last + clock::ticks(burst.as_nanos() as f64), clock::ticks(GAP_NS));
            while last < deadline {
                let now = clock::now();
                if now - last > least {
                    gaps.push(now - last);
                }
                last = now;
            }
            gaps
        });
        let longest = gaps.iter().max().map_or(0.0, |&ticks| clock::ns(ticks));
        Noise { cpu, gaps_per_second: gaps.len() as f64 / burst.as_secs_f64(), longest_ns: longest }
    }
}

/// All CPUs in one line: how often, and how long at most.
pub(crate) fn line(noise: &[Noise]) -> String {
    let most = |of: fn(&Noise) -> f64| noise.iter().map(of).fold(0.0, f64::max);
    let least = noise.iter().map(|one| one.gaps_per_second).fold(f64::INFINITY, f64::min);
    format!(
        "an idle loop has {least:.0} to {:.0} gaps a second over {GAP_NS} ns, the longest {:.0} us",
        most(|one| one.gaps_per_second),
        most(|one| one.longest_ns) / 1e3
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cpu_is_looked_at() {
        let machine = Machine::look();
        let noise = Noise::look(&machine, true);
        assert_eq!(noise.iter().map(|one| one.cpu).collect::<Vec<_>>(), machine.cpus);
        // How many gaps there are is the machine's affair; a gap is longer than what counts as one.
        assert!(noise.iter().all(|one| (one.gaps_per_second > 0.0) == (one.longest_ns > 0.9 * GAP_NS)), "{noise:?}");
    }

    #[test]
    fn the_line_fits_a_terminal() {
        let one = Noise { cpu: 127, gaps_per_second: 12_345.0, longest_ns: 123_456.0 };
        let line = line(&[one, Noise { gaps_per_second: 740.0, longest_ns: 50.0, ..one }]);
        assert_eq!(line, "an idle loop has 740 to 12345 gaps a second over 500 ns, the longest 123 us");
    }
}
