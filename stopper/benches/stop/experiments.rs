// SPDX-License-Identifier: GPL-2.0-only
//! What is measured.

use crate::bare::{self, Completed, Condvar};
use crate::meeting;
use crate::port::{self, Request};
use crate::wakes::{self, How};
use spin_time::{Futex, Session, Stage, Waiting};
use stopper::kernel;

/// Round trips of a block, within a burst.
const TRIPS: u64 = 600;

/// One work to another CPU's stopper and back; and with both on one CPU, where no interrupt between CPUs hides what
/// the protocol takes.
pub(crate) fn round_trip(session: &mut Session) {
    let both = [("round-trip", 2, "caller and stopper on two CPUs; ns"), ("round-trip-1", 1, "both on one CPU; ns")];
    for (name, cpus, what) in both {
        let mut experiment = session
            .experiment(name, what)
            .threads(2, Waiting::Sleeping)
            .on_cpus(cpus)
            .needs_cpus(cpus)
            .repetitions(61)
            .metrics(&["wait p50", "wait p99", "wait mean", "wait max"])
            .candidate("bare futex", |stage| bare::trips::<Futex>(stage, trips(stage), &[1]))
            .candidate("parking_lot::Condvar", |stage| bare::trips::<Condvar>(stage, trips(stage), &[1]))
            .candidate("two completions", |stage| bare::trips::<Completed>(stage, trips(stage), &[1]));
        for kernel in [kernel::BEFORE, kernel::WAKE_Q, kernel::ATOMICALLY, kernel::MAINLINE] {
            experiment = experiment.candidate(kernel.label.revision, move |stage| {
                port::trips(stage, kernel, trips(stage), Request::One, [0, 1])
            });
        }
        experiment.run();
    }
}

fn trips(stage: &Stage) -> u32 {
    stage.rounds(TRIPS) as u32
}

/// `cpu_stop_queue_two_works()` in every revision that has it.
pub(crate) fn two_works(session: &mut Session) {
    let mut experiment = session
        .experiment("two-works", "cpu_stop_queue_two_works(0, 1) until both ran; ns")
        .threads(3, Waiting::Sleeping)
        .on_cpus(2)
        .needs_cpus(2)
        .repetitions(15)
        .metrics(&["wait p50", "wait p99", "wait mean", "wait max"])
        .candidate("two bare futexes", |stage| bare::trips::<Futex>(stage, trips(stage), &[0, 1]));
    for &kernel in kernel::QUEUES_TWO_WORKS {
        experiment = experiment.candidate(kernel.label.revision, move |stage| {
            port::trips(stage, kernel, trips(stage), Request::TwoWorks, [0, 1])
        });
    }
    experiment.run();
}

/// The caller of the two works, with `multi_cpu_stop()` on both CPUs.
pub(crate) fn stop_two_cpus(session: &mut Session) {
    let mut experiment = session
        .experiment("stop-two-cpus", "stop_two_cpus(0, 1) with an empty function; ns")
        .threads(3, Waiting::Sleeping)
        .on_cpus(2)
        .needs_cpus(2)
        .repetitions(11)
        .metrics(&["wait p50", "wait p99", "wait mean", "wait max"]);
    for kernel in [kernel::BEFORE, kernel::INTRODUCED, kernel::WAKE_Q, kernel::MAINLINE] {
        experiment = experiment.candidate(kernel.label.revision, move |stage| {
            port::trips(stage, kernel, trips(stage), Request::StopTwoCpus, [0, 1])
        });
    }
    experiment.run();
}

/// Incident 000: who holds a stopper's lock while it wakes keeps others waiting for it with interrupts off.
pub(crate) fn stoppers_lock(session: &mut Session) {
    let mut experiment = session
        .experiment("stoppers-lock", "CPU 1 at its stopper's lock while two works are queued; share of time")
        .threads(4, Waiting::Sleeping)
        .on_cpus(2)
        .needs_cpus(2)
        .repetitions(21)
        .metrics(&["irqs off", "off p50", "off p99", "off max"]);
    for kernel in [kernel::BEFORE, kernel::WAKE_Q, kernel::MAINLINE] {
        experiment = experiment.candidate(kernel.label.revision, move |stage| {
            port::windows_at_the_lock(stage, kernel, 3 * trips(stage))
        });
    }
    experiment.run();
}

/// Wakeups collected on a `wake_q`, against wakeups one by one.
pub(crate) fn wake_q(session: &mut Session) {
    let rounds = 200_000;
    session
        .experiment("wake-q", "one thread wakes two tasks; ns for both")
        .metrics(&["ns"])
        .candidate("wake_up_process()", move |stage| wakes::two(stage, kernel::MAINLINE, rounds, How::Direct))
        .candidate("wake_q", move |stage| wakes::two(stage, kernel::MAINLINE, rounds, How::WakeQ))
        .candidate("wake_q, 4c4e3731564c^", move |stage| {
            wakes::two(stage, kernel::WAKE_Q_UNORDERED, rounds, How::WakeQ)
        })
        .run();
}

/// The four phases of `multi_cpu_stop()`: with a CPU for each thread, and without.
pub(crate) fn multi_cpu_stop(session: &mut Session) {
    session
        .experiment("multi-cpu-stop", "two threads meet four times; ns for all four")
        .threads(2, Waiting::Spinning)
        .needs_cpus(2)
        .repetitions(61)
        .metrics(&["ns", "ns/canary"])
        .per_canary(&["ns"])
        .candidate("4 CAS round trips", |stage| meeting::cas(stage, trips(stage)))
        .candidate("multi_cpu_stop()", |stage| meeting::port(stage, trips(stage)))
        .candidate("with a yield", |stage| meeting::yielding(stage, trips(stage)))
        .candidate("4 std Barrier waits", |stage| meeting::barrier(stage, trips(stage) / 4))
        .run();
    session
        .experiment("multi-cpu-stop-1", "the same with both threads on one CPU; ns for all four")
        .threads(2, Waiting::Spinning)
        .on_cpus(1)
        .repetitions(15)
        .metrics(&["ns"])
        .candidate("4 std Barrier waits", |stage| meeting::barrier(stage, trips(stage)))
        .candidate("with a yield", |stage| meeting::yielding(stage, trips(stage)))
        .candidate("multi_cpu_stop()", |stage| meeting::port(stage, 4))
        .run();
}
