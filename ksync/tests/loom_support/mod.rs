// SPDX-License-Identifier: GPL-2.0-only
//! What the tests of the loom engine share.

use ksync::second::check;
use ksync::{Atomic, Model, Options, Report, Scenario, SpinLock, Verdict, explore};
use std::sync::Arc;

/// loom has its own memory model; the explorer is asked for the same one.
pub(crate) fn options() -> Options {
    Options::new(Model::Rc11)
}

/// What loom says.
pub(crate) fn loom(scenario: &Scenario) -> Report {
    ksync::register_sources(&[("ksync/tests/loom_engine.rs", include_str!("../loom_engine.rs"))]);
    check(scenario, &options())
}

/// The verdict of loom, after that of the explorer was found to be of the same kind.
pub(crate) fn both(scenario: &Scenario) -> Verdict {
    let verdict = loom(scenario).verdict;
    let exact = explore::check(scenario, &options()).verdict;
    assert_eq!(verdict.kind(), exact.kind(), "loom: {verdict}; explorer: {exact}");
    verdict
}

/// An atomic word that is 0.
pub(crate) fn word(name: &str) -> Arc<Atomic<u32>> {
    Arc::new(Atomic::named(0, format_args!("{name}")))
}

/// A free lock.
pub(crate) fn lock(name: &str) -> Arc<SpinLock> {
    Arc::new(SpinLock::named(format_args!("{name}")))
}
