// SPDX-License-Identifier: GPL-2.0-only
//! Virtual time, and the end of a machine: each rule with the scenario that needs it.
#![cfg(loom)]

mod scheduling;

use ksync::explore::check;
use ksync::{Atomic, Completion, Model, Options, Relaxed, Setup, Verdict, away, busy, halt, now};
use scheduling::{flag, verdict};
use std::sync::Arc;

/// CPU1 looks at a flag that CPU0 raised; without an order between them it may look too early.
fn looks_at_a_flag(later: bool) -> Verdict {
    let scenario = move |setup: &mut Setup| {
        let (flag, begun) = (flag("flag"), flag("begun"));
        let (raised, begins) = (flag.clone(), begun.clone());
        setup.irq("timer", 2, |_| ());
        setup.task("raises", 0, move |_| {
            flag.store(true, Relaxed);
            begun.store(true, Relaxed);
        });
        setup.task("looks", 1, move |_| {
            begins.cond_load(Relaxed, |begun| begun);
            if later {
                busy(1);
            }
            assert!(raised.load(Relaxed), "a stale read");
        });
    };
    check(&scenario, &Options::new(Model::Lkmm)).verdict
}

#[test]
fn no_read_is_stale_for_longer_than_an_instant() {
    assert_eq!(looks_at_a_flag(false).kind(), "Violated");
    assert_eq!(looks_at_a_flag(true), Verdict::Holds);
}

/// A task that waits for ever, and a watchdog that may stop the machine when it has seen that.
fn waits_for_ever(panics: bool) -> Verdict {
    verdict(move |setup| {
        let (never, seen) = (flag("never"), flag("seen"));
        let sees = seen.clone();
        setup.task("waiter", 0, move |_| _ = never.cond_load(Relaxed, |word| word));
        setup.task("watchdog", 1, move |_| {
            busy(10);
            sees.store(true, Relaxed);
            if panics {
                halt();
            }
        });
        setup.finally(move |_| assert!(seen.load(Relaxed), "the machine stops after it was seen"));
    })
}

#[test]
fn a_machine_that_stops_is_not_locked_up() {
    assert_eq!(waits_for_ever(false).kind(), "Lockup");
    assert_eq!(waits_for_ever(true), Verdict::Holds);
}

#[test]
fn a_timer_may_be_armed_before_the_scenario_begins() {
    let holds = verdict(|setup| {
        let fired = flag("fired");
        let fires = fired.clone();
        let timer = setup.irq("timer", 0, move |_| fires.store(true, Relaxed));
        setup.armed(timer, 5);
        setup.task("T", 1, move |_| {
            busy(4);
            assert!(!fired.load(Relaxed));
            busy(2);
            assert!(fired.load(Relaxed));
        });
    });
    assert_eq!(holds, Verdict::Holds);
}

#[test]
fn who_still_computes_at_the_horizon_may_end_a_wait() {
    let waits_for_a_long_computation = |horizon: u64| {
        verdict(move |setup| {
            let done = flag("done");
            let waits = done.clone();
            let tick = setup.irq("tick", 2, |_| ());
            setup.armed(tick, 1000);
            setup.task("waiter", 0, move |_| _ = waits.cond_load(Relaxed, |done| done));
            setup.task("worker", 1, move |_| {
                busy(100);
                done.store(true, Relaxed);
            });
            setup.horizon(horizon);
        })
    };
    assert_eq!(waits_for_a_long_computation(50), Verdict::Holds);
    assert_eq!(waits_for_a_long_computation(500), Verdict::Holds);
}

#[test]
fn an_nmi_comes_between_any_two_lines_of_a_handler() {
    let reads = |at: u64| {
        verdict(move |setup| {
            let word = flag("word");
            let set = word.clone();
            let timer = setup.irq("timer", 0, move |_| {
                let seen = word.load(Relaxed);
                assert!(seen || now() == 5, "an NMI that takes 7 ns came between the word and the time");
            });
            let nmi = setup.nmi("nmi", 0, move |_| {
                busy(7);
                set.store(true, Relaxed);
            });
            setup.armed(timer, 5);
            setup.armed(nmi, at);
        })
    };
    assert_eq!(reads(5).kind(), "Violated");
    assert_eq!(reads(50), Verdict::Holds);
}

