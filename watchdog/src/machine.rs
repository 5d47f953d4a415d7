// SPDX-License-Identifier: GPL-2.0-only
//! What C keeps in per-CPU variables and sysctls, beside the stoppers' machine.

use crate::kernel::Kernel;
use crate::message::Report;
use crate::perf::hw_nmi_get_sample_period;
use crate::units::{self, WATCHDOG_THRESH, get_softlockup_thresh};
use ksync::{Atomic, Completion, Current, Id, Irq, Plain, Relaxed};
use std::fmt;
use std::sync::{Arc, OnceLock};
use stopper::cpu_stopper::{CpuStopWork, StopFn};
use stopper::machine::{Ctx, Machine};
use stopper::task::TaskStruct;

/// How a machine is booted: the sysctls, and which hard detector it has.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// `watchdog_thresh` in seconds.
    pub thresh: u32,
    /// The hard detector.
    pub detector: Detector,
    /// `softlockup_panic`: off if 0; up to v6.18 a bool, since v7.1 a number of thresholds.
    pub softlockup_panic: u32,
    /// The period of the performance counter's NMI in ns: `watchdog_thresh` seconds at the nominal clock.
    pub nmi_period: u64,
    /// How long a CPU that goes is held up between its timer and its NMI, in ns.
    pub parks_for: u64,
    /// `hardlockup_panic`.
    pub hardlockup_panic: bool,
    /// `running_clock()` when the scenario begins, in ns. Never in the first two seconds: a timestamp of 0 means
    /// "touched" up to v5.12.
    pub uptime: u64,
}

/// The hard detector of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detector {
    /// None.
    None,
    /// An NMI of the performance counters on each CPU.
    Perf,
    /// The timer of the next CPU.
    Buddy,
}

/// Panics never, has no hard detector, and is as patient as the kernel is.
pub const SOFT_ONLY: Config = Config {
    thresh: WATCHDOG_THRESH,
    detector: Detector::None,
    softlockup_panic: 0,
    nmi_period: hw_nmi_get_sample_period(WATCHDOG_THRESH),
    parks_for: 1,
    hardlockup_panic: false,
    uptime: 1 << 40,
};

/// The per-CPU variables of one CPU.
#[derive(Debug)]
pub struct PerCpu {
    /// The CPU's number.
    pub cpu: u32,
    /// `watchdog_touch_ts`: the last feed; up to v5.12 also 0 for a touch.
    pub watchdog_touch_ts: Atomic<u64>,
    /// `watchdog_report_ts`, since v5.13: when the period of the next report began.
    pub watchdog_report_ts: Atomic<u64>,
    /// `softlockup_touch_sync`.
    pub softlockup_touch_sync: Plain<bool>,
    /// `soft_watchdog_warn`, up to v5.12: this lockup was reported.
    pub soft_watchdog_warn: Plain<bool>,
    /// `softlockup_task_ptr_saved`, up to v5.12: of this task.
    pub softlockup_task_ptr_saved: Plain<u32>,
    /// `softlockup_watchdog`, up to v4.18: the task `watchdog/N`.
    pub softlockup_watchdog: Option<Id<TaskStruct>>,
    /// `soft_lockup_hrtimer_cnt`, up to v4.18: the interrupts that this task has seen.
    pub soft_lockup_hrtimer_cnt: Plain<u64>,
    /// `softlockup_completion`, since be45bf5395e0: the feed has run.
    pub softlockup_completion: Completion,
    /// `softlockup_stop_work`, since v4.19: the feed.
    pub softlockup_stop_work: Option<Id<CpuStopWork>>,
    /// `hrtimer_interrupts`.
    pub hrtimer_interrupts: Atomic<u32>,
    /// `hrtimer_interrupts_saved`.
    ///
    /// DEVIATION: plain in C. The checker changes with the ring of the buddies, and two may overlap.
    pub hrtimer_interrupts_saved: Atomic<u32>,
    /// How often in a row the count stood still, since v7.1.
    pub hrtimer_interrupts_missed: Atomic<u32>,
    /// `watchdog_hardlockup_touched`, up to v6.4 `watchdog_nmi_touch`.
    pub watchdog_hardlockup_touched: Atomic<bool>,
    /// `watchdog_hardlockup_warned`, up to v6.4 `hard_watchdog_warn`.
    pub watchdog_hardlockup_warned: Atomic<bool>,
    /// `last_timestamp` of the NMI, in ns.
    pub last_timestamp: Plain<u64>,
    /// `nmi_rearmed`.
    pub nmi_rearmed: Plain<u32>,
    /// `watchdog_ev` is enabled.
    pub nmi_enabled: Plain<bool>,
    /// When `watchdog_hrtimer` expires, or expired last, in ns since the scenario began.
    pub expires: Plain<u64>,
    /// `watchdog_hrtimer`.
    pub(crate) watchdog_hrtimer: OnceLock<Irq>,
    /// `watchdog_ev`.
    pub(crate) watchdog_ev: OnceLock<Irq>,
}

