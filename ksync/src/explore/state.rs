// SPDX-License-Identifier: GPL-2.0-only
//! A state of the machine, and its key.

use super::memory::Memory;
use super::task::NodeId;
use crate::request::FrameId;
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// No task.
pub(super) const NOBODY: u8 = u8::MAX;

/// Everything that the future of the machine depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct State<M> {
    pub(super) mem: M,
    pub(super) tasks: SmallVec<[TaskState; 8]>,
    pub(super) cpus: SmallVec<[CpuState; 6]>,
    /// A bit for each frame that is alive.
    pub(super) frames: u64,
    /// Rounds so far at each site of bounded work.
    pub(super) work: SmallVec<[u32; 2]>,
    /// Who waits in a loop with a body, and went through it at this time: a bit for each task.
    pub(super) bodies_ran: u64,
    /// The machine has stopped.
    pub(super) halted: bool,
    /// Virtual nanoseconds.
    pub(super) clock: u64,
    /// When each armed timer fires.
    pub(super) timers: SmallVec<[Option<u64>; 1]>,
}

/// A task: where it is in its history, and how it may be scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TaskState {
    pub(super) node: NodeId,
    pub(super) cpu: u8,
    pub(super) preempt_off: bool,
    pub(super) irqs_off: bool,
    /// How many NMI handlers it is in.
    pub(super) in_nmi: u8,
    /// CPU indices that it may run on.
    pub(super) allowed: u16,
    /// It goes through the body of its waiting loop next.
    pub(super) body_due: bool,
    /// It computes until then, on its CPU, or is away.
    pub(super) busy_until: u64,
    /// Others have its CPU, and so long it has still to compute.
    pub(super) left: u64,
    /// What the handlers that it is in have interrupted, the newest first: how long that has still to compute, and 1.
    pub(super) interrupted: [u64; 2],
}

/// A CPU: who runs on it, and which interrupts are pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CpuState {
    pub(super) running: u8,
    pub(super) pending: u32,
}

// States are hashed all the time, so the small fields of a task go as one word.
impl Hash for TaskState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let TaskState { node, cpu, preempt_off, irqs_off, in_nmi, allowed, body_due, .. } = *self;
        let later = [self.left, self.interrupted[0], self.interrupted[1]];
        let computes_later = later != [0; 3];
        let flags = u64::from(preempt_off) | u64::from(irqs_off) << 1 | u64::from(body_due) << 2;
        let flags = flags | u64::from(computes_later) << 3;
        let place = u64::from(allowed) << 24 | u64::from(cpu) << 16 | u64::from(in_nmi) << 8 | flags;
        hasher.write_u64(u64::from(node) | place << 32);
        hasher.write_u64(place >> 32 | self.busy_until << 8);
        if computes_later {
            for ns in later {
                hasher.write_u64(ns);
            }
        }
    }
}

impl Hash for CpuState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(u64::from(self.pending) << 8 | u64::from(self.running));
    }
}

impl<M: Memory> Clone for State<M> {
    fn clone(&self) -> Self {
        self.with_memory(self.mem.clone())
    }
}

impl<M: Memory> State<M> {
    pub(super) fn key(&self) -> u128 {
        let mut hasher = Wide::default();
        self.hash(&mut hasher);
        hasher.key()
    }

    /// The same state with another memory.
    pub(super) fn with_memory(&self, mem: M) -> State<M> {
        State {
            mem,
            tasks: SmallVec::from_slice(&self.tasks),
            cpus: SmallVec::from_slice(&self.cpus),
            frames: self.frames,
            work: SmallVec::from_slice(&self.work),
            bodies_ran: self.bodies_ran,
            halted: self.halted,
            clock: self.clock,
            timers: SmallVec::from_slice(&self.timers),
        }
    }

    pub(super) fn frame_alive(&self, frame: FrameId) -> bool {
        self.frames & (1 << frame) != 0
    }
}

/// Two independent lanes, one that multiplies and folds and one that multiplies and rotates, for keys of 128 bits in
/// one walk over the state.
struct Wide {
    left: u64,
    right: u64,
}

impl Default for Wide {
    fn default() -> Self {
        Wide { left: 0x243f_6a88_85a3_08d3, right: 0x1319_8a2e_0370_7344 }
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ (product >> 64) as u64
}

impl Wide {
    fn key(&self) -> u128 {
        u128::from(fold(self.left, 0xa409_3822_299f_31d1)) << 64 | u128::from(fold(self.right, 0x082e_fa98_ec4e_6c89))
    }
}

impl Hasher for Wide {
    fn write_u64(&mut self, word: u64) {
        self.left = fold(self.left ^ word, 0x9e37_79b9_7f4a_7c15);
        self.right = (self.right ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29);
    }
    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }
    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }
    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn finish(&self) -> u64 {
        self.left ^ self.right
    }
}
