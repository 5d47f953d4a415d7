// SPDX-License-Identifier: GPL-2.0-only
//! Any number of stoppers in `multi_cpu_stop()`: none leaves before the function has ended everywhere, none runs it
//! twice, and no interrupt comes in between.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine};
use crate::multi_cpu_stop::{self, Irqs, IsActive, Steps, multi_cpu_stop};
use crate::multi_stop_data::{self, Access, AckRev, Last, MultiStopData, MultiStopState};
use ksync::catalogue::Expected::{Holds, Lockup, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Id, Model, Relaxed, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[ONE_ACTIVE, TWO_ACTIVE, TWO_OF_THREE, INTERRUPT];

const fn steps(name: &'static str, what: &'static str, steps: Steps) -> Kernel {
    Kernel { label: Label::mutant(name, what), steps, ..kernel::MAINLINE }
}

const LEAVES_AT_RUN: Kernel = steps(
    "leaves-at-run",
    "a stopper leaves when it is done with RUN, not with EXIT",
    Steps { leaves_at: MultiStopState::Run, ..multi_cpu_stop::STEPS },
);

const RUNS_EARLY: Kernel = steps(
    "runs-in-disable-irq",
    "the function runs in DISABLE_IRQ, behind this CPU's local_irq_disable()",
    Steps { runs_in: MultiStopState::DisableIrq, ..multi_cpu_stop::STEPS },
);

const OFF_AFTER_ACK: Kernel = steps(
    "irqs-off-after-ack",
    "DISABLE_IRQ is acked before interrupts are off",
    Steps { irqs: Irqs::OffAfterAck, ..multi_cpu_stop::STEPS },
);

const BACK_AFTER_RUN: Kernel = steps(
    "irqs-back-after-run",
    "interrupts come back when this CPU is done with RUN",
    Steps { irqs: Irqs::BackAfterRun, ..multi_cpu_stop::STEPS },
);

const READ_AFTER_ACK: Kernel = Kernel {
    label: Label::mutant("reads-after-ack", "curstate is what the state is when this CPU has acked"),
    set_state: multi_stop_data::Rev { access: Access::OnceAndAfterAck, ..multi_stop_data::MAINLINE },
    ..kernel::MAINLINE
};

const TWO_LAST: Kernel = Kernel {
    label: Label::mutant("two-last", "ack_state() decrements, then reads whether the count is 0"),
    ack_state: AckRev { last: Last::ByReadAfter, ..multi_stop_data::ACK_MAINLINE },
    ..kernel::MAINLINE
};

const PASS_CURSTATE: Kernel = Kernel {
    label: Label::mutant("pass-curstate", "ack_state() does not read the state again (2023, not merged)"),
    ack_state: multi_stop_data::ACK_CURSTATE,
    ..kernel::MAINLINE
};

const FIRST_OF_MASK: Kernel = Kernel {
    label: Label::mutant("first-of-mask", "of the CPUs in active_cpus only the first runs the function"),
    is_active: IsActive::FirstOfMask,
    ..kernel::MAINLINE
};

const ONE_ACTIVE: Case = Case {
    incident: "multi-cpu-stop",
    name: "one-active",
    model: Model::Lkmm,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: |kernel| in_step(kernel, 1, 2),
    rows: &[(kernel::MAINLINE, Holds), (PASS_CURSTATE, Holds), (LEAVES_AT_RUN, Violated), (READ_AFTER_ACK, Lockup)],
};

const TWO_ACTIVE: Case = Case {
    incident: "multi-cpu-stop",
    name: "two-active",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: |kernel| in_step(kernel, 2, 0),
    rows: &[(kernel::MAINLINE, Holds), (PASS_CURSTATE, Holds), (LEAVES_AT_RUN, Violated), (READ_AFTER_ACK, Lockup)],
};

/// The function runs once on each of the first CPUs, and no stopper leaves before it has ended on all of them.
///
/// Result: Never
pub fn in_step(kernel: Kernel, active: u32, passive: u32) -> Box<Scenario> {
    Box::new(move |setup| {
        let cpus: Vec<u32> = (0..active + passive).collect();
        let mut machine = Machine::new(&cpus, kernel);
        let request = Request::new(&mut machine, &cpus[..active as usize]);
        let machine = Arc::new(machine);
        for (first_cpu, count, ret) in [(0, active, -11), (active, passive, 0)] {
            let request = request.clone();
            machine.spawn_alike(setup, first_cpu, count, move |ctx| request.enter(ctx, ret));
        }
    })
}

/// A request for all CPUs, and on how many the function has ended.
#[derive(Clone)]
struct Request {
    msdata: Id<MultiStopData>,
    ended: Arc<Atomic<u32>>,
    active: u32,
}

impl Request {
    fn new(machine: &mut Machine, active: &[u32]) -> Self {
        let ended = Arc::new(Atomic::named(0u32, format_args!("ended")));
        let ends = ended.clone();
        let func = machine.stop_fn("func", move |ctx, _| {
            assert!(ctx.current.irqs_disabled());
            ends.inc();
            -11
        });
        Request { msdata: machine.msdata_for("all", func, Some(active)), ended, active: active.len() as u32 }
    }

    fn enter(&self, ctx: &Ctx, ret: i32) {
        assert_eq!(multi_cpu_stop(ctx, self.msdata), ret, "the active CPUs run the function, the others do not");
        assert_eq!(self.ended.load(Relaxed), self.active, "the function has ended everywhere, once");
        assert!(!ctx.current.irqs_disabled());
    }
}

const TWO_OF_THREE: Case = Case {
    incident: "multi-cpu-stop",
    name: "two-of-three-active",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("no end in 20 seconds"),
    scenario: two_of_three,
    rows: &[(kernel::MAINLINE, Holds), (FIRST_OF_MASK, Violated), (LEAVES_AT_RUN, Violated), (TWO_LAST, Violated)],
};

/// Of three CPUs the first and the last run the function.
///
/// Result: Never
pub fn two_of_three(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1, 2], kernel);
        let request = Request::new(&mut machine, &[0, 2]);
        let machine = Arc::new(machine);
        for (cpu, ret) in [(0, -11), (1, 0), (2, -11)] {
            let (thread, request) = (machine.cpu_stopper(cpu).thread, request.clone());
            machine.spawn(setup, thread, move |ctx| request.enter(ctx, ret));
        }
    })
}

