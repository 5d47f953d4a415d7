// SPDX-License-Identifier: GPL-2.0-only
//! `cpu_stop_queue_two_works()` and its like, and `multi_cpu_stop()`.

use crate::{Scene, history, patch, primitives, the_end};
use expect_test::expect_file;
use ksync::{Atomic, Scenario, busy};
use std::sync::Arc;
use stopper::kernel::{self, Kernel};
use stopper::machine::{MIGRATE_SWAP_STOP, Machine};
use stopper::multi_cpu_stop::multi_cpu_stop;
use stopper::queue_work::stop_one_cpu_nowait;
use stopper::stop_cpus::queue_stop_cpus_work;
use stopper::task::Birth;
use stopper::two_works::queue_two;

const QUEUES: &[Scene<Kernel>] = &[("two works", two_works), ("one work", one_work), ("all CPUs", all_cpus)];

const WAITING: &[Kernel] = &[kernel::BEFORE_TOUCH, kernel::TOUCH, kernel::RCU, kernel::RCU_BEYOND_PREPARE];

const WAITS: &[Scene<Kernel>] = &[("a stopper waits", waits)];

/// One task asks for CPU1 and CPU26 while nobody else runs.
fn two_works(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let caller = machine.new_task("caller", 1, Birth::Running);
        let call = machine.stop_two_cpus_call("call", 1, MIGRATE_SWAP_STOP, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, caller, move |ctx| {
            call.frame.enter();
            queue_two(ctx, &call, 1, 26).expect("both stoppers are enabled");
        });
        setup.finally(|_| the_end());
    })
}

/// It asks for CPU26.
fn one_work(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let caller = machine.new_task("caller", 1, Birth::Running);
        let func = machine.stop_fn("func", |_, _| 0);
        let work = machine.work_for("work", func, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, caller, move |ctx| {
            stop_one_cpu_nowait(ctx, 26, func, 0, work);
        });
        setup.finally(|_| the_end());
    })
}

/// It asks for all CPUs.
fn all_cpus(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let caller = machine.new_task("caller", 1, Birth::Running);
        let func = machine.stop_fn("func", |_, _| 0);
        let call = machine.stop_machine_call("call", func, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, caller, move |ctx| {
            call.frame.enter();
            queue_stop_cpus_work(ctx, &call);
        });
        setup.finally(|_| the_end());
    })
}

/// CPU 1 waits for CPU 0, which comes late and takes long.
fn waits(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let func = machine.stop_fn("func", |_, _| {
            busy(10);
            0
        });
        let msdata = machine.msdata_for("all", func, None);
        let heard = ["watchdog", "RCU"].map(|who| Arc::new(Atomic::named(0u32, format_args!("heard by {who}"))));
        let [watchdog, rcu] = heard;
        machine.on_touch_nmi_watchdog(move |_| watchdog.inc());
        machine.on_rcu_momentary_eqs(move |_| rcu.inc());
        let machine = Arc::new(machine);
        for cpu in [0, 1] {
            let thread = machine.cpu_stopper(cpu).thread;
            machine.spawn(setup, thread, move |ctx| {
                if cpu == 0 {
                    busy(10);
                }
                multi_cpu_stop(ctx, msdata);
            });
        }
        setup.finally(|_| the_end());
    })
}

#[test]
fn two_revisions_differ_by_the_patch() {
    let text = history(kernel::QUEUES_TWO_WORKS, QUEUES, primitives)
        + &history(WAITING, WAITS, primitives)
        + &patch([kernel::BEFORE_READ_ONCE, kernel::READ_ONCE], WAITS, primitives);
    expect_file!["stopper.txt"].assert_eq(&text);
}
