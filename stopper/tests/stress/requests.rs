// SPDX-License-Identifier: GPL-2.0-only
//! Works for one stopper, for two and for all: each function runs once, and its answer arrives.

use crate::{ROUNDS, SPINNING_ROUNDS, requests, stress};
use ksync::{Id, Plain, Relaxed};
use std::sync::Arc;
use stopper::cpu_stopper::StopFn;
use stopper::machine::Machine;
use stopper::park::{stop_machine_park, stop_machine_unpark};
use stopper::queue_work::stop_one_cpu;
use stopper::stop_cpus::stop_cpus;
use stopper::task::{Birth, TASK_PARKED};
use stopper::two_works::{ENOENT, stop_two_cpus};

/// How often the function of each request ran. A request is known by the argument of its function.
type Ran = Arc<[Plain<u32>]>;

/// A function for so many requests, which counts.
fn counting(machine: &mut Machine, requests: u32) -> (Id<StopFn>, Ran) {
    let ran: Ran = (0..requests).map(|_| Plain::new(0)).collect();
    let count = ran.clone();
    let func = machine.stop_fn("count", move |ctx, arg| {
        assert!(ctx.current.preempt_count() > 0, "in_atomic()");
        let ran = &count[arg as usize];
        ran.set(ran.get() + 1);
        // A value for every second caller, to see that it arrives.
        (arg % 2) as i32
    });
    (func, ran)
}

/// What a request whose function ran gives.
fn answer(arg: u32) -> Result<(), i32> {
    if arg.is_multiple_of(2) { Ok(()) } else { Err(1) }
}

#[test]
fn stop_one_cpu_runs_each_function_once() {
    stress(|kernel, setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let (func, ran) = counting(&mut machine, 3 * ROUNDS);
        let mut callers = Vec::new();
        for caller in 0..3 {
            let task = machine.new_task(&format!("caller/{caller}"), caller % 2, Birth::Running);
            let calls = requests(caller * ROUNDS, ROUNDS, |name, n| machine.stop_one_cpu_call(name, func, n));
            callers.push((task, calls));
        }
        let machine = Arc::new(machine);
        machine.spawn_stoppers(setup, &[0, 1]);
        for (task, calls) in callers {
            let ran = ran.clone();
            machine.spawn(setup, task, move |ctx| {
                for (n, call) in &calls {
                    assert_eq!(stop_one_cpu(ctx, call, n / 2 % 2), answer(*n));
                    assert_eq!(ran[*n as usize].get(), 1);
                }
            });
        }
    });
}

/// All pairs of three CPUs at once, in both orders of their arguments.
#[test]
fn stop_two_cpus_of_overlapping_pairs() {
    const PAIRS: [(u32, u32); 3] = [(0, 1), (2, 1), (2, 0)];
    stress(|kernel, setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        let (func, ran) = counting(&mut machine, 3 * SPINNING_ROUNDS);
        let mut callers = Vec::new();
        for (caller, pair) in (0..).zip(PAIRS) {
            let task = machine.new_task(&format!("caller/{caller}"), caller, Birth::Running);
            let calls = requests(caller * SPINNING_ROUNDS, SPINNING_ROUNDS, |name, n| {
                machine.stop_two_cpus_call(name, pair.0, func, n)
            });
            callers.push((task, pair, calls));
        }
        let machine = Arc::new(machine);
        machine.spawn_stoppers(setup, &[0, 1, 2]);
        for (task, (cpu1, cpu2), calls) in callers {
            let ran = ran.clone();
            machine.spawn(setup, task, move |ctx| {
                for (n, call) in &calls {
                    assert_eq!(stop_two_cpus(ctx, call, cpu1, cpu2), answer(*n));
                    assert_eq!(ran[*n as usize].get(), 1, "by one of the two stoppers");
                }
            });
        }
    });
}

/// `stop_cpus()` with `multi_cpu_stop()`, against pairs that must not get between its works.
#[test]
fn stop_cpus_beside_stop_two_cpus() {
    stress(|kernel, setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let (func, ran) = counting(&mut machine, 2 * SPINNING_ROUNDS);
        let all = machine.new_task("stop_machine", 0, Birth::Running);
        let two = machine.new_task("stop_two_cpus", 1, Birth::Running);
        let calls = requests(0, SPINNING_ROUNDS, |name, n| machine.stop_machine_call(name, func, n));
        let calls_for_two =
            requests(SPINNING_ROUNDS, SPINNING_ROUNDS, |name, n| machine.stop_two_cpus_call(name, 1, func, n));
        let machine = Arc::new(machine);
        machine.spawn_stoppers(setup, &[0, 1]);
        let ran_for_two = ran.clone();
        machine.spawn(setup, all, move |ctx| {
            for (n, call) in &calls {
                assert_eq!(stop_cpus(ctx, call), answer(*n));
                assert_eq!(ran[*n as usize].get(), 1);
            }
        });
        machine.spawn(setup, two, move |ctx| {
            for (n, call) in &calls_for_two {
                assert_eq!(stop_two_cpus(ctx, call, 0, 1), answer(*n));
                assert_eq!(ran_for_two[*n as usize].get(), 1);
            }
        });
    });
}

/// A stopper parks and comes back while works are queued for it: what it took it runs, and nothing else.
#[test]
fn a_parking_stopper_runs_what_it_took() {
    stress(|kernel, setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let (func, ran) = counting(&mut machine, SPINNING_ROUNDS);
        let down = machine.stop_fn("take_cpu_down", |ctx, _| {
            stop_machine_park(ctx, ctx.current.cpu());
            0
        });
        let hotplug = machine.new_task("hotplug", 0, Birth::Running);
        let caller = machine.new_task("caller", 0, Birth::Running);
        let downs = requests(0, SPINNING_ROUNDS, |name, _| machine.stop_one_cpu_call(name, down, 0));
        let calls = requests(0, SPINNING_ROUNDS, |name, n| machine.stop_one_cpu_call(name, func, n));
        let machine = Arc::new(machine);
        machine.spawn_stoppers(setup, &[1]);
        machine.spawn(setup, hotplug, move |ctx| {
            let thread = ctx.machine.task(ctx.machine.cpu_stopper(1).thread);
            for (_, call) in &downs {
                assert_eq!(stop_one_cpu(ctx, call, 1), Ok(()), "an unparked stopper is enabled");
                // As hotplug waits for the CPU to be dead before it brings it up again.
                thread.state.cond_load(Relaxed, |state| state == TASK_PARKED);
                stop_machine_unpark(ctx, 1);
            }
        });
        machine.spawn(setup, caller, move |ctx| {
            for (n, call) in &calls {
                let ret = stop_one_cpu(ctx, call, 1);
                assert_eq!(ran[*n as usize].get(), u32::from(ret != Err(ENOENT)));
                assert!(ret == Err(ENOENT) || ret == answer(*n));
            }
        });
    });
}
