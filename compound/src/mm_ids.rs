// SPDX-License-Identifier: GPL-2.0-only
//! C: `folio_lock_large_mapcount()` and its users, `include/linux/rmap.h`, v6.15 to v7.1: a bit spinlock is in the
//! compound page again, for who maps it.
//!
//! ```text
//! CPU0, maps the folio into mm 1             CPU1, unmaps it from mm 2
//! folio_lock_large_mapcount()
//! slot 0 is of mm 2: counts in slot 1
//!                                            folio_lock_large_mapcount(): spins
//! folio_unlock_large_mapcount()
//! ```
//!
//! Property: under the bit, slots and counts belong together, and nobody else writes the word.

use crate::bit_spinlock::{__bit_spin_unlock, bit_spin_lock};
use crate::machine::Ctx;
use ksync::{Atomic, Plain, Relaxed};

/// `FOLIO_MM_IDS_LOCK_BITNUM`: the top bit of `_mm_id[0]`.
pub const LOCK_BIT: u32 = 31;

/// No mm.
pub const MM_ID_DUMMY: u64 = 0;

/// A revision of the users of the word.
#[derive(Debug, Clone, Copy)]
pub struct Rev {
    /// Who writes `_mm_ids`.
    pub write: Write,
}

/// Who writes `_mm_ids`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// The holder of its bit.
    UnderLock,
    /// An unmapper also after he has released the bit.
    AfterUnlock,
}

/// "mm/rmap: basic MM owner tracking for large folios": 6af8cb80d3a9.
pub const MAINLINE: Rev = Rev { write: Write::UnderLock };

/// The words of a folio that say who maps it.
///
/// DEVIATION: one of C's two slots. It has an owner while that one maps the folio; others are counted in the total.
#[derive(Debug)]
pub struct MmIds {
    /// `_mm_ids`: the owner's number, and the lock.
    pub ids: Atomic<u64>,
    /// `_mm_id_mapcount[0]`.
    pub mapcount: Plain<u32>,
    /// `_large_mapcount`.
    pub large_mapcount: Plain<u32>,
}

impl MmIds {
    /// A folio that this mm maps once.
    pub fn new(mm_id: u64) -> Self {
        MmIds {
            ids: Atomic::named(mm_id, format_args!("folio._mm_ids")),
            mapcount: Plain::named(1, format_args!("folio._mm_id_mapcount")),
            large_mapcount: Plain::named(1, format_args!("folio._large_mapcount")),
        }
    }

    /// The mm whose mappings the slot counts.
    pub fn owner(&self) -> u64 {
        self.ids.load(Relaxed) & !(1 << LOCK_BIT)
    }

    fn set_owner(&self, mm_id: u64) {
        self.ids.store(self.ids.load(Relaxed) & 1 << LOCK_BIT | mm_id, Relaxed);
    }
}

/// `folio_lock_large_mapcount()`.
pub fn folio_lock_large_mapcount(ctx: &Ctx, folio: &MmIds) {
    bit_spin_lock(ctx, LOCK_BIT, &folio.ids);
}

/// `folio_unlock_large_mapcount()`: without a read-modify-write, for nobody else writes the word.
pub fn folio_unlock_large_mapcount(ctx: &Ctx, folio: &MmIds) {
    __bit_spin_unlock(ctx, LOCK_BIT, &folio.ids);
}

/// `folio_add_return_large_mapcount()`: one more mapping of this mm.
pub fn folio_add_return_large_mapcount(ctx: &Ctx, folio: &MmIds, mm_id: u64) {
    folio_lock_large_mapcount(ctx, folio);
    folio.large_mapcount.set(folio.large_mapcount.get() + 1);
    if folio.owner() == MM_ID_DUMMY {
        folio.set_owner(mm_id);
    }
    if folio.owner() == mm_id {
        folio.mapcount.set(folio.mapcount.get() + 1);
    }
    folio_unlock_large_mapcount(ctx, folio);
}

/// `folio_sub_return_large_mapcount()`: one mapping of this mm less.
pub fn folio_sub_return_large_mapcount(ctx: &Ctx, folio: &MmIds, mm_id: u64) {
    let late = ctx.machine.kernel.mm_ids.write == Write::AfterUnlock;
    folio_lock_large_mapcount(ctx, folio);
    folio.large_mapcount.set(folio.large_mapcount.get() - 1);
    let mut empty = false;
    if folio.owner() == mm_id {
        let left = folio.mapcount.get() - 1;
        folio.mapcount.set(left);
        empty = left == 0;
    }
    if empty && !late {
        folio.set_owner(MM_ID_DUMMY);
    }
    folio_unlock_large_mapcount(ctx, folio);
    if empty && late {
        folio.set_owner(MM_ID_DUMMY);
    }
}
