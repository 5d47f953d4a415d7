// SPDX-License-Identifier: GPL-2.0-only
//! Loops over the facade, over what a person would have written, and over some instructions more.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "what the facade is compared with")]

use ksync::{Acquire, Atomic, Current, Full, Plain, Relaxed, Release, SpinLock, smp_mb};
use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering as O, fence};

/// The loops, and what each does.
pub(crate) const PAIRS: &[(&str, &str)] = &[
    ("lock", "raw_spin_lock(), a plain counter, raw_spin_unlock()"),
    ("irqs", "the same with interrupts off, and their state saved"),
    ("atomics", "load, store, xchg, cmpxchg, add, dec_and_test, barrier"),
];

/// What a CPU counts, by hand.
#[derive(Default)]
struct Cpu {
    preempt_count: Cell<u32>,
    irqs_off: Cell<bool>,
}

/// Runs the loop of this name.
///
/// # Panics
/// If there is none.
pub(crate) fn run(name: &str, rounds: u64) {
    let (current, cpu) = (Current::outside("counted", 0), Cpu::default());
    let (lock, word) = (SpinLock::named(format_args!("lock")), AtomicU8::new(0));
    let (plain, cell) = (Plain::new(0u32), Cell::new(0u32));
    let (atomic, number) = (Atomic::new(0u32), AtomicU32::new(0));
    match name {
        "facade_lock" => facade_lock(rounds, &lock, &current, &plain),
        "by_hand_lock" => by_hand_lock(rounds, &word, &cpu, &cell),
        "some_more_lock" => some_more_lock(rounds, &word, &cpu, &cell),
        "facade_irqs" => facade_irqs(rounds, &lock, &current, &plain),
        "by_hand_irqs" => by_hand_irqs(rounds, &word, &cpu, &cell),
        "some_more_irqs" => some_more_irqs(rounds, &word, &cpu, &cell),
        "facade_atomics" => facade_atomics(rounds, &atomic),
        "by_hand_atomics" => by_hand_atomics(rounds, &number),
        "some_more_atomics" => some_more_atomics(rounds, &number),
        _ => panic!("there is no loop {name}"),
    }
}

/// Instructions that nobody needs. Not one only: what stands beside it may become shorter by chance.
#[inline(always)]
fn more() {
    for _ in 0..8 {
        spin_loop();
    }
}

#[inline(never)]
#[unsafe(export_name = "facade_lock")]
fn facade_lock(rounds: u64, lock: &SpinLock, current: &Current, plain: &Plain<u32>) {
    for _ in 0..rounds {
        let guard = lock.lock(current);
        plain.set(plain.get().wrapping_add(1));
        guard.unlock();
    }
}

#[inline(always)]
fn section(word: &AtomicU8, cpu: &Cpu, cell: &Cell<u32>) {
    cpu.preempt_count.set(cpu.preempt_count.get().wrapping_add(1));
    while word.swap(1, O::Acquire) != 0 {
        while word.load(O::Relaxed) != 0 {
            spin_loop();
        }
    }
    cell.set(cell.get().wrapping_add(1));
    word.store(0, O::Release);
}

#[inline(always)]
fn preempt_enable(cpu: &Cpu) {
    cpu.preempt_count.set(cpu.preempt_count.get().wrapping_sub(1));
}

#[inline(never)]
#[unsafe(export_name = "by_hand_lock")]
fn by_hand_lock(rounds: u64, word: &AtomicU8, cpu: &Cpu, cell: &Cell<u32>) {
    for _ in 0..rounds {
        section(word, cpu, cell);
        preempt_enable(cpu);
    }
}

#[inline(never)]
#[unsafe(export_name = "some_more_lock")]
fn some_more_lock(rounds: u64, word: &AtomicU8, cpu: &Cpu, cell: &Cell<u32>) {
    for _ in 0..rounds {
        section(word, cpu, cell);
        preempt_enable(cpu);
        more();
    }
}

#[inline(never)]
#[unsafe(export_name = "facade_irqs")]
fn facade_irqs(rounds: u64, lock: &SpinLock, current: &Current, plain: &Plain<u32>) {
    for _ in 0..rounds {
        let guard = lock.lock_irqsave(current);
        plain.set(plain.get().wrapping_add(1));
        guard.unlock();
    }
}

#[inline(never)]
#[unsafe(export_name = "by_hand_irqs")]
fn by_hand_irqs(rounds: u64, word: &AtomicU8, cpu: &Cpu, cell: &Cell<u32>) {
    for _ in 0..rounds {
        let flags = cpu.irqs_off.replace(true);
        section(word, cpu, cell);
        cpu.irqs_off.set(flags);
        preempt_enable(cpu);
    }
}

#[inline(never)]
#[unsafe(export_name = "some_more_irqs")]
fn some_more_irqs(rounds: u64, word: &AtomicU8, cpu: &Cpu, cell: &Cell<u32>) {
    for _ in 0..rounds {
        let flags = cpu.irqs_off.replace(true);
        section(word, cpu, cell);
        cpu.irqs_off.set(flags);
        preempt_enable(cpu);
        more();
    }
}

#[inline(never)]
#[unsafe(export_name = "facade_atomics")]
fn facade_atomics(rounds: u64, atomic: &Atomic<u32>) {
    for _ in 0..rounds {
        atomic.store(atomic.load(Acquire) | 1, Release);
        atomic.xchg(7, Full);
        atomic.try_cmpxchg(7, 9, Full);
        atomic.fetch_add(1, Full);
        smp_mb();
        if atomic.dec_and_test(Full) {
            atomic.store(5, Relaxed);
        }
    }
}

#[inline(always)]
fn atomics(number: &AtomicU32) {
    number.store(number.load(O::Acquire) | 1, O::Release);
    number.swap(7, O::SeqCst);
    let _ = number.compare_exchange(7, 9, O::SeqCst, O::Relaxed);
    number.fetch_add(1, O::SeqCst);
    fence(O::SeqCst);
    if number.fetch_sub(1, O::SeqCst) == 1 {
        number.store(5, O::Relaxed);
    }
}

#[inline(never)]
#[unsafe(export_name = "by_hand_atomics")]
fn by_hand_atomics(rounds: u64, number: &AtomicU32) {
    for _ in 0..rounds {
        atomics(number);
    }
}

#[inline(never)]
#[unsafe(export_name = "some_more_atomics")]
fn some_more_atomics(rounds: u64, number: &AtomicU32) {
    for _ in 0..rounds {
        atomics(number);
        more();
    }
}
