// SPDX-License-Identifier: GPL-2.0-only
//! The goals, by number. G13 and G14 are about the harness: see
//! [`crate::goal_table`].

use crate::goals::Measure::{Apart, Ratio, Value};
use crate::goals::{Floor, Goal, Limit, Limit::AtLeast, Limit::AtMost, Measure, Source};

const INSTRUCTIONS_LOCK: Source = Source { bench: "instructions", experiment: "lock", metric: "instr" };
const INSTRUCTIONS_IRQS: Source = Source { bench: "instructions", experiment: "irqs", metric: "instr" };
const INSTRUCTIONS_ATOMICS: Source = Source { bench: "instructions", experiment: "atomics", metric: "instr" };
const UNCONTENDED: Source = Source { bench: "locks", experiment: "uncontended", metric: "ns" };
const HAND_OVER: Source = Source { bench: "locks", experiment: "hand-over", metric: "hand-over/canary" };
const FAIRNESS: Source = Source { bench: "locks", experiment: "hand-over", metric: "fairness" };
const LONGEST: Source = Source { bench: "locks", experiment: "preempted-holder", metric: "wait max" };
const TIME: Source = Source { bench: "locks", experiment: "preempted-holder", metric: "time >1ms" };
const TRIP: Source = Source { bench: "stop", experiment: "round-trip", metric: "wait p50" };
const TRIP_1: Source = Source { bench: "stop", experiment: "round-trip-1", metric: "wait p50" };
const TWO_WORKS: Source = Source { bench: "stop", experiment: "two-works", metric: "wait p50" };
const MEETING: Source = Source { bench: "stop", experiment: "multi-cpu-stop", metric: "ns" };
const MEETING_1: Source = Source { bench: "stop", experiment: "multi-cpu-stop-1", metric: "ns" };
const LOCK_WINDOWS: Source = Source { bench: "stop", experiment: "stoppers-lock", metric: "irqs off" };
const TAIL_PINS: Source = Source { bench: "locks", experiment: "tail-pins", metric: "wait p50" };
const TIMER_WINDOWS: Source = Source { bench: "period_timer", experiment: "period-timer", metric: "irqs off" };

const fn goal(id: &'static str, what: &'static str, source: Source, measure: Measure, limit: Limit) -> Goal {
    Goal { id, what, source, measure, limit, floor: None }
}

impl Goal {
    const fn with_floor(self, measure: Measure, why: &'static str) -> Goal {
        Goal { floor: Some(Floor { measure, why }), ..self }
    }
}

const STD: &str = "std::sync::Mutex";
const TWO_RMW: &str = "RMW + RMW";
const HALF: &str = "Both halves of the ticket's word are one atomic, so serving the next is a second read-modify-write, \
                    where C stores 16 bits; in Rust a store of another size than the atomic's is undefined. With two \
                    words a store would do, but then who comes reads the owner by a load of its own, which needs a full \
                    barrier behind it (the scenario third-cpu), and that is no cheaper.";
const RELAY: &str = "The limits are of CPUs far from each other, where a store goes one way in 200 ns and more, and there \
                     they are met. Where it takes 30, a pause of the waiter, who looks every 29 ns, and the stamps count \
                     for more than the store. `store, polled` is measured by the same means and is no lock: a store \
                     hands over, a load finds it.";
const PROTOCOL: &str = "`two completions` is the trip without a stopper. The rest are C's own steps, 14 more locked \
                        instructions among them, of which each takes 6 ns here: the lock of the stopper five times, \
                        pi_lock, three times the runqueue's, references, states. Below a futex the kernel makes such \
                        steps once more.";
const UNLOCK: &str = "The unlock is a read-modify-write, as in std's Mutex, since a store of a byte of the word is \
                      undefined in Rust; and two take what two take.";

