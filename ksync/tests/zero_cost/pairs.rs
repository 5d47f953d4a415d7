// SPDX-License-Identifier: GPL-2.0-only
//! What the facade says, and below it what a person would write with `std::sync::atomic` for x86-64.

use super::hand::{Count, Irqs, Lock};
use ksync::{
    Acquire, Atomic, Current, Full, Id, Plain, Relaxed, Release, SpinLock, distil, smp_acquire__after_ctrl_dep,
    smp_mb, smp_mb__after_spinlock, smp_mb__before_atomic, smp_rmb, smp_wmb,
};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering as O, compiler_fence, fence};

/// Exports both forms of each operation, as `facade_<name>` and `by_hand_<name>`, and lists the names.
macro_rules! pairs {
    ($($name:ident:
        |$($a:ident: $a_type:ty),*| $(-> $a_ret:ty)? $facade:block
        |$($b:ident: $b_type:ty),*| $(-> $b_ret:ty)? $by_hand:block
    )*) => {
        $(const _: () = {
            #[unsafe(export_name = concat!("facade_", stringify!($name)))]
            fn facade($($a: $a_type),*) $(-> $a_ret)? $facade
            #[unsafe(export_name = concat!("by_hand_", stringify!($name)))]
            fn by_hand($($b: $b_type),*) $(-> $b_ret)? $by_hand
        };)*
        /// Every pair.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

/// A pair that differs, to see that a difference is found.
pub(crate) const UNEQUAL: &str = "unequal";

#[unsafe(export_name = "facade_add_unless")]
fn facade_add_unless(x: &Atomic<u32>) -> bool {
    x.add_unless(1, 0, Full)
}

#[unsafe(export_name = "by_hand_add_unless")]
fn by_hand_add_unless(x: &AtomicU32) -> bool {
    x.fetch_update(O::SeqCst, O::Relaxed, |old| (old != 0).then(|| old.wrapping_add(1))).is_ok()
}

#[unsafe(export_name = "facade_xchg_bits")]
fn facade_xchg_bits(x: &Atomic<u32>, y: u32) -> u32 {
    x.xchg_bits(!0x1ff, y, Relaxed)
}

#[unsafe(export_name = "by_hand_xchg_bits")]
fn by_hand_xchg_bits(x: &AtomicU32, y: u32) -> u32 {
    let new = y & !0x1ff;
    let mut old = x.load(O::Relaxed);
    while let Err(seen) = x.compare_exchange_weak(old, old & 0x1ff | new, O::Relaxed, O::Relaxed) {
        old = seen;
    }
    old & !0x1ff
}

#[unsafe(export_name = "facade_unequal")]
fn facade_unequal(x: &Atomic<u32>, y: u32) {
    x.xchg(y, Full);
}

#[unsafe(export_name = "by_hand_unequal")]
fn by_hand_unequal(x: &AtomicU32, y: u32) {
    x.store(y, O::Relaxed);
}

pairs! {
    load_relaxed:
        |x: &Atomic<u32>| -> u32 { x.load(Relaxed) }
        |x: &AtomicU32| -> u32 { x.load(O::Relaxed) }
    load_acquire:
        |x: &Atomic<u64>| -> u64 { x.load(Acquire) }
        |x: &AtomicU64| -> u64 { x.load(O::Acquire) }
    load_bool:
        |x: &Atomic<bool>| -> bool { x.load(Relaxed) }
        |x: &AtomicBool| -> bool { x.load(O::Relaxed) }
    load_id:
        |x: &Atomic<Id<u8>>, y: &mut u32| { *y = x.load(Relaxed).index() as u32; }
        |x: &AtomicU32, y: &mut u32| { *y = x.load(O::Relaxed); }
    null_id:
        |x: &Atomic<Option<Id<u8>>>| -> bool { x.load(Relaxed).is_none() }
        |x: &AtomicU32| -> bool { x.load(O::Relaxed) == 0 }
    store_relaxed:
        |x: &Atomic<u32>, y: u32| { x.store(y, Relaxed); }
        |x: &AtomicU32, y: u32| { x.store(y, O::Relaxed); }
    store_release:
        |x: &Atomic<u32>, y: u32| { x.store(y, Release); }
        |x: &AtomicU32, y: u32| { x.store(y, O::Release); }
    store_bool:
        |x: &Atomic<bool>, y: bool| { x.store(y, Release); }
        |x: &AtomicBool, y: bool| { x.store(y, O::Release); }
    store_mb:
        |x: &Atomic<u32>, y: u32| { x.store_mb(y); }
        |x: &AtomicU32, y: u32| { x.store(y, O::Relaxed); fence(O::SeqCst); }
    plain_read:
        |x: &Plain<u32>| -> u32 { x.get() }
        |x: &u32| -> u32 { *x }
    plain_write:
        |x: &Plain<u32>, y: u32| { x.set(y); }
        |x: &mut u32, y: u32| { *x = y; }
    plain_add:
        |x: &Plain<u32>, y: u32| { x.set(x.get().wrapping_add(y)); }
        |x: &mut u32, y: u32| { *x = x.wrapping_add(y); }
    xchg_full:
        |x: &Atomic<u32>, y: u32| -> u32 { x.xchg(y, Full) }
        |x: &AtomicU32, y: u32| -> u32 { x.swap(y, O::SeqCst) }
    xchg_acquire:
        |x: &Atomic<u64>, y: u64| -> u64 { x.xchg(y, Acquire) }
        |x: &AtomicU64, y: u64| -> u64 { x.swap(y, O::Acquire) }
    distil:
        |x: &Atomic<u32>| -> bool { distil(|| x.load(Acquire) & 1 != 0) }
        |x: &AtomicU32| -> bool { x.load(O::Acquire) & 1 != 0 }
    cmpxchg_full:
        |x: &Atomic<u32>, y: u32, z: u32, old: &mut u32| -> bool {
            match x.cmpxchg(y, z, Full) { Ok(seen) => { *old = seen; true } Err(seen) => { *old = seen; false } }
        }
        |x: &AtomicU32, y: u32, z: u32, old: &mut u32| -> bool {
            match x.compare_exchange(y, z, O::SeqCst, O::Relaxed) {
                Ok(seen) => { *old = seen; true }
                Err(seen) => { *old = seen; false }
            }
        }
    try_cmpxchg_full:
        |x: &Atomic<u32>, y: u32, z: u32| -> bool { x.try_cmpxchg(y, z, Full) }
        |x: &AtomicU32, y: u32, z: u32| -> bool { x.compare_exchange(y, z, O::SeqCst, O::Relaxed).is_ok() }
    try_cmpxchg_null:
        |x: &Atomic<Option<Id<u8>>>, y: u32| -> bool { x.try_cmpxchg(None, Some(Id::new(y)), Full) }
        |x: &AtomicU32, y: u32| -> bool { x.compare_exchange(0, y + 1, O::SeqCst, O::Relaxed).is_ok() }
    add:
        |x: &Atomic<u32>, y: u32| { x.add(y); }
        |x: &AtomicU32, y: u32| { x.fetch_add(y, O::Relaxed); }
    fetch_add_full:
        |x: &Atomic<i32>, y: i32| -> i32 { x.fetch_add(y, Full) }
        |x: &AtomicI32, y: i32| -> i32 { x.fetch_add(y, O::SeqCst) }
    fetch_or_full:
        |x: &Atomic<u64>, y: u64| -> u64 { x.fetch_or(y, Full) }
        |x: &AtomicU64, y: u64| -> u64 { x.fetch_or(y, O::SeqCst) }
    fetch_and_release:
        |x: &Atomic<u32>, y: u32| -> u32 { x.fetch_and(y, Release) }
        |x: &AtomicU32, y: u32| -> u32 { x.fetch_and(y, O::Release) }
    inc:
        |x: &Atomic<u32>| { x.inc(); }
        |x: &AtomicU32| { x.fetch_add(1, O::Relaxed); }
    dec:
        |x: &Atomic<i64>| { x.dec(); }
        |x: &std::sync::atomic::AtomicI64| { x.fetch_sub(1, O::Relaxed); }
    dec_and_test_full:
        |x: &Atomic<u32>| -> bool { x.dec_and_test(Full) }
        |x: &AtomicU32| -> bool { x.fetch_sub(1, O::SeqCst) == 1 }
    test_and_set_bit_acquire:
        |x: &Atomic<u64>| -> bool { x.test_and_set_bit(3, Acquire) }
        |x: &AtomicU64| -> bool { x.fetch_or(1 << 3, O::Acquire) & (1 << 3) != 0 }
    clear_bit:
        |x: &Atomic<u32>| { x.clear_bit(3); }
        |x: &AtomicU32| { x.fetch_and(!(1 << 3), O::Relaxed); }
    smp_mb:
        |x: &Atomic<u32>, y: &Atomic<u32>| -> u32 { x.store(1, Relaxed); smp_mb(); y.load(Relaxed) }
        |x: &AtomicU32, y: &AtomicU32| -> u32 { x.store(1, O::Relaxed); fence(O::SeqCst); y.load(O::Relaxed) }
    smp_wmb:
        |x: &Atomic<u32>, y: &Atomic<u32>| { x.store(1, Relaxed); smp_wmb(); y.store(1, Relaxed); }
        |x: &AtomicU32, y: &AtomicU32| { x.store(1, O::Relaxed); compiler_fence(O::Release); y.store(1, O::Relaxed); }
    smp_rmb:
        |x: &Atomic<u32>, y: &Atomic<u32>| -> u32 { let a = x.load(Relaxed); smp_rmb(); a ^ y.load(Relaxed) }
        |x: &AtomicU32, y: &AtomicU32| -> u32 {
            let a = x.load(O::Relaxed); compiler_fence(O::Acquire); a ^ y.load(O::Relaxed)
        }
    after_ctrl_dep:
        |x: &Atomic<u32>, y: &Plain<u32>| {
            if x.load(Relaxed) == 0 { smp_acquire__after_ctrl_dep(); y.set(1); }
        }
        |x: &AtomicU32, y: &mut u32| { if x.load(O::Relaxed) == 0 { compiler_fence(O::Acquire); *y = 1; } }
    before_atomic:
        |x: &Atomic<u32>, y: &Atomic<u32>| { x.store(1, Relaxed); smp_mb__before_atomic(); y.inc(); }
        |x: &AtomicU32, y: &AtomicU32| {
            x.store(1, O::Relaxed); compiler_fence(O::SeqCst); y.fetch_add(1, O::Relaxed);
        }
    after_spinlock:
        |x: &Atomic<u32>, y: &Atomic<u32>| -> u32 {
            x.xchg(1, Acquire); smp_mb__after_spinlock(); y.load(Relaxed)
        }
        |x: &AtomicU32, y: &AtomicU32| -> u32 {
            x.swap(1, O::Acquire); compiler_fence(O::SeqCst); y.load(O::Relaxed)
        }
    cond_load_acquire:
        |x: &Atomic<u32>| -> u32 { x.cond_load(Acquire, |seen| seen != 0) }
        |x: &AtomicU32| -> u32 {
            loop {
                let seen = x.load(O::Acquire);
                if seen != 0 { break seen; }
                std::hint::spin_loop();
            }
        }
    cond_load_bool:
        |x: &Atomic<bool>| { x.cond_load(Acquire, |on_cpu| !on_cpu); }
        |x: &AtomicBool| { while x.load(O::Acquire) { std::hint::spin_loop(); } }
    cond_load_with:
        |x: &Atomic<u32>, y: &Atomic<u32>| { x.cond_load_with(Relaxed, |seen| seen != 0, || y.inc()); }
        |x: &AtomicU32, y: &AtomicU32| {
            while x.load(O::Relaxed) == 0 { y.fetch_add(1, O::Relaxed); std::hint::spin_loop(); }
        }
    preempt_disable:
        |current: &Current| { current.preempt_disable(); }
        |count: &Count| { count.up(); }
    preempt_enable:
        |current: &Current| { current.preempt_enable(); }
        |count: &Count| { count.down(); }
    spin_lock_unlock:
        |lock: &SpinLock, current: &Current| { lock.lock(current).unlock(); }
        |lock: &Lock, count: &Count| { count.up(); lock.lock(); lock.unlock(); count.down(); }
    spin_lock_section:
        |lock: &SpinLock, current: &Current, x: &Plain<u32>| {
            let guard = lock.lock(current);
            x.set(x.get() + 1);
            guard.unlock();
        }
        |lock: &Lock, count: &Count, x: &mut u32| {
            count.up(); lock.lock();
            *x += 1;
            lock.unlock(); count.down();
        }
    spin_lock_irq:
        |lock: &SpinLock, current: &Current| { lock.lock_irq(current).unlock(); }
        |lock: &Lock, irqs: &Irqs| {
            irqs.off.set(true); irqs.count.up(); lock.lock();
            lock.unlock(); irqs.off.set(false); irqs.count.down();
        }
    spin_lock_irqsave:
        |lock: &SpinLock, current: &Current| { lock.lock_irqsave(current).unlock(); }
        |lock: &Lock, irqs: &Irqs| {
            let flags = irqs.off.replace(true); irqs.count.up(); lock.lock();
            lock.unlock(); irqs.off.set(flags); irqs.count.down();
        }
    spin_guard_dropped:
        |lock: &SpinLock, current: &Current, x: &Plain<u32>| { let _guard = lock.lock(current); x.set(1); }
        |lock: &Lock, count: &Count, x: &mut u32| {
            count.up(); lock.lock();
            *x = 1;
            lock.unlock(); count.down();
        }
    spin_trylock:
        |lock: &SpinLock, current: &Current| -> bool { lock.try_lock(current).map(|guard| guard.unlock()).is_some() }
        |lock: &Lock, count: &Count| -> bool {
            count.up();
            let won = lock.try_lock();
            if won { lock.unlock(); }
            count.down();
            won
        }
    two_locks:
        |lock: &SpinLock, inner: &SpinLock, current: &Current, x: &Plain<u32>| {
            let outer = lock.lock(current);
            let nested = inner.lock_nested(&outer);
            x.set(1);
            nested.unlock();
            outer.unlock();
        }
        |lock: &Lock, inner: &Lock, count: &Count, x: &mut u32| {
            count.up(); lock.lock();
            count.up(); inner.lock();
            *x = 1;
            inner.unlock(); count.down();
            lock.unlock(); count.down();
        }
}
