// SPDX-License-Identifier: GPL-2.0-only
//! The shape of `multi_cpu_stop()` as a state machine: a loop whose states have to stay few, in every model.
//!
//! ```text
//! while (cur != LAST) {
//!         cur = await(state != cur);                /* relaxed */
//!         if (atomic_dec_and_test(&ack)) {          /* fully ordered, one step */
//!                 WRITE_ONCE(ack, N);
//!                 smp_wmb();
//!                 WRITE_ONCE(state, cur + 1);
//!         }
//! }
//! ```
#![cfg(loom)]

use ksync::explore::memory::{CellKind, Lkmm, Memory, Rc11, Sc, Shown};
use ksync::op::{CellId, Cond, Fence, MemOp, Observe, Order, Rmw};
use rustc_hash::{FxHashSet, FxHasher};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::Instant;

const STATE: CellId = 0;
const ACK: CellId = 1;
/// The state in which the agents leave the loop.
const LAST: u8 = 4;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Await,
    Ack,
    Reset,
    Barrier,
    Advance,
    Done,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Machine<M> {
    memory: M,
    agents: Vec<(At, u8)>,
}

impl<M: Memory> Machine<M> {
    fn op(&self, agent: usize, wmb: bool) -> Option<MemOp> {
        let (at, cur) = self.agents[agent];
        let relaxed = Order::Relaxed;
        Some(match at {
            At::Await => MemOp::Await {
                cell: STATE,
                cond: Cond(Rc::new(move |state| state != u64::from(cur))),
                order: relaxed,
            },
            At::Ack => {
                let (rmw, mask) = (Rmw::Add(u64::MAX), u64::from(u32::MAX));
                MemOp::Rmw { cell: ACK, rmw, mask, order: Order::Full, observe: Observe::NewIsZero }
            }
            At::Reset => MemOp::Store { cell: ACK, value: self.agents.len() as u64, order: relaxed },
            At::Barrier if wmb => MemOp::Fence(Fence::Wmb),
            At::Barrier | At::Advance => MemOp::Store { cell: STATE, value: u64::from(cur) + 1, order: relaxed },
            At::Done => return None,
        })
    }

    fn advance(&mut self, agent: usize, wmb: bool, value: u64) {
        let (at, cur) = &mut self.agents[agent];
        let next = if *cur == LAST { At::Done } else { At::Await };
        *at = match *at {
            At::Await => {
                *cur = value as u8;
                At::Ack
            }
            At::Ack if value == 0 => next,
            At::Ack => At::Reset,
            At::Reset => At::Barrier,
            At::Barrier if wmb => At::Advance,
            At::Barrier | At::Advance | At::Done => next,
        };
    }

    fn key(&self) -> (u64, u64) {
        let (mut one, mut other) = (FxHasher::default(), FxHasher::default());
        self.hash(&mut one);
        other.write_u8(1);
        self.hash(&mut other);
        (one.finish(), other.finish())
    }
}

/// Number of states, or `Err` with it when an ack was lost: the count went below 0, or all wait for ever.
fn search<M: Memory>(agents: usize, wmb: bool) -> Result<usize, usize> {
    let start = Instant::now();
    let cells = [(CellKind::Atomic, 1), (CellKind::Atomic, agents as u64)];
    let mut stack = vec![Machine { memory: M::new(agents, &cells), agents: vec![(At::Await, 0); agents] }];
    let mut seen = FxHashSet::default();
    let mut lost = false;
    while let Some(machine) = stack.pop() {
        if !seen.insert(machine.key()) {
            continue;
        }
        let ops: Vec<Option<MemOp>> = (0..agents).map(|agent| machine.op(agent, wmb)).collect();
        let eager = ops.iter().position(|op| op.as_ref().is_some_and(M::eager));
        let mut stuck = true;
        for (agent, op) in ops.iter().enumerate() {
            let Some(op) = op else { continue };
            if eager.is_some_and(|eager| eager != agent) {
                continue;
            }
            machine.memory.step(agent, op, &mut |memory, shown| {
                stuck = false;
                let Shown::Value(value) = shown else { panic!("nothing is plain here") };
                let mut next = Machine { memory, agents: machine.agents.clone() };
                next.advance(agent, wmb, value);
                if next.agents[agent].0 == At::Done {
                    next.memory.retire(agent);
                }
                next.memory.canon();
                lost |= next.memory.newest(ACK) > agents as u64;
                stack.push(next);
            });
        }
        lost |= stuck && ops.iter().any(Option::is_some);
        if lost {
            break;
        }
    }
    let name = std::any::type_name::<M>().rsplit(':').next().unwrap_or_default();
    println!("{name} N={agents} wmb={wmb}: {} states, {:.3} s", seen.len(), start.elapsed().as_secs_f64());
    if lost { Err(seen.len()) } else { Ok(seen.len()) }
}

#[test]
fn sc_needs_no_barrier() {
    for agents in 2..=4 {
        assert!(search::<Sc>(agents, true).is_ok());
        assert!(search::<Sc>(agents, false).is_ok());
    }
}

#[test]
fn the_barrier_keeps_acks_apart() {
    for agents in 2..=3 {
        assert!(search::<Rc11>(agents, true).is_ok());
        assert!(search::<Lkmm>(agents, true).is_ok());
    }
}

#[test]
fn without_the_barrier_an_ack_is_lost() {
    for agents in 2..=3 {
        assert!(search::<Rc11>(agents, false).is_err());
        assert!(search::<Lkmm>(agents, false).is_err());
    }
}

#[test]
fn the_states_stay_few() {
    // Measured: 32,381, 5,685 and 2,985. A state that holds more than it should multiplies these quickly.
    assert!(search::<Lkmm>(4, true).expect("holds") < 100_000);
    assert!(search::<Rc11>(4, true).expect("holds") < 20_000);
    assert!(search::<Sc>(6, true).expect("holds") < 10_000);
}
