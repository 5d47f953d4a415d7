// SPDX-License-Identifier: GPL-2.0-only
//! The locks cost on real atomics what the same locks cost with `std::sync::atomic`.
#![cfg(all(not(loom), target_arch = "x86_64", target_os = "linux"))]
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[path = "../../ksync/tests/zero_cost/asm.rs"]
mod asm;

use compound::raw_mutex::{RawBitSpinLock, RawTicketSpinLock};
use lock_api::RawMutex;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

#[unsafe(export_name = "facade_bit_lock")]
fn facade_bit_lock(lock: &RawBitSpinLock) {
    lock.lock();
}

#[unsafe(export_name = "by_hand_bit_lock")]
fn by_hand_bit_lock(word: &AtomicU64) {
    while word.fetch_or(1, Ordering::Acquire) & 1 != 0 {
        while word.load(Ordering::Relaxed) & 1 != 0 {
            spin_loop();
        }
    }
}

#[unsafe(export_name = "facade_bit_trylock")]
fn facade_bit_trylock(lock: &RawBitSpinLock) -> bool {
    lock.try_lock()
}

#[unsafe(export_name = "by_hand_bit_trylock")]
fn by_hand_bit_trylock(word: &AtomicU64) -> bool {
    word.fetch_or(1, Ordering::Acquire) & 1 == 0
}

#[unsafe(export_name = "facade_bit_unlock")]
fn facade_bit_unlock(lock: &RawBitSpinLock) {
    // SAFETY: the caller holds the lock; nobody calls this.
    unsafe { lock.unlock() };
}

#[unsafe(export_name = "by_hand_bit_unlock")]
fn by_hand_bit_unlock(word: &AtomicU64) {
    word.fetch_and(!1, Ordering::Release);
}

#[unsafe(export_name = "facade_ticket_lock")]
fn facade_ticket_lock(lock: &RawTicketSpinLock) {
    lock.lock();
}

#[unsafe(export_name = "by_hand_ticket_lock")]
fn by_hand_ticket_lock(word: &AtomicU32) {
    let val = word.fetch_add(1 << 16, Ordering::SeqCst);
    let ticket = (val >> 16) as u16;
    if ticket == val as u16 {
        return;
    }
    loop {
        let owner = word.load(Ordering::Acquire) as u16;
        if owner == ticket {
            break;
        }
        spin_loop();
    }
    fence(Ordering::SeqCst);
}

#[unsafe(export_name = "facade_ticket_unlock")]
fn facade_ticket_unlock(lock: &RawTicketSpinLock) {
    // SAFETY: the caller holds the lock; nobody calls this.
    unsafe { lock.unlock() };
}

#[unsafe(export_name = "by_hand_ticket_unlock")]
fn by_hand_ticket_unlock(word: &AtomicU32) {
    let owner = u32::from(word.load(Ordering::Relaxed) as u16);
    let served = u32::from((owner as u16).wrapping_add(1));
    word.fetch_add(served.wrapping_sub(owner), Ordering::Release);
}

#[test]
fn locks_are_what_a_person_would_have_written() {
    let listing = asm::release_build("compound", "zero_cost", "fat");
    for name in ["bit_lock", "bit_trylock", "bit_unlock"] {
        if let Some(difference) = listing.difference(name) {
            panic!("{difference}");
        }
        let body = listing.function(&format!("facade_{name}"));
        assert_eq!(locked(&body), 1, "one read-modify-write: {name}: {body:?}");
    }
    // LLVM compares and adds in another order in the one form than in the other: as many locked instructions, and at most one more of
    // the others.
    // Two locked ones in `ticket_lock`: the barrier behind the wait is one.
    for (name, expected) in [("ticket_lock", 2), ("ticket_unlock", 1)] {
        let [facade, by_hand] = ["facade", "by_hand"].map(|form| listing.function(&format!("{form}_{name}")));
        assert!(facade.len() <= by_hand.len() + 1, "{facade:?} {by_hand:?}");
        assert_eq!((locked(&facade), locked(&by_hand)), (expected, expected), "{facade:?} {by_hand:?}");
    }
    // The bit is tested and set by the one instruction of the kernel's own disassembly.
    let bit = listing.function("facade_bit_lock");
    assert!(bit.iter().any(|line| line.starts_with("lock btsq")), "{bit:?}");
}

fn locked(body: &[String]) -> usize {
    body.iter().filter(|line| line.starts_with("lock")).count()
}
