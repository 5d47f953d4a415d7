// SPDX-License-Identifier: GPL-2.0-only
//! A kernel is one revision of each function.

use crate::scenarios_stopper_lock::TwoWorks;
use crate::spinlock::Arch;
use crate::{
    bit_spinlock, compound_head, compound_lock, futex_key, gup, mm_ids, page_flags, page_ref, put_page, qspinlock,
    split_folio, split_huge_page, ticket_spinlock, try_grab,
};
use ksync::catalogue::{Label, Revision};

/// One revision of each function.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// What it is called.
    pub label: Label,
    /// `bit_spin_lock()` and the rest of its header.
    pub bit_spinlock: bit_spinlock::Rev,
    /// `SetPageReferenced()` and its like.
    pub page_flags: page_flags::Rev,
    /// `compound_lock_irqsave()`.
    pub compound_lock: compound_lock::Rev,
    /// The lock behind `raw_spin_lock()`.
    pub arch: Arch,
    /// `queued_spin_lock()` and the rest of its files.
    pub qspinlock: qspinlock::Rev,
    /// `ticket_spin_unlock()`.
    pub ticket: ticket_spinlock::Rev,
    /// `cpu_stop_queue_two_works()`, as far as locks go.
    pub two_works: TwoWorks,
    /// `compound_head()`.
    pub compound_head: compound_head::Rev,
    /// `get_page()` and `put_page()`.
    pub put_page: put_page::Rev,
    /// `__split_huge_page_refcount()`.
    pub split_huge_page: split_huge_page::Rev,
    /// `get_futex_key()`.
    pub futex_key: futex_key::Rev,
    /// `get_page_unless_zero()` and `page_ref_freeze()`.
    pub page_ref: page_ref::Rev,
    /// `__split_huge_page_tail()`.
    pub split_folio: split_folio::Rev,
    /// `try_grab_compound_head()`.
    pub try_grab: try_grab::Rev,
    /// `folio_lock_large_mapcount()` and its users.
    pub mm_ids: mm_ids::Rev,
    /// `__get_user_pages_fast()`.
    pub gup: gup::Rev,
}

/// Everything as it stands in v7.1, or as it stood when it was last there.
pub const MAINLINE: Kernel = Kernel {
    label: Label::commit("v7.1", "as it stands"),
    bit_spinlock: bit_spinlock::MAINLINE,
    page_flags: page_flags::MAINLINE,
    compound_lock: compound_lock::MAINLINE,
    arch: Arch::Queued,
    qspinlock: qspinlock::MAINLINE,
    ticket: ticket_spinlock::MAINLINE,
    two_works: TwoWorks::BothLocks,
    compound_head: compound_head::MAINLINE,
    put_page: put_page::MAINLINE,
    split_huge_page: split_huge_page::MAINLINE,
    futex_key: futex_key::MAINLINE,
    page_ref: page_ref::MAINLINE,
    split_folio: split_folio::MAINLINE,
    try_grab: try_grab::MAINLINE,
    mm_ids: mm_ids::MAINLINE,
    gup: gup::MAINLINE,
};

/// The kernel of incident 002 is an older one; its bit spinlock is the same.
pub const INCIDENT_002: Kernel = Kernel {
    label: Label::commit("v3.10", "compound pages have a bit spinlock in page->flags"),
    compound_head: compound_head::CLOSE_RACE,
    put_page: put_page::TAIL_PINS,
    split_huge_page: split_huge_page::TAIL_PINS,
    ..MAINLINE
};

/// The queued spinlock before its oldest fix here.
pub const QSPINLOCK: Kernel = Kernel {
    label: Label::commit("54cf809b9512^", "is_locked() looks at the locked byte"),
    qspinlock: qspinlock::ORIGIN,
    ..MAINLINE
};

/// Any bit of the word means locked.
pub const IS_LOCKED: Kernel = Kernel {
    label: Label::commit(
        "54cf809b9512",
        "locking,qspinlock: Fix spin_is_locked() and spin_unlock_wait() (commit id not checked)",
    ),
    qspinlock: qspinlock::IS_LOCKED,
    ..QSPINLOCK
};

/// The kernel before the next fix.
pub const XCHG_RELEASE: Kernel =
    Kernel { label: Label::commit("95bcade33a8a^", "xchg_release() is all that publishes a node"), ..IS_LOCKED };

/// The link to a node is a release too.
pub const STORE_RELEASE: Kernel = Kernel {
    label: Label::commit("95bcade33a8a", "locking/qspinlock: Ensure node is initialised before updating prev->next"),
    qspinlock: qspinlock::STORE_RELEASE,
    ..XCHG_RELEASE
};

/// The kernel before the next fix, as a compiler may make it.
pub const COUNT_LATE: Kernel = Kernel {
    label: Label::commit("11dc13224c97^", "a compiler may count a node after it is initialised"),
    ..STORE_RELEASE
};

/// A node is counted first.
pub const COUNT_FIRST: Kernel = Kernel {
    label: Label::commit("11dc13224c97", "a node is counted before it is initialised (commit id not checked)"),
    qspinlock: qspinlock::COUNT_FIRST,
    ..COUNT_LATE
};

/// The kernel before the series of v4.18.
pub const CMPXCHG_LOOP: Kernel =
    Kernel { label: Label::commit("v4.17", "two loops of the slow path have no end of their own"), ..COUNT_FIRST };

/// The series of v4.18: a bounded wait for a hand-over, and one `fetch_or()`.
pub const FETCH_OR: Kernel = Kernel {
    label: Label::commit("v4.18", "locking/qspinlock: the slow path of v4.18, whose loops are bounded"),
    qspinlock: qspinlock::FETCH_OR,
    ..CMPXCHG_LOOP
};

/// One barrier in place of two releases.
pub const WMB: Kernel = Kernel {
    label: Label::commit(
        "9d4646d14d51",
        "locking/qspinlock: Elide back-to-back RELEASE operations with smp_wmb() (commit id not checked)",
    ),
    qspinlock: qspinlock::WMB,
    ..FETCH_OR
};

/// The kernel before the last fix.
pub const FOUR_LEVELS: Kernel =
    Kernel { label: Label::commit("d682b596d993^", "takes four nodes for a CPU to be enough"), ..WMB };

/// Without a node, try.
pub const NO_NODE: Kernel = Kernel {
    label: Label::commit(
        "d682b596d993",
        "beyond four levels of nesting, spin without a node (commit id not checked)",
    ),
    qspinlock: qspinlock::MAINLINE,
    ..FOUR_LEVELS
};

/// The same lock as `x86` has it.
pub const X86: Kernel = Kernel {
    label: Label::commit("7aa54be29765", "locking/qspinlock, x86: Provide liveness guarantee"),
    qspinlock: qspinlock::X86,
    ..MAINLINE
};

/// The kernel of an architecture with ticket locks.
pub const TICKET: Kernel =
    Kernel { label: Label::commit("ticket", "raw_spin_lock() is the ticket lock"), arch: Arch::Ticket, ..MAINLINE };

/// The same with the queued lock, where both are compared.
pub const QUEUED: Kernel =
    Kernel { label: Label::commit("queued", "raw_spin_lock() is the queued lock"), ..MAINLINE };

/// The same with a bit.
pub const BIT: Kernel =
    Kernel { label: Label::commit("bit", "raw_spin_lock() is one bit of a word"), arch: Arch::Bit, ..MAINLINE };

impl Revision for Kernel {
    fn label(&self) -> Label {
        self.label
    }
}
