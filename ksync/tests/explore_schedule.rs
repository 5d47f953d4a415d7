// SPDX-License-Identifier: GPL-2.0-only
//! CPUs, preemption, interrupts and time: each rule of the scheduler with the scenario that needs it.
#![cfg(loom)]

mod scheduling;

use ksync::{Atomic, Relaxed, Severity, SpinLock, Verdict, WaitsFor, busy, now};
use scheduling::{flag, verdict};
use std::sync::Arc;

/// A stop-class task preempts a fair one for good, when it spins for what only that one would do.
fn stopper_spins_for_the_task_below(preempt_off: bool) -> Verdict {
    verdict(move |setup| {
        let (begun, done) = (flag("begun"), flag("done"));
        let (stopper_begun, stopper_done) = (begun.clone(), done.clone());
        setup.task("T", 0, move |current| {
            if preempt_off {
                current.preempt_disable();
            }
            begun.store(true, Relaxed);
            done.store(true, Relaxed);
            if preempt_off {
                current.preempt_enable();
            }
        });
        setup
            .task("migration/0", 0, move |_| {
                if stopper_begun.load(Relaxed) {
                    stopper_done.cond_load(Relaxed, |done| done);
                }
            })
            .stop_class();
    })
}

#[test]
fn the_stop_class_preempts_unless_preemption_is_off() {
    let Verdict::Lockup(lockup) = stopper_spins_for_the_task_below(false) else { panic!("must lock up") };
    assert_eq!(lockup.cycle, 2);
    assert_eq!(lockup.severity, Severity::Soft);
    assert!(lockup.waits.iter().any(|wait| wait.what == WaitsFor::Cpu(0)), "{lockup}");
    assert_eq!(stopper_spins_for_the_task_below(true), Verdict::Holds);
}

#[test]
fn a_spinning_fair_task_is_preempted_by_whom_it_waits_for() {
    let holds = verdict(|setup| {
        let done = flag("done");
        let other = done.clone();
        setup.task("spinner", 0, move |_| {
            done.cond_load(Relaxed, |done| done);
        });
        setup.task("worker", 0, move |_| other.store(true, Relaxed));
    });
    assert_eq!(holds, Verdict::Holds);
}

/// An interrupt handler takes the lock that the interrupted task holds.
fn lock_taken_in_a_handler(irqsave: bool) -> Verdict {
    verdict(move |setup| {
        let lock = Arc::new(SpinLock::named(format_args!("lock")));
        let handlers = lock.clone();
        let irq = setup.irq("timer", 0, move |current| handlers.lock(current).unlock());
        setup.task("T", 0, move |current| {
            irq.raise();
            let guard = if irqsave { lock.lock_irqsave(current) } else { lock.lock(current) };
            guard.unlock();
        });
    })
}

#[test]
fn an_interrupt_on_the_lock_holder_locks_up_unless_interrupts_are_off() {
    let Verdict::Lockup(lockup) = lock_taken_in_a_handler(false) else { panic!("must lock up") };
    assert_eq!((lockup.cycle, lockup.severity), (1, Severity::Hard), "{lockup}");
    assert_eq!(lock_taken_in_a_handler(true), Verdict::Holds);
}

#[test]
fn an_nmi_comes_where_interrupts_are_off() {
    let found = verdict(|setup| {
        let inside = flag("inside");
        let seen = inside.clone();
        let nmi = setup.nmi("watchdog", 0, move |_| assert!(!seen.load(Relaxed), "the NMI came inside"));
        setup.task("T", 0, move |current| {
            nmi.raise();
            let flags = current.local_irq_save();
            inside.store(true, Relaxed);
            inside.store(false, Relaxed);
            current.local_irq_restore(flags);
        });
    });
    assert!(matches!(found, Verdict::Violated { .. }), "{found}");
}

#[test]
fn an_idle_cpu_takes_interrupts() {
    let holds = verdict(|setup| {
        let answered = flag("answered");
        let handlers = answered.clone();
        let ipi = setup.irq("ipi", 1, move |_| handlers.store(true, Relaxed));
        setup.task("T", 0, move |_| {
            ipi.raise();
            answered.cond_load(Relaxed, |answered| answered);
        });
    });
    assert_eq!(holds, Verdict::Holds);
}