/// A task that computes from its first line on, and one of its CPU that is woken meanwhile.
fn computes_from_the_start(stop: bool) -> Verdict {
    verdict(move |setup| {
        let woken = flag("woken");
        let wakes = woken.clone();
        let first = setup.task("computes", 0, |_| {
            busy(5);
            assert_eq!(now(), 5, "another one ran first");
        });
        if stop {
            first.stop_class();
        }
        setup.task("woken", 0, move |_| {
            woken.cond_load(Relaxed, |woken| woken);
            busy(1);
        });
        setup.task("wakes", 1, move |_| {
            busy(2);
            wakes.store(true, Relaxed);
        });
    })
}

#[test]
fn who_computes_first_of_all_has_its_cpu() {
    assert_eq!(computes_from_the_start(true), Verdict::Holds);
    assert_eq!(computes_from_the_start(false).kind(), "Violated");
}

#[test]
fn an_interrupt_finds_who_computes() {
    let holds = verdict(|setup| {
        let timer = setup.irq("timer", 0, |current| assert_eq!(current.name(), "computes"));
        setup.armed(timer, 3);
        setup.task("computes", 0, |_| busy(5));
    });
    assert_eq!(holds, Verdict::Holds);
}

#[test]
fn two_tasks_do_not_compute_on_one_cpu_at_once() {
    let both = |ends: u64| {
        verdict(move |setup| {
            let ended = Arc::new(Atomic::named(0u64, format_args!("ended")));
            for name in ["A", "B"] {
                let ended = ended.clone();
                setup.task(name, 0, move |_| {
                    busy(5);
                    ended.store(now(), Relaxed);
                });
            }
            setup.finally(move |_| assert_eq!(ended.load(Relaxed), ends));
        })
    };
    assert_eq!(both(10), Verdict::Holds);
    assert_eq!(both(5).kind(), "Violated");
}

#[test]
fn who_is_preempted_computes_the_rest_later() {
    let holds = verdict(|setup| {
        let wakeup = Arc::new(Completion::named(format_args!("wakeup")));
        let wakes = wakeup.clone();
        setup.task("computes", 0, |_| {
            busy(5);
            assert_eq!(now(), 8);
        });
        let woken = setup.task("woken", 0, move |current| {
            wakeup.wait_for_completion(current);
            busy(3);
            assert_eq!(now(), 5);
        });
        woken.stop_class();
        setup.task("wakes", 1, move |_| {
            busy(2);
            wakes.complete();
        });
    });
    assert_eq!(holds, Verdict::Holds);
}

#[test]
fn who_is_away_has_no_cpu() {
    let holds = verdict(|setup| {
        setup.task("computes", 0, |_| {
            busy(5);
            assert_eq!(now(), 7);
        });
        let later = setup.task("away", 0, |_| {
            away(3);
            assert_eq!(now(), 3);
            busy(2);
            assert_eq!(now(), 5);
        });
        later.stop_class();
    });
    assert_eq!(holds, Verdict::Holds);
}

/// A handler that computes on a task that does, and an NMI that computes on both.
#[test]
fn a_handler_puts_off_the_end_of_what_it_interrupts() {
    let holds = verdict(|setup| {
        let timer = setup.irq("timer", 0, |_| {
            busy(2);
            assert_eq!(now(), 8, "5, and 2, and the NMI's 1");
        });
        let nmi = setup.nmi("nmi", 0, |_| {
            busy(1);
            assert_eq!(now(), 7);
        });
        setup.armed(timer, 5);
        setup.armed(nmi, 6);
        setup.task("computes", 0, |_| {
            busy(10);
            assert_eq!(now(), 13);
        });
    });
    assert_eq!(holds, Verdict::Holds);
}
