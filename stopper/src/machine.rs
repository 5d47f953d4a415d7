// SPDX-License-Identifier: GPL-2.0-only
//! What C keeps in per-CPU variables, on stacks and behind pointers: one object, made by a scenario's setup.

use crate::active_balance::active_load_balance_cpu_stop;
use crate::cpu_stopper::{CpuStopDone, CpuStopWork, CpuStopper, StopFn};
use crate::hotplug::__balance_push_cpu_stop;
use crate::kernel::Kernel;
use crate::migrate_swap::{MigrationSwapArg, migrate_swap_stop};
use crate::multi_cpu_stop::{MultiStopData, multi_cpu_stop};
use crate::rq::Rq;
use crate::task::{Birth, TASK_ON_RQ_QUEUED, TaskStruct};
use crate::ttwu::sched_ttwu_pending;
use crossbeam_utils::CachePadded;
use ksync::{Atomic, Current, Frame, Id, Relaxed, Setup, SpinLock, TaskOptions};
use std::sync::Arc;

/// `multi_cpu_stop()` as the function of a work.
pub const MULTI_CPU_STOP: Id<StopFn> = Id::new(0);
/// `active_load_balance_cpu_stop()` as the function of a work; the argument is the busiest CPU.
pub const ACTIVE_LOAD_BALANCE_CPU_STOP: Id<StopFn> = Id::new(1);
/// `migrate_swap_stop()` as the function of a multi-CPU request; the argument is a [`MigrationSwapArg`].
pub const MIGRATE_SWAP_STOP: Id<StopFn> = Id::new(2);
/// `__balance_push_cpu_stop()` as the function of a work.
pub const BALANCE_PUSH_CPU_STOP: Id<StopFn> = Id::new(3);

/// The per-CPU variables of one CPU.
#[derive(Debug)]
struct PerCpu {
    stopper: CpuStopper,
    rq: Rq,
    /// One CPU's part of the lglock `stop_cpus_lock`, up to v4.8.
    stop_cpus_lock: SpinLock,
}

