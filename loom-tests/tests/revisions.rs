// SPDX-License-Identifier: GPL-2.0-only
//! What each revision of `cpu_stop_queue_two_works()` does, in order: the first in full, each further one as the
//! difference from the one before it. The differences are the patches.
#![cfg(loom)]
#![allow(clippy::format_push_string, clippy::format_collect, reason = "the texts are short, and so are these lines")]

use expect_test::expect_file;
use ksync::{Model, Options, Scenario, TraceStep};
use loom_tests::catalogue::sources;
use similar::TextDiff;
use std::sync::Arc;
use stopper::kernel::{self, Kernel};
use stopper::machine::{MIGRATE_SWAP_STOP, Machine};
use stopper::task::Birth;
use stopper::two_works::queue_two;

const HISTORY: &[Kernel] = &[
    kernel::DOUBLE_LOCK,
    kernel::IN_PROGRESS,
    kernel::WAKE_Q,
    kernel::AROUND_WAKE,
    kernel::AFTER_QUEUEING,
    kernel::REFLOW,
    kernel::ATOMICALLY,
    kernel::MAINLINE,
];

/// One task asks for CPU1 and CPU26 while nobody else runs. The property is that this never ends, so there is a
/// trace.
fn alone(kernel: Kernel) -> Box<Scenario> {
    Box::new(move |setup| {
        let mut machine = Machine::new(&[1, 26], kernel);
        let caller = machine.new_task("caller", 26, Birth::Running);
        let call = machine.stop_two_cpus_call("call", 1, MIGRATE_SWAP_STOP, 0);
        let machine = Arc::new(machine);
        machine.spawn(setup, caller, move |ctx| {
            call.frame.enter();
            queue_two(ctx, &call, 1, 26).expect("both stoppers are enabled");
        });
        setup.finally(|_| panic!("the end"));
    })
}

/// The primitives in order, with the function that performs each.
fn primitives(kernel: Kernel) -> String {
    let report = ksync::explore::check(&*alone(kernel), &Options::new(Model::Sc));
    let trace = report.trace.expect("the scenario ends in a violation");
    let steps = trace.steps.iter().filter(|step| !step.operation.starts_with("Frame("));
    // The drop of a guard has no place in a port.
    let function = |step: &TraceStep| if step.function.contains(':') { "..." } else { &*step.function }.to_owned();
    steps.map(|step| format!("{:<26} {}\n", function(step), step.action)).collect()
}

#[test]
fn two_revisions_differ_by_the_patch() {
    ksync::register_sources(&sources());
    let mut text = String::new();
    let mut before: Option<(&Kernel, String)> = None;
    for kernel in HISTORY {
        let now = primitives(*kernel);
        match &before {
            None => text += &format!("=== {}: {}\n{now}", kernel.commit, kernel.what),
            Some((parent, then)) => {
                let diff = TextDiff::from_lines(then, &now).unified_diff().context_radius(2).to_string();
                let diff = if diff.is_empty() { "(the same)\n".to_owned() } else { diff };
                text += &format!("\n=== {} over {}: {}\n{diff}", kernel.commit, parent.commit, kernel.what);
            }
        }
        before = Some((kernel, now));
    }
    expect_file!["revisions.txt"].assert_eq(&text);
}
