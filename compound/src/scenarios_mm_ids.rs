// SPDX-License-Identifier: GPL-2.0-only
//! Two address spaces that map and unmap the same folio.

use crate::catalogue::Case;
use crate::kernel::{Kernel, MAINLINE};
use crate::machine::Machine;
use crate::mm_ids::{
    self, MM_ID_DUMMY, MmIds, Write, folio_add_return_large_mapcount, folio_sub_return_large_mapcount,
};
use ksync::Weakness::{self, RelaxedRmw, RelaxedStore};
use ksync::catalogue::Expected::{Holds, Lockup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Scenario, Setup};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[TWO_MMS, RESURRECTED];

const NO_MIXED_STORES: LoomUse =
    LoomUse::CannotCarry("a store that races a read-modify-write has impossible outcomes (tokio-rs/loom#282)");

const fn weak(name: &'static str, what: &'static str, weaken: &'static [(&'static str, Weakness)]) -> Kernel {
    Kernel { label: Label::mutant(name, what).without(weaken), ..MAINLINE }
}

const UNLOCKED: Kernel = Kernel {
    label: Label::mutant("writes-unlocked", "the slot is given back after the bit is released"),
    mm_ids: mm_ids::Rev { write: Write::AfterUnlock },
    ..MAINLINE
};

const TWO_MMS: Case = Case {
    incident: "mm-id",
    name: "two-mms",
    model: Model::Lkmm,
    loom: NO_MIXED_STORES,
    scenario: maps_and_unmaps,
    rows: &[
        (MAINLINE, Holds),
        (weak("relaxed-lock", "the bit is taken without order", &[("bit_spin_lock", RelaxedRmw)]), Race),
        (weak("relaxed-unlock", "the bit is released without order", &[("__bit_spin_unlock", RelaxedStore)]), Race),
        (UNLOCKED, Violated),
    ],
};

/// The owner of the slot unmaps the folio, while another mm maps and unmaps it.
///
/// Result: Never
pub fn maps_and_unmaps(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let folio = two_mms(setup, kernel);
        setup.finally(move |_| {
            assert_eq!(folio.owner(), MM_ID_DUMMY, "the slot is free");
            assert_eq!((folio.mapcount.get(), folio.large_mapcount.get()), (0, 0), "no mapping is left");
        });
    })
}

const RESURRECTED: Case = Case {
    incident: "mm-id",
    name: "resurrected",
    model: Model::Sc,
    loom: NO_MIXED_STORES,
    scenario: locks_again,
    rows: &[(MAINLINE, Holds), (UNLOCKED, Lockup)],
};

/// The same, and only that both come to an end.
///
/// Result: Never
pub fn locks_again(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        two_mms(setup, kernel);
    })
}

fn two_mms(setup: &mut Setup, kernel: Kernel) -> Arc<MmIds> {
    let machine = Arc::new(Machine::new(kernel));
    let folio = Arc::new(MmIds::new(1));
    let (owners, others) = (folio.clone(), folio.clone());
    machine.spawn(setup, "mm1", 0, move |ctx| folio_sub_return_large_mapcount(ctx, &owners, 1));
    machine.spawn(setup, "mm2", 1, move |ctx| {
        folio_add_return_large_mapcount(ctx, &others, 2);
        folio_sub_return_large_mapcount(ctx, &others, 2);
    });
    folio
}
