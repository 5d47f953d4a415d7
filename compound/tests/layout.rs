// SPDX-License-Identifier: GPL-2.0-only
//! What stands where in memory, and in a word: as in C, and as in the dump of incident 002.
#![cfg(not(loom))]

use compound::page_flags::PageFlag;
use compound::qspinlock::QSpinLock;
use compound::qspinlock_queue::{MAX_NODES, QNode};
use compound::qspinlock_word::{
    _Q_LOCKED_MASK, _Q_LOCKED_PENDING_MASK, _Q_LOCKED_VAL, _Q_PENDING_OFFSET, _Q_PENDING_VAL, _Q_TAIL_MASK,
    encode_tail,
};
use compound::raw_mutex::{RawBitSpinLock, RawTicketSpinLock};
use compound::ticket_spinlock::TicketSpinLock;
use static_assertions::{assert_eq_align, assert_eq_size, const_assert, const_assert_eq};

// `arch_spinlock_t` is 32 bits, whichever lock it is.
assert_eq_size!(QSpinLock, u32);
assert_eq_align!(QSpinLock, u32);
assert_eq_size!(TicketSpinLock, RawTicketSpinLock, u32);
assert_eq_align!(TicketSpinLock, u32);
// A bit lock is a bit of the word that others use.
assert_eq_size!(RawBitSpinLock, u64);

// A node is three words of 32 bits: a pointer is the number of a node here. A CPU has four of them.
assert_eq_size!(QNode, [u32; 3]);
assert_eq_align!(QNode, u32);
const_assert_eq!(MAX_NODES, 4);

// The word: a byte for the holder, one bit for the first waiter, the rest for the last of the queue.
const_assert_eq!(_Q_LOCKED_VAL, 1);
const_assert_eq!(_Q_LOCKED_MASK, 0xff);
const_assert_eq!(_Q_PENDING_OFFSET, 8);
const_assert_eq!(_Q_PENDING_VAL, 0x100);
const_assert_eq!(_Q_LOCKED_PENDING_MASK, 0x1ff);
const_assert_eq!(_Q_TAIL_MASK, !0x1ff);
const_assert_eq!(_Q_LOCKED_MASK & _Q_PENDING_VAL, 0);
// CPU 0 counts as 1, so that no tail is zero: that is no queue.
const_assert_eq!(encode_tail(0, 0), 1 << 11);
const_assert_eq!(encode_tail(0, 3), 1 << 11 | 3 << 9);
const_assert!(encode_tail(16_383, 3) & !_Q_TAIL_MASK == 0);

// `page->flags` in the kernel of the dump: `lock btsl $0x18`, `test $0x1000000`, and tail pages have 0x8000.
const_assert_eq!(PageFlag::CompoundLock.nr(), 0x18);
const_assert_eq!(PageFlag::CompoundLock.mask(), 0x100_0000);
const_assert_eq!(PageFlag::Head.mask(), 0x4000);
const_assert_eq!(PageFlag::Tail.mask(), 0x8000);
const_assert_eq!(PageFlag::Slab.nr(), 7);

/// The layout is what the locks are made of at run time too: a lock that is taken has 1 in its word.
#[test]
fn a_lock_that_is_taken_has_a_one_in_its_word() {
    let lock = QSpinLock::with_val(0, "lock");
    assert_eq!(lock.val.cmpxchg(0, _Q_LOCKED_VAL, ksync::Acquire), Ok(0));
    assert_eq!(lock.val.load(ksync::Relaxed), 1);
}
