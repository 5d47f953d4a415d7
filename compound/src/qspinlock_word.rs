// SPDX-License-Identifier: GPL-2.0-only
//! C: `include/asm-generic/qspinlock_types.h`, v7.1: the bits of a queued spinlock's word.
//!
//! ```text
//!  31            11 10   9   8         7       0
//! +----------------+------+---------+-----------+
//! | tail CPU + 1   | tail | pending | locked    |    for 16K CPUs and more
//! |                | idx  |         |           |
//! +----------------+------+---------+-----------+
//!  31            18 17  16 15      8 7       0
//! +----------------+------+---------+-----------+
//! | tail CPU + 1   | tail | pending | locked    |    for fewer CPUs: the same with a byte for the pending bit, so
//! |                | idx  |         |           |    that C can store halves of the word
//! +----------------+------+---------+-----------+
//! ```

/// The lock is held.
pub const _Q_LOCKED_VAL: u32 = 1;
/// The byte of the holder.
pub const _Q_LOCKED_MASK: u32 = 0xff;
/// Somebody is next, and waits on the word itself.
pub const _Q_PENDING_VAL: u32 = 1 << _Q_PENDING_OFFSET;
/// The number of that bit.
pub const _Q_PENDING_OFFSET: u32 = 8;
/// Everything but the queue.
pub const _Q_LOCKED_PENDING_MASK: u32 = _Q_LOCKED_MASK | _Q_PENDING_VAL;
/// The last of the queue.
pub const _Q_TAIL_MASK: u32 = !_Q_LOCKED_PENDING_MASK;

/// Where the fields of the tail stand, which depends on the number of CPUs that the kernel is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `CONFIG_NR_CPUS` below 16K.
    Below16K,
    /// `CONFIG_NR_CPUS` of 16K or more; what this port uses.
    From16K,
}

impl Layout {
    const fn idx_offset(self) -> u32 {
        match self {
            Layout::Below16K => 16,
            Layout::From16K => 9,
        }
    }

    const fn cpu_offset(self) -> u32 {
        self.idx_offset() + 2
    }
}

/// `encode_tail()`: the queue ends with the CPU's node of this nesting level.
pub const fn encode_tail(cpu: u32, idx: u32) -> u32 {
    (cpu + 1) << Layout::From16K.cpu_offset() | idx << Layout::From16K.idx_offset()
}

/// The parts of a lock word that are not zero, each with all its bits.
pub fn parts(val: u32) -> u32 {
    let part = |mask: u32| if val & mask != 0 { mask } else { 0 };
    part(_Q_LOCKED_MASK) | part(_Q_PENDING_VAL) | part(_Q_TAIL_MASK)
}

/// What a lock word says, as a dump shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// The lock is held.
    pub locked: bool,
    /// Somebody is next, and waits on the word itself.
    pub pending: bool,
    /// The last of the queue: CPU and nesting level.
    pub tail: Option<(u32, u32)>,
}

/// Reads a lock word.
pub fn decode(val: u32, layout: Layout) -> Decoded {
    let cpu_plus_one = val >> layout.cpu_offset();
    let idx = val >> layout.idx_offset() & 3;
    Decoded {
        locked: val & _Q_LOCKED_MASK != 0,
        pending: val & _Q_PENDING_VAL != 0,
        tail: cpu_plus_one.checked_sub(1).map(|cpu| (cpu, idx)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The word of `stopper->lock` in the dump of incident 000.
    const SEED: u32 = 0x101;

    #[test]
    fn the_word_of_incident_000_has_an_owner_and_one_waiter_and_no_queue() {
        for layout in [Layout::Below16K, Layout::From16K] {
            assert_eq!(decode(SEED, layout), Decoded { locked: true, pending: true, tail: None });
        }
    }

    #[test]
    fn the_same_bytes_as_tickets_of_eight_bits_are_a_free_lock() {
        // RHEL up to 7.3 has ticket locks: which kernel it is decides what the word says.
        let [head, tail] = (SEED as u16).to_le_bytes();
        assert_eq!(head, tail, "free");
    }

    #[test]
    fn a_tail_is_read_as_it_was_written() {
        for (cpu, idx) in [(0, 0), (3, 2), (16_383, 3)] {
            let val = encode_tail(cpu, idx) | _Q_LOCKED_VAL;
            assert_eq!(
                decode(val, Layout::From16K),
                Decoded { locked: true, pending: false, tail: Some((cpu, idx)) }
            );
            assert_eq!(val & _Q_TAIL_MASK, encode_tail(cpu, idx));
        }
        let below = decode(5 << 18 | 1 << 16 | SEED, Layout::Below16K);
        assert_eq!(below, Decoded { locked: true, pending: true, tail: Some((4, 1)) });
    }
}
