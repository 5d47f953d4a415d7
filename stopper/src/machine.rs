// SPDX-License-Identifier: GPL-2.0-only
//! What C keeps in per-CPU variables, on stacks and behind pointers: one object, made by a scenario's setup.

use crate::active_balance::active_load_balance_cpu_stop;
use crate::cpu_stopper::{CpuStopDone, CpuStopWork, CpuStopper, StopFn};
use crate::hooks::Hook;
use crate::hotplug::__balance_push_cpu_stop;
use crate::kernel::Kernel;
use crate::migrate_swap::{MigrationSwapArg, migrate_swap_stop};
use crate::multi_cpu_stop::multi_cpu_stop;
use crate::multi_stop_data::MultiStopData;
use crate::rq::Rq;
use crate::set_affinity::{SetAffinityPending, migration_cpu_stop};
use crate::task::{Birth, TaskStruct};
use crossbeam_utils::CachePadded;
use ksync::{Atomic, Completion, Current, Frame, Id, Mutex, SpinLock};

/// `multi_cpu_stop()` as the function of a work.
pub const MULTI_CPU_STOP: Id<StopFn> = Id::new(0);
/// `active_load_balance_cpu_stop()` as the function of a work; the argument is the busiest CPU.
pub const ACTIVE_LOAD_BALANCE_CPU_STOP: Id<StopFn> = Id::new(1);
/// `migrate_swap_stop()` as the function of a multi-CPU request; the argument is a [`MigrationSwapArg`].
pub const MIGRATE_SWAP_STOP: Id<StopFn> = Id::new(2);
/// `__balance_push_cpu_stop()` as the function of a work.
pub const BALANCE_PUSH_CPU_STOP: Id<StopFn> = Id::new(3);

/// `migration_cpu_stop()` as the function of a work; the argument is a task.
pub const MIGRATION_CPU_STOP: Id<StopFn> = Id::new(4);

/// The per-CPU variables of one CPU.
#[derive(Debug)]
struct PerCpu {
    stopper: CpuStopper,
    rq: Rq,
    /// One CPU's part of the lglock `stop_cpus_lock`, up to v4.8.
    stop_cpus_lock: SpinLock,
    done_up: Completion,
}

/// A machine: its CPUs, its tasks and the objects that they point to, by number.
#[derive(Debug)]
pub struct Machine {
    /// The revision of every function.
    pub kernel: Kernel,
    cpus: Vec<u32>,
    /// Where in `per_cpu` a CPU's variables are, by its number, as C's table of this name says it for its memory.
    __per_cpu_offset: Vec<Option<u32>>,
    per_cpu: Vec<CachePadded<PerCpu>>,
    pub(crate) tasks: Vec<TaskStruct>,
    pub(crate) works: Vec<CpuStopWork>,
    pub(crate) dones: Vec<CpuStopDone>,
    pub(crate) multi: Vec<MultiStopData>,
    pub(crate) swaps: Vec<MigrationSwapArg>,
    pub(crate) pendings: Vec<SetAffinityPending>,
    pub(crate) fns: Vec<StopFn>,
    pub(crate) stop_machine_yield: Hook,
    pub(crate) touch_nmi_watchdog: Hook,
    pub(crate) rcu_momentary_eqs: Hook,
    /// Keeps the static works of the stoppers for one `stop_cpus()` at a time.
    pub stop_cpus_mutex: Mutex,
    /// `stop_cpus()` is queueing its works.
    pub stop_cpus_in_progress: Atomic<bool>,
}

/// The running task on its machine: what C reaches through `current` and `smp_processor_id()`.
#[derive(Debug, Clone, Copy)]
pub struct Ctx<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The execution context.
    pub current: &'a Current,
    /// `current`.
    pub task: Id<TaskStruct>,
}

impl<'a> Ctx<'a> {
    /// `current` itself.
    pub fn task(&self) -> &'a TaskStruct {
        self.machine.task(self.task)
    }
}

/// What C has on the stack of a function that waits for stoppers: its works point to it, and it is gone when the
/// function returns.
///
/// DEVIATION: made in the setup, with the values that C's initializers give it; alive from entry to return.
#[derive(Debug, Clone, Copy)]
pub struct StopCall {
    /// The life of the stack frame.
    pub frame: Frame,
    /// The first of `nr_works` works in a row.
    pub work: Id<CpuStopWork>,
    /// Whom the works signal.
    pub done: Id<CpuStopDone>,
    /// `struct multi_stop_data`, where the function has one.
    pub msdata: Option<Id<MultiStopData>>,
}

impl StopCall {
    /// The works of a call for two CPUs.
    pub fn two_works(&self) -> (Id<CpuStopWork>, Id<CpuStopWork>) {
        (self.work, Id::new(self.work.index() as u32 + 1))
    }
}

