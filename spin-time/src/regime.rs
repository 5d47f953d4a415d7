// SPDX-License-Identifier: GPL-2.0-only
//! Under which conditions the threads of an experiment run. Numbers of different regimes are never compared.

use crate::machine::Machine;
use crate::thread::Class;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the threads of an experiment do while they wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// They spin. More of them than CPUs must not be real-time: a spinner would keep the one that it waits for from
    /// running until the kernel throttles it.
    Spinning,
    /// They sleep, so several may be real-time on one CPU.
    Sleeping,
}

/// Under which conditions threads run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Regime {
    /// Each thread has a CPU, and nothing but the kernel preempts it: pinned, `SCHED_FIFO`, in short bursts.
    Quiet,
    /// More threads than CPUs, or preemption is the subject: the scheduler decides. Orders of magnitude only.
    Oversubscribed,
    /// It should be quiet, but this process may not use `SCHED_FIFO`.
    NoPrivilege,
}

impl Regime {
    /// The regime of so many threads on so many CPUs. `fair` asks for ordinary threads, where preemption is what is
    /// looked at.
    pub(crate) fn of(machine: &Machine, threads: usize, cpus: usize, waiting: Waiting, fair: bool) -> Regime {
        let crowded = threads > cpus && waiting == Waiting::Spinning;
        match (crowded || fair, machine.may_fifo) {
            (true, _) => Regime::Oversubscribed,
            (false, true) => Regime::Quiet,
            (false, false) => Regime::NoPrivilege,
        }
    }

    /// The class of its threads.
    pub(crate) fn class(self) -> Class {
        match self {
            Regime::Quiet => Class::Fifo,
            Regime::Oversubscribed => Class::FairFirst,
            Regime::NoPrivilege => Class::Fair,
        }
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Regime::Quiet => "quiet: SCHED_FIFO, pinned",
            Regime::Oversubscribed => "oversubscribed: fair threads",
            Regime::NoPrivilege => "no privilege: fair threads, no latency is to be believed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(may_fifo: bool) -> Machine {
        Machine { may_fifo, ..Machine::look() }
    }

    #[test]
    fn spinners_that_share_a_cpu_are_never_real_time() {
        for may_fifo in [false, true] {
            let regime = Regime::of(&machine(may_fifo), 3, 2, Waiting::Spinning, false);
            assert_eq!(regime, Regime::Oversubscribed);
            assert_ne!(regime.class(), Class::Fifo);
        }
    }

    #[test]
    fn sleepers_may_be() {
        assert_eq!(Regime::of(&machine(true), 2, 1, Waiting::Sleeping, false), Regime::Quiet);
    }

    #[test]
    fn without_privilege_it_says_so() {
        let regime = Regime::of(&machine(false), 1, 2, Waiting::Spinning, false);
        assert_eq!((regime, regime.class()), (Regime::NoPrivilege, Class::Fair));
        assert!(regime.to_string().contains("no latency"));
    }

    #[test]
    fn preemption_as_the_subject_is_never_quiet() {
        assert_eq!(Regime::of(&machine(true), 2, 2, Waiting::Spinning, true), Regime::Oversubscribed);
    }
}
