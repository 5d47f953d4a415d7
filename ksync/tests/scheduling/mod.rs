// SPDX-License-Identifier: GPL-2.0-only
//! What the tests of CPUs and of time share.

use ksync::explore::check;
use ksync::{Atomic, Model, Options, Scenario, Setup, Verdict};
use std::sync::Arc;

/// The verdict under sequential consistency; without the reductions it must be the same.
pub(crate) fn verdict(scenario: impl Fn(&mut Setup) + Send + Sync + 'static) -> Verdict {
    let scenario: Box<Scenario> = Box::new(scenario);
    let report = check(&*scenario, &Options::new(Model::Sc));
    let naive = check(&*scenario, &Options { naive: true, ..Options::new(Model::Sc) });
    assert_eq!(report.verdict.kind(), naive.verdict.kind(), "the reductions change the verdict");
    report.verdict
}

/// A flag that is down.
pub(crate) fn flag(name: &'static str) -> Arc<Atomic<bool>> {
    Arc::new(Atomic::named(false, format_args!("{name}")))
}
