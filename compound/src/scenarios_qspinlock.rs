// SPDX-License-Identifier: GPL-2.0-only
//! The queued spinlock as it stands: exclusion, and the wrong patches that break it.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::Machine;
use crate::qspinlock::{
    self, Free, NotFirst, QSpinLock, SetPending, TakeOver, Unlock, queued_spin_is_locked, queued_spin_lock_slowpath,
    queued_spin_unlock,
};
use crate::qspinlock_queue::{Claim, Next, SetLocked, TailWrite};
use crate::qspinlock_word::{_Q_LOCKED_VAL, _Q_PENDING_VAL};
use crate::scenarios_spin_lock::{four_by_one, three_by_one, three_by_two, trylock_and_lock, two_by_two};
use ksync::Weakness::{self, NoFence, RelaxedLoad, RelaxedRmw, RelaxedStore};
use ksync::catalogue::Expected::{Holds, Lockup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::op::Fence;
use ksync::{Model, Plain, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[
    EXCLUSION,
    EXCLUSION_RC11,
    EXCLUSION_SC,
    THREE,
    THREE_RC11,
    THREE_SC,
    THREE_TWICE,
    FOUR,
    TRYLOCK,
    QUEUE,
    QUEUE_RC11,
    QUEUE_SC,
    PENDING_AND_QUEUE,
];

pub(crate) const NO_END: LoomUse = LoomUse::CannotCarry("no end in 20 seconds");

const fn mutant(name: &'static str, what: &'static str, qspinlock: qspinlock::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), qspinlock, ..kernel::MAINLINE }
}

const fn weak(name: &'static str, what: &'static str, weaken: &'static [(&'static str, Weakness)]) -> Kernel {
    Kernel { label: Label::mutant(name, what).without(weaken), ..kernel::MAINLINE }
}

const RELAXED_LOCK: Kernel = weak("relaxed-lock", "a free lock is taken without order", &[("lock_on", RelaxedRmw)]);
const RELAXED_UNLOCK: Kernel =
    weak("relaxed-unlock", "queued_spin_unlock() orders nothing", &[("queued_spin_unlock", RelaxedRmw)]);
const RELAXED_PENDING: Kernel = weak(
    "relaxed-pending",
    "the pending bit is set without order",
    &[("queued_fetch_set_pending_acquire", RelaxedRmw)],
);
const RELAXED_PENDING_WAIT: Kernel =
    weak("relaxed-pending-wait", "the pending waiter waits without order", &[("taken_as_pending", RelaxedLoad)]);
const TWO_OWNERS: Kernel = mutant(
    "trylock-steals",
    "trylock takes a lock that has waiters",
    qspinlock::Rev { trylock: Free::Byte, ..qspinlock::MAINLINE },
);
const PENDING_STAYS: Kernel = mutant(
    "pending-stays",
    "the pending bit stays when the waiter takes the lock",
    qspinlock::Rev { take_over: TakeOver::Add, ..qspinlock::MAINLINE },
);
const UNLOCK_WORD: Kernel = mutant(
    "unlock-word",
    "unlock stores zero into the whole word",
    qspinlock::Rev { unlock: Unlock::Word, ..qspinlock::MAINLINE },
);
const REST_THEN_BIT: Kernel = mutant(
    "rest-then-bit",
    "reads the rest of the word before it sets the pending bit",
    qspinlock::Rev { set_pending: SetPending::RestThenBit, ..qspinlock::MAINLINE },
);
const TAIL_ONLY: Kernel = mutant(
    "tail-only",
    "who sets the pending bit looks for a queue only",
    qspinlock::Rev { not_first: NotFirst::TailOnly, ..qspinlock::MAINLINE },
);
const TAIL_WORD: Kernel = mutant(
    "tail-word",
    "xchg_tail() overwrites the rest of the word",
    qspinlock::Rev { tail: TailWrite::Word, ..qspinlock::MAINLINE },
);
const CLAIM_STORE: Kernel = mutant(
    "claim-store",
    "the last of the queue takes the lock by a store",
    qspinlock::Rev { claim: Claim::Store, ..qspinlock::MAINLINE },
);
const LOCKED_HALF: Kernel = mutant(
    "locked-half",
    "set_locked() stores 16 bits, and clears the pending bit",
    qspinlock::Rev { set_locked: SetLocked::Half, ..qspinlock::MAINLINE },
);
const LOOKS_ONCE: Kernel = mutant(
    "looks-once",
    "nobody behind us yet: nobody to release",
    qspinlock::Rev { next: Next::LooksOnce, ..qspinlock::MAINLINE },
);
const LEAVE: Kernel = mutant(
    "pending-left",
    "who set the pending bit in vain leaves it",
    qspinlock::Rev { not_first: NotFirst::Leave, ..qspinlock::MAINLINE },
);