const INTERRUPT: Case = Case {
    incident: "multi-cpu-stop",
    name: "interrupt",
    model: Model::Sc,
    loom: LoomUse::CannotCarry("loom has no interrupts"),
    scenario: interrupt,
    rows: &[
        (kernel::MAINLINE, Holds),
        (OFF_AFTER_ACK, Violated),
        (RUNS_EARLY, Violated),
        (BACK_AFTER_RUN, Violated),
        (LEAVES_AT_RUN, Violated),
    ],
};

/// An interrupt waits on each CPU, and is not delivered while the function runs on the other one.
///
/// Result: Never
pub fn interrupt(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let running = Arc::new(Atomic::named(0u32, format_args!("running")));
        let runs = running.clone();
        let func = machine.stop_fn("func", move |_, _| {
            runs.inc();
            runs.dec();
            0
        });
        let msdata = machine.msdata_for("all", func, Some(&[0, 1]));
        let machine = Arc::new(machine);
        for cpu in [0, 1] {
            let running = running.clone();
            let irq = setup.irq(format!("irq/{cpu}"), cpu, move |_| {
                assert_eq!(running.load(Relaxed), 0, "an interrupt, while all CPUs are stopped");
            });
            let thread = machine.cpu_stopper(cpu).thread;
            let spawned = machine.spawn(setup, thread, move |ctx| {
                irq.raise();
                multi_cpu_stop(ctx, msdata);
            });
            spawned.stop_class();
        }
    })
}