impl Machine {
    /// CPUs with these numbers, in ascending order, each with a stopper that sleeps.
    pub fn new(cpus: &[u32], kernel: Kernel) -> Self {
        let mut machine = Machine {
            kernel,
            cpus: cpus.to_vec(),
            __per_cpu_offset: vec![None; cpus.iter().max().map_or(0, |last| *last as usize + 1)],
            per_cpu: Vec::new(),
            tasks: Vec::new(),
            works: Vec::new(),
            dones: Vec::new(),
            multi: Vec::new(),
            swaps: Vec::new(),
            pendings: Vec::new(),
            fns: vec![
                StopFn::new("multi_cpu_stop", |ctx, arg| multi_cpu_stop(ctx, Id::new(arg))),
                StopFn::new("active_load_balance_cpu_stop", active_load_balance_cpu_stop),
                StopFn::new("migrate_swap_stop", |ctx, arg| migrate_swap_stop(ctx, Id::new(arg))),
                StopFn::new("__balance_push_cpu_stop", __balance_push_cpu_stop),
                StopFn::new("migration_cpu_stop", migration_cpu_stop),
            ],
            stop_machine_yield: Hook::default(),
            touch_nmi_watchdog: Hook::default(),
            rcu_momentary_eqs: Hook::default(),
            stop_cpus_mutex: Mutex::named(format_args!("stop_cpus_mutex")),
            stop_cpus_in_progress: Atomic::named(false, format_args!("stop_cpus_in_progress")),
        };
        for (offset, &cpu) in (0..).zip(cpus) {
            machine.__per_cpu_offset[cpu as usize] = Some(offset);
            let thread = Id::new(machine.tasks.len() as u32);
            machine.tasks.push(TaskStruct::new(&format!("migration/{cpu}"), cpu, Birth::Asleep, true));
            let stop_work = machine.work_for(&format!("stopper{cpu}.stop_work"), MULTI_CPU_STOP, 0);
            let active = machine.work_for(&format!("rq{cpu}.active_balance_work"), ACTIVE_LOAD_BALANCE_CPU_STOP, cpu);
            let push = machine.work_for(&format!("push_work{cpu}"), BALANCE_PUSH_CPU_STOP, cpu);
            machine.per_cpu.push(CachePadded::new(PerCpu {
                stopper: CpuStopper::new(cpu, thread, stop_work),
                rq: Rq::new(cpu, thread, active, push),
                stop_cpus_lock: SpinLock::named(format_args!("stop_cpus_lock{cpu}")),
                done_up: Completion::named(format_args!("cpu{cpu}.done_up")),
            }));
        }
        machine
    }

    fn offset(&self, cpu: u32) -> usize {
        let offset = self.__per_cpu_offset.get(cpu as usize).copied().flatten();
        offset.expect("a CPU of this machine") as usize
    }

    fn per_cpu(&self, cpu: u32) -> &PerCpu {
        &self.per_cpu[self.offset(cpu)]
    }

    /// The CPUs' numbers, ascending.
    pub fn cpus(&self) -> &[u32] {
        &self.cpus
    }

    /// `per_cpu(cpu_stopper, cpu)`.
    pub fn cpu_stopper(&self, cpu: u32) -> &CpuStopper {
        &self.per_cpu(cpu).stopper
    }

    /// `cpu_rq(cpu)`.
    pub fn rq(&self, cpu: u32) -> &Rq {
        &self.per_cpu(cpu).rq
    }

    /// The same, for a setup that says how the CPU stands at the beginning.
    pub fn rq_mut(&mut self, cpu: u32) -> &mut Rq {
        let offset = self.offset(cpu);
        &mut self.per_cpu[offset].rq
    }

    /// This CPU's part of the lglock `stop_cpus_lock`.
    pub fn stop_cpus_lock(&self, cpu: u32) -> &SpinLock {
        &self.per_cpu(cpu).stop_cpus_lock
    }

    /// `done_up` of the CPU's hotplug state: it is online.
    pub fn done_up(&self, cpu: u32) -> &Completion {
        &self.per_cpu(cpu).done_up
    }

    /// The request of this number to move a task.
    pub fn pending(&self, id: Id<SetAffinityPending>) -> &SetAffinityPending {
        &self.pendings[id.index()]
    }

    /// The task of this number.
    pub fn task(&self, id: Id<TaskStruct>) -> &TaskStruct {
        &self.tasks[id.index()]
    }

    /// The same, for a scenario that says how the task stands at the beginning.
    pub fn task_mut(&mut self, id: Id<TaskStruct>) -> &mut TaskStruct {
        &mut self.tasks[id.index()]
    }

    /// The work of this number.
    pub fn work(&self, id: Id<CpuStopWork>) -> &CpuStopWork {
        &self.works[id.index()]
    }

    /// The completion count of this number.
    pub fn done(&self, id: Id<CpuStopDone>) -> &CpuStopDone {
        &self.dones[id.index()]
    }

    /// The request of this number.
    pub fn msdata(&self, id: Id<MultiStopData>) -> &MultiStopData {
        &self.multi[id.index()]
    }

    /// The swap of this number.
    pub fn swap(&self, id: Id<MigrationSwapArg>) -> &MigrationSwapArg {
        &self.swaps[id.index()]
    }

    /// The function of this number.
    pub fn func(&self, id: Id<StopFn>) -> &StopFn {
        &self.fns[id.index()]
    }
}