/// A machine: its CPUs, its tasks and the objects that they point to, by number.
#[derive(Debug)]
pub struct Machine {
    /// The revision of every function.
    pub kernel: Kernel,
    cpus: Vec<u32>,
    per_cpu: Vec<CachePadded<PerCpu>>,
    tasks: Vec<TaskStruct>,
    works: Vec<CpuStopWork>,
    dones: Vec<CpuStopDone>,
    multi: Vec<MultiStopData>,
    swaps: Vec<MigrationSwapArg>,
    fns: Vec<StopFn>,
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
            per_cpu: Vec::new(),
            tasks: Vec::new(),
            works: Vec::new(),
            dones: Vec::new(),
            multi: Vec::new(),
            swaps: Vec::new(),
            fns: vec![
                StopFn::new("multi_cpu_stop", |ctx, arg| multi_cpu_stop(ctx, Id::new(arg))),
                StopFn::new("active_load_balance_cpu_stop", active_load_balance_cpu_stop),
                StopFn::new("migrate_swap_stop", |ctx, arg| migrate_swap_stop(ctx, Id::new(arg))),
                StopFn::new("__balance_push_cpu_stop", __balance_push_cpu_stop),
            ],
            stop_cpus_in_progress: Atomic::named(false, format_args!("stop_cpus_in_progress")),
        };
        for &cpu in cpus {
            let thread = Id::new(machine.tasks.len() as u32);
            machine.tasks.push(TaskStruct::new(&format!("migration/{cpu}"), cpu, Birth::Asleep, true));
            let stop_work = machine.work_for(&format!("stopper{cpu}.stop_work"), MULTI_CPU_STOP, 0);
            let active = machine.work_for(&format!("rq{cpu}.active_balance_work"), ACTIVE_LOAD_BALANCE_CPU_STOP, cpu);
            let push = machine.work_for(&format!("push_work{cpu}"), BALANCE_PUSH_CPU_STOP, cpu);
            machine.per_cpu.push(CachePadded::new(PerCpu {
                stopper: CpuStopper::new(cpu, thread, stop_work),
                rq: Rq::new(cpu, thread, active, push),
                stop_cpus_lock: SpinLock::named(format_args!("stop_cpus_lock{cpu}")),
            }));
        }
        machine
    }

    /// A work that lives as long as the machine.
    pub fn work_for(&mut self, name: &str, func: Id<StopFn>, arg: u32) -> Id<CpuStopWork> {
        let id = Id::new(self.works.len() as u32);
        self.works.push(CpuStopWork::new(id, name, func, arg, None));
        id
    }

    /// A task beside the stoppers.
    pub fn new_task(&mut self, name: &str, cpu: u32, birth: Birth) -> Id<TaskStruct> {
        let id = Id::new(self.tasks.len() as u32);
        self.tasks.push(TaskStruct::new(name, cpu, birth, false));
        id
    }

    /// A task whose memory is freed with its last reference; it is born by `memory.enter()`.
    pub fn mortal_task(&mut self, name: &str, cpu: u32, birth: Birth) -> Id<TaskStruct> {
        let (memory, mut task) = Frame::around(|| TaskStruct::new(name, cpu, birth, false));
        task.memory = Some(memory);
        let id = Id::new(self.tasks.len() as u32);
        self.tasks.push(task);
        id
    }

    /// A function that works can run.
    pub fn stop_fn(
        &mut self,
        name: &'static str,
        run: impl Fn(&Ctx, u32) -> i32 + Send + Sync + 'static,
    ) -> Id<StopFn> {
        self.fns.push(StopFn::new(name, run));
        Id::new(self.fns.len() as u32 - 1)
    }

    /// The stack of `stop_one_cpu(cpu, func, arg)`.
    pub fn stop_one_cpu_call(&mut self, name: &str, func: Id<StopFn>, arg: u32) -> StopCall {
        self.call(name, (1, 1), (func, arg), None)
    }

    /// The stack of `stop_two_cpus(active, _, func, arg)`.
    pub fn stop_two_cpus_call(&mut self, name: &str, active: u32, func: Id<StopFn>, arg: u32) -> StopCall {
        let signals = self.kernel.stop_two_cpus.done.count();
        self.call(name, (2, signals), (func, arg), Some((2, Some(active))))
    }

    /// The stack of `stop_cpus()` for all CPUs, with `multi_cpu_stop()` around the function as in `stop_machine()`.
    pub fn stop_machine_call(&mut self, name: &str, func: Id<StopFn>, arg: u32) -> StopCall {
        let cpus = self.cpus.len() as u32;
        self.call(name, (0, cpus), (func, arg), Some((cpus, None)))
    }

    /// Makes a stack with so many works, so many of which signal, the first ones first. `multi` is the number of
    /// threads and the CPU that runs the function, where they enter it together.
    fn call(
        &mut self,
        name: &str,
        (nr_works, signals): (u32, u32),
        (func, arg): (Id<StopFn>, u32),
        multi: Option<(u32, Option<u32>)>,
    ) -> StopCall {
        let work = Id::new(self.works.len() as u32);
        let done = Id::new(self.dones.len() as u32);
        let msdata = multi.map(|_| Id::new(self.multi.len() as u32));
        let (work_func, work_arg) = msdata.map_or((func, arg), |id| (MULTI_CPU_STOP, id.index() as u32));
        let (frame, ()) = Frame::around(|| {
            for n in 0..nr_works {
                let id = Id::new(self.works.len() as u32);
                let done = (n < signals).then_some(done);
                self.works.push(CpuStopWork::new(id, &format!("{name}.work{}", n + 1), work_func, work_arg, done));
            }
            self.dones.push(CpuStopDone::new(&format!("{name}.done"), signals));
            self.multi.extend(multi.map(|(threads, active)| MultiStopData::new(name, (func, arg), threads, active)));
        });
        StopCall { frame, work, done, msdata }
    }

    /// A request that all CPUs enter by themselves; `active` runs the function, else the first CPU.
    pub fn msdata_for(&mut self, name: &str, func: Id<StopFn>, active: Option<u32>) -> Id<MultiStopData> {
        let threads = self.cpus.len() as u32;
        self.multi.push(MultiStopData::new(name, (func, 0), threads, active));
        Id::new(self.multi.len() as u32 - 1)
    }

    /// Two works that wait for each other, on two stoppers.
    pub fn works_that_meet(&mut self, name: &str) -> (Id<CpuStopWork>, Id<CpuStopWork>) {
        let arrived = Atomic::named(0u32, format_args!("{name}.arrived"));
        let meet = self.stop_fn("meet", move |_, _| {
            arrived.inc();
            arrived.cond_load(Relaxed, |arrived| arrived == 2);
            0
        });
        (self.work_for(&format!("{name}.work1"), meet, 0), self.work_for(&format!("{name}.work2"), meet, 0))
    }

    /// A swap for `migrate_swap()`.
    pub fn migration_swap_arg(&mut self, arg: MigrationSwapArg) -> Id<MigrationSwapArg> {
        self.swaps.push(arg);
        Id::new(self.swaps.len() as u32 - 1)
    }

    fn per_cpu(&self, cpu: u32) -> &PerCpu {
        let index = self.cpus.iter().position(|&known| known == cpu).expect("a CPU of this machine");
        &self.per_cpu[index]
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

    /// Once, this CPU runs dry and finds that the other one has a task too many.
    pub fn idle_finds_busy(&mut self, idle: u32, busy: u32) {
        let rq = self.rq_mut(idle);
        rq.busiest = Some(busy);
        rq.imbalance.set(1);
    }

    /// The stopper has just served its last work: it runs, and is about to block.
    pub fn blocking_stopper(&mut self, cpu: u32) -> Id<TaskStruct> {
        let thread = self.cpu_stopper(cpu).thread;
        let task = self.task(thread);
        task.on_rq.store(TASK_ON_RQ_QUEUED, Relaxed);
        task.on_cpu.store(true, Relaxed);
        self.rq(cpu).curr.set(Some(thread));
        thread
    }

    /// The same, for a scenario that says how the CPU stands at the beginning.
    pub fn rq_mut(&mut self, cpu: u32) -> &mut Rq {
        let index = self.cpus.iter().position(|&known| known == cpu).expect("a CPU of this machine");
        &mut self.per_cpu[index].rq
    }

    /// This CPU's part of the lglock `stop_cpus_lock`.
    pub fn stop_cpus_lock(&self, cpu: u32) -> &SpinLock {
        &self.per_cpu(cpu).stop_cpus_lock
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

    /// Declares a task of the machine, on the CPU where it is.
    pub fn spawn<'s>(
        self: &Arc<Self>,
        setup: &'s mut Setup,
        task: Id<TaskStruct>,
        body: impl Fn(&Ctx) + Send + Sync + 'static,
    ) -> TaskOptions<'s> {
        let cpu = self.task(task).cpu.load(Relaxed);
        self.spawn_on(setup, task, cpu, body)
    }

    /// Declares a task of the machine, on the CPU where it will be woken.
    pub fn spawn_on<'s>(
        self: &Arc<Self>,
        setup: &'s mut Setup,
        task: Id<TaskStruct>,
        cpu: u32,
        body: impl Fn(&Ctx) + Send + Sync + 'static,
    ) -> TaskOptions<'s> {
        let machine = self.clone();
        let name = self.task(task).name.clone();
        setup.task(name, cpu, move |current| body(&Ctx { machine: &machine, current, task }))
    }

    /// Declares the stoppers' threads, asleep in `smpboot_thread_fn()`.
    pub fn spawn_stoppers(self: &Arc<Self>, setup: &mut Setup, cpus: &[u32]) {
        for &cpu in cpus {
            let thread = self.cpu_stopper(cpu).thread;
            self.spawn(setup, thread, crate::stopper_thread::smpboot_thread_fn).stop_class().daemon();
        }
    }

    /// Declares the interrupt by which other CPUs hand wakeups over to this one.
    pub fn declare_ipi(self: &Arc<Self>, setup: &mut Setup, cpu: u32) {
        let machine = self.clone();
        let task = self.rq(cpu).stop;
        let irq = setup.irq(format!("sched_ttwu_pending/{cpu}"), cpu, move |current| {
            sched_ttwu_pending(&Ctx { machine: &machine, current, task }, cpu);
        });
        self.rq(cpu).ipi.set(irq).expect("declared once");
    }
}
