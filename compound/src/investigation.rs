// SPDX-License-Identifier: GPL-2.0-only
//! Incident 002, as far as its dump goes: what is a fact, what could have been, and what stays open.
//!
//! The dump shows who spins. It has no owner of a bit, so every account of how the bit came to stay set is a
//! hypothesis. Each stands here with the row of the catalogue that is its model; `lockup show compound-lock` runs them
//! and holds the facts against the runs.

/// The incident, as the catalogue and the command line call it.
pub const INCIDENT: &str = "compound-lock";

/// What the dump shows. A run can be asked about each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// Several CPUs spin on the bit.
    Spin,
    /// Their own `compound_lock_irqsave()` turned interrupts off.
    SavedFlags,
    /// The bit is set.
    Bit,
    /// The compound page is whole and in use.
    Page,
    /// PID 24194 has not set the bit.
    BeforeBtsl,
    /// PID 24194 has `NEED_RESCHED`.
    NeedResched,
    /// No stack with `put_compound_page()` is in the section.
    Section,
    /// The hard lockup detector fired.
    HardLockup,
}

impl Fact {
    /// All facts, in the order of the table.
    pub const ALL: [Fact; 8] = [
        Fact::Spin,
        Fact::SavedFlags,
        Fact::Bit,
        Fact::Page,
        Fact::BeforeBtsl,
        Fact::NeedResched,
        Fact::Section,
        Fact::HardLockup,
    ];

    /// What the dump shows, and where.
    pub fn text(self) -> &'static str {
        match self {
            Fact::Spin => "34 CPUs spin in bit_spin_lock() of put_compound_page(), on one head page (+330 to +336).",
            Fact::SavedFlags => {
                "The flags saved on CPU 10 are 0x246: interrupts were on before compound_lock_irqsave()."
            }
            Fact::Bit => "Bit 24 of head->flags, PG_compound_lock, is set: 0x6016c60138402c.",
            Fact::Page => {
                "The head has 74 references and PG_head, the tail has PG_tail: the page is whole, and in use."
            }
            Fact::BeforeBtsl => "PID 24194 on CPU 3 stands at +229, three bytes before its lock btsl at +232.",
            Fact::NeedResched => "PID 24194 has TIF_NEED_RESCHED, which a task that was switched out does not keep.",
            Fact::Section => "No other stack with put_compound_page() has an address behind the btsl.",
            Fact::HardLockup => "The NMI watchdog found CPU 10 with interrupts off for about ten seconds.",
        }
    }
}

/// An account of how the bit came to stay set, and the row that is its model.
#[derive(Debug, Clone, Copy)]
pub struct Hypothesis {
    /// In a few words.
    pub name: &'static str,
    /// The row: incident, scenario and revision.
    pub row: (&'static str, &'static str, &'static str),
    /// The revision on which the same scenario holds: the same machine without what the hypothesis adds.
    pub without: &'static str,
    /// What has to be true beyond the code as it was read.
    pub needs: &'static str,
}

/// The hypotheses, the report's own first.
pub const HYPOTHESES: &[Hypothesis] = &[
    Hypothesis {
        name: "holder switched out",
        row: (INCIDENT, "holder-switched-out", "schedules"),
        without: "v3.10",
        needs: "PID 24194 holds the bit, and the section calls something that leads into the scheduler. The source has \
                no such call.",
    },
    Hypothesis {
        name: "lost release",
        row: (INCIDENT, "lost-release", "plain-set"),
        without: "v3.10",
        needs: "Somebody writes head->flags back by a plain read and write beside the unlock. Which code that would \
                be is not known.",
    },
    Hypothesis {
        name: "freed with the bit set",
        row: (INCIDENT, "put-put", "unlock-late"),
        without: "v3.10",
        needs: "A put drops the last reference before it releases the bit, and the allocator gives the page out again \
                without a look at its flags.",
    },
    Hypothesis {
        name: "interrupt takes the bit",
        row: (INCIDENT, "interrupted-holder", "irqs-on-early"),
        without: "v3.10",
        needs: "Interrupts are on while the bit is held, and a handler of that CPU drops a pin of the same page.",
    },
    Hypothesis {
        name: "virtual CPU stopped",
        row: (INCIDENT, "stopped-vcpu", "vcpu-stops"),
        without: "v3.10",
        needs: "The machine is a guest whose host did not run the holder's CPU for ten seconds, and the holder is \
                none of the stacks that were looked at.",
    },
    Hypothesis {
        name: "starvation",
        row: ("bit-spin-lock", "bypass-pump", "bit"),
        without: "ticket",
        needs: "Others take the bit again and again for ten seconds, and each of the 34 CPUs misses every turn.",
    },
];

/// What no fact of the dump decides.
pub const UNDECIDED: &[&str] = &[
    "Who set the bit last. A bit has no owner, and nothing in the dump shows that PID 24194 holds it.",
    "Whether the stack of PID 24194 is its present one. It has no NMI frame, so its frames may be those of its last \
     switch; at +229 it is a waiter to be, and the simplest reading of its flag is that it spins with interrupts off.",
    "What the other 13 CPUs did. The search was for put_compound_page(), and the bit is also taken in \
     __get_page_tail(), __split_huge_page_refcount() and mem_cgroup_move_parent().",
    "Whether the machine is a guest.",
    "Between a lost release, a stopped virtual CPU and starvation: their runs contradict no fact. A second dump some \
     seconds later would tell the last two from the first; the word of the head, watched for writers, the first.",
    "ddc58f27f9ee removed the lock. That ends the symptom, and says nothing about the cause.",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page_flags::{PageFlag, decode};

    const X86_EFLAGS_IF: u64 = 1 << 9;
    const TIF_NEED_RESCHED: u32 = 3;
    const TIF_SYSCALL_AUDIT: u32 = 7;

    #[test]
    fn the_numbers_of_the_dump_say_what_the_facts_say() {
        assert_ne!(0x246 & X86_EFLAGS_IF, 0, "r13 and rdx of CPU 10: interrupts were on");
        assert_eq!(0x6 & X86_EFLAGS_IF, 0, "its RFLAGS: now they are off");
        assert!(decode(0x0060_16c6_0138_402c).contains(&PageFlag::CompoundLock), "rax and the head's flags");
        assert_eq!(0x88, 1 << TIF_NEED_RESCHED | 1 << TIF_SYSCALL_AUDIT, "thread_info.flags of PID 24194");
        assert_eq!(0xffff_ffff_8117_8af8_u64 - 0xffff_ffff_8117_8af5, 3, "from its return address to lock btsl");
        // Two lines for each of 34 stacks, and one for the stack without an exception frame.
        assert_eq!((69 - 1) / 2, 34);
    }

    #[test]
    fn each_hypothesis_has_a_row_that_fails_and_one_that_holds() {
        use ksync::catalogue::Expected::Holds;
        let rows = crate::catalogue::rows();
        for Hypothesis { row: (incident, scenario, revision), without, .. } in HYPOTHESES {
            let expected = |revision: &str| {
                let is = |row: &&ksync::catalogue::Row| {
                    (row.incident, row.scenario, row.revision) == (*incident, *scenario, revision)
                };
                rows.iter().find(is).unwrap_or_else(|| panic!("{scenario}@{revision}")).expected
            };
            assert_ne!(expected(revision), Holds, "{scenario}");
            assert_eq!(expected(without), Holds, "{scenario}");
        }
    }
}
