// SPDX-License-Identifier: GPL-2.0-only
//! What a scenario's setup asks of the detectors: timers that run already, NMIs, and threads where the kernel has them.

use crate::kernel::Kernel;
use crate::machine::{Config, Detector, Dog, Watchdog};
use crate::message::Report;
use crate::perf::watchdog_overflow_callback;
use crate::softlockup::{Feed, softlockup_fn, watchdog_thread};
use crate::timer::watchdog_timer_fn;
use crate::touch::touch_nmi_watchdog;
use crate::units::sample_period;
use ksync::{Relaxed, Setup};
use std::sync::{Arc, OnceLock};
use stopper::machine::Machine;
use stopper::task::Birth;

/// How long after its first period a CPU's first sample comes, and when its first NMI comes, both in ns. The CPU was fed
/// when the scenario began.
pub type Phases = fn(u32) -> (u64, u64);

/// A scenario that holds only if nobody is ever reported: the console panics with the line.
pub fn nobody_is_reported(_: &Dog, report: &Report) {
    panic!("{report}");
}

/// A console that only prints.
pub fn prints(_: &Dog, _: &Report) {}

impl Watchdog {
    /// The detectors of a machine; `console` hears of every report.
    pub fn new(
        machine: &mut Machine,
        (kernel, config): (Kernel, Config),
        console: impl Fn(&Dog, &Report) + Send + Sync + 'static,
    ) -> Arc<Watchdog> {
        let cpus = machine.cpus().to_vec();
        let later = Arc::new(OnceLock::<Arc<Watchdog>>::new());
        let mut watchdog = Watchdog::of(&cpus, kernel, config, Box::new(console));
        let feeds = later.clone();
        let feed = machine
            .stop_fn("softlockup_fn", move |ctx, _| softlockup_fn(&feeds.get().expect("the setup is over").on(*ctx)));
        watchdog.softlockup_fn.set(feed).expect("once");
        for cpu in cpus {
            let this = watchdog.per_cpu_mut(cpu);
            if kernel.feed == Feed::Thread {
                this.softlockup_watchdog = Some(machine.new_task(&format!("watchdog/{cpu}"), cpu, Birth::Asleep));
            } else {
                let work = machine.work_for(&format!("softlockup_stop_work{cpu}"), feed, 0);
                this.softlockup_stop_work = Some(work);
                this.softlockup_completion.complete();
            }
        }
        let watchdog = Arc::new(watchdog);
        let touched = watchdog.clone();
        machine.on_touch_nmi_watchdog(move |current| touch_nmi_watchdog(&touched, current.cpu()));
        later.set(watchdog.clone()).expect("once");
        watchdog
    }

    /// Declares the timers and NMIs of all CPUs, and their threads.
    pub fn declare(self: &Arc<Self>, setup: &mut Setup, machine: &Arc<Machine>, phases: Phases) {
        for cpu in self.cpus().collect::<Vec<_>>() {
            let this = self.per_cpu(cpu);
            let (late, nmi) = phases(cpu);
            let timer = sample_period(self.config.thresh) + late;
            let (watchdog, on) = (self.clone(), machine.clone());
            let irq = setup.irq(format!("watchdog_timer_fn/{cpu}"), cpu, move |current| {
                watchdog_timer_fn(&watchdog.in_interrupt(&on, current));
            });
            setup.armed(irq, timer);
            this.expires.set(timer);
            this.watchdog_hrtimer.set(irq).expect("declared once");
            if self.config.detector == Detector::Perf {
                let (watchdog, on) = (self.clone(), machine.clone());
                let irq = setup.nmi(format!("watchdog_overflow_callback/{cpu}"), cpu, move |current| {
                    watchdog_overflow_callback(&watchdog.in_interrupt(&on, current));
                });
                setup.armed(irq, nmi);
                this.watchdog_ev.set(irq).expect("declared once");
            }
            if let Some(thread) = this.softlockup_watchdog {
                let watchdog = self.clone();
                machine.spawn(setup, thread, move |ctx| watchdog_thread(&watchdog.on(*ctx))).daemon();
            }
        }
    }

    /// Whether there was a report.
    pub fn has_reported(&self) -> bool {
        self.reports.load(Relaxed) != 0
    }
}
