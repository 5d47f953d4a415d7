// SPDX-License-Identifier: GPL-2.0-only
//! The running task and the state of its virtual CPU.

use crate::backend;
use std::cell::Cell;
use std::fmt;

/// What C calls `current`, with the CPU that it runs on. It is passed, not ambient: the task may be migrated.
///
/// Preemption and interrupts are counters on real atomics, which cost nothing that the kernel's would not. In the
/// explorer they decide who may run.
pub struct Current {
    name: String,
    task: usize,
    cpu: Cell<u32>,
    preempt_count: Cell<u32>,
    irqs_off: Cell<bool>,
}

/// The interrupt state that `local_irq_save()` found.
#[derive(Debug, Clone, Copy)]
#[must_use = "C's flags go back into local_irq_restore()"]
pub struct IrqFlags(bool);

impl Current {
    /// A context of its own on a CPU, for what runs ports without a scenario, as simulations and
    /// benchmarks do. For a real thread [`smp_processor_id()`] is that CPU from now on.
    ///
    /// # Panics
    /// In a scenario's setup and in its tasks: a model must know everybody who runs in it.
    ///
    /// ```
    /// let (lock, current) = (ksync::SpinLock::named(format_args!("lock")), ksync::Current::outside("timer", 50));
    /// let guard = lock.lock_irq(&current);
    /// assert!(lock.is_locked() && current.irqs_disabled() && current.cpu() == 50);
    /// guard.unlock();
    /// ```
    pub fn outside(name: &str, cpu: u32) -> Self {
        assert!(!backend::in_model(), "a context is made inside of a model: use the one that the task is given");
        #[cfg(not(loom))]
        backend::set_this_cpu(cpu);
        Current::new(name, usize::MAX, cpu)
    }

    /// The context of a task on real threads or in a model; `task` counts the setup's tasks.
    pub(crate) fn new(name: &str, task: usize, cpu: u32) -> Self {
        Current {
            name: name.to_owned(),
            task,
            cpu: Cell::new(cpu),
            preempt_count: Cell::new(0),
            irqs_off: Cell::new(false),
        }
    }

    /// The task's name, as in `migration/1`.
    pub fn name(&self) -> &str {
        backend::asks_which_it_is();
        &self.name
    }

    /// The task's place in the setup.
    pub fn task(&self) -> usize {
        backend::asks_which_it_is();
        self.task
    }

    /// `smp_processor_id()`: the number of the CPU that the task is on.
    #[doc(alias = "smp_processor_id")]
    #[track_caller]
    pub fn cpu(&self) -> u32 {
        backend::cpu(self.cpu.get())
    }

    /// `preempt_disable()`.
    #[inline]
    #[track_caller]
    pub fn preempt_disable(&self) {
        let count = self.preempt_count.get();
        self.preempt_count.set(count + 1);
        if count == 0 {
            backend::preempt_off(true);
        }
    }

    /// `preempt_enable()`.
    #[inline]
    #[track_caller]
    pub fn preempt_enable(&self) {
        let count = self.preempt_count.get();
        debug_assert!(count > 0 || std::thread::panicking(), "preempt_enable() without preempt_disable()");
        self.preempt_count.set(count.wrapping_sub(1));
        if count == 1 {
            backend::preempt_off(false);
        }
    }

    /// `preempt_count()`, without the interrupt part.
    pub fn preempt_count(&self) -> u32 {
        self.preempt_count.get()
    }

    /// `local_irq_save()`.
    #[inline]
    #[track_caller]
    pub fn local_irq_save(&self) -> IrqFlags {
        let flags = IrqFlags(self.irqs_off.get());
        self.set_irqs_off(true);
        flags
    }

    /// `local_irq_restore()`.
    #[inline]
    #[track_caller]
    pub fn local_irq_restore(&self, flags: IrqFlags) {
        self.set_irqs_off(flags.0);
    }

    /// `local_irq_disable()`.
    #[inline]
    #[track_caller]
    pub fn local_irq_disable(&self) {
        self.set_irqs_off(true);
    }

    /// `local_irq_enable()`.
    #[inline]
    #[track_caller]
    pub fn local_irq_enable(&self) {
        self.set_irqs_off(false);
    }

    /// `irqs_disabled()`.
    pub fn irqs_disabled(&self) -> bool {
        self.irqs_off.get()
    }

    /// `set_cpus_allowed_ptr(current, mask)`: from now on a model may move the task, when it is preempted, to these
    /// CPUs, and must before it runs again if its own is not among them. Real threads ignore it.
    #[track_caller]
    pub fn set_cpus_allowed(&self, cpus: &[u32]) {
        backend::set_allowed(cpus);
    }

    #[inline]
    #[track_caller]
    fn set_irqs_off(&self, off: bool) {
        if self.irqs_off.replace(off) != off {
            backend::irqs_off(off);
        }
    }

    /// A handler starts on this context; gives back what [`Current::leave_interrupt`] needs.
    #[cfg(loom)]
    pub(crate) fn enter_interrupt(&self) -> bool {
        self.irqs_off.replace(true)
    }

    #[cfg(loom)]
    pub(crate) fn leave_interrupt(&self, irqs_off: bool) {
        self.irqs_off.set(irqs_off);
    }
}

/// `smp_processor_id()` of whoever runs, for an interface that passes no [`Current`], as `lock_api`'s.
///
/// # Panics
/// On a real thread that is no task of `run_threads()` and has no [`Current`] of its own.
#[track_caller]
pub fn smp_processor_id() -> u32 {
    backend::this_cpu()
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("name", &self.name()).finish_non_exhaustive()
    }
}
