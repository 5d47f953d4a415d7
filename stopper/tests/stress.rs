// SPDX-License-Identifier: GPL-2.0-only
//! Every port on real threads: more callers than cores, some hundred rounds, on the last three forms of the queueing.
//!
//! What real threads do not show: a stopper here is a thread like any other, so it preempts nobody, and tasks of one
//! virtual CPU run side by side. Lockups that need the stop class are the explorer's. A wakeup that is lost shows as
//! a test that does not end.
#![cfg(not(loom))]

use ksync::{Atomic, Full, Id, Plain, Relaxed, Setup, run_threads};
use std::sync::Arc;
use stopper::active_balance::load_balance;
use stopper::cpu_stopper::StopFn;
use stopper::kernel::{self, Kernel};
use stopper::machine::{Ctx, MIGRATE_SWAP_STOP, Machine, StopCall};
use stopper::migrate_swap::{EAGAIN, MigrationSwapArg, migrate_swap};
use stopper::park::{stop_machine_park, stop_machine_unpark};
use stopper::queue_work::stop_one_cpu;
use stopper::schedule::schedule;
use stopper::stop_cpus::stop_cpus;
use stopper::task::{
    __set_current_state, Birth, TASK_INTERRUPTIBLE, TASK_PARKED, TASK_RUNNING, TASK_UNINTERRUPTIBLE, TaskStruct,
    set_current_state,
};
use stopper::ttwu::wake_up_process;
use stopper::two_works::{ENOENT, stop_two_cpus};
use stopper::wake_q::{WakeQHead, wake_q_add, wake_up_q};

/// Forms E, E' and F of the queueing.
const KERNELS: [Kernel; 3] = [kernel::REFLOW, kernel::ATOMICALLY, kernel::MAINLINE];
/// Requests of each caller.
const ROUNDS: u32 = 500;
/// Requests of each caller where threads spin for each other: with fewer cores than threads each step takes a slice of time.
const SPINNING_ROUNDS: u32 = 10;

/// Runs a scenario on each of the kernels.
fn stress(scenario: fn(Kernel, &mut Setup)) {
    for kernel in KERNELS {
        run_threads(&move |setup: &mut Setup| scenario(kernel, setup));
    }
}

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

/// The requests of these numbers, each with its number.
fn requests(first: u32, count: u32, mut make: impl FnMut(&str, u32) -> StopCall) -> Vec<(u32, StopCall)> {
    (first..first + count).map(|n| (n, make(&format!("request{n}"), n))).collect()
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

/// C's loop around `schedule()`.
fn sleep_until(ctx: &Ctx, state: u32, condition: impl Fn() -> bool) {
    loop {
        set_current_state(ctx, state);
        if condition() {
            break;
        }
        schedule(ctx);
    }
    __set_current_state(ctx, TASK_RUNNING);
}

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
            tasks.iter().for_each(|&task| wake_q_add(ctx.machine, &mut head, task));
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
