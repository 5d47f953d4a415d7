// SPDX-License-Identifier: GPL-2.0-only
//! The two users of the stopper that move tasks.

use crate::{ROUNDS, SPINNING_ROUNDS, requests, sleep_until, stress};
use ksync::{Atomic, Full, Relaxed};
use std::sync::Arc;
use stopper::active_balance::load_balance;
use stopper::machine::{MIGRATE_SWAP_STOP, Machine};
use stopper::migrate_swap::{EAGAIN, MigrationSwapArg, migrate_swap};
use stopper::task::{Birth, TASK_INTERRUPTIBLE};
use stopper::ttwu::wake_up_process;

/// Two CPUs pull from a third one through its stopper, and one of them also each time it runs dry.
#[test]
fn active_balance_loses_no_task() {
    const TASKS: u32 = 1000;
    stress(|kernel, setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        machine.idle_finds_busy(0, 1);
        machine.rq(0).imbalance.set(ROUNDS);
        machine.rq(1).nr_running.set(TASKS);
        let sleeper = machine.new_task("runs_dry", 0, Birth::Running);
        let balancers = [0, 2].map(|cpu| (cpu, machine.new_task(&format!("balancer/{cpu}"), cpu, Birth::Running)));
        let posts = Arc::new(Atomic::new(0));
        let machine = Arc::new(machine);
        machine.spawn_stoppers(setup, &[1]);
        for (cpu, task) in balancers {
            let posts = posts.clone();
            machine.spawn(setup, task, move |ctx| {
                for _ in 0..ROUNDS {
                    load_balance(ctx, cpu, 1);
                    posts.fetch_add(1, Full);
                    wake_up_process(ctx, sleeper);
                }
            });
        }
        machine.spawn(setup, sleeper, move |ctx| {
            sleep_until(ctx, TASK_INTERRUPTIBLE, || posts.load(Relaxed) == 2 * ROUNDS);
        });
        setup.finally(move |_| {
            let [left, stayed, right] = [0, 1, 2].map(|cpu| machine.rq(cpu).nr_running.get());
            assert_eq!(left + stayed + right, TASKS);
            assert!(stayed < TASKS, "the first request finds nothing under way");
            assert!(!machine.rq(1).active_balance.get(), "whoever asked was served");
        });
    });
}

/// Two callers swap the same two tasks, each by what it sees without locks.
#[test]
fn migrate_swap_keeps_tasks_apart() {
    stress(|kernel, setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let [p, q] = [0, 1].map(|cpu| machine.new_task(&format!("swapped/{cpu}"), cpu, Birth::Running));
        let there = machine.migration_swap_arg(MigrationSwapArg { src_task: p, dst_task: q, src_cpu: 0, dst_cpu: 1 });
        let back = machine.migration_swap_arg(MigrationSwapArg { src_task: p, dst_task: q, src_cpu: 1, dst_cpu: 0 });
        let mut callers = Vec::new();
        for cpu in 0..2 {
            machine.rq(cpu).nr_running.set(1);
            let task = machine.new_task(&format!("caller/{cpu}"), cpu, Birth::Running);
            let calls = [(there, 1), (back, 0)].map(|(arg, active)| {
                let number = arg.index() as u32;
                let call = |name: &str, _| machine.stop_two_cpus_call(name, active, MIGRATE_SWAP_STOP, number);
                (arg, requests(0, SPINNING_ROUNDS, call))
            });
            callers.push((task, calls));
        }
        let swaps = Arc::new(Atomic::new(0u32));
        let machine = Arc::new(machine);
        machine.spawn_stoppers(setup, &[0, 1]);
        for (task, calls) in callers {
            let swaps = swaps.clone();
            machine.spawn(setup, task, move |ctx| {
                for n in 0..SPINNING_ROUNDS {
                    let (arg, calls) = &calls[ctx.machine.task(p).cpu.load(Relaxed) as usize];
                    match migrate_swap(ctx, &calls[n as usize].1, *arg) {
                        Ok(()) => swaps.inc(),
                        err => assert_eq!(err, Err(EAGAIN), "the other caller was faster"),
                    }
                }
            });
        }
        setup.finally(move |_| {
            let swaps = swaps.load(Relaxed);
            assert!(swaps >= SPINNING_ROUNDS, "one of the two is always the faster one");
            assert_eq!(machine.task(p).cpu.load(Relaxed), swaps % 2);
            assert_eq!(machine.task(q).cpu.load(Relaxed), 1 - swaps % 2);
            assert!([0, 1].iter().all(|&cpu| machine.rq(cpu).nr_running.get() == 1));
        });
    });
}