/// What a console does with a report: a scenario's property, or its slowness.
pub type Console = dyn Fn(&Dog, &Report) + Send + Sync;

/// The lockup detectors of a machine.
pub struct Watchdog {
    /// The revision of every function.
    pub kernel: Kernel,
    /// How the machine was booted.
    pub config: Config,
    per_cpu: Vec<PerCpu>,
    /// `watchdog_thresh`.
    pub watchdog_thresh: Atomic<u32>,
    /// `watchdog_thresh_next`, since 7123dbbef88c: written, not yet applied.
    pub watchdog_thresh_next: Atomic<u32>,
    /// `sample_period` in ns.
    pub sample_period: Atomic<u64>,
    /// `panic_in_progress()`.
    pub panic_in_progress: Atomic<bool>,
    /// `watchdog_park_in_progress`, up to v4.13: the NMIs return at once.
    pub park_in_progress: Atomic<bool>,
    /// `watchdog_cpus`: who takes part in the ring of the buddies, a bit for each CPU number.
    pub watchdog_cpus: Atomic<u64>,
    /// How many reports there were.
    pub reports: Atomic<u32>,
    /// When the last one was, in ns since the scenario began.
    pub reported_at: Atomic<u64>,
    /// The CPU that it was about.
    pub reported_cpu: Atomic<u32>,
    /// Its duration in units, where it was soft.
    pub reported_duration: Atomic<u64>,
    /// The CPUs that it says the reported one waits for.
    pub reported_waits_for: Atomic<u64>,
    /// `softlockup_fn()` as the function of a work.
    pub(crate) softlockup_fn: OnceLock<Id<StopFn>>,
    pub(crate) console: Box<Console>,
}

/// The running CPU: what C reaches through `this_cpu_ptr()` and `current`.
#[derive(Debug, Clone, Copy)]
pub struct Dog<'a> {
    /// The detectors.
    pub watchdog: &'a Watchdog,
    /// The stoppers' machine, and the task.
    pub ctx: Ctx<'a>,
}

impl<'a> Dog<'a> {
    /// `this_cpu_ptr()` of the detectors' variables.
    pub fn this(&self) -> &'a PerCpu {
        self.watchdog.per_cpu(self.cpu())
    }

    /// `smp_processor_id()`.
    pub fn cpu(&self) -> u32 {
        self.ctx.current.cpu()
    }

    /// The machine of the stoppers.
    pub fn machine(&self) -> &'a Machine {
        self.ctx.machine
    }
}

impl PerCpu {
    /// Arms the timer for its first sample.
    pub(crate) fn arm_first_sample(&self, at: u64) {
        self.watchdog_hrtimer.get().expect("the setup is over").arm(at);
    }

