// SPDX-License-Identifier: GPL-2.0-only
//! What a stopper says of itself while it waits in `multi_cpu_stop()`, and whether it is true.

use crate::catalogue::Case;
use crate::kernel::{self, Kernel};
use crate::machine::{Ctx, Machine};
use crate::multi_cpu_stop::multi_cpu_stop;
use crate::multi_stop_data::{self, Access, MultiStopData};
use ksync::catalogue::Expected::{Holds, Race, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Atomic, Id, Model, Relaxed, Scenario, Setup, busy};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[WATCHDOG, PREPARE, RCU, RCU_IRQS, READ_TWICE];

const NO_CLOCK: LoomUse = LoomUse::CannotCarry("loom has no clock");

/// How long a stopper makes the others wait, in ns. Longer than any watchdog waits.
const LONG: u64 = 30_000_000_000;

/// Two stoppers. CPU1's comes late; CPU0 runs the function, which takes long, too.
fn late_and_long(setup: &mut Setup, mut machine: Machine, arrives: impl Fn(&Ctx) + Send + Sync + Clone + 'static) {
    let long = machine.stop_fn("long", |_, _| {
        busy(LONG);
        0
    });
    let msdata: Id<MultiStopData> = machine.msdata_for("all", long, None);
    let machine = Arc::new(machine);
    for (cpu, late) in [(0, 0), (1, LONG)] {
        let (thread, arrives) = (machine.cpu_stopper(cpu).thread, arrives.clone());
        machine.spawn(setup, thread, move |ctx| {
            busy(late);
            arrives(ctx);
            multi_cpu_stop(ctx, msdata);
        });
    }
}

const WATCHDOG: Case = Case {
    incident: "multi-cpu-stop",
    name: "waits-with-irqs-off",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: waits_with_irqs_off,
    rows: &[
        (kernel::BEFORE_TOUCH, Violated),
        (kernel::TOUCH, Holds),
        (kernel::RCU, Holds),
        (kernel::MAINLINE, Holds),
        (kernel::TOUCH_FROM_PREPARE, Holds),
    ],
};

/// A stopper that waits for a long function with interrupts off says that it is not stuck.
///
/// Result: Violated in `BEFORE_TOUCH`
pub fn waits_with_irqs_off(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let touched = Arc::new(Atomic::named(false, format_args!("CPU1 touched")));
        let touch = touched.clone();
        machine.on_touch_nmi_watchdog(move |current| {
            if current.cpu() == 1 && current.irqs_disabled() {
                touch.store(true, Relaxed);
            }
        });
        late_and_long(setup, machine, |_| ());
        setup.finally(move |_| assert!(touched.load(Relaxed), "a watchdog would report CPU1, which only waits"));
    })
}

const PREPARE: Case = Case {
    incident: "multi-cpu-stop",
    name: "nobody-is-missing",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: nobody_is_missing,
    rows: &[
        (kernel::BEFORE_TOUCH, Holds),
        (kernel::TOUCH, Holds),
        (kernel::RCU, Holds),
        (kernel::MAINLINE, Holds),
        (kernel::TOUCH_FROM_PREPARE, Violated),
    ],
};

/// A stopper says that it is not stuck only when all are in the loop: who is missing may never come, and then
/// nobody else is there to report it.
///
/// Result: Violated in `TOUCH_FROM_PREPARE`
pub fn nobody_is_missing(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let arrived = Arc::new(Atomic::named(0u32, format_args!("arrived")));
        let all = arrived.clone();
        machine.on_touch_nmi_watchdog(move |_| assert_eq!(all.load(Relaxed), 2, "a stopper is missing"));
        late_and_long(setup, machine, move |_| arrived.inc());
    })
}

const RCU: Case = Case {
    incident: "multi-cpu-stop",
    name: "rcu-hears-of-waiters",
    model: Model::Sc,
    loom: NO_CLOCK,
    scenario: rcu_hears_of_waiters,
    rows: &[(kernel::TOUCH, Violated), (kernel::RCU, Holds), (kernel::RCU_BEYOND_PREPARE, Holds)],
};

/// RCU does not wait for a CPU that waits itself, with interrupts off.
///
/// Result: Violated in TOUCH
pub fn rcu_hears_of_waiters(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let heard = Arc::new(Atomic::named(false, format_args!("RCU heard of CPU1")));
        let eqs = heard.clone();
        machine.on_rcu_momentary_eqs(move |current| {
            if current.cpu() == 1 && current.irqs_disabled() {
                eqs.store(true, Relaxed);
            }
        });
        late_and_long(setup, machine, |_| ());
        setup.finally(move |_| assert!(heard.load(Relaxed), "RCU would report CPU1, which only waits"));
    })
}

const RCU_IRQS: Case = Case {
    incident: "multi-cpu-stop",
    name: "rcu-with-irqs-off",
    model: Model::Sc,
    loom: LoomUse::Agrees,
    scenario: rcu_with_irqs_off,
    rows: &[(kernel::TOUCH, Holds), (kernel::RCU, Violated), (kernel::RCU_BEYOND_PREPARE, Holds)],
};

/// `rcu_momentary_eqs()` wants interrupts to be off.
///
/// Result: Violated in RCU
pub fn rcu_with_irqs_off(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        machine.on_rcu_momentary_eqs(|current| assert!(current.irqs_disabled(), "RCU is called with interrupts on"));
        late_and_long(setup, machine, |_| ());
    })
}

const ONCE_TWICE: Kernel = Kernel {
    label: Label::mutant("read-once-twice", "two READ_ONCE() of the state, to compare and to assign"),
    set_state: multi_stop_data::Rev { access: Access::OnceTwice, ..multi_stop_data::MAINLINE },
    ..kernel::MAINLINE
};

const READ_TWICE: Case = Case {
    incident: "multi-cpu-stop",
    name: "read-twice",
    model: Model::Lkmm,
    loom: LoomUse::Agrees,
    scenario: crate::scenarios_multi_cpu_stop::two_stoppers,
    rows: &[(kernel::BEFORE_READ_ONCE, Race), (kernel::READ_ONCE, Holds), (ONCE_TWICE, Holds)],
};
