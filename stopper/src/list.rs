// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/linux/list.h`, as much of it as a stopper's FIFO needs.
//!
//! DEVIATION: singly linked, because works leave at the front only. A node that is on no list points to itself, as
//! `INIT_LIST_HEAD()` leaves it, so that a double add shows as under `CONFIG_DEBUG_LIST`, also in the middle.

use crate::cpu_stopper::CpuStopWork;
use crate::machine::Machine;
use ksync::{Id, Plain};

/// `struct list_head` in a `cpu_stop_work`.
#[derive(Debug)]
pub struct ListNode(Plain<Option<Id<CpuStopWork>>>);

impl ListNode {
    /// The node of this work, on no list.
    pub fn new(work: Id<CpuStopWork>, name: &str) -> Self {
        ListNode(Plain::named(Some(work), format_args!("{name}.list")))
    }
}

/// `struct list_head works`: a FIFO.
#[derive(Debug)]
pub struct ListHead {
    first: Plain<Option<Id<CpuStopWork>>>,
    last: Plain<Option<Id<CpuStopWork>>>,
}

impl ListHead {
    /// `INIT_LIST_HEAD()`.
    pub fn new(name: &str) -> Self {
        ListHead {
            first: Plain::named(None, format_args!("{name}")),
            last: Plain::named(None, format_args!("{name}.prev")),
        }
    }

    /// The word that says whether there is an entry, for a sleeper that waits for one.
    pub fn first(&self) -> &Plain<Option<Id<CpuStopWork>>> {
        &self.first
    }
}

/// `list_empty(head)`.
pub fn list_empty(head: &ListHead) -> bool {
    head.first.get().is_none()
}

/// `list_empty(&work->list)`: the work is on no list.
pub fn list_empty_node(machine: &Machine, work: Id<CpuStopWork>) -> bool {
    machine.work(work).list.0.get() == Some(work)
}

/// `list_add_tail()`.
///
/// # Panics
/// In the words of `CONFIG_DEBUG_LIST` if the work is on a list.
pub fn list_add_tail(machine: &Machine, work: Id<CpuStopWork>, head: &ListHead) {
    let node = &machine.work(work).list.0;
    assert!(node.get() == Some(work), "list_add double add");
    node.set(None);
    match head.last.get() {
        Some(prev) => machine.work(prev).list.0.set(Some(work)),
        None => head.first.set(Some(work)),
    }
    head.last.set(Some(work));
}

/// `list_first_entry_or_null()` and `list_del_init()` of it.
pub fn list_pop(machine: &Machine, head: &ListHead) -> Option<Id<CpuStopWork>> {
    let work = head.first.get()?;
    let node = &machine.work(work).list.0;
    let next = node.get();
    head.first.set(next);
    if next.is_none() {
        head.last.set(None);
    }
    node.set(Some(work));
    Some(work)
}

/// `list_for_each_entry()`, for a final check.
pub fn list_entries(machine: &Machine, head: &ListHead) -> Vec<Id<CpuStopWork>> {
    std::iter::successors(head.first.get(), |&work| machine.work(work).list.0.get()).collect()
}
