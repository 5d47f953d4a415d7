// SPDX-License-Identifier: GPL-2.0-only
//! What the locks are put through.

use crate::candidates::{ALL, BIT_SPIN, Candidate, PARKING_LOT, QUEUED, SPIN, STD, TICKET, bit_spin, queued};
use crate::pins;
use compound::kernel::{self, INCIDENT_002, MAINLINE};
use compound::kernel_page::{HEAD_ONLY, ROBUST};
use spin_time::{Class, Contention, Floor, FloorOf, Raised, Relay, Session, Stage, Waiting, contended};
use std::time::Duration;

/// Locks and unlocks in a row.
const ROUNDS: u64 = 500_000;
/// Oversubscription needs more time than a burst; threads are fair there.
const WINDOW: Duration = Duration::from_millis(60);
/// And preemption more still: who is preempted comes back when each of the others had its slice.
const SLICES: Duration = Duration::from_millis(250);
/// Where preemption is looked at, so many others want the first CPU.
const HOGS: usize = 3;

/// One thread.
pub(crate) fn uncontended(session: &mut Session) {
    let mut experiment =
        session.experiment("uncontended", "one thread, a section that counts; ns for each").metrics(&["ns"]);
    for &(name, make) in ALL {
        experiment = experiment.candidate(name, move |stage| make().uncontended(stage, ROUNDS));
    }
    let floor = |kind| move |stage: &_| spin_time::uncontended(stage, ROUNDS, &Floor::of(kind));
    experiment
        .candidate("bit's floor", floor(FloorOf::Bit))
        .candidate("bit's floor, counted", |stage| {
            spin_time::uncontended(stage, ROUNDS, &Floor::counted(FloorOf::Bit))
        })
        .candidate("RMW + store", floor(FloorOf::Word))
        .candidate("RMW + RMW", floor(FloorOf::SharedWord))
        .candidate("RMW + mb + store", floor(FloorOf::OrderedWords))
        .run();
}

/// Two threads that both always want the lock, with some work in and between the sections.
pub(crate) fn hand_over(session: &mut Session) {
    let mut experiment = session
        .experiment("hand-over", "two threads, work inside and outside; ns to the next holder")
        .threads(2, Waiting::Spinning)
        .repetitions(41)
        .metrics(&["hand-over/canary", "hand-over", "wait p99", "fairness"])
        .per_canary(&["hand-over"]);
    for &(name, make) in ALL {
        experiment = experiment.candidate(name, move |stage| make().contended(stage, &Contention::of_two(stage)));
    }
    let relays: [(_, fn() -> Relay); 2] =
        [("store, polled", Relay::polled), ("polled, then a RMW", Relay::taken_over)];
    for (name, relay) in relays {
        experiment = experiment.candidate(name, move |stage| contended(stage, &Contention::of_two(stage), &relay()));
    }
    experiment.run();
}

/// Two threads that do nothing else.
pub(crate) fn back_to_back(session: &mut Session) {
    let mut experiment = session
        .experiment("back-to-back", "two threads, only the lock; CPU ns for each section")
        .threads(2, Waiting::Spinning)
        .repetitions(11)
        .metrics(&["cpu/op", "Mops", "fairness", "longest run"])
        .per_canary(&["cpu/op"]);
    for &(name, make) in ALL {
        experiment = experiment.candidate(name, move |stage| {
            make().contended(stage, &Contention { inside: 0, outside: 0, ..Contention::of_two(stage) })
        });
    }
    experiment.run();
}

/// More threads than two CPUs, each with a CPU or free to change it. The scheduler decides; a thread that waits for one
/// that does not run burns its slice.
pub(crate) fn crowded(session: &mut Session) {
    let crowds = [
        ("crowded-3", "three fair threads on two CPUs; CPU ns for each section", 3, false),
        ("crowded", "four fair threads on two CPUs; CPU ns for each section", 4, false),
        ("crowded-free", "four that may change their CPU; CPU ns for each section", 4, true),
    ];
    for (name, what, threads, free) in crowds {
        let mut experiment = session
            .experiment(name, what)
            .threads(threads, Waiting::Spinning)
            .on_cpus(2)
            .repetitions(15)
            .metrics(&["cpu/op", "wait p99", "wait max", "time >1ms"]);
        if free {
            experiment = experiment.free();
        }
        for (name, make) in [STD, PARKING_LOT, SPIN, BIT_SPIN, TICKET, QUEUED] {
            experiment = experiment.candidate(name, move |stage| {
                let how = Contention { threads, inside: 200, outside: 200, window: WINDOW, class: None, hogs: 0 };
                make().contended(stage, &how)
            });
        }
        experiment.run();
    }
}

/// Two threads of a class, and others that want the first CPU.
fn preempted(stage: &Stage, class: Class) -> Contention {
    let window = if class == Class::Fifo || stage.quick { stage.burst() } else { SLICES };
    Contention { threads: 2, inside: 200, outside: 200, window, class: Some(class), hogs: HOGS }
}

/// Incident 002: two threads with a CPU each, and others that want the first CPU too. Where threads are fair a holder
/// is preempted, and the other thread waits until it runs again; where they are `SCHED_FIFO` it is not.
pub(crate) fn preempted_holder(session: &mut Session) {
    let mut experiment = session
        .experiment("preempted-holder", "two threads, and others want the first CPU; longest wait, ns")
        .threads(2, Waiting::Spinning)
        .needs_cpus(2)
        .needs_fifo()
        .fair()
        .repetitions(15)
        .metrics(&["wait max", "wait mean", "time >1ms", "Mops"]);
    for (name, (_, make)) in [("bit", BIT_SPIN), ("queued", QUEUED), ("ticket", TICKET), ("std Mutex", STD)] {
        for (class, word) in [(Class::FairFirst, "fair"), (Class::Fifo, "FIFO")] {
            experiment = experiment
                .candidate(format!("{name}, {word}"), move |stage| make().contended(stage, &preempted(stage, class)));
        }
    }
    // What priority costs where only a holder has it.
    let raised: [Candidate; 2] = [
        ("bit, holder FIFO", || Box::new(Raised(bit_spin()))),
        ("queued, holder FIFO", || Box::new(Raised(queued(kernel::QUEUED)))),
    ];
    for (name, make) in raised {
        experiment =
            experiment.candidate(name, move |stage| make().contended(stage, &preempted(stage, Class::FairFirst)));
    }
    experiment.run();
}

/// Incident 002 again: what its lock kept interrupts off for, and what came instead.
pub(crate) fn tail_pins(session: &mut Session) {
    let mut experiment = session
        .experiment("tail-pins", "two threads pin and drop one tail; ns of a put_page()")
        .threads(2, Waiting::Spinning)
        .needs_cpus(2)
        .repetitions(31)
        .metrics(&["wait p50", "wait p99", "wait mean", "wait max"]);
    for kernel in [INCIDENT_002, ROBUST, HEAD_ONLY, MAINLINE] {
        experiment = experiment.candidate(kernel.label.revision, move |stage| pins::two_users(stage, kernel));
    }
    experiment.run();
}
