// SPDX-License-Identifier: GPL-2.0-only
//! `wake_q`, `try_to_wake_up()` and `__schedule()`: whoever sleeps is woken.

use crate::{ROUNDS, sleep_until, stress};
use ksync::{Atomic, Id, Relaxed, Setup};
use std::sync::Arc;
use stopper::kernel::Kernel;
use stopper::machine::{Ctx, Machine};
use stopper::task::{Birth, TASK_INTERRUPTIBLE, TASK_RUNNING, TASK_UNINTERRUPTIBLE, TaskStruct};
use stopper::ttwu::wake_up_process;
use stopper::wake_q::{WakeQHead, wake_q_add, wake_up_q};

/// How a task wakes others.
type Wake = fn(&Ctx, &[Id<TaskStruct>]);

/// Two players and a referee in lockstep, so that each wakeup counts: the referee sleeps until both have played the
/// round, which wake it at the same time, and then it wakes both for the next one.
fn players_and_referee(kernel: Kernel, setup: &mut Setup, wake: Wake) {
    let mut machine = Machine::new(&[0, 1], kernel);
    let referee = machine.new_task("referee", 0, Birth::Running);
    let players = [0, 1].map(|n| machine.new_task(&format!("player/{n}"), n, Birth::Running));
    let played: Arc<[Atomic<u32>]> = (0..2).map(|_| Atomic::new(0)).collect();
    let opened = Arc::new(Atomic::new(0));
    let machine = Arc::new(machine);
    for (n, task) in players.into_iter().enumerate() {
        let (played, opened) = (played.clone(), opened.clone());
        machine.spawn(setup, task, move |ctx| {
            for round in 1..=ROUNDS {
                played[n].store(round, Relaxed);
                wake(ctx, &[referee]);
                sleep_until(ctx, TASK_UNINTERRUPTIBLE, || opened.load(Relaxed) == round);
            }
        });
    }
    machine.spawn(setup, referee, move |ctx| {
        for round in 1..=ROUNDS {
            sleep_until(ctx, TASK_INTERRUPTIBLE, || played.iter().all(|played| played.load(Relaxed) == round));
            opened.store(round, Relaxed);
            wake(ctx, &players);
        }
    });
    setup.finally(move |_| {
        for task in [referee, players[0], players[1]].map(|id| machine.task(id)) {
            assert_eq!(task.usage.load(Relaxed), 1, "references come back");
            assert!(task.wake_q_next.load(Relaxed).is_none());
            assert_eq!(task.state.load(Relaxed), TASK_RUNNING);
        }
        let load = machine.cpus().iter().map(|&cpu| machine.rq(cpu).nr_uninterruptible.get());
        assert_eq!(load.fold(0, u32::wrapping_add), 0, "each sleep that counts as load ended once");
    });
}

#[test]
fn wake_q_loses_no_wakeup() {
    stress(|kernel, setup| {
        players_and_referee(kernel, setup, |ctx, tasks| {
            let mut head = WakeQHead::new();
            for &task in tasks {
                wake_q_add(ctx.machine, &mut head, task);
            }
            wake_up_q(ctx, &mut head);
        });
    });
}

#[test]
fn try_to_wake_up_loses_no_wakeup() {
    stress(|kernel, setup| {
        players_and_referee(kernel, setup, |ctx, tasks| {
            for &task in tasks {
                wake_up_process(ctx, task);
            }
        });
    });
}
