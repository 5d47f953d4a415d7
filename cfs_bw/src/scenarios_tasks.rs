// SPDX-License-Identifier: GPL-2.0-only
//! Tasks that are throttled one by one: none is lost, and none is counted twice.

use crate::catalogue::Case;
use crate::fair::run_in_kernel;
use crate::kernel::{self, Kernel};
use crate::machine::{Machine, Tunables};
use crate::scenarios_async::csd_interrupts;
use crate::scenarios_runtime::period_timer;
use crate::scenarios_throttle::assert_consistent;
use crate::task_throttle::{self, Mark, Spent, exit_to_user_mode};
use crate::throttle;
use ksync::catalogue::Expected::{Holds, Violated};
use ksync::catalogue::{Label, LoomUse};
use ksync::{Id, Model, Scenario};
use std::sync::Arc;

/// The cases of this file.
pub const CASES: &[Case] = &[IN_KERNEL];

const fn case(name: &'static str, scenario: fn(Kernel) -> Box<Scenario>) -> Case {
    Case { incident: "cfs-tasks", name, model: Model::Sc, loom: LoomUse::Agrees, scenario, rows: &[] }
}

const fn mutant(name: &'static str, what: &'static str, rev: task_throttle::Rev) -> Kernel {
    Kernel {
        label: Label::mutant(name, what),
        throttle: throttle::Rev { each_task: Some(rev), ..throttle::EACH_TASK },
        ..kernel::STARTS_WITH_ONE
    }
}

const IN_KERNEL: Case = Case {
    rows: &[
        (kernel::TASK_BASED, Holds),
        (kernel::STARTS_WITH_ONE, Holds),
        (
            mutant(
                "marked-first",
                "marks a task as throttled before it dequeues it",
                task_throttle::Rev { mark: Mark::BeforeDequeue, ..task_throttle::ORIGIN },
            ),
            Violated,
        ),
        (
            mutant(
                "spent-unthrottled",
                "unthrottles a group that has used up what it was paid",
                task_throttle::Rev { spent: Spent::Unthrottled, ..task_throttle::ORIGIN },
            ),
            Violated,
        ),
    ],
    ..case("spent-in-kernel", spent_in_kernel)
};

/// A throttled group has a task in limbo and one in the kernel. The timer pays it 1 ns, and the second task uses up 3
/// before it leaves for user mode.
///
/// Result: Never
pub fn spent_in_kernel(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1], kernel, Tunables::MODEL);
        let tg = machine.new_group(None, (1, 100));
        let cfs_rq = machine.tg_cfs_rq(tg, Id::new(0));
        machine.start_throttled(cfs_rq, 0);
        let in_kernel = machine.new_task(cfs_rq);
        machine.start_queued(in_kernel);
        let machine = Arc::new(machine);
        period_timer(setup, &machine, tg, 1);
        machine.spawn(setup, "in-kernel/1", 1, move |ctx| {
            run_in_kernel(ctx, in_kernel, |_| 3);
            exit_to_user_mode(ctx, in_kernel);
        });
        csd_interrupts(setup, &machine);
        setup.finally(move |_| assert_consistent(&machine));
    })
}
