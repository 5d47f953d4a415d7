// SPDX-License-Identifier: GPL-2.0-only
//! C: `is_softlockup()`, the feed, and the report of a soft lockup, `kernel/watchdog.c`.
//!
//! The feed is proof that the highest task of the CPU comes to run. Which task that is has changed:
//!
//! | kernel | who feeds | what keeps it from running |
//! |---|---|---|
//! | to v4.18 | the task `watchdog/N`, FIFO 99 | the stopper, and `SCHED_DEADLINE` |
//! | v4.19 | a work of the stopper | a work before it in the same FIFO |
//!
//! Both ways a stopper that waits in `multi_cpu_stop()` with interrupts on is not fed: incident 003.
//!
//! Property P9: no report while fed within the threshold; a report at the latest two samples after it.

use crate::machine::Dog;
use crate::message::{Kind, Report, SOFT_PANIC};
use crate::units::time_after;
use ksync::Relaxed;
use stopper::queue_work::stop_one_cpu_nowait;
use stopper::schedule::{schedule, schedule_tail};
use stopper::task::{__set_current_state, TASK_INTERRUPTIBLE, TASK_RUNNING, set_current_state};
use stopper::ttwu::wake_up_process;

/// A revision of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// The timer wakes the task `watchdog/N`.
    Thread,
    /// 9cf57731b63e: the timer queues a work.
    StopWork,
    /// be45bf5395e0: only when the last one has run.
    Gated,
    /// The timer feeds: proof that the timer comes, and of nothing else.
    Timer,
}

/// What a feed does to the timestamp of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// It writes the time that it has read.
    Always,
    /// A candidate: only if nobody touched since before it read the time. The touch of an NMI survives.
    UnlessTouched,
}

/// A revision of the comparison with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// More than the threshold: `time_after()`.
    After,
    /// The threshold is enough.
    NotBefore,
    /// More than the hard detector's threshold.
    AfterHardThresh,
}

/// What `softlockup_panic` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanicWhen {
    /// Not 0: at the first report.
    First,
    /// v7.1: when the lockup lasts for so many thresholds.
    Count,
}

/// `is_softlockup()`: for how many units the CPU was not fed, if its period of grace is over; else 0.
pub fn is_softlockup(dog: &Dog, touch_ts: u64, period_ts: u64, now: u64) -> u64 {
    let thresh = dog.watchdog.softlockup_thresh();
    if thresh == 0 {
        return 0;
    }
    let compare = dog.watchdog.kernel.compare;
    let end = period_ts.wrapping_add(if compare == Compare::AfterHardThresh { thresh / 2 } else { thresh });
    let late = match compare {
        Compare::After | Compare::AfterHardThresh => time_after(now, end),
        Compare::NotBefore => !time_after(end, now),
    };
    if late { now.wrapping_sub(touch_ts) } else { 0 }
}

/// What the timer does to have its CPU fed.
pub(crate) fn kick(dog: &Dog) {
    let this = dog.this();
    match dog.watchdog.kernel.feed {
        Feed::Thread => {
            let thread = this.softlockup_watchdog.expect("this kernel has threads");
            wake_up_process(&dog.ctx, thread);
        }
        Feed::StopWork => queue_feed(dog),
        Feed::Timer => touch_watchdog(dog),
        Feed::Gated => {
            if this.softlockup_completion.completion_done() {
                this.softlockup_completion.reinit();
                queue_feed(dog);
            }
        }
    }
}

fn queue_feed(dog: &Dog) {
    let func = *dog.watchdog.softlockup_fn.get().expect("the setup is over");
    let work = dog.this().softlockup_stop_work.expect("this kernel feeds by a work");
    // C ignores whether the stopper takes it: the timer is cancelled before the stopper goes.
    stop_one_cpu_nowait(&dog.ctx, dog.cpu(), func, 0, work);
}

/// `softlockup_fn()`, on the stopper.
pub fn softlockup_fn(dog: &Dog) -> i32 {
    touch_watchdog(dog);
    if dog.watchdog.kernel.feed == Feed::Gated {
        dog.this().softlockup_completion.complete();
    }
    0
}