/// All of them.
pub(crate) const GOALS: &[Goal] = &[
    goal(
        "G1",
        "bit, own word / its floor",
        UNCONTENDED,
        Ratio("__bit_spin_unlock", "bit's floor, counted"),
        AtMost(1.03),
    ),
    goal("G1", "bit, own word / std Mutex", UNCONTENDED, Ratio("__bit_spin_unlock", STD), AtMost(1.0)),
    goal("G2", "ticket / (RMW + store)", UNCONTENDED, Ratio("ticket_spin_lock", "RMW + store"), AtMost(1.05))
        .with_floor(Ratio(TWO_RMW, "RMW + store"), HALF),
    goal("G2", "ticket / std Mutex", UNCONTENDED, Ratio("ticket_spin_lock", STD), AtMost(0.55))
        .with_floor(Ratio(TWO_RMW, STD), HALF),
    goal("G2", "ticket / its floor (RMW + RMW)", UNCONTENDED, Ratio("ticket_spin_lock", TWO_RMW), AtMost(1.05)),
    goal("G3", "queued / std Mutex", UNCONTENDED, Ratio("queued_spin_lock", STD), AtMost(0.95))
        .with_floor(Ratio(TWO_RMW, STD), UNLOCK),
    goal("G3", "queued / (RMW + RMW)", UNCONTENDED, Ratio("queued_spin_lock", TWO_RMW), AtMost(0.9))
        .with_floor(Ratio(TWO_RMW, TWO_RMW), UNLOCK),
    goal("G4", "facade / by hand, a lock", INSTRUCTIONS_LOCK, Ratio("facade", "by hand"), AtMost(1.0)),
    goal("G4", "facade / by hand, irqs off", INSTRUCTIONS_IRQS, Ratio("facade", "by hand"), AtMost(1.0)),
    goal("G4", "facade / by hand, atomics", INSTRUCTIONS_ATOMICS, Ratio("facade", "by hand"), AtMost(1.0)),
    goal("G5", "hand-over / canary, bit", HAND_OVER, Value("bit_spin_lock"), AtMost(1.25))
        .with_floor(Value("store, polled"), RELAY),
    goal("G5", "hand-over / canary, queued", HAND_OVER, Value("queued_spin_lock"), AtMost(1.25))
        .with_floor(Value("store, polled"), RELAY),
    goal("G5", "hand-over / canary, ticket", HAND_OVER, Value("ticket_spin_lock"), AtMost(1.35))
        .with_floor(Value("store, polled"), RELAY),
    goal("G6", "fairness, ticket", FAIRNESS, Value("ticket_spin_lock"), AtLeast(0.95)),
    goal("G6", "fairness, queued", FAIRNESS, Value("queued_spin_lock"), AtLeast(0.95)),
    goal("G7", "cpu_stop / futex, two CPUs", TRIP, Ratio("009836b4fa52", "bare futex"), AtMost(1.05)),
    goal("G7", "cpu_stop / futex, one CPU", TRIP_1, Ratio("009836b4fa52", "bare futex"), AtMost(1.05))
        .with_floor(Ratio("two completions", "bare futex"), PROTOCOL),
    goal("G7", "cpu_stop / Condvar, two CPUs", TRIP, Ratio("009836b4fa52", "parking_lot::Condvar"), AtMost(1.0)),
    goal("G7", "cpu_stop / Condvar, one CPU", TRIP_1, Ratio("009836b4fa52", "parking_lot::Condvar"), AtMost(1.0)),
    goal("G8", "two works / two futexes", TWO_WORKS, Ratio("009836b4fa52", "two bare futexes"), AtMost(1.15)),
    goal("G9", "multi_cpu_stop / 4 CAS trips", MEETING, Ratio("multi_cpu_stop()", "4 CAS round trips"), AtMost(1.2)),
    goal(
        "G9",
        "multi_cpu_stop / 4 std Barriers",
        MEETING,
        Ratio("multi_cpu_stop()", "4 std Barrier waits"),
        AtMost(0.02),
    ),
    goal(
        "G10",
        "with a yield / Barrier, one CPU",
        MEETING_1,
        Ratio("with a yield", "4 std Barrier waits"),
        AtMost(1.0),
    ),
    goal("G10", "with a yield / as it is, two CPUs", MEETING, Ratio("with a yield", "multi_cpu_stop()"), AtMost(1.2)),
    goal("G11", "longest wait, fair / FIFO, bit", LONGEST, Ratio("bit, fair", "bit, FIFO"), AtLeast(100.0)),
    goal("G11", "longest wait, fair / FIFO, queued", LONGEST, Ratio("queued, fair", "queued, FIFO"), AtLeast(100.0)),
    goal("G11", "time in waits >1 ms, bit, FIFO", TIME, Value("bit, FIFO"), AtMost(0.01)),
    goal("G11", "time in waits >1 ms, queued, FIFO", TIME, Value("queued, FIFO"), AtMost(0.01)),
    goal(
        "G12",
        "000, irqs off / null difference",
        LOCK_WINDOWS,
        Apart("0b26351b910f", "0b26351b910f^"),
        AtLeast(5.0),
    ),
    goal(
        "G12",
        "001, irqs off / null difference",
        TIMER_WINDOWS,
        Apart("c06f04c70489", "c06f04c70489^"),
        AtLeast(5.0),
    ),
    goal("G12", "002, put_page() / null difference", TAIL_PINS, Apart("v7.1", "v3.10"), AtLeast(5.0)),
];
