// SPDX-License-Identifier: GPL-2.0-only
//! A bit as a lock, and the other bits of its word.

use crate::bit_spinlock::{
    self, __bit_spin_unlock, Spin, Unlock, bit_spin_is_locked, bit_spin_lock, bit_spin_trylock, bit_spin_unlock,
};
use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::Machine;
use crate::page_flags::{self, PageFlag, Set, set_page_flag};
use ksync::Weakness::{RelaxedRmw, RelaxedStore};
use ksync::catalogue::Expected::{Holds, Lockup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Model, Plain, Relaxed, Scenario, Setup};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[EXCLUSION, THREE, TRYLOCK, OWN_WORD, OTHER_BIT, RESURRECTED, IS_LOCKED];

const BIT: u32 = PageFlag::CompoundLock.nr();

const fn mutant(name: &'static str, what: &'static str, bit_spinlock: bit_spinlock::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), bit_spinlock, ..kernel::MAINLINE }
}

const RELAXED_UNLOCK: Kernel = Kernel {
    label: Label::mutant("relaxed-unlock", "bit_spin_unlock() clears the bit without order")
        .without(&[("bit_spin_unlock", RelaxedRmw)]),
    ..kernel::MAINLINE
};
const RELAXED_LOCK: Kernel = Kernel {
    label: Label::mutant("relaxed-lock", "bit_spin_lock() sets the bit without order")
        .without(&[("bit_spin_lock", RelaxedRmw)]),
    ..kernel::MAINLINE
};
const PLAIN_SET: Kernel = Kernel {
    label: Label::mutant("plain-set", "another bit of the word is set by a plain read and write"),
    page_flags: page_flags::Rev { set: Set::Plain },
    ..kernel::MAINLINE
};
const PLAIN_UNLOCK: Kernel = mutant(
    "plain-unlock",
    "__bit_spin_unlock() on a word whose other bits others change",
    bit_spinlock::Rev { unlock: Unlock::Word, ..bit_spinlock::MAINLINE },
);

const EXCLUSION: Case = Case {
    incident: "bit-spin-lock",
    name: "exclusion",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: two_holders,
    rows: &[
        (kernel::MAINLINE, Holds),
        (RELAXED_UNLOCK, Race),
        (RELAXED_LOCK, Race),
        (
            mutant(
                "trusts-test",
                "who finds the bit clear takes it for its own",
                bit_spinlock::Rev { spin: Spin::TrustsTest, ..bit_spinlock::MAINLINE },
            ),
            Race,
        ),
    ],
};

/// Two CPUs, twice each.
///
/// Result: Never
pub fn two_holders(kernel: Kernel) -> Box<Scenario> {
    holders(kernel, 2, 2)
}

const THREE: Case = Case {
    incident: "bit-spin-lock",
    name: "exclusion-three",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in a minute"),
    scenario: three_holders,
    rows: &[(kernel::MAINLINE, Holds), (RELAXED_UNLOCK, Race)],
};

/// Three CPUs, twice each.
///
/// Result: Never
pub fn three_holders(kernel: Kernel) -> Box<Scenario> {
    holders(kernel, 3, 2)
}

fn holders(kernel: Kernel, cpus: u32, rounds: u32) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Machine::new(kernel);
        let page = Arc::new((Atomic::named(0u64, format_args!("flags")), Plain::named(0u32, format_args!("data"))));
        let after = page.clone();
        setup.identical_tasks("T", 0, cpus, move |current| {
            let (flags, data) = &*page;
            for _ in 0..rounds {
                bit_spin_lock(&machine.on(current), BIT, flags);
                data.set(data.get() + 1);
                bit_spin_unlock(&machine.on(current), BIT, flags);
            }
        });
        setup.finally(move |_| assert_eq!((after.0.load(Relaxed), after.1.get()), (0, cpus * rounds)));
    })
}

const TRYLOCK: Case = Case {
    incident: "bit-spin-lock",
    name: "trylock-exclusion",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: trylock_and_lock,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-trylock", "bit_spin_trylock() sets the bit without order")
                    .without(&[("bit_spin_trylock", RelaxedRmw)]),
                ..kernel::MAINLINE
            },
            Race,
        ),
    ],
};

/// One CPU tries, the other waits.
///
/// Result: Never
pub fn trylock_and_lock(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::new(kernel));
        let page = Arc::new((Atomic::named(0u64, format_args!("flags")), Plain::named(0u32, format_args!("data"))));
        let other = page.clone();
        machine.spawn(setup, "tries", 0, move |ctx| {
            if bit_spin_trylock(ctx, BIT, &page.0) {
                page.1.set(1);
                bit_spin_unlock(ctx, BIT, &page.0);
            }
        });
        machine.spawn(setup, "waits", 1, move |ctx| {
            bit_spin_lock(ctx, BIT, &other.0);
            other.1.set(2);
            bit_spin_unlock(ctx, BIT, &other.0);
        });
    })
}

