// SPDX-License-Identifier: GPL-2.0-only
//! Requests for the stopper of a CPU that comes or goes.

use crate::catalogue::Case;
use crate::cpuhp::{bringup_wait_for_ap, cpuhp_online_idle, take_cpu_down};
use crate::hotplug::balance_callbacks;
use crate::hotplug_kernels;
use crate::kernel::{self, Kernel};
use crate::list::list_add_tail;
use crate::machine::Machine;
use crate::park::stop_machine_unpark;
use crate::queue_work::stop_one_cpu;
use crate::scenarios_multi_cpu_stop::DISABLE_WHEN_PARKED;
use crate::set_affinity::affine_move_task;
use crate::stop_machine::stop_machine;
use crate::task::{Birth, TASK_ON_RQ_QUEUED};
use crate::two_works::{ENOENT, stop_two_cpus};
use ksync::Weakness::RelaxedRmw;
use ksync::catalogue::Expected::{Holds, Lockup, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Plain, Relaxed, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[S1, S5, S16, REMOTE_PUSH, TWO_CALLERS, MOVED, OFFLINE, DOWN];

const TOO_LONG: LoomUse = LoomUse::CannotCarry("no end in 20 seconds");
const NO_CPUS: LoomUse = LoomUse::CannotCarry("who may preempt whom decides, and loom has no CPUs");

const S1: Case = Case {
    incident: "stop-cpus",
    name: "s1-enabled-late",
    model: Model::Sc,
    loom: TOO_LONG,
    scenario: s1_enabled_late,
    rows: &[
        (hotplug_kernels::BEFORE_PRE_UNPARK, Lockup),
        (hotplug_kernels::PRE_UNPARK, Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// A CPU has come up, and its stopper is unparked. Then all CPUs are stopped.
///
/// Result: Lockup in `BEFORE_PRE_UNPARK`
pub fn s1_enabled_late(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let up = machine.new_task("cpu_up", 0, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let call = machine.stop_machine_call("cpu_up", nothing, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, up, move |ctx| {
            stop_machine_unpark(ctx, 1);
            assert_eq!(stop_machine(ctx, &call), Ok(()));
        });
        machine.spawn_stoppers(setup, &[0]);
        machine.spawn_parked(setup, 1);
    })
}

const S5: Case = Case {
    incident: "stop-cpus",
    name: "s5-drained",
    model: Model::Sc,
    loom: TOO_LONG,
    scenario: s5_drained,
    rows: &[(hotplug_kernels::BEFORE_FLUSH, Lockup), (hotplug_kernels::FLUSH, Holds), (kernel::MAINLINE, Holds)],
};

/// Two CPUs are to be stopped while the stopper of one takes it down: both take part, or none.
///
/// Result: Lockup in `BEFORE_FLUSH`
pub fn s5_drained(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel);
        let t = machine.new_task("T", 3, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let call = machine.stop_two_cpus_call("T", 1, nothing, 0);
        let down = machine.stop_fn("take_cpu_down", |ctx, _| take_cpu_down(ctx));
        let work = machine.work_for("cpu_down.work", down, 0);
        list_add_tail(&machine, work, &machine.cpu_stopper(1).works);
        machine.task(machine.cpu_stopper(1).thread).on_rq.store(TASK_ON_RQ_QUEUED, Relaxed);
        let machine = Arc::new(machine);
        machine.spawn(setup, t, move |ctx| {
            let ret = stop_two_cpus(ctx, &call, 1, 2);
            assert!(ret.is_ok() || ret == Err(ENOENT));
        });
        machine.spawn_stoppers(setup, &[1, 2]);
    })
}

const S16: Case = Case {
    incident: "stop-cpus",
    name: "s16-unparked-late",
    model: Model::Lkmm,
    loom: NO_CPUS,
    scenario: s16_unparked_late,
    rows: &[
        (hotplug_kernels::BEFORE_ONLINE_IDLE, Violated),
        (hotplug_kernels::ONLINE_IDLE, Holds),
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-done-up", "bringup_wait_for_ap() waits without order")
                    .without(&[("bringup_wait_for_ap", RelaxedRmw)]),
                ..kernel::MAINLINE
            },
            Race,
        ),
    ],
};

/// A CPU has come up and runs its first task, which asks for the CPU's stopper. Who brought it up sees what it is.
///
/// Result: Violated in `BEFORE_ONLINE_IDLE`
pub fn s16_unparked_late(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel);
        let up = machine.new_task("cpu_up", 0, Birth::Running);
        let first = machine.new_task("first", 1, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let call = machine.stop_one_cpu_call("first", nothing, 0);
        let identified = Arc::new(Plain::named(false, format_args!("CPU1 identified")));
        let sees = identified.clone();
        let machine = Arc::new(machine);
        machine.spawn(setup, up, move |ctx| {
            bringup_wait_for_ap(ctx, 1);
            assert!(sees.get());
        });
        machine.spawn(setup, first, move |ctx| {
            // DEVIATION: idle's last step and the task's first one are one task here.
            identified.set(true);
            cpuhp_online_idle(ctx);
            assert_eq!(stop_one_cpu(ctx, &call, 1), Ok(()), "a task runs where the stopper is disabled");
        });
        machine.spawn_parked(setup, 1);
    })
}

