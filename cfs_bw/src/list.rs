// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/linux/list.h` and `include/linux/rculist.h`: a circular list that walkers read without its lock.
//!
//! A removed entry keeps its `next`, so that a walker that stands on it finds its way back. RCU keeps the entry's
//! memory, and no more: an entry that is put back without a grace period takes the walker along to its new place.
//!
//! ```text
//! walker, on B                     CPU of B, under the list's lock              list
//!                                                                               [A B]
//!                                  list_del_rcu(B): B.next stays                [A]
//!                                  list_add_rcu(B): B.next = A                  [B A]
//! pos = B.next: A again
//! ```

use crate::cfs_bandwidth::CfsRq;
use crate::machine::Machine;
use crate::task_throttle::Task;
use ksync::{Atomic, Id, Plain, Relaxed, Release};

/// `LIST_POISON2`: where the `prev` of a removed entry points.
pub const LIST_POISON2: Id<ListHead> = Id::new(u32::MAX - 1);

/// `struct list_head`: the head of a list or a node in an entry. Links are under the list's lock; walkers read `next`.
#[derive(Debug)]
pub struct ListHead {
    next: Atomic<Id<ListHead>>,
    prev: Plain<Id<ListHead>>,
    /// The entry around the node, for `container_of()`.
    pub(crate) entry: Entry,
}

/// What a node is part of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    /// Nothing: it is the head of a list.
    Head,
    /// A group's runqueue.
    CfsRq(Id<CfsRq>),
    /// A task.
    Task(Id<Task>),
}

impl ListHead {
    /// `INIT_LIST_HEAD()`: points to itself.
    pub(crate) fn new(this: Id<ListHead>, entry: Entry, name: &str) -> Self {
        ListHead {
            next: Atomic::named(this, format_args!("{name}.next")),
            prev: Plain::named(this, format_args!("{name}.prev")),
            entry,
        }
    }
}

/// `list_empty()`: a read that anybody may do.
pub fn list_empty(machine: &Machine, head: Id<ListHead>) -> bool {
    list_next_rcu(machine, head) == head
}

/// `rcu_dereference(list_next_rcu(pos))`, one hop of `list_for_each_entry_rcu()`.
///
/// DEVIATION: a relaxed read. C has an address dependency to what it reads of the entry; here that is `next` alone,
/// behind the runqueue's lock, which orders it already: `list_add_rcu()` has the row.
pub fn list_next_rcu(machine: &Machine, pos: Id<ListHead>) -> Id<ListHead> {
    machine.list(pos).next.load(Relaxed)
}

/// `__list_add_rcu()`.
fn __list_add_rcu(machine: &Machine, new: Id<ListHead>, prev: Id<ListHead>, next: Id<ListHead>) {
    // A plain store in C, also where a walker stands on the entry from its last time on the list.
    machine.list(new).next.store(next, Relaxed);
    machine.list(new).prev.set(prev);
    // ORDERING: Release, C's `rcu_assign_pointer()`: the node before the pointer to it. Pairs with `list_next_rcu()`.
    // No port here needs it: the walker takes the runqueue's lock, which the adder holds, before it reads the node.
    // The row `publish@plain-publish` holds without it under the kernel's memory model.
    machine.list(prev).next.store(new, Release);
    machine.list(next).prev.set(new);
}

/// `list_add_rcu()`: at the front, behind every walker that has started.
///
/// # Panics
/// As `CONFIG_DEBUG_LIST` complains, if the entry is on the list already.
pub fn list_add_rcu(machine: &Machine, new: Id<ListHead>, head: Id<ListHead>) {
    assert_unlinked(machine, new);
    __list_add_rcu(machine, new, head, list_next_rcu(machine, head));
}

/// `list_add_tail_rcu()`: at the end, in front of every walker.
///
/// # Panics
/// As `CONFIG_DEBUG_LIST` complains, if the entry is on the list already.
pub fn list_add_tail_rcu(machine: &Machine, new: Id<ListHead>, head: Id<ListHead>) {
    assert_unlinked(machine, new);
    __list_add_rcu(machine, new, machine.list(head).prev.get(), head);
}

/// `list_del_rcu()`: unlinks, poisons `prev`, and leaves `next` to the walkers.
///
/// # Panics
/// As `CONFIG_DEBUG_LIST` complains, if the entry is not on a list.
pub fn list_del_rcu(machine: &Machine, entry: Id<ListHead>) {
    let node = machine.list(entry);
    let (next, prev) = (node.next.load(Relaxed), node.prev.get());
    assert!(prev != LIST_POISON2 && prev != entry, "list_del corruption: prev is poisoned");
    machine.list(next).prev.set(prev);
    machine.list(prev).next.store(next, Relaxed);
    node.prev.set(LIST_POISON2);
}

/// `list_add()`, for lists without walkers.
pub fn list_add(machine: &Machine, new: Id<ListHead>, head: Id<ListHead>) {
    list_add_rcu(machine, new, head);
}

/// `list_add_tail()`, for lists without walkers.
pub fn list_add_tail(machine: &Machine, new: Id<ListHead>, head: Id<ListHead>) {
    list_add_tail_rcu(machine, new, head);
}

/// `list_del_init()`: unlinks, and lets `list_empty()` of the entry say so.
pub fn list_del_init(machine: &Machine, entry: Id<ListHead>) {
    list_del_rcu(machine, entry);
    machine.list(entry).next.store(entry, Relaxed);
    machine.list(entry).prev.set(entry);
}

/// `list_first_entry_or_null()`.
pub fn list_first_entry(machine: &Machine, head: Id<ListHead>) -> Option<Id<ListHead>> {
    Some(list_next_rcu(machine, head)).filter(|&first| first != head)
}

#[track_caller]
fn assert_unlinked(machine: &Machine, new: Id<ListHead>) {
    let prev = machine.list(new).prev.get();
    assert!(prev == LIST_POISON2 || prev == new, "list_add double add");
}

/// The nodes in order, for a final check.
pub fn list_nodes(machine: &Machine, head: Id<ListHead>) -> Vec<Id<ListHead>> {
    let hops = std::iter::successors(Some(head), |&pos| Some(list_next_rcu(machine, pos))).skip(1);
    hops.take_while(|&pos| pos != head).collect()
}
