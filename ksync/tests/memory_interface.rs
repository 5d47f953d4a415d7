// SPDX-License-Identifier: GPL-2.0-only
//! What the engine asks of a memory besides steps: `learn`, `retire`, `rename`, `newest`, `canon`.
#![cfg(loom)]

use ksync::explore::memory::{CellKind, Lkmm, Memory, Rc11, Sc, Shown};
use ksync::op::{CellId, Fence, MemOp, Observe, Order, Rmw};

const X: CellId = 0;
const Y: CellId = 1;
const DATA: CellId = 2;
const LOCK: CellId = 3;

fn fresh<M: Memory>(agents: usize) -> M {
    M::new(agents, &[(CellKind::Atomic, 0), (CellKind::Atomic, 0), (CellKind::Plain, 0), (CellKind::Lock, 0)])
}

/// All results of a step.
fn steps<M: Memory>(memory: &M, agent: usize, op: &MemOp) -> Vec<(M, Shown)> {
    let mut all = Vec::new();
    memory.step(agent, op, &mut |next, shown| all.push((next, shown)));
    all
}

/// The memory after an operation that has one result.
fn after<M: Memory>(memory: &M, agent: usize, op: &MemOp) -> M {
    let mut all = steps(memory, agent, op);
    assert_eq!(all.len(), 1, "{op:?} has one result");
    all.remove(0).0
}

/// What a read can return.
fn shown<M: Memory>(memory: &M, agent: usize, op: &MemOp) -> Vec<Shown> {
    steps(memory, agent, op).into_iter().map(|(_, shown)| shown).collect()
}

fn load(cell: CellId) -> MemOp {
    MemOp::Load { cell, order: Order::Relaxed }
}

fn store(cell: CellId, value: u64) -> MemOp {
    MemOp::Store { cell, value, order: Order::Relaxed }
}

fn exchange(cell: CellId, value: u64, order: Order) -> MemOp {
    MemOp::Rmw { cell, rmw: Rmw::Xchg(value), mask: u64::MAX, order, observe: Observe::Old }
}

const READ: MemOp = MemOp::Read { cell: DATA };
const WRITE: MemOp = MemOp::Write { cell: DATA, value: 7 };

fn stale_reads_end_with_learn<M: Memory>() {
    let memory = after(&fresh::<M>(2), 0, &store(X, 1));
    let mut memory = after(&memory, 0, &WRITE);
    assert_eq!(shown(&memory, 1, &load(X)), [Shown::Value(0), Shown::Value(1)]);
    assert_eq!(shown(&memory, 1, &READ), [Shown::Race(DATA)]);
    memory.learn(1, 0);
    assert_eq!(shown(&memory, 1, &load(X)), [Shown::Value(1)]);
    assert_eq!(shown(&memory, 1, &READ), [Shown::Value(7)]);
}

#[test]
fn learn() {
    stale_reads_end_with_learn::<Rc11>();
    stale_reads_end_with_learn::<Lkmm>();
}

#[test]
fn learn_is_carried_on() {
    // 0 writes x, 1 learns it and publishes y, 2 acquires y.
    let mut memory = after(&fresh::<Lkmm>(3), 0, &store(X, 1));
    memory.learn(1, 0);
    let memory = after(&memory, 1, &store(Y, 1));
    let acquire = MemOp::Load { cell: Y, order: Order::Acquire };
    let read = steps(&memory, 2, &acquire).into_iter().find(|(_, shown)| *shown == Shown::Value(1));
    let (memory, _) = read.expect("y can be read");
    assert_eq!(shown(&memory, 2, &load(X)), [Shown::Value(1)]);
}

fn the_dead_hold_nothing_back<M: Memory>() {
    let mut stores = after(&fresh::<M>(2), 0, &store(X, 1));
    stores = after(&stores, 0, &WRITE);
    stores.retire(1);
    stores.canon();
    // What nobody can read any more leaves no trace: as if it had been so from the start.
    let mut start =
        M::new(2, &[(CellKind::Atomic, 1), (CellKind::Atomic, 0), (CellKind::Plain, 7), (CellKind::Lock, 0)]);
    start.retire(1);
    start.canon();
    // Agent 0 still carries its own store for others; there are none, once it is gone.
    stores.retire(0);
    start.retire(0);
    stores.canon();
    start.canon();
    assert!(stores == start);
}

