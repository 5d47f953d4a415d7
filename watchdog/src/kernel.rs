// SPDX-License-Identifier: GPL-2.0-only
//! A kernel is one revision of each function of the detectors, and the stoppers under them. Oldest first.
//!
//! Commits are cited by the first twelve digits of their id. Not checked against a kernel tree, and taken from the
//! literature: b94f51183b06, 7edaeb6841df, 9bf3bc949f8a, the first version with `watchdog: BUG:` (v4.13), and that
//! 1f423c905a6b is in v6.5. 077ba03600fa was seen in one tree only.
//!
//! DEVIATION: only the functions that a commit is about change with it: the stoppers are those of v6.18 everywhere.

use crate::enable::{Offline, Order};
use crate::hardlockup;
use crate::message::{self, Words};
use crate::perf::Early;
use crate::softlockup::{Compare, Fed, Feed, PanicWhen};
use crate::sysctl::Write;
use crate::timer::{self, Stamps};
use crate::touch::Touch;
use crate::{buddy, oom};
use ksync::catalogue::{Label, Revision};
use stopper::kernel as stoppers;

/// One revision of each function.
#[derive(Debug, Clone, Copy)]
pub struct Kernel {
    /// What it is called.
    pub label: Label,
    /// The stoppers.
    pub stopper: stoppers::Kernel,
    /// What it prints.
    pub words: &'static Words,
    /// Who feeds.
    pub feed: Feed,
    /// What a feed writes.
    pub fed: Fed,
    /// `watchdog_timer_fn()`.
    pub timer: timer::Rev,
    /// `is_softlockup()`.
    pub compare: Compare,
    /// What `softlockup_panic` means.
    pub panic_when: PanicWhen,
    /// `touch_softlockup_watchdog()`.
    pub touch: Touch,
    /// `watchdog_disable()`.
    pub disable: Order,
    /// How a CPU goes down.
    pub offline: Offline,
    /// `proc_watchdog_thresh()`.
    pub write: Write,
    /// `watchdog_hardlockup_check()`.
    pub hardlockup: hardlockup::Rev,
    /// `watchdog_check_timestamp()`.
    pub early: Early,
    /// `watchdog_hardlockup_enable()` of the buddies.
    pub buddy: buddy::Rev,
    /// The task that makes everybody wait.
    pub oom: oom::Walk,
}

/// Threads feed; the NMI is told when a CPU parks.
pub const V4_12: Kernel = Kernel {
    label: Label::commit("v4.12", "watchdog/N feeds, and reports begin with NMI watchdog"),
    stopper: stoppers::MAINLINE,
    words: &message::V4_12,
    feed: Feed::Thread,
    fed: Fed::Always,
    timer: timer::ORIGIN,
    compare: Compare::After,
    panic_when: PanicWhen::First,
    touch: Touch::ZeroTouchTs,
    disable: Order::TimerFirstAnnounced,
    offline: Offline::WatchdogFirst,
    write: Write::AtOnce,
    hardlockup: hardlockup::ORIGIN,
    early: Early::Checks,
    buddy: buddy::Rev::SelfAndNext,
    oom: oom::Walk::TouchesItself,
};

/// The NMI is not told.
pub const UNANNOUNCED: Kernel = Kernel {
    label: Label::commit("b94f51183b06^", "a parking CPU stops its timer before its NMI"),
    disable: Order::TimerFirst,
    ..V4_12
};

/// The NMI is told.
pub const ANNOUNCED: Kernel = Kernel {
    label: Label::commit("b94f51183b06", "a parking CPU announces that its timer stops"),
    disable: Order::TimerFirstAnnounced,
    ..UNANNOUNCED
};

/// The NMI goes by the clock.
pub const CHECK_TIMESTAMP: Kernel = Kernel {
    label: Label::commit("7edaeb6841df", "an NMI that comes too early by the clock checks nothing"),
    early: Early::Returns,
    ..V4_12
};

/// The vendor's kernel of incident 003: threads still feed.
pub const V4_18: Kernel = Kernel {
    label: Label::commit("v4.18", "watchdog/N feeds"),
    words: &message::V4_13,
    disable: Order::DetectorFirst,
    ..CHECK_TIMESTAMP
};

/// A work of the stopper feeds.
pub const STOP_WORK: Kernel = Kernel {
    label: Label::commit("9cf57731b63e", "a work of the stopper feeds, not a thread"),
    feed: Feed::StopWork,
    ..V4_18
};

/// The work is queued when the last one has run.
pub const GATED: Kernel = Kernel {
    label: Label::commit("be45bf5395e0", "Fix cpu_stop_queue_work() double-queue bug"),
    feed: Feed::Gated,
    ..STOP_WORK
};

/// Two timestamps.
pub const V5_13: Kernel = Kernel {
    label: Label::commit("v5.13", "reports how long it really takes, with a timestamp for feeds and one for reports"),
    timer: timer::SPLIT,
    touch: Touch::DelayReport,
    ..GATED
};

/// The buddies.
pub const BUDDY: Kernel = Kernel {
    label: Label::commit("1f423c905a6b", "each CPU looks after the next one"),
    words: &message::V6_5,
    ..V5_13
};

/// A written threshold comes into force at once.
pub const AT_ONCE: Kernel = Kernel {
    label: Label::commit("7123dbbef88c^", "a written threshold is in force while the old timers run"),
    ..BUDDY
};

/// A written threshold waits for the timers to stop.
pub const STAGED: Kernel = Kernel {
    label: Label::commit("7123dbbef88c", "a written threshold waits until the timers have stopped"),
    write: Write::Staged,
    ..AT_ONCE
};

/// The reporter of a hard lockup is named.
pub const V6_18: Kernel = Kernel {
    label: Label::commit("v6.18", "a hard lockup is reported with its reporter"),
    words: &message::V6_18,
    ..STAGED
};

/// A touch saves the count.
pub const RESYNC: Kernel = Kernel {
    label: Label::commit(
        "077ba03600fa",
        "buddies look at every sample and miss three times; a touch saves the count",
    ),
    hardlockup: hardlockup::RESYNC,
    ..V6_18
};

/// What stands in v7.1.
pub const MAINLINE: Kernel = Kernel {
    label: Label::commit("v7.1", "softlockup_panic counts, and nothing is sampled in a panic"),
    timer: timer::GATED,
    panic_when: PanicWhen::Count,
    ..RESYNC
};

/// Incident 003's proposal on today's kernel: a stopper that waits for one that is missing touches.
pub const TOUCH_FROM_PREPARE: Kernel = Kernel {
    label: Label::mutant("touch-from-prepare", "`>=` for `>`"),
    stopper: stoppers::TOUCH_FROM_PREPARE,
    ..MAINLINE
};

impl Kernel {
    /// Whether touches and reports have a timestamp of their own.
    pub(crate) fn stamps_are_split(&self) -> bool {
        self.timer.stamps == Stamps::Split
    }
}

impl Revision for Kernel {
    fn label(&self) -> Label {
        self.label
    }
}
