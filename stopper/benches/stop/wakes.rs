// SPDX-License-Identifier: GPL-2.0-only
//! Two tasks are woken, at once or by way of a `wake_q`. No thread sleeps there, so it is the port's own cost: locks,
//! states, and for a `wake_q` its links and references.

use ksync::{Current, Relaxed};
use spin_time::{Block, Stage};
use stopper::kernel::Kernel;
use stopper::machine::{Ctx, Machine};
use stopper::task::{Birth, TASK_INTERRUPTIBLE};
use stopper::ttwu::wake_up_process;
use stopper::wake_q::{WakeQHead, wake_q_add, wake_up_q};

/// How the two are woken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Direct,
    WakeQ,
}

/// So many times.
pub(crate) fn two(stage: &Stage, kernel: Kernel, rounds: u64, how: How) -> Block {
    let mut machine = Machine::new(&[0, 1], kernel);
    let waker = machine.new_task("waker", 0, Birth::Running);
    let sleepers = [machine.new_task("sleeper0", 0, Birth::Asleep), machine.new_task("sleeper1", 1, Birth::Asleep)];
    stage.time(rounds, |rounds| {
        let current = Current::outside("waker", 0);
        let ctx = &Ctx { machine: &machine, current: &current, task: waker };
        let mut head = WakeQHead::new();
        for _ in 0..rounds {
            match how {
                How::Direct => {
                    for &sleeper in &sleepers {
                        assert!(wake_up_process(ctx, sleeper));
                    }
                }
                How::WakeQ => {
                    for &sleeper in &sleepers {
                        wake_q_add(ctx.machine, &mut head, sleeper);
                    }
                    wake_up_q(ctx, &mut head);
                }
            }
            // They sleep again.
            for &sleeper in &sleepers {
                let task = ctx.machine.task(sleeper);
                assert_eq!(task.on_rq.load(Relaxed), 1, "it was woken");
                task.on_rq.store(0, Relaxed);
                task.state.store(TASK_INTERRUPTIBLE, Relaxed);
            }
        }
    })
}