    fn new(cpu: u32, fed: u64) -> PerCpu {
        PerCpu {
            cpu,
            watchdog_touch_ts: Atomic::named(fed, format_args!("watchdog_touch_ts{cpu}")),
            watchdog_report_ts: Atomic::named(fed, format_args!("watchdog_report_ts{cpu}")),
            softlockup_touch_sync: Plain::named(false, format_args!("softlockup_touch_sync{cpu}")),
            soft_watchdog_warn: Plain::named(false, format_args!("soft_watchdog_warn{cpu}")),
            softlockup_task_ptr_saved: Plain::named(0, format_args!("softlockup_task_ptr_saved{cpu}")),
            softlockup_watchdog: None,
            soft_lockup_hrtimer_cnt: Plain::named(0, format_args!("soft_lockup_hrtimer_cnt{cpu}")),
            softlockup_completion: Completion::named(format_args!("softlockup_completion{cpu}")),
            softlockup_stop_work: None,
            hrtimer_interrupts: Atomic::named(0, format_args!("hrtimer_interrupts{cpu}")),
            hrtimer_interrupts_saved: Atomic::named(0, format_args!("hrtimer_interrupts_saved{cpu}")),
            hrtimer_interrupts_missed: Atomic::named(0, format_args!("hrtimer_interrupts_missed{cpu}")),
            watchdog_hardlockup_touched: Atomic::named(false, format_args!("watchdog_hardlockup_touched{cpu}")),
            watchdog_hardlockup_warned: Atomic::named(false, format_args!("watchdog_hardlockup_warned{cpu}")),
            last_timestamp: Plain::named(0, format_args!("last_timestamp{cpu}")),
            nmi_rearmed: Plain::named(0, format_args!("nmi_rearmed{cpu}")),
            nmi_enabled: Plain::named(true, format_args!("watchdog_ev{cpu}.enabled")),
            expires: Plain::named(0, format_args!("watchdog_hrtimer{cpu}.expires")),
            watchdog_hrtimer: OnceLock::new(),
            watchdog_ev: OnceLock::new(),
        }
    }
}

impl Watchdog {
    /// The variables of these CPUs, all of which were just fed.
    pub(crate) fn of(cpus: &[u32], kernel: Kernel, config: Config, console: Box<Console>) -> Watchdog {
        let fed = units::timestamp(config.uptime);
        let word = |value: u64, name: &str| Atomic::named(value, format_args!("{name}"));
        let half = |value: u32, name: &str| Atomic::named(value, format_args!("{name}"));
        Watchdog {
            kernel,
            config,
            per_cpu: cpus.iter().map(|&cpu| PerCpu::new(cpu, fed)).collect(),
            watchdog_thresh: half(config.thresh, "watchdog_thresh"),
            watchdog_thresh_next: half(config.thresh, "watchdog_thresh_next"),
            sample_period: word(units::sample_period(config.thresh), "sample_period"),
            panic_in_progress: Atomic::named(false, format_args!("panic_in_progress")),
            park_in_progress: Atomic::named(false, format_args!("watchdog_park_in_progress")),
            watchdog_cpus: word(cpus.iter().map(|cpu| 1 << cpu).sum(), "watchdog_cpus"),
            reports: half(0, "reports"),
            reported_at: word(0, "reported.at"),
            reported_cpu: half(0, "reported.cpu"),
            reported_duration: word(0, "reported.duration"),
            reported_waits_for: word(0, "reported.waits_for"),
            softlockup_fn: OnceLock::new(),
            console,
        }
    }

    pub(crate) fn per_cpu_mut(&mut self, cpu: u32) -> &mut PerCpu {
        self.per_cpu.iter_mut().find(|known| known.cpu == cpu).expect("a CPU of this machine")
    }

    /// `per_cpu_ptr()`.
    pub fn per_cpu(&self, cpu: u32) -> &PerCpu {
        self.per_cpu.iter().find(|known| known.cpu == cpu).expect("a CPU of this machine")
    }

    /// `watchdog_allowed_mask`.
    pub fn cpus(&self) -> impl Iterator<Item = u32> {
        self.per_cpu.iter().map(|known| known.cpu)
    }

    /// `get_timestamp()`, in units of 2^30 ns.
    #[track_caller]
    pub fn get_timestamp(&self) -> u64 {
        units::timestamp(self.config.uptime + ksync::now())
    }

    /// `get_softlockup_thresh()` of the threshold in force, in units; 0 while the watchdog is suspended.
    pub fn softlockup_thresh(&self) -> u64 {
        get_softlockup_thresh(self.watchdog_thresh.load(Relaxed))
    }

    /// The running CPU with its detectors.
    pub fn on<'a>(&'a self, ctx: Ctx<'a>) -> Dog<'a> {
        Dog { watchdog: self, ctx }
    }

    /// The context of an interrupt: `current` is whom it interrupted.
    ///
    /// DEVIATION: the task is given as the CPU's stopper. A handler here wakes others; it never blocks, and asks for the
    /// interrupted task's name only, which `current` has.
    pub(crate) fn in_interrupt<'a>(&'a self, machine: &'a Arc<Machine>, current: &'a Current) -> Dog<'a> {
        let task = machine.rq(current.cpu()).stop;
        self.on(Ctx { machine, current, task })
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("kernel", &self.kernel).field("config", &self.config).finish_non_exhaustive()
    }
}