pub(crate) const NO_DEPENDENCY: Kernel = weak(
    "no-dependency",
    "what a tail points to is not ordered behind it",
    &[("join", NoFence(Fence::AcquireAfterCtrlDep))],
);

const EXCLUSION: Case = Case {
    incident: "qspinlock",
    name: "exclusion",
    model: Model::Lkmm,
    loom: NO_END,
    scenario: two_by_two,
    rows: &[
        (kernel::MAINLINE, Holds),
        (kernel::X86, Holds),
        (RELAXED_LOCK, Race),
        (RELAXED_UNLOCK, Race),
        (RELAXED_PENDING, Race),
        (RELAXED_PENDING_WAIT, Race),
    ],
};

const EXCLUSION_RC11: Case = Case { name: "exclusion-rc11", model: Model::Rc11, ..EXCLUSION };

const EXCLUSION_SC: Case = Case {
    name: "exclusion-sc",
    model: Model::Sc,
    rows: &[
        (kernel::MAINLINE, Holds),
        (kernel::X86, Holds),
        (TWO_OWNERS, Race),
        (PENDING_STAYS, Lockup),
        (UNLOCK_WORD, Violated),
        (REST_THEN_BIT, Race),
        (TAIL_WORD, Lockup),
    ],
    ..EXCLUSION
};

const THREE: Case = Case {
    name: "three-cpus",
    scenario: three_by_one,
    rows: &[(kernel::MAINLINE, Holds), (kernel::X86, Holds), (RELAXED_UNLOCK, Race), (NO_DEPENDENCY, Race)],
    ..EXCLUSION
};

const THREE_RC11: Case = Case {
    name: "three-cpus-rc11",
    model: Model::Rc11,
    loom: LoomUse::Agrees,
    rows: &[
        (kernel::MAINLINE, Holds),
        (RELAXED_LOCK, Race),
        (RELAXED_UNLOCK, Race),
        (RELAXED_PENDING, Race),
        (RELAXED_PENDING_WAIT, Race),
    ],
    ..THREE
};

const THREE_SC: Case = Case {
    name: "three-cpus-sc",
    model: Model::Sc,
    rows: &[(kernel::MAINLINE, Holds), (kernel::X86, Holds), (TAIL_ONLY, Violated)],
    ..THREE
};

const THREE_TWICE: Case = Case {
    name: "three-cpus-twice-sc",
    model: Model::Sc,
    scenario: three_by_two,
    rows: &[
        (kernel::MAINLINE, Holds),
        (kernel::X86, Holds),
        (REST_THEN_BIT, Race),
        (TAIL_ONLY, Violated),
        (LEAVE, Lockup),
        (LOCKED_HALF, Violated),
    ],
    ..EXCLUSION
};

const FOUR: Case = Case {
    name: "four-cpus-sc",
    model: Model::Sc,
    scenario: four_by_one,
    rows: &[(kernel::MAINLINE, Holds), (kernel::X86, Holds), (CLAIM_STORE, Lockup), (LOOKS_ONCE, Lockup)],
    ..EXCLUSION
};

