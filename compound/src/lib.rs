// SPDX-License-Identifier: GPL-2.0-only
//! The references of compound pages, the bit spinlock on `page->flags`, and the ticket and the queued spinlock, ported
//! from Linux.
//!
//! The functions stand under their C names, in C's order of statements; a kernel is a choice of one revision of each
//! ([`kernel::Kernel`]). Statements that C has and no property here needs are left out and marked at their line.
#![allow(clippy::used_underscore_binding, clippy::pub_underscore_fields, reason = "C has fields with such names")]

pub mod bit_spinlock;
pub mod catalogue;
pub mod compound_head;
pub mod compound_lock;
pub mod folio;
pub mod futex_key;
pub mod gup;
pub mod investigation;
pub mod kernel;
pub mod kernel_page;
pub mod machine;
pub mod mm_ids;
pub mod page;
pub mod page_alloc;
pub mod page_flags;
pub mod page_ref;
pub mod put_page;
pub mod qspinlock;
pub mod qspinlock_queue;
pub mod qspinlock_word;
pub mod raw_mutex;
pub mod scenarios_bit_spin_lock;
pub mod scenarios_compound_head;
pub mod scenarios_compound_lock;
pub mod scenarios_fairness;
pub mod scenarios_futex_key;
pub mod scenarios_incident_002;
pub mod scenarios_mm_ids;
pub mod scenarios_page_ref;
pub mod scenarios_pins;
pub mod scenarios_preempt;
pub mod scenarios_pte;
pub mod scenarios_qspinlock;
pub mod scenarios_qspinlock_history;
pub mod scenarios_raw_mutex;
pub mod scenarios_reused_head;
pub mod scenarios_spin_lock;
pub mod scenarios_split;
pub mod scenarios_stopper_lock;
pub mod scenarios_ticket;
pub mod spinlock;
pub mod split_folio;
pub mod split_huge_page;
pub mod ticket_spinlock;
pub mod try_grab;

/// The sources of this crate, so that reports can name functions.
pub const SOURCES: &[ksync::Source] = ksync::sources!("compound";
    "bit_spinlock.rs", "catalogue.rs", "compound_head.rs", "compound_lock.rs", "folio.rs", "futex_key.rs", "gup.rs",
    "investigation.rs", "kernel.rs", "kernel_page.rs", "lib.rs", "machine.rs", "mm_ids.rs", "page.rs",
    "page_alloc.rs", "page_flags.rs", "page_ref.rs", "put_page.rs", "qspinlock.rs", "qspinlock_queue.rs",
    "qspinlock_word.rs", "raw_mutex.rs", "scenarios_bit_spin_lock.rs", "scenarios_compound_head.rs",
    "scenarios_compound_lock.rs", "scenarios_fairness.rs", "scenarios_futex_key.rs", "scenarios_incident_002.rs",
    "scenarios_mm_ids.rs", "scenarios_page_ref.rs", "scenarios_pins.rs", "scenarios_preempt.rs", "scenarios_pte.rs",
    "scenarios_qspinlock.rs", "scenarios_qspinlock_history.rs", "scenarios_raw_mutex.rs", "scenarios_reused_head.rs",
    "scenarios_spin_lock.rs", "scenarios_split.rs", "scenarios_stopper_lock.rs", "scenarios_ticket.rs", "spinlock.rs",
    "split_folio.rs", "split_huge_page.rs", "ticket_spinlock.rs", "try_grab.rs",
);

#[cfg(test)]
mod tests {
    #[test]
    fn sources_are_all_files_of_the_directory() {
        ksync::assert_sources_are_all(super::SOURCES, env!("CARGO_MANIFEST_DIR"));
    }
}
