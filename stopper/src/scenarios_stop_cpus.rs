// SPDX-License-Identifier: GPL-2.0-only
//! Who queues what in which order, and who is left to wake whom: the incidents of `kernel/stop_machine.c`.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::list::{list_add_tail, list_entries};
use crate::machine::Machine;
use crate::queue_work::{self, cpu_stop_queue_work};
use crate::schedule::schedule;
use crate::stop_cpus::queue_stop_cpus_work;
use crate::task::Birth;
use crate::ttwu::wake_up_process;
use crate::two_works::{self, Against, PreemptOff, cpu_stop_queue_two_works, queue_two, stop_two_cpus};
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Model, Scenario};
use std::collections::VecDeque;
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[S3, S4, S10, S11, S13, S17];

const NO_CPUS: LoomUse = LoomUse::CannotCarry("who may preempt whom decides, and loom has no CPUs");

const NO_TEST: Kernel = Kernel {
    label: Label::mutant("no-in-progress-test", "two works are queued whatever stop_cpus() does"),
    two_works: two_works::Rev { against: Against::Nothing, ..two_works::AFTER_UNLOCK },
    ..kernel::MAINLINE
};

const EARLY_TEST: Kernel = Kernel {
    label: Label::mutant("early-in-progress-test", "stop_cpus_in_progress is tested before the locks are taken"),
    two_works: two_works::Rev { against: Against::InProgressBeforeLocks, ..two_works::AFTER_UNLOCK },
    ..kernel::MAINLINE
};

const PREEMPTIBLE: Kernel = Kernel {
    label: Label::mutant("preemptible-wake", "nothing keeps the waker from being preempted before it has woken all"),
    two_works: two_works::Rev { preempt_off: PreemptOff::Never, ..two_works::AFTER_UNLOCK },
    queue_work: queue_work::Rev { preempt_off: PreemptOff::Never, ..queue_work::AFTER_UNLOCK },
    ..kernel::MAINLINE
};

const S3: Case = Case {
    incident: "stop-cpus",
    name: "s3-all-against-two",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: s3_all_against_two,
    rows: &[
        (kernel::INTRODUCED, Violated),
        (kernel::LOCAL_LOCK, Holds),
        (kernel::DOUBLE_LOCK, Holds),
        (kernel::IN_PROGRESS, Holds),
        (kernel::BEFORE, Holds),
        (kernel::AFTER_QUEUEING, Holds),
        (kernel::REFLOW, Holds),
        (kernel::MAINLINE, Holds),
        (NO_TEST, Violated),
        (EARLY_TEST, Violated),
    ],
};

/// One task stops all CPUs, another one stops two. The stoppers do not run; the order of their works decides.
///
/// Result: Violated in INTRODUCED
pub fn s3_all_against_two(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let a = machine.new_task("A", 1, Birth::Running);
        let b = machine.new_task("B", 0, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let all = machine.stop_machine_call("all", nothing, 0);
        let two = machine.stop_two_cpus_call("two", 0, nothing, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, a, move |ctx| {
            all.frame.enter();
            assert!(queue_stop_cpus_work(ctx, &all));
        });
        machine.spawn(setup, b, move |ctx| {
            two.frame.enter();
            assert_eq!(queue_two(ctx, &two, 0, 1), Ok(()));
        });
        setup.finally(move |_| every_request_ends(&machine));
    })
}

/// What the stoppers would do: all that have a request in front serve it together.
///
/// # Panics
/// If they wait for each other for ever.
fn every_request_ends(machine: &Machine) {
    let mut fifos: Vec<VecDeque<u32>> = Vec::new();
    for &cpu in machine.cpus() {
        let works = list_entries(machine, &machine.cpu_stopper(cpu).works);
        fifos.push(works.iter().map(|&work| machine.work(work).arg.get()).collect());
    }
    while fifos.iter().any(|fifo| !fifo.is_empty()) {
        let all_have_it_in_front =
            |request: &u32| fifos.iter().all(|fifo| !fifo.contains(request) || fifo.front() == Some(request));
        let next = fifos.iter().filter_map(|fifo| fifo.front()).copied().find(all_have_it_in_front);
        let request = next.unwrap_or_else(|| panic!("the stoppers wait for each other: {fifos:?}"));
        for fifo in &mut fifos {
            fifo.retain(|&other| other != request);
        }
    }
}