const REMOTE_PUSH: Case = Case {
    incident: "stop-cpus",
    name: "s16-remote-push",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: s16_remote_push,
    rows: &[
        (hotplug_kernels::BEFORE_THIS_RQ, Violated),
        (hotplug_kernels::THIS_RQ, Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// Twice, a task of another CPU runs the callbacks of a dying CPU's runqueue.
///
/// Result: Violated in `BEFORE_THIS_RQ`
pub fn s16_remote_push(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let t = machine.new_task("T", 0, Birth::Running);
        machine.rq_mut(1).balance_push = true;
        let machine = Arc::new(machine);
        machine.spawn(setup, t, |ctx| {
            balance_callbacks(ctx, 1);
            balance_callbacks(ctx, 1);
        });
        machine.spawn_stoppers(setup, &[1]);
    })
}

const TWO_CALLERS: Case = Case {
    incident: "set-affinity",
    name: "two-callers",
    model: Model::Sc,
    loom: TOO_LONG,
    scenario: two_callers,
    rows: &[
        (hotplug_kernels::BEFORE_STOP_PENDING, Violated),
        (hotplug_kernels::STOP_PENDING, Holds),
        (hotplug_kernels::NOWAIT, Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// Two tasks at once move a third one away from its CPU.
///
/// Result: Violated in `BEFORE_STOP_PENDING`
pub fn two_callers(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel);
        let p = machine.new_task("p", 1, Birth::Asleep);
        let callers = [0, 2].map(|cpu| {
            let name = format!("sched_setaffinity/{cpu}");
            (machine.new_task(&name, cpu, Birth::Running), machine.set_affinity_pending(&name))
        });
        let machine = Arc::new(machine);
        for (caller, pending) in callers {
            machine.spawn(setup, caller, move |ctx| affine_move_task(ctx, p, pending));
        }
        machine.spawn_stoppers(setup, &[1]);
    })
}

const MOVED: Case = Case {
    incident: "set-affinity",
    name: "task-has-moved",
    model: Model::Lkmm,
    loom: TOO_LONG,
    scenario: task_has_moved,
    rows: &[
        (kernel::MAINLINE, Holds),
        (
            Kernel {
                label: Label::mutant("relaxed-complete-all", "migration_cpu_stop() completes without order")
                    .without(&[("migration_cpu_stop", RelaxedRmw)]),
                ..kernel::MAINLINE
            },
            Race,
        ),
    ],
};

/// A task moves another one, and looks at it when it has left its CPU.
///
/// Result: Never
pub fn task_has_moved(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel);
        let p = machine.new_task("p", 1, Birth::Asleep);
        let caller = machine.new_task("sched_setaffinity", 0, Birth::Running);
        let pending = machine.set_affinity_pending("sched_setaffinity");
        let machine = Arc::new(machine);
        machine.spawn(setup, caller, move |ctx| {
            affine_move_task(ctx, p, pending);
            assert_eq!(ctx.machine.task(p).se.get(), 1, "it has been dequeued");
        });
        machine.spawn_stoppers(setup, &[1]);
    })
}

const OFFLINE: Case = Case {
    incident: "set-affinity",
    name: "cpu-goes-offline",
    model: Model::Sc,
    loom: NO_CPUS,
    scenario: cpu_goes_offline,
    rows: &[(hotplug_kernels::BEFORE_NOWAIT, Lockup), (hotplug_kernels::NOWAIT, Holds), (kernel::MAINLINE, Holds)],
};

/// A task moves another one away from a CPU that goes away, for which the first one's own stopper has to agree.
///
/// Result: Lockup in `BEFORE_NOWAIT`
pub fn cpu_goes_offline(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let p = machine.new_task("p", 1, Birth::Asleep);
        let caller = machine.new_task("sched_setaffinity", 0, Birth::Running);
        let pending = machine.set_affinity_pending("sched_setaffinity");
        machine.takes_down(1);
        let machine = Arc::new(machine);
        machine.spawn(setup, caller, move |ctx| affine_move_task(ctx, p, pending));
        machine.spawn_stoppers(setup, &[0, 1]);
    })
}

const DOWN: Case = Case {
    incident: "stop-cpus",
    name: "cpu-down",
    model: Model::Sc,
    loom: TOO_LONG,
    scenario: cpu_down,
    rows: &[(kernel::MAINLINE, Holds), (DISABLE_WHEN_PARKED, Violated)],
};

/// All CPUs are stopped to take one down. Behind that its stopper accepts nothing.
///
/// Result: Never
pub fn cpu_down(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let t = machine.new_task("cpu_down", 0, Birth::Running);
        let down = machine.stop_fn("take_cpu_down", |ctx, _| take_cpu_down(ctx));
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let (all, one) = (machine.stop_for_one_call("all", down, 1), machine.stop_one_cpu_call("one", nothing, 0));
        let machine = Arc::new(machine);
        machine.spawn(setup, t, move |ctx| {
            assert_eq!(stop_machine(ctx, &all), Ok(()));
            assert_eq!(stop_one_cpu(ctx, &one, 1), Err(ENOENT), "the CPU is gone");
        });
        machine.spawn_stoppers(setup, &[0, 1]);
    })
}