const OWN_WORD: Case = Case {
    incident: "bit-spin-lock",
    name: "own-word",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("a store that races a read-modify-write has impossible outcomes (tokio-rs/loom#282)"),
    scenario: bits_under_the_lock,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-store", "__bit_spin_unlock() writes the word without order")
                    .without(&[("__bit_spin_unlock", RelaxedStore)]),
                ..kernel::MAINLINE
            },
            Race,
        ),
    ],
};

/// A word whose other bits only the holder changes, as a hash chain's head: the plain unlock is enough.
///
/// Result: Never
pub fn bits_under_the_lock(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let machine = Arc::new(Machine::new(kernel));
        let chain = Arc::new((Atomic::named(0u64, format_args!("first")), Plain::named(0u32, format_args!("data"))));
        let after = chain.clone();
        for cpu in 0..2u32 {
            let chain = chain.clone();
            machine.spawn(setup, &format!("T{cpu}"), cpu, move |ctx| {
                let (first, data) = &*chain;
                bit_spin_lock(ctx, 0, first);
                data.set(data.get() + 1);
                let seen = first.load(Relaxed);
                first.store(seen | 2 << cpu, Relaxed);
                __bit_spin_unlock(ctx, 0, first);
            });
        }
        setup.finally(move |_| assert_eq!((after.0.load(Relaxed), after.1.get()), (0b110, 2)));
    })
}

const OTHER_BIT: Case = Case {
    incident: "bit-spin-lock",
    name: "other-bit",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: other_bit_set_once,
    rows: &[(kernel::MAINLINE, Holds), (PLAIN_UNLOCK, Violated), (PLAIN_SET, Violated)],
};

/// Another CPU sets a bit of the word while the lock is released.
///
/// Result: Never
pub fn other_bit_set_once(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let flags = other_bit(setup, kernel, 1);
        setup.finally(move |_| assert_eq!(page_flags::decode(flags.load(Relaxed)), [PageFlag::Referenced]));
    })
}

const RESURRECTED: Case = Case {
    incident: "bit-spin-lock",
    name: "resurrected",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: locked_again_after_other_bit,
    rows: &[(kernel::MAINLINE, Holds), (PLAIN_SET, Lockup)],
};

/// Another CPU sets a bit of the word while the lock is released, and then the lock is taken again.
///
/// Result: Never
pub fn locked_again_after_other_bit(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        other_bit(setup, kernel, 2);
    })
}

fn other_bit(setup: &mut Setup, kernel: Kernel, rounds: u32) -> Arc<Atomic<u64>> {
    let machine = Arc::new(Machine::new(kernel));
    let flags = Arc::new(Atomic::named(0u64, format_args!("flags")));
    let (lockers, others) = (flags.clone(), flags.clone());
    machine.spawn(setup, "locker", 0, move |ctx| {
        for _ in 0..rounds {
            bit_spin_lock(ctx, BIT, &lockers);
            bit_spin_unlock(ctx, BIT, &lockers);
        }
    });
    machine.spawn(setup, "mark_page_accessed", 1, move |ctx| {
        set_page_flag(ctx, PageFlag::Referenced, &others);
    });
    flags
}

const IS_LOCKED: Case = Case {
    incident: "bit-spin-lock",
    name: "is-locked",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: reader_beside_a_holder,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "is-locked-guards",
                "a reader takes bit_spin_is_locked() for a guard",
                bit_spinlock::Rev { spin: Spin::TrustsTest, ..bit_spinlock::MAINLINE },
            ),
            Race,
        ),
    ],
};

/// A reader that wants the data, and none of it half made.
///
/// Result: Never
pub fn reader_beside_a_holder(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let trusts = kernel.bit_spinlock.spin == Spin::TrustsTest;
        let machine = Arc::new(Machine::new(kernel));
        let page = Arc::new((Atomic::named(0u64, format_args!("flags")), Plain::named(0u32, format_args!("data"))));
        let readers = page.clone();
        machine.spawn(setup, "holder", 0, move |ctx| {
            bit_spin_lock(ctx, BIT, &page.0);
            page.1.set(1);
            bit_spin_unlock(ctx, BIT, &page.0);
        });
        machine.spawn(setup, "reader", 1, move |ctx| {
            if !trusts {
                bit_spin_lock(ctx, BIT, &readers.0);
                readers.1.get();
                bit_spin_unlock(ctx, BIT, &readers.0);
            } else if !bit_spin_is_locked(BIT, &readers.0) {
                readers.1.get();
            }
        });
    })
}