const S4: Case = Case {
    incident: "stop-cpus",
    name: "s4-three-pairs",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: s4_three_pairs,
    rows: &[
        (kernel::LOCAL_LOCK, Violated),
        (kernel::DOUBLE_LOCK, Holds),
        (kernel::IN_PROGRESS, Holds),
        (kernel::AFTER_QUEUEING, Holds),
        (kernel::REFLOW, Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// Three pairs of three CPUs, queued by CPUs 4, 11 and 4. The stoppers do not run; the order of their works decides.
///
/// Result: Violated in LOCAL_LOCK
pub fn s4_three_pairs(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[4, 11, 13], kernel);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let pairs = [("M", 4, 4, 13), ("N", 11, 13, 11), ("O", 4, 11, 4)].map(|(name, on, cpu1, cpu2)| {
            let task = machine.new_task(name, on, Birth::Running);
            (task, machine.stop_two_cpus_call(name, cpu1, nothing, 0), cpu1, cpu2)
        });
        let machine = Arc::new(machine);
        for (task, call, cpu1, cpu2) in pairs {
            machine.spawn(setup, task, move |ctx| {
                call.frame.enter();
                assert_eq!(queue_two(ctx, &call, cpu1, cpu2), Ok(()));
            });
        }
        setup.finally(move |_| every_request_ends(&machine));
    })
}

const S10: Case = Case {
    incident: "stop-cpus",
    name: "s10-own-stopper",
    model: Model::Sc,
    loom: NO_CPUS,
    scenario: s10_own_stopper,
    rows: &[
        (kernel::DOUBLE_LOCK, Holds),
        (kernel::IN_PROGRESS, Holds),
        (kernel::BEFORE, Holds),
        (kernel::WAKE_Q, Lockup),
        (kernel::AROUND_WAKE, Holds),
        (kernel::AFTER_QUEUEING, Holds),
        (kernel::REFLOW, Holds),
        (kernel::ATOMICALLY, Holds),
        (kernel::MAINLINE, Holds),
        (PREEMPTIBLE, Lockup),
    ],
};

/// The first stopper that is woken preempts the waker and waits for the second.
///
/// Result: Lockup in WAKE_Q
pub fn s10_own_stopper(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 2], kernel);
        let t = machine.new_task("T", 1, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let call = machine.stop_two_cpus_call("T", 1, nothing, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, t, move |ctx| assert_eq!(stop_two_cpus(ctx, &call, 1, 2), Ok(())));
        machine.spawn_stoppers(setup, &[1, 2]);
    })
}

const S11: Case = Case {
    incident: "stop-cpus",
    name: "s11-woken-by-another",
    model: Model::Sc,
    loom: NO_CPUS,
    scenario: s11_woken_by_another,
    rows: &[
        (kernel::DOUBLE_LOCK, Holds),
        (kernel::IN_PROGRESS, Holds),
        (kernel::BEFORE, Holds),
        (kernel::WAKE_Q, Lockup),
        (kernel::AROUND_WAKE, Lockup),
        (kernel::AFTER_QUEUEING, Holds),
        (kernel::REFLOW, Holds),
        (kernel::ATOMICALLY, Holds),
        (kernel::MAINLINE, Holds),
        (PREEMPTIBLE, Lockup),
    ],
};