/// A preempted task that may only run elsewhere moves there, and starves if that CPU is taken.
fn pinned_elsewhere(occupied: bool) -> Verdict {
    verdict(move |setup| {
        let done = flag("done");
        let (mover, owner) = (done.clone(), done);
        setup
            .task("mover", 0, move |current| {
                current.set_cpus_allowed(&[1]);
                mover.store(true, Relaxed);
            })
            .migrates();
        setup.task("owner", 1, move |current| {
            if occupied {
                current.preempt_disable();
            }
            owner.cond_load(Relaxed, |done| done);
            if occupied {
                current.preempt_enable();
            }
        });
    })
}

#[test]
fn a_task_moves_only_where_it_may_run() {
    assert_eq!(pinned_elsewhere(false), Verdict::Holds);
    assert!(matches!(pinned_elsewhere(true), Verdict::Lockup(_)));
}

#[test]
fn time_goes_on_only_when_nothing_else_can() {
    let holds = verdict(|setup| {
        let early = flag("early");
        let timers = early.clone();
        let timer = setup.irq("timer", 0, move |_| timers.store(true, Relaxed));
        setup.task("T", 0, move |_| {
            timer.arm(5);
            busy(3);
            assert_eq!(now(), 3);
            assert!(!early.load(Relaxed));
            busy(4);
            assert_eq!(now(), 7);
            assert!(early.load(Relaxed));
        });
    });
    assert_eq!(holds, Verdict::Holds);
}

/// Two tasks that take two locks, while a timer of a third CPU ticks for ever.
fn abba_beside_a_periodic_timer(fixed: bool) -> Verdict {
    verdict(move |setup| {
        let locks = Arc::new([SpinLock::named(format_args!("A")), SpinLock::named(format_args!("B"))]);
        let timer = Arc::new(std::sync::OnceLock::<ksync::Irq>::new());
        let again = timer.clone();
        let irq = setup.irq("tick", 2, move |_| again.get().expect("armed").arm(now() + 10));
        timer.set(irq).expect("once");
        setup.task("clock", 2, move |_| irq.arm(10));
        for cpu in 0..2 {
            let locks = locks.clone();
            setup.task(format!("T{cpu}"), cpu, move |current| {
                let first = if fixed { 0 } else { cpu as usize };
                let outer = locks[first].lock_irqsave(current);
                locks[1 - first].lock_nested(&outer).unlock();
                outer.unlock();
            });
        }
        setup.horizon(30);
    })
}

#[test]
fn a_lockup_is_one_although_timers_go_on() {
    let Verdict::Lockup(lockup) = abba_beside_a_periodic_timer(false) else { panic!("must lock up") };
    assert_eq!((lockup.cycle, lockup.severity), (2, Severity::Hard), "{lockup}");
    assert_eq!(abba_beside_a_periodic_timer(true), Verdict::Holds);
}

#[test]
fn a_waiting_loop_runs_its_body_before_time_goes_on() {
    let holds = verdict(|setup| {
        let done = flag("done");
        let touches = Arc::new(Atomic::named(0u32, format_args!("touches")));
        let (other, count) = (done.clone(), touches.clone());
        setup.task("waiter", 0, move |_| {
            done.cond_load_with(Relaxed, |done| done, || touches.inc());
        });
        setup.task("worker", 1, move |_| {
            busy(5);
            assert!(matches!(count.load(Relaxed), 1 | 2), "once before the clock left 0, and perhaps at 5");
            busy(5);
            assert!(matches!(count.load(Relaxed), 2 | 3), "once before it left 5, and perhaps at 10");
            other.store(true, Relaxed);
        });
    });
    assert_eq!(holds, Verdict::Holds);
}

/// A task that computes, and one that wants its CPU meanwhile.
fn computes_undisturbed(deadline: bool, stop: bool) -> Verdict {
    verdict(move |setup| {
        let (begun, ran) = (flag("begun"), flag("ran"));
        let (begins, runs) = (begun.clone(), ran.clone());
        let task = setup.task("computes", 0, move |_| {
            begins.store(true, Relaxed);
            busy(5);
            assert!(!ran.load(Relaxed), "preempted");
        });
        if deadline {
            task.deadline_class();
        }
        let other = setup.task("other", 0, move |_| {
            begun.cond_load(Relaxed, |begun| begun);
            runs.store(true, Relaxed);
        });
        if stop {
            other.stop_class();
        }
    })
}

#[test]
fn a_deadline_task_gives_way_to_the_stop_class_only() {
    assert_eq!(computes_undisturbed(false, false).kind(), "Violated");
    assert_eq!(computes_undisturbed(true, true).kind(), "Violated");
    assert_eq!(computes_undisturbed(true, false), Verdict::Holds);
}
