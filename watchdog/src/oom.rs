// SPDX-License-Identifier: GPL-2.0-only
//! C: `dump_tasks()`, `mem_cgroup_scan_tasks()`, `mm/oom_kill.c`, `mm/memcontrol.c`: the task of incident 003 that makes
//! everybody wait: a walk over thousands of tasks, with a line on the console for each, on a kernel without preemption.
//!
//! What the walk says of itself decides who is reported:
//!
//! | the walk | its own CPU | the CPUs that wait for its stopper |
//! |---|---|---|
//! | touches its own watchdog, or has a console that does | silent | reported |
//! | touches all watchdogs, as `show_state_filter()` does | silent | silent |
//! | reschedules, ade81479c7dd and 06717a7b6c86 | fed | do not wait |

use crate::machine::Dog;
use crate::touch::{touch_all_softlockup_watchdogs, touch_softlockup_watchdog};
use crate::units::SEC;
use ksync::busy;

/// A revision of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// Touches the watchdog of its CPU every second.
    TouchesItself,
    /// Touches all watchdogs every second.
    TouchesAll,
    /// Reschedules every second.
    Reschedules,
}

/// A walk of so many seconds, with preemption off: an RCU read-side section on a kernel without preemption.
pub fn dump_tasks(dog: &Dog, seconds: u64) {
    let current = dog.ctx.current;
    current.preempt_disable();
    for _ in 0..seconds {
        busy(SEC);
        match dog.watchdog.kernel.oom {
            Walk::TouchesItself => touch_softlockup_watchdog(dog.watchdog, dog.cpu()),
            Walk::TouchesAll => touch_all_softlockup_watchdogs(dog.watchdog),
            Walk::Reschedules => {
                // cond_resched(): whoever waits for the CPU has it first. Time does not go on before.
                current.preempt_enable();
                busy(1);
                current.preempt_disable();
            }
        }
    }
    current.preempt_enable();
}
