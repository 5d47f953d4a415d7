// SPDX-License-Identifier: GPL-2.0-only
//! C: `kernel/locking/qspinlock.c`, v7.1, from the label `queue` on: waiters in an MCS queue.
//!
//! 95bcade33a8a: the node is visible before it is initialised.
//!
//! ```text
//! CPU1                                       CPU0, the one before it
//! node.locked = 0                            (CPU1's store has not arrived)
//! old = xchg_tail_release()
//! prev->next = node
//!                                            sees next, next->locked = 1
//! the store of node.locked = 0 arrives: CPU1 spins for ever
//! ```
//!
//! Property: every waiter is released once, by the one before it.

use crate::machine::Machine;
use crate::qspinlock::{QSpinLock, queued_spin_trylock};
use crate::qspinlock_word::{_Q_LOCKED_PENDING_MASK, _Q_LOCKED_VAL, _Q_TAIL_MASK, Layout, decode, encode_tail};
use ksync::{Acquire, Atomic, Id, Plain, Relaxed, Release, distil, smp_acquire__after_ctrl_dep, smp_wmb};

/// `struct qnode`: one for each level of nesting: task, softirq, hardirq, NMI.
#[derive(Debug)]
pub struct QNode {
    /// The one behind it.
    pub next: Atomic<Option<Id<QNode>>>,
    /// The one before it has left the queue.
    pub locked: Atomic<u32>,
    /// How many nodes of the CPU are in use; that of the first node is the one that counts.
    pub count: Plain<u32>,
}

/// How many nodes a CPU has: `_Q_MAX_NODES`.
pub const MAX_NODES: usize = 4;

impl QNode {
    /// A node that nobody used.
    pub fn new(cpu: u32, idx: usize) -> Self {
        QNode {
            next: Atomic::named(None, format_args!("qnodes[{idx}]/{cpu}.next")),
            locked: Atomic::named(0, format_args!("qnodes[{idx}]/{cpu}.locked")),
            count: Plain::named(0, format_args!("qnodes[{idx}]/{cpu}.count")),
        }
    }
}

/// When the CPU's node counts as used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// After it was initialised, which a compiler may make of C without a `barrier()`.
    AfterInit,
    /// Before.
    BeforeInit,
}

/// What happens beyond four levels of nesting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// A node beyond the CPU's last is used.
    Unchecked,
    /// There is no queueing: the CPU tries until it has the lock.
    Checked,
}

/// What `xchg_tail()` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TailWrite {
    /// The tail; the rest stays.
    KeepsRest,
    /// The whole word.
    Word,
}

/// What orders a node's initialisation before its publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// A release of the tail, which orders the write of the tail but not its read.
    XchgRelease,
    /// A release of the tail and one of `prev->next`.
    StoreRelease,
    /// A barrier before both.
    Wmb,
}

/// How the first of the queue takes the lock where it is the last too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// If nothing changed.
    Cmpxchg,
    /// By a store.
    Store,
}

/// What `set_locked()` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetLocked {
    /// The locked byte.
    Byte,
    /// That byte and the one beside it, with the pending bit.
    Half,
}

/// How the first of the queue finds the one behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It waits until that one has linked itself.
    Waits,
    /// It looks once.
    LooksOnce,
}

/// `xchg_tail()`: the tail as it was before.
///
/// C's form for 16K CPUs and more, which stays within one word: a loop of `atomic_cmpxchg_relaxed()`.
///
/// DEVIATION: in a model the loop is one step. A round that fails orders nothing and changes nothing.
fn xchg_tail(machine: &Machine, lock: &QSpinLock, tail: u32) -> u32 {
    let rev = &machine.kernel.qspinlock;
    let half = match rev.tail {
        TailWrite::KeepsRest => _Q_TAIL_MASK,
        TailWrite::Word => u32::MAX,
    };
    match rev.publish {
        Publish::Wmb => lock.val.xchg_bits(half, tail, Relaxed),
        // ORDERING: Release, the node before the tail. Pairs with the address dependency from `decode_tail()`;
        // it does not order `prev->next` behind the node: `publication-rc11`.
        Publish::XchgRelease | Publish::StoreRelease => lock.val.xchg_bits(half, tail, Release),
    }
}

/// `set_locked()`: nobody else writes the locked byte now.
///
/// DEVIATION: C stores one into the byte. Here it is added to the whole word, whose byte is zero.
fn set_locked(machine: &Machine, lock: &QSpinLock) {
    match machine.kernel.qspinlock.set_locked {
        SetLocked::Byte => lock.val.add(_Q_LOCKED_VAL),
        SetLocked::Half => {
            lock.val.xchg_bits(_Q_LOCKED_PENDING_MASK, _Q_LOCKED_VAL, Relaxed);
        }
    }
}

/// The label `queue` of `queued_spin_lock_slowpath()`.
///
/// DEVIATION: a function of its own. Preemption is off, so the CPU stays the same.
pub(crate) fn queue(machine: &Machine, cpu: u32, lock: &QSpinLock) {
    let rev = &machine.kernel.qspinlock;
    let count = &machine.qnodes(cpu)[0].count;
    let idx = count.get();
    if rev.count == Count::BeforeInit {
        count.set(idx + 1);
    }
    if idx as usize >= MAX_NODES && rev.nesting == Nesting::Checked {
        // DEVIATION: C relaxes and tries again; a word that is not zero cannot be taken, so that is an await here.
        while !queued_spin_trylock(machine, lock) {
            lock.val.cond_load(Relaxed, |val| val == 0);
        }
    } else {
        assert!((idx as usize) < MAX_NODES, "a node beyond the CPU's last");
        wait_in_queue(machine, lock, cpu, idx);
    }
    count.set(idx);
}

