// SPDX-License-Identifier: GPL-2.0-only
//! The active balance and `migrate_swap_stop()`: who owns a request, and who may be moved where.

use crate::active_balance::{self, Clear, Owner, Pinned, load_balance};
use crate::catalogue::Case;
use crate::hotplug_kernels;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine};
use crate::migrate_swap::{self, Locks, MigrationSwapArg, Recheck, Same, migrate_swap_stop, set_cpus_allowed_ptr};
use crate::schedule::schedule;
use crate::task::Birth;
use crate::ttwu::wake_up_process;
use ksync::catalogue::Expected::{Holds, Lockup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Relaxed, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[FLAG, TWO_IDLE, OFFLINE, SWAP_MOVED, SWAP_WOKEN, SWAP_SAME];

const fn mutant(name: &'static str, what: &'static str, balance: active_balance::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), balance, ..kernel::MAINLINE }
}

const fn clear(name: &'static str, what: &'static str, clear: Clear) -> Kernel {
    mutant(name, what, active_balance::Rev { clear, ..active_balance::MAINLINE })
}

const FLAG: Case = Case {
    incident: "active-balance",
    name: "flag",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: two_balancers,
    rows: &[
        (kernel::MAINLINE, Holds),
        (clear("clear-at-start", "the flag is cleared at the start of the callback", Clear::AtStart), Race),
        (clear("clear-after-unlock", "the flag is cleared after the unlock", Clear::AfterUnlock), Race),
        (clear("late-push-cpu", "push_cpu is read after the flag was cleared", Clear::BeforePushCpu), Race),
        (
            mutant(
                "list-empty-guard",
                "a work that is on no list is taken for free",
                active_balance::Rev { owner: Owner::ListEmpty, ..active_balance::MAINLINE },
            ),
            Race,
        ),
    ],
};

/// Two CPUs run dry and find the same one busy. Neither asks whether the busy CPU's task may leave: as long as the
/// stopper runs that test alone would refuse the second request, and hide what the flag is there for.
///
/// Result: Never
pub fn two_balancers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let balance = active_balance::Rev { pinned: Pinned::Ignored, ..kernel.balance };
        let kernel = Kernel { balance, ..kernel };
        let mut machine = Machine::new(&[1, 2, 26], kernel);
        let balancers = [1, 2].map(|cpu| machine.new_task(&format!("balancer/{cpu}"), cpu, Birth::Running));
        machine.rq(26).nr_running.set(3);
        let machine = Arc::new(machine);
        for task in balancers {
            machine.spawn(setup, task, |ctx| load_balance(ctx, ctx.current.cpu(), 26));
        }
        machine.spawn_stoppers(setup, &[26]);
        setup.finally(move |_| {
            let [one, two, left] = [1, 2, 26].map(|cpu| machine.rq(cpu).nr_running.get());
            assert!(one <= 1 && two <= 1 && one + two + left == 3, "who asked got a task: {one}, {two}, {left}");
            assert!(!machine.rq(26).active_balance.get(), "the flag is free again");
        });
    })
}

const TWO_IDLE: Case = Case {
    incident: "active-balance",
    name: "two-stoppers-idle",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: two_stoppers_run_dry,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            mutant(
                "pinned-ignored",
                "whether the busiest CPU's task may leave is not tested",
                active_balance::Rev { pinned: Pinned::Ignored, ..active_balance::MAINLINE },
            ),
            Lockup,
        ),
    ],
};

/// Two stoppers block at once, and each CPU finds the other one busy.
///
/// Result: Never
pub fn two_stoppers_run_dry(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        machine.idle_finds_busy(0, 1);
        machine.idle_finds_busy(1, 0);
        let threads = [0, 1].map(|cpu| machine.blocking_stopper(cpu));
        let machine = Arc::new(machine);
        for thread in threads {
            machine.spawn(setup, thread, schedule).stop_class().daemon();
        }
    })
}

const OFFLINE: Case = Case {
    incident: "active-balance",
    name: "busiest-goes-offline",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("who may preempt whom decides, and loom has no CPUs"),
    scenario: busiest_goes_offline,
    rows: &[(hotplug_kernels::BEFORE_NOWAIT, Violated), (hotplug_kernels::NOWAIT, Holds), (kernel::MAINLINE, Holds)],
};