#[test]
fn retire() {
    the_dead_hold_nothing_back::<Rc11>();
    the_dead_hold_nothing_back::<Lkmm>();
    the_dead_hold_nothing_back::<Sc>();
}

/// Runs the same with the agents in another order; after `rename` both are equal.
fn names_do_not_matter<M: Memory>() {
    let to = [2, 0, 1];
    let script: Vec<(usize, MemOp)> = vec![
        (0, WRITE),
        (0, store(X, 1)),
        (0, MemOp::Fence(Fence::BeforeAtomic)),
        (1, exchange(Y, 2, Order::Full)),
        (1, MemOp::Fence(Fence::AfterAtomic)),
        (2, MemOp::Lock { cell: LOCK, holder: 1 }),
        (2, MemOp::Unlock { cell: LOCK }),
        (0, MemOp::Read { cell: DATA }),
        (1, store(X, 3)),
        (2, exchange(X, 4, Order::Acquire)),
        (0, MemOp::Fence(Fence::Mb)),
        (0, exchange(Y, 5, Order::Relaxed)),
    ];
    let mut pairs = vec![(fresh::<M>(3), fresh::<M>(3))];
    for (agent, op) in script {
        let mut next = Vec::new();
        for (one, other) in &pairs {
            let (ones, others) = (steps(one, agent, &op), steps(other, to[agent], &op));
            assert_eq!(ones.len(), others.len());
            next.extend(ones.into_iter().zip(others).map(|((one, _), (other, _))| (one, other)));
        }
        pairs = next;
        for (one, other) in &mut pairs {
            one.canon();
            other.canon();
            let mut renamed = one.clone();
            renamed.rename(&to);
            renamed.canon();
            assert!(renamed == *other, "after {op:?} of agent {agent}");
        }
    }
    assert!(!pairs.is_empty());
}

#[test]
fn rename() {
    names_do_not_matter::<Sc>();
    names_do_not_matter::<Rc11>();
    names_do_not_matter::<Lkmm>();
}

fn newest_is_last_in_modification_order<M: Memory>() {
    let memory = after(&fresh::<M>(2), 0, &store(X, 1));
    let mut found: Vec<u64> = steps(&memory, 1, &store(X, 2)).iter().map(|(next, _)| next.newest(X)).collect();
    found.sort_unstable();
    assert_eq!(found, [1, 2], "the second store can go below the first");
    assert_eq!(after(&memory, 0, &store(X, 3)).newest(X), 3);
    assert_eq!(after(&memory, 0, &WRITE).newest(DATA), 7);
}

#[test]
fn newest() {
    newest_is_last_in_modification_order::<Rc11>();
    newest_is_last_in_modification_order::<Lkmm>();
    assert_eq!(after(&fresh::<Sc>(2), 1, &store(X, 2)).newest(X), 2);
}

/// A loop that communicates comes back to a memory that it has had.
fn loops_close<M: Memory>() {
    let mut memory = fresh::<M>(2);
    let mut seen = Vec::new();
    for _ in 0..20 {
        for agent in 0..2 {
            memory = after(&memory, agent, &MemOp::Lock { cell: LOCK, holder: 1 });
            memory = after(&memory, agent, &WRITE);
            memory = after(&memory, agent, &MemOp::Unlock { cell: LOCK });
            memory = steps(&memory, agent, &exchange(X, 1, Order::Full)).pop().expect("an exchange").0;
            memory.canon();
        }
        if seen.contains(&memory) {
            return;
        }
        seen.push(memory.clone());
    }
    panic!("20 rounds gave 20 memories");
}

#[test]
fn canon() {
    loops_close::<Sc>();
    loops_close::<Rc11>();
    loops_close::<Lkmm>();
}