const TRYLOCK: Case = Case {
    incident: "qspinlock",
    name: "trylock-exclusion",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: trylock_and_lock,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            weak("relaxed-trylock", "queued_spin_trylock() orders nothing", &[("queued_spin_trylock", RelaxedRmw)]),
            Race,
        ),
    ],
};

const QUEUE: Case = Case {
    incident: "qspinlock",
    name: "queue-order",
    model: Model::Lkmm,
    loom: NO_END,
    scenario: two_in_the_queue,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            weak(
                "relaxed-head-wait",
                "the first of the queue waits for the lock without order",
                &[("claim", RelaxedLoad)],
            ),
            Race,
        ),
        (
            weak(
                "relaxed-turn",
                "a waiter of the queue waits for its turn without order",
                &[("wait_for_turn", RelaxedLoad)],
            ),
            Lockup,
        ),
        (
            weak("relaxed-pass", "the next of the queue is released without order", &[("pass_turn", RelaxedStore)]),
            Lockup,
        ),
    ],
};

const QUEUE_RC11: Case = Case { name: "queue-order-rc11", model: Model::Rc11, ..QUEUE };

const QUEUE_SC: Case = Case {
    name: "queue-order-sc",
    model: Model::Sc,
    rows: &[(kernel::MAINLINE, Holds), (CLAIM_STORE, Lockup), (LOOKS_ONCE, Lockup)],
    ..QUEUE
};

/// The word of a lock that has an owner and a waiter, as a CPU saw it a while ago: it goes to the queue at once.
pub(crate) const STALE_QUEUE: u32 = _Q_LOCKED_VAL | _Q_PENDING_VAL;
/// The word of a lock that has an owner only: the CPU sets the pending bit.
pub(crate) const STALE_OWNED: u32 = _Q_LOCKED_VAL;

/// Two CPUs queue for a lock that is released.
///
/// Result: Never
pub fn two_in_the_queue(kernel: Kernel) -> Box<Scenario> {
    waiters(kernel, &[STALE_QUEUE, STALE_QUEUE])
}

const PENDING_AND_QUEUE: Case = Case {
    incident: "qspinlock",
    name: "pending-and-queue",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: pending_and_queue,
    rows: &[(kernel::MAINLINE, Holds), (LEAVE, Lockup), (TAIL_WORD, Violated)],
};

/// One CPU queues for a lock that is released, another sets the pending bit.
///
/// Result: Never
pub fn pending_and_queue(kernel: Kernel) -> Box<Scenario> {
    waiters(kernel, &[STALE_QUEUE, STALE_OWNED])
}

/// A lock that its owner releases, and a waiter for each of these words that `queued_spin_lock()` may have seen.
pub(crate) fn waiters(kernel: Kernel, seen: &'static [u32]) -> Box<Scenario> {
    Box::new(move |setup| {
        let cpus = seen.len() as u32;
        let machine = Arc::new(Machine::with_cpus(kernel, cpus));
        let lock = QSpinLock::with_val(_Q_LOCKED_VAL, "lock");
        let guarded = Arc::new((lock, Plain::named(0u32, format_args!("data"))));
        for (cpu, &val) in (0..cpus).zip(seen) {
            let guarded = guarded.clone();
            machine.spawn(setup, &format!("T{cpu}"), cpu, move |ctx| {
                let (lock, data) = &*guarded;
                queued_spin_lock_slowpath(ctx, lock, val);
                data.set(data.get() + 1);
                queued_spin_unlock(ctx.machine, lock);
            });
        }
        let owned = guarded.clone();
        machine.spawn(setup, "owner", cpus, move |ctx| queued_spin_unlock(ctx.machine, &owned.0));
        setup.finally(move |_| {
            assert_eq!(guarded.1.get(), cpus);
            assert!(!queued_spin_is_locked(&machine, &guarded.0), "nobody holds the lock");
        });
    })
}