/// The busiest CPU goes away, for which the balancer's own stopper has to agree. Both stoppers have that work
/// queued and are awake.
///
/// Result: Never
pub fn busiest_goes_offline(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let balancer = machine.new_task("balancer", 0, Birth::Running);
        machine.takes_down(1);
        let machine = Arc::new(machine);
        machine.spawn(setup, balancer, |ctx| load_balance(ctx, 0, 1));
        machine.spawn_stoppers(setup, &[0, 1]);
        setup.finally(move |_| assert!(!machine.rq(1).active_balance.get(), "the flag leaked"));
    })
}

const fn swap(name: &'static str, what: &'static str, migrate_swap: migrate_swap::Rev) -> Kernel {
    Kernel { label: Label::mutant(name, what), migrate_swap, ..kernel::MAINLINE }
}

/// Two tasks to swap, on these CPUs; the first one is about to block.
fn two_tasks(machine: &mut Machine, src_cpu: u32, dst_cpu: u32) -> (MigrationSwapArg, Id<MigrationSwapArg>) {
    let src_task = machine.new_task("src", src_cpu, Birth::Blocking);
    let dst_task = machine.new_task("dst", dst_cpu, Birth::Running);
    let arg = MigrationSwapArg { src_task, dst_task, src_cpu, dst_cpu };
    (arg, machine.migration_swap_arg(arg))
}

const SWAP_MOVED: Case = Case {
    incident: "migrate-swap",
    name: "swap-forbidden",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: swap_forbidden,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            swap(
                "no-recheck",
                "migrate_swap_stop() trusts what its caller saw",
                migrate_swap::Rev { recheck: Recheck::Never, ..migrate_swap::MAINLINE },
            ),
            Violated,
        ),
    ],
};

/// One of the two tasks is bound to its CPU while their swap is under way.
///
/// Result: Never
pub fn swap_forbidden(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let binder = machine.new_task("sched_setaffinity", 26, Birth::Running);
        let (tasks, arg) = two_tasks(&mut machine, 26, 1);
        let machine = Arc::new(machine);
        let stopper = machine.cpu_stopper(1).thread;
        machine.spawn(setup, stopper, move |ctx| stop_in_run(ctx, arg)).stop_class();
        machine.spawn(setup, binder, move |ctx| set_cpus_allowed_ptr(ctx, tasks.src_task, 26));
        setup.finally(move |_| {
            let src = machine.task(tasks.src_task);
            assert!(src.may_run_on(src.cpu.load(Relaxed)), "a task is where it must not be");
        });
    })
}

/// `migrate_swap_stop()` where `multi_cpu_stop()` calls it.
fn stop_in_run(ctx: &Ctx, arg: Id<MigrationSwapArg>) {
    ctx.current.local_irq_disable();
    migrate_swap_stop(ctx, arg);
    ctx.current.local_irq_enable();
}

const SWAP_WOKEN: Case = Case {
    incident: "migrate-swap",
    name: "swap-and-wakeup",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: swap_and_wakeup,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            swap(
                "rq-locks-first",
                "migrate_swap_stop() takes the runqueues' locks before the tasks'",
                migrate_swap::Rev { locks: Locks::RqFirst, ..migrate_swap::MAINLINE },
            ),
            Lockup,
        ),
    ],
};

/// One of the two tasks is woken while they are swapped.
///
/// Result: Never
pub fn swap_and_wakeup(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let waker = machine.new_task("waker", 26, Birth::Running);
        let (tasks, arg) = two_tasks(&mut machine, 26, 1);
        let machine = Arc::new(machine);
        let stopper = machine.cpu_stopper(1).thread;
        machine.spawn(setup, stopper, move |ctx| stop_in_run(ctx, arg)).stop_class();
        machine.spawn(setup, waker, move |ctx| assert!(wake_up_process(ctx, tasks.src_task)));
    })
}

const SWAP_SAME: Case = Case {
    incident: "migrate-swap",
    name: "swap-on-one-cpu",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: swap_on_one_cpu,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            swap(
                "same-lock-twice",
                "double_rq_lock() without its test for the same runqueue",
                migrate_swap::Rev { same: Same::Twice, ..migrate_swap::MAINLINE },
            ),
            Lockup,
        ),
    ],
};

/// Both tasks are on one CPU: nothing to do, and one lock to take.
///
/// Result: Never
pub fn swap_on_one_cpu(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel);
        let (_, arg) = two_tasks(&mut machine, 1, 1);
        let machine = Arc::new(machine);
        let stopper = machine.cpu_stopper(1).thread;
        machine.spawn(setup, stopper, move |ctx| stop_in_run(ctx, arg)).stop_class();
    })
}