fn wait_in_queue(machine: &Machine, lock: &QSpinLock, cpu: u32, idx: u32) {
    let rev = &machine.kernel.qspinlock;
    let nodes = machine.qnodes(cpu);
    let (node, tail) = (&nodes[idx as usize], encode_tail(cpu, idx));
    node.locked.store(0, Relaxed);
    node.next.store(None, Relaxed);
    if rev.count == Count::AfterInit {
        nodes[0].count.set(idx + 1);
    }
    // The lock may have become free while we were busy with the node.
    if distil(|| queued_spin_trylock(machine, lock)) {
        return;
    }
    if rev.publish == Publish::Wmb {
        // ORDERING: the node before the tail and before `prev->next`. Pairs with the address dependency from either
        // to the node, in `look_for_next()` of the one before and in `join()` of the one behind. Without it
        // a stale `next = NULL` overwrites a link: `publication`, mutant `no-wmb`.
        smp_wmb();
    }
    // DEVIATION: the blocks here say what C forgets: the one before us once it is gone, and the word once it is taken.
    let mut next = None;
    if distil(|| join(machine, lock, cpu, idx)) {
        wait_for_turn(node);
        next = look_for_next(node);
    }
    if distil(|| claim(machine, lock, tail)) {
        return;
    }
    if next.is_none() {
        next = match rev.next {
            Next::Waits => wait_for_next(node),
            Next::LooksOnce => look_for_next(node),
        };
    }
    if let Some(next) = next {
        pass_turn(machine.qnode(next));
    }
}

/// The end of the queue becomes ours: whether somebody is before us.
fn join(machine: &Machine, lock: &QSpinLock, cpu: u32, idx: u32) -> bool {
    let old = xchg_tail(machine, lock, encode_tail(cpu, idx));
    // DEVIATION: C has two orders here that a model has to be told. The address dependency from the tail to the node
    // before us keeps what we write into it behind its initialisation; pairs with the barrier or release above, in
    // the one before us. And the wait for the lock below may read the tail that we wrote ourselves: C11 orders that
    // behind the unlock that `xchg_tail()` read, the kernel's memory model does not say so. Without this a link is
    // lost, `publication`, and the sections race, `three-cpus`: mutant `no-dependency`.
    smp_acquire__after_ctrl_dep();
    if old & _Q_TAIL_MASK == 0 {
        return false;
    }
    let prev = machine.tail_node(old);
    let me = Some(Machine::qnode_id(cpu, idx));
    match machine.kernel.qspinlock.publish {
        // ORDERING: Release, the node before its publication. Pairs with the address dependency of the one
        // before us: `publication-rc11`.
        Publish::StoreRelease => prev.next.store(me, Release),
        Publish::XchgRelease | Publish::Wmb => prev.next.store(me, Relaxed),
    }
    true
}

/// The first of the queue waits for the lock and takes it: whether it was the last of the queue too.
fn claim(machine: &Machine, lock: &QSpinLock, tail: u32) -> bool {
    // ORDERING: Acquire, the last holder's section before ours. Pairs with `queued_spin_unlock()`. Without it the
    // sections race: `queue-order`, mutant `relaxed-head-wait`.
    let val = lock.val.cond_load(Acquire, |val| val & _Q_LOCKED_PENDING_MASK == 0);
    if val & _Q_TAIL_MASK == tail {
        match machine.kernel.qspinlock.claim {
            Claim::Cmpxchg if lock.val.try_cmpxchg(val, _Q_LOCKED_VAL, Relaxed) => return true,
            Claim::Cmpxchg => {}
            Claim::Store => {
                lock.val.store(_Q_LOCKED_VAL, Relaxed);
                return true;
            }
        }
    }
    set_locked(machine, lock);
    false
}

/// The wait for the one before us in the queue.
fn wait_for_turn(node: &QNode) {
    // ORDERING: Acquire, what the one before us saw of the lock before our look at it. Pairs with `pass_turn()`.
    // Without it we take an old word for a free lock: `queue-order`, mutant `relaxed-turn`.
    node.locked.cond_load(Acquire, |locked| locked != 0);
}

/// The end of that wait for the one behind us.
pub(crate) fn pass_turn(next: &QNode) {
    // ORDERING: Release, what we saw and made of the lock before the next one's look at it. Pairs with
    // `wait_for_turn()`: `queue-order`, mutant `relaxed-pass`.
    next.locked.store(1, Release);
}

/// The one behind us, if it has linked itself.
///
/// DEVIATION: C reads it without order, and has an address dependency from it to the node that it names. C11 needs an
/// acquire, or that node's initialisation overwrites our `pass_turn()`: `publication-rc11`, mutant `relaxed-next`.
fn look_for_next(node: &QNode) -> Option<Id<QNode>> {
    node.next.load(Acquire)
}

/// The same for a head that knows that somebody follows.
pub(crate) fn wait_for_next(node: &QNode) -> Option<Id<QNode>> {
    node.next.cond_load(Acquire, |next| next.is_some())
}

/// The CPU and nesting level that a word's tail names: `decode_tail()`.
pub(crate) fn decode_tail(val: u32) -> (u32, u32) {
    decode(val, Layout::From16K).tail.expect("there is a tail")
}
