// SPDX-License-Identifier: GPL-2.0-only
//! What each revision does, in order: the first of a history in full, each further one as the difference from its
//! parent. The differences are the patches. There is a text for each crate beside this file.
#![cfg(loom)]
#![allow(clippy::format_push_string, clippy::format_collect, reason = "the texts are short, and so are these lines")]

mod cfs_bw;
mod compound;
mod stopper;
mod watchdog;

use ksync::catalogue::Revision;
use ksync::{Model, Options, Scenario, TraceStep, Verdict};
use loom_tests::catalogue::sources;
use similar::TextDiff;

/// A name, and a scenario that never holds, so that there is a trace. What CPU 1 does in it is shown; who else is
/// there keeps it company.
type Scene<K> = (&'static str, fn(K) -> Box<Scenario>);

/// The end of a scene.
fn the_end() -> ! {
    panic!("the end")
}

/// What CPU 1 does, with the function that does it, and at last the bug where a kernel does not come to the end.
fn steps(scenario: &Scenario) -> Vec<TraceStep> {
    ksync::register_sources(&sources());
    let report = ksync::explore::check(scenario, &Options::new(Model::Sc));
    let Verdict::Violated { property } = report.verdict else { panic!("{}", report.verdict) };
    let mut steps = report.trace.expect("a violation has a trace").steps;
    steps.retain(|step| step.cpu == 1 && !step.operation.starts_with("Frame("));
    if !property.starts_with("the end") {
        let last = steps.last().expect("it begins").clone();
        let (bug, _) = property.split_once(" (").expect("the place stands behind it");
        steps.push(TraceStep { function: "BUG".into(), action: bug.into(), ..last });
    }
    steps
}

fn text(steps: &[TraceStep]) -> String {
    // The drop of a guard has no place in a port.
    let function = |step: &TraceStep| if step.function.contains(':') { "..." } else { &*step.function }.to_owned();
    steps.iter().map(|step| format!("{:<26} {}\n", function(step), step.action)).collect()
}

/// All primitives.
fn primitives(scenario: &Scenario) -> String {
    text(&steps(scenario))
}

/// The writes, locks and barriers.
fn effects(scenario: &Scenario) -> String {
    let mut steps = steps(scenario);
    steps.retain(|step| !step.action.starts_with("read "));
    text(&steps)
}

/// All scenes of the first revision of a history.
fn in_full<K: Revision + Copy>(first: K, scenes: &[Scene<K>], show: fn(&Scenario) -> String) -> String {
    let label = first.label();
    let scene = |(name, scene): &Scene<K>| {
        format!("=== {}, {name}: {}\n{}\n", label.revision, label.what, show(&*scene(first)))
    };
    scenes.iter().map(scene).collect()
}

/// The scenes that a revision changes, as patches.
///
/// # Panics
/// If there is none.
fn patch<K: Revision + Copy>([parent, kernel]: [K; 2], scenes: &[Scene<K>], show: fn(&Scenario) -> String) -> String {
    let (before, after) = (parent.label(), kernel.label());
    let mut text = format!("=== {} over {}: {}\n", after.revision, before.revision, after.what);
    let title = text.len();
    for (name, scene) in scenes {
        let (then, now) = (show(&*scene(parent)), show(&*scene(kernel)));
        if then != now {
            let diff = TextDiff::from_lines(&then, &now);
            text += &format!("--- {name}\n{}", diff.unified_diff().context_radius(2));
        }
    }
    assert_ne!(text.len(), title, "{} changes nothing", after.revision);
    text + "\n"
}

/// A history from its first revision on.
fn history<K: Revision + Copy>(kernels: &[K], scenes: &[Scene<K>], show: fn(&Scenario) -> String) -> String {
    let patches = kernels.windows(2).map(|pair| patch([pair[0], pair[1]], scenes, show));
    in_full(kernels[0], scenes, show) + &patches.collect::<String>()
}