/// The waker's own stopper was woken by another CPU, for other work, and preempts it right behind the unlock. The
/// other CPU has queued that work already; the two works only meet, which is the first wait of `multi_cpu_stop()`.
///
/// Result: Lockup in `AROUND_WAKE`
pub fn s11_woken_by_another(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[2, 3], kernel);
        let t1 = machine.new_task("T1", 3, Birth::Running);
        let other = machine.new_task("other", 1, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let work = machine.work_for("other.work", nothing, 0);
        let (work1, work2) = machine.works_that_meet("T1");
        list_add_tail(&machine, work, &machine.cpu_stopper(3).works);
        let machine = Arc::new(machine);
        machine.spawn(setup, t1, move |ctx| {
            assert_eq!(cpu_stop_queue_two_works(ctx, 2, work1, 3, work2), Ok(()));
        });
        machine.spawn(setup, other, |ctx| {
            wake_up_process(ctx, ctx.machine.cpu_stopper(3).thread);
        });
        machine.spawn_stoppers(setup, &[2, 3]);
    })
}

const S13: Case = Case {
    incident: "stop-cpus",
    name: "s13-waker-moved",
    model: Model::Sc,
    loom: NO_CPUS,
    scenario: s13_waker_moved,
    rows: &[
        (kernel::DOUBLE_LOCK, Holds),
        (kernel::IN_PROGRESS, Holds),
        (kernel::BEFORE, Holds),
        (kernel::WAKE_Q, Lockup),
        (kernel::AROUND_WAKE, Lockup),
        (kernel::AFTER_QUEUEING, Lockup),
        (kernel::REFLOW, Lockup),
        (kernel::ATOMICALLY, Holds),
        (kernel::MAINLINE, Holds),
    ],
};

/// A task queues a single work and must move to the CPU where another one has two stopped, before it has woken.
/// The two works only meet, which is the first wait of `multi_cpu_stop()`.
///
/// Result: Lockup in REFLOW
pub fn s13_waker_moved(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let t0 = machine.new_task("T0", 0, Birth::Running);
        let t1 = machine.new_task("T1", 1, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let work = machine.work_for("T0.work", nothing, 0);
        let (work1, work2) = machine.works_that_meet("T1");
        let machine = Arc::new(machine);
        let set_affinity = machine.spawn(setup, t0, move |ctx| {
            ctx.current.set_cpus_allowed(&[1]);
            assert!(cpu_stop_queue_work(ctx, 0, work));
        });
        set_affinity.migrates();
        machine.spawn(setup, t1, move |ctx| {
            assert_eq!(cpu_stop_queue_two_works(ctx, 0, work1, 1, work2), Ok(()));
        });
        machine.spawn_stoppers(setup, &[0, 1]);
    })
}

const WAKELIST: Kernel = Kernel {
    label: Label::mutant("stoppers-on-wakelist", "009836b4fa52 without its change to ttwu_queue_cond()"),
    ttwu: crate::ttwu::HANDED_OVER,
    ..kernel::MAINLINE
};

const S17: Case = Case {
    incident: "stop-cpus",
    name: "s17-hotplug",
    model: Model::Sc,
    loom: NO_CPUS,
    scenario: s17_hotplug,
    rows: &[(kernel::BEFORE_HOTPLUG, Violated), (kernel::MAINLINE, Holds), (WAKELIST, Violated)],
};

/// A dying CPU queues its push work with every `schedule()`, and relies on its stopper to run in between.
///
/// Result: Violated in BEFORE_HOTPLUG
pub fn s17_hotplug(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let t = machine.new_task("T", 0, Birth::Running);
        let x = machine.new_task("X", 1, Birth::Running);
        let nothing = machine.stop_fn("nothing", |_, _| 0);
        let call = machine.stop_one_cpu_call("T", nothing, 0);
        machine.rq_mut(1).balance_push = true;
        let machine = Arc::new(machine);
        machine.spawn(setup, t, move |ctx| assert_eq!(queue_work::stop_one_cpu(ctx, &call, 1), Ok(())));
        machine.spawn(setup, x, |ctx| {
            schedule(ctx);
            schedule(ctx);
        });
        machine.spawn_stoppers(setup, &[1]);
        machine.declare_ipi(setup, 1);
    })
}
