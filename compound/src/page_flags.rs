// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/linux/page-flags.h`, v3.10 with the options of RHEL 7 on `x86_64`: the bits of `page->flags`.
//!
//! ```text
//! CPU0, bit_spin_unlock()                    CPU1, __SetPageReferenced()
//!                                            reads flags: the lock bit is set
//! clears the lock bit
//!                                            writes flags back: the lock bit is set again, and nobody holds it
//! ```
//!
//! Property: what one CPU does to a bit is not undone by what another does to the bit beside it.

use crate::machine::Ctx;
use ksync::{Atomic, Relaxed};

/// A revision of the functions that set a bit of `page->flags`.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// How a bit is set that others may be changing beside.
    pub set: Set,
}

/// How a bit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// `set_bit()`: one read-modify-write.
    Atomic,
    /// `__set_bit()`: a read, then a write.
    Plain,
}

/// A bit of a page that others see is set atomically.
pub const MAINLINE: Rev = Rev { set: Set::Atomic };

/// `enum pageflags`: the number is the bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the kernel's names, in the kernel's order")]
#[repr(u32)]
pub enum PageFlag {
    Locked = 0,
    Error,
    Referenced,
    Uptodate,
    Dirty,
    Lru,
    Active,
    Slab,
    OwnerPriv1,
    Arch1,
    Reserved,
    Private,
    Private2,
    Writeback,
    Head,
    Tail,
    Swapcache,
    Mappedtodisk,
    Reclaim,
    Swapbacked,
    Unevictable,
    Mlocked,
    Uncached,
    Hwpoison,
    CompoundLock,
}

impl PageFlag {
    /// All flags, from bit 0 up.
    pub const ALL: [PageFlag; 25] = [
        PageFlag::Locked,
        PageFlag::Error,
        PageFlag::Referenced,
        PageFlag::Uptodate,
        PageFlag::Dirty,
        PageFlag::Lru,
        PageFlag::Active,
        PageFlag::Slab,
        PageFlag::OwnerPriv1,
        PageFlag::Arch1,
        PageFlag::Reserved,
        PageFlag::Private,
        PageFlag::Private2,
        PageFlag::Writeback,
        PageFlag::Head,
        PageFlag::Tail,
        PageFlag::Swapcache,
        PageFlag::Mappedtodisk,
        PageFlag::Reclaim,
        PageFlag::Swapbacked,
        PageFlag::Unevictable,
        PageFlag::Mlocked,
        PageFlag::Uncached,
        PageFlag::Hwpoison,
        PageFlag::CompoundLock,
    ];

    /// The bit's number, as `bit_spin_lock()` takes it.
    pub const fn nr(self) -> u32 {
        self as u32
    }

    /// The bit in the word.
    pub const fn mask(self) -> u64 {
        1 << self.nr()
    }

    /// Whether the bit is set in this value of `page->flags`.
    pub const fn is_in(self, flags: u64) -> bool {
        flags & self.mask() != 0
    }
}

/// The flags that are set in a value of `page->flags`. Zone, node and section stand above them and are not looked at.
pub fn decode(flags: u64) -> Vec<PageFlag> {
    PageFlag::ALL.into_iter().filter(|flag| flag.is_in(flags)).collect()
}

/// `SetPageReferenced()` and its like, on a page that others see.
pub fn set_page_flag(ctx: &Ctx, flag: PageFlag, flags: &Atomic<u64>) {
    match ctx.machine.kernel.page_flags.set {
        Set::Atomic => {
            flags.test_and_set_bit(flag.nr(), Relaxed);
        }
        Set::Plain => __set_page_flag(flag, flags),
    }
}

/// `__SetPageReferenced()` and its like, for a page that nobody else sees.
///
/// DEVIATION: C's plain `x |= bit` is a relaxed read and a relaxed write here, which is what the instruction does to
/// memory. A race-checked word would report the race and hide what is lost by it.
pub fn __set_page_flag(flag: PageFlag, flags: &Atomic<u64>) {
    let old = flags.load(Relaxed);
    flags.store(old | flag.mask(), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use PageFlag::{CompoundLock, Head, Lru, Mlocked, Referenced, Swapbacked, Tail, Unevictable, Uptodate};

    #[test]
    fn the_flags_of_incident_002_decode_as_crash_has_them() {
        let head = decode(0x0060_16c6_0138_402c);
        assert_eq!(head, [Referenced, Uptodate, Lru, Head, Swapbacked, Unevictable, Mlocked, CompoundLock]);
        assert_eq!(decode(0x006f_ffff_0000_8000), [Tail]);
    }

    #[test]
    fn the_lock_bit_is_what_the_spinning_cpus_test() {
        assert_eq!(CompoundLock.mask(), 0x100_0000, "test $0x1000000,%eax");
        assert_eq!(CompoundLock.nr(), 0x18, "lock btsl $0x18,(%r12)");
        assert!(PageFlag::ALL.iter().zip(0..).all(|(flag, nr)| flag.nr() == nr));
    }
}