/// `__touch_watchdog()`, since v5.13 `update_touch_ts()`: the CPU is fed.
pub(crate) fn touch_watchdog(dog: &Dog) {
    let this = dog.this();
    if dog.watchdog.kernel.fed == Fed::UnlessTouched {
        let before = this.watchdog_report_ts.load(Relaxed);
        let now = dog.watchdog.get_timestamp();
        this.watchdog_touch_ts.store(now, Relaxed);
        this.watchdog_report_ts.try_cmpxchg(before, now, Relaxed);
        return;
    }
    let now = dog.watchdog.get_timestamp();
    this.watchdog_touch_ts.store(now, Relaxed);
    if dog.watchdog.kernel.stamps_are_split() {
        this.watchdog_report_ts.store(now, Relaxed);
    }
}

/// The thread `watchdog/N` in `smpboot_thread_fn()`, up to v4.18.
pub(crate) fn watchdog_thread(dog: &Dog) {
    let ctx = &dog.ctx;
    schedule_tail(ctx);
    loop {
        set_current_state(ctx, TASK_INTERRUPTIBLE);
        ctx.current.preempt_disable();
        if watchdog_should_run(dog) {
            __set_current_state(ctx, TASK_RUNNING);
            ctx.current.preempt_enable();
            watchdog(dog);
        } else {
            ctx.current.preempt_enable();
            schedule(ctx);
        }
    }
}

fn watchdog_should_run(dog: &Dog) -> bool {
    let this = dog.this();
    u64::from(this.hrtimer_interrupts.load(Relaxed)) != this.soft_lockup_hrtimer_cnt.get()
}

/// `watchdog()`: what the thread does when it comes to run.
fn watchdog(dog: &Dog) {
    let this = dog.this();
    this.soft_lockup_hrtimer_cnt.set(u64::from(this.hrtimer_interrupts.load(Relaxed)));
    touch_watchdog(dog);
}

/// `pr_emerg("BUG: soft lockup ...")` and what follows it.
///
/// DEVIATION: the modules, the registers and the stack are not printed; the taint is not kept.
pub(crate) fn report_soft_lockup(dog: &Dog, duration: u64) {
    let comm = dog.ctx.current.name().to_owned();
    let cpu = dog.cpu();
    let line = dog.watchdog.kernel.words.soft_lockup(cpu, duration, &comm, task_pid_nr(dog));
    let waits_for = dog.machine().missing(cpu);
    dog.report(&Report { cpu, kind: Kind::Soft { duration, comm }, at: ksync::now(), waits_for, line });
    let panics = match dog.watchdog.kernel.panic_when {
        PanicWhen::First => dog.watchdog.config.softlockup_panic != 0,
        PanicWhen::Count => {
            let count = u64::from(dog.watchdog.config.softlockup_panic);
            count != 0 && duration / dog.watchdog.softlockup_thresh() >= count
        }
    };
    if panics {
        dog.panic(SOFT_PANIC);
    }
}

/// `task_pid_nr(current)`.
///
/// DEVIATION: a model has no pids. Stoppers have those of incident 003, where CPU0 has 12 and the others 11 + 6n; idle has
/// 0.
fn task_pid_nr(dog: &Dog) -> u32 {
    let (name, cpu) = (dog.ctx.current.name(), dog.cpu());
    match name.split_once('/') {
        Some(("migration", _)) if cpu == 0 => 12,
        Some(("migration", _)) => 11 + 6 * cpu,
        Some(("swapper", _)) => 0,
        _ => 1000 + dog.ctx.current.task() as u32,
    }
}

impl Dog<'_> {
    /// Records the report where a property can see it, and hands it to the console.
    pub(crate) fn report(&self, report: &Report) {
        let watchdog = self.watchdog;
        watchdog.reports.inc();
        watchdog.reported_at.store(report.at, Relaxed);
        watchdog.reported_cpu.store(report.cpu, Relaxed);
        let duration = if let Kind::Soft { duration, .. } = report.kind { duration } else { 0 };
        watchdog.reported_duration.store(duration, Relaxed);
        watchdog.reported_waits_for.store(report.waits_for, Relaxed);
        (watchdog.console)(self, report);
    }

    /// `panic()`.
    ///
    /// DEVIATION: what it says, and that nothing runs after it, is all of it that stands here.
    pub(crate) fn panic(&self, _message: &str) {
        self.watchdog.panic_in_progress.store(true, Relaxed);
        ksync::halt();
    }
}
