// SPDX-License-Identifier: GPL-2.0-only
//! The facade in one thread, without a scenario: in both builds it is plain memory and counters.

use ksync::{Atomic, Current, Full, Plain, Relaxed, Sleeper, SpinLock};

#[test]
fn objects_made_outside_of_a_model_serve_a_context_made_there() {
    let current = Current::outside("timer", 50);
    let (lock, plain, atomic) = (SpinLock::named(format_args!("lock")), Plain::new(1u64), Atomic::new(2u32));
    let guard = lock.lock_irq(&current);
    assert!(current.irqs_disabled() && current.preempt_count() == 1);
    plain.set(plain.get() + 1);
    assert_eq!(atomic.xchg(3, Full), 2);
    let sleeper = Sleeper::new();
    sleeper.kick();
    sleeper.sleep_until::<u32, u32>(&current, &atomic, |value| value == 3, None);
    guard.unlock();
    assert!(!current.irqs_disabled() && current.preempt_count() == 0 && !lock.is_locked());
    assert_eq!((plain.get(), atomic.load(Relaxed)), (2, 3));
    assert_eq!((current.name(), current.cpu()), ("timer", 50));
}

/// A model that did not know of a context would let it pass everybody's CPU and interrupts by.
#[cfg(loom)]
#[test]
fn a_model_has_no_context_from_outside() {
    use ksync::{Model, Options, Setup, Verdict};
    let scenario = |setup: &mut Setup| {
        setup.task("stranger", 0, |_| drop(Current::outside("another", 1)));
    };
    let verdict = ksync::explore::check(&scenario, &Options::new(Model::Sc)).verdict;
    let Verdict::Violated { property } = verdict else { panic!("{verdict}") };
    assert!(property.contains("inside of a model"), "{property}");
}
