// SPDX-License-Identifier: GPL-2.0-only
//! A futex in a tail of a huge page that is split and unmapped.

use crate::catalogue::Case;
use crate::futex_key::{self, Head, get_futex_key};
use crate::gup::{self, __get_user_pages_fast, __split_huge_page, Irqs, Mm, zap_pte_range};
use crate::kernel::{INCIDENT_002, Kernel};
use crate::machine::Ctx;
use crate::put_page::put_page;
use crate::scenarios_compound_lock::{HEAD, TAIL, all_is_freed, huge_page, uses};
use ksync::Weakness::{self, RelaxedLoad, RelaxedStore};
use ksync::catalogue::Expected::{Holds, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[SPLIT, GUP_FAST];

const IRQS_ON: Kernel = Kernel {
    label: Label::mutant("irqs-on", "nothing keeps the split away while the head is pinned"),
    futex_key: futex_key::Rev { head: Head::IrqsOn },
    ..INCIDENT_002
};

const GUP_IRQS_ON: Kernel = Kernel {
    label: Label::mutant("gup-irqs-on", "the walk does not keep the split away"),
    gup: gup::Rev { irqs: Irqs::On },
    ..INCIDENT_002
};

const fn flush(name: &'static str, what: &'static str, weaken: &'static [(&'static str, Weakness)]) -> Kernel {
    Kernel { label: Label::mutant(name, what).without(weaken), ..INCIDENT_002 }
}

const SPLIT: Case = Case {
    incident: "futex-key",
    name: "split-and-unmap",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("loom has no interrupts"),
    scenario: split_and_unmap,
    rows: &[(INCIDENT_002, Holds), (IRQS_ON, Race)],
};

/// One CPU looks for the futex's page, the other splits the huge page and unmaps it.
///
/// Result: Never
pub fn split_and_unmap(kernel: Kernel) -> Box<Scenario> {
    beside_split_and_unmap(kernel, "futex_wake", |ctx, mm| {
        if let Ok(head) = get_futex_key(ctx, mm, TAIL) {
            uses(ctx, head);
            put_page(ctx, head);
        }
    })
}

const GUP_FAST: Case = Case {
    incident: "gup-fast",
    name: "split-and-unmap",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("loom has no interrupts"),
    scenario: pin_without_a_lock,
    rows: &[
        (INCIDENT_002, Holds),
        (GUP_IRQS_ON, Violated),
        (
            flush("relaxed-call", "the interrupt is not behind the new entry", &[("flush_tlb", RelaxedStore)]),
            Violated,
        ),
        (flush("relaxed-ipi", "the handler is not before new uses", &[("flush_tlb_func", RelaxedLoad)]), Violated),
        (flush("relaxed-ack", "the handler is not behind old uses", &[("flush_tlb_func", RelaxedStore)]), Violated),
        (flush("relaxed-wait", "the wait does not order what follows", &[("flush_tlb", RelaxedLoad)]), Violated),
    ],
};

/// One CPU pins a tail once, the other splits the huge page and unmaps it.
///
/// Result: Never
pub fn pin_without_a_lock(kernel: Kernel) -> Box<Scenario> {
    beside_split_and_unmap(kernel, "gup", |ctx, mm| {
        if __get_user_pages_fast(ctx, mm, TAIL) {
            uses(ctx, TAIL);
            put_page(ctx, TAIL);
        }
    })
}

fn beside_split_and_unmap(kernel: Kernel, name: &'static str, body: fn(&Ctx, &Mm)) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(huge_page(kernel, 1, 0));
        let mm = Arc::new(Mm::new(setup, HEAD, 0));
        all_is_freed(setup, &machine);
        let splits = mm.clone();
        machine.spawn(setup, name, 0, move |ctx| body(ctx, &mm));
        machine.spawn(setup, "split_huge_page", 1, move |ctx| {
            __split_huge_page(ctx, &splits);
            zap_pte_range(ctx, &splits);
        });
    })
}
