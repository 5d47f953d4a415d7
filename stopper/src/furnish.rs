// SPDX-License-Identifier: GPL-2.0-only
//! What a scenario's setup asks of a machine: its objects, how they stand at the beginning, and its tasks.

use crate::cpu_stopper::{CpuStopDone, CpuStopWork, StopFn};
use crate::cpuhp::take_cpu_down;
use crate::list::list_add_tail;
use crate::machine::{Ctx, MIGRATION_CPU_STOP, MULTI_CPU_STOP, Machine, StopCall};
use crate::migrate_swap::MigrationSwapArg;
use crate::multi_stop_data::MultiStopData;
use crate::park::__kthread_parkme;
use crate::schedule::schedule_tail;
use crate::set_affinity::SetAffinityPending;
use crate::stopper_thread::{smpboot_thread_fn, smpboot_thread_loop};
use crate::task::{Birth, TASK_ON_RQ_QUEUED, TASK_PARKED, TASK_RUNNING, TaskStruct};
use crate::ttwu::sched_ttwu_pending;
use crate::two_works::Done;
use ksync::{Atomic, Completion, Frame, Id, Plain, Relaxed, Setup, TaskOptions};
use std::sync::Arc;

impl Machine {
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
        self.call(name, (2, signals), (func, arg), Some((2, Some(&[active]))))
    }

    /// The stack of `stop_cpus()` for all CPUs, with `multi_cpu_stop()` around the function as in `stop_machine()`.
    pub fn stop_machine_call(&mut self, name: &str, func: Id<StopFn>, arg: u32) -> StopCall {
        let cpus = self.cpus().len() as u32;
        let signals = if self.kernel.stop_cpus.done == Done::Both { cpus } else { 1 };
        self.call(name, (0, signals), (func, arg), Some((cpus, None)))
    }

    /// The stack of `stop_machine(func, cpu, cpumask_of(cpu))`.
    pub fn stop_for_one_call(&mut self, name: &str, func: Id<StopFn>, cpu: u32) -> StopCall {
        let cpus = self.cpus().len() as u32;
        self.call(name, (0, cpus), (func, cpu), Some((cpus, Some(&[cpu]))))
    }

    /// The stack of `stop_machine_from_inactive_cpu(func, arg, active)`.
    pub fn from_inactive_call(&mut self, name: &str, func: Id<StopFn>, active: Option<&[u32]>) -> StopCall {
        let cpus = self.cpus().len() as u32;
        let rev = self.kernel.from_inactive;
        let (threads, signals) = (rev.threads.count(cpus), rev.signals.count(cpus));
        self.call_with(name, (0, signals), (func, 0), Some((threads, active)), CpuStopDone::waited_for_busily)
    }

    /// Makes a stack for one who sleeps until its works are done.
    fn call(
        &mut self,
        name: &str,
        works: (u32, u32),
        func: (Id<StopFn>, u32),
        multi: Option<(u32, Option<&[u32]>)>,
    ) -> StopCall {
        self.call_with(name, works, func, multi, CpuStopDone::new)
    }

    /// Makes a stack with so many works, so many of which signal, the first ones first. `multi` is the number of
    /// threads and the CPUs that run the function, where they enter it together.
    fn call_with(
        &mut self,
        name: &str,
        (nr_works, signals): (u32, u32),
        (func, arg): (Id<StopFn>, u32),
        multi: Option<(u32, Option<&[u32]>)>,
        done_of: fn(&str, u32) -> CpuStopDone,
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
            self.dones.push(done_of(&format!("{name}.done"), signals));
            self.multi.extend(multi.map(|(threads, active)| MultiStopData::new(name, (func, arg), threads, active)));
        });
        StopCall { frame, work, done, msdata }
    }

    /// A request that all CPUs enter by themselves; `active` run the function, else the first CPU does.
    pub fn msdata_for(&mut self, name: &str, func: Id<StopFn>, active: Option<&[u32]>) -> Id<MultiStopData> {
        let threads = self.cpus().len() as u32;
        self.multi.push(MultiStopData::new(name, (func, 0), threads, active));
        Id::new(self.multi.len() as u32 - 1)
    }

    /// All stoppers were just woken for this request; nobody waits for its end.
    pub fn just_asked_all(&mut self, msdata: Id<MultiStopData>) {
        for cpu in self.cpus().to_vec() {
            self.just_asked(cpu, msdata);
        }
    }

    /// This stopper was just woken for the request, and takes part in it.
    pub fn just_asked(&mut self, cpu: u32, msdata: Id<MultiStopData>) {
        let work = self.work_for(&format!("ask{cpu}"), MULTI_CPU_STOP, msdata.index() as u32);
        let stopper = self.cpu_stopper(cpu);
        list_add_tail(self, work, &stopper.works);
        let thread = self.task(stopper.thread);
        thread.state.store(TASK_RUNNING, Relaxed);
        thread.on_rq.store(TASK_ON_RQ_QUEUED, Relaxed);
        self.msdata(msdata).cpus.fetch_or(1 << cpu, Relaxed);
    }

    /// A completion of so many works that lives as long as the machine.
    pub fn done_for(&mut self, name: &str, nr_todo: u32) -> Id<CpuStopDone> {
        self.dones.push(CpuStopDone::new(name, nr_todo));
        Id::new(self.dones.len() as u32 - 1)
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

    /// All stoppers are awake and have the works queued that take this CPU down.
    pub fn takes_down(&mut self, dying: u32) {
        let down = self.stop_fn("take_cpu_down", |ctx, _| take_cpu_down(ctx));
        let msdata = self.msdata_for("cpu_down", down, Some(&[dying]));
        for cpu in self.cpus().to_vec() {
            let work = self.work_for(&format!("cpu_down.work{cpu}"), MULTI_CPU_STOP, msdata.index() as u32);
            let stopper = self.cpu_stopper(cpu);
            list_add_tail(self, work, &stopper.works);
            self.task(stopper.thread).on_rq.store(TASK_ON_RQ_QUEUED, Relaxed);
        }
    }

    /// What one caller of `affine_move_task()` has on its stack.
    pub fn set_affinity_pending(&mut self, name: &str) -> Id<SetAffinityPending> {
        let pending = SetAffinityPending {
            stop_pending: Plain::named(false, format_args!("{name}.stop_pending")),
            done: Completion::named(format_args!("{name}.done")),
            stop_work: self.work_for(&format!("{name}.stop_work"), MIGRATION_CPU_STOP, 0),
        };
        self.pendings.push(pending);
        Id::new(self.pendings.len() as u32 - 1)
    }

    /// A swap for `migrate_swap()`.
    pub fn migration_swap_arg(&mut self, arg: MigrationSwapArg) -> Id<MigrationSwapArg> {
        self.swaps.push(arg);
        Id::new(self.swaps.len() as u32 - 1)
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

    /// Declares the stopper of a CPU that is down, parked.
    pub fn spawn_parked(self: &Arc<Self>, setup: &mut Setup, cpu: u32) {
        let stopper = self.cpu_stopper(cpu);
        stopper.enabled.store(false, Relaxed);
        stopper.should_park.store(true, Relaxed);
        self.task(stopper.thread).state.store(TASK_PARKED, Relaxed);
        let thread = self.spawn(setup, stopper.thread, move |ctx| {
            schedule_tail(ctx);
            __kthread_parkme(ctx, cpu);
            smpboot_thread_loop(ctx);
        });
        thread.stop_class().daemon();
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

    /// Declares the stoppers of `count` CPUs from `first_cpu` on, awake. The body does the same on each of them: to a
    /// model all of them are on the first, and it panics if one of them does not.
    pub fn spawn_alike(
        self: &Arc<Self>,
        setup: &mut Setup,
        first_cpu: u32,
        count: u32,
        body: impl Fn(&Ctx) + Send + Sync + 'static,
    ) {
        let machine = self.clone();
        setup.identical_tasks("migration", first_cpu, count, move |current| {
            let task = machine.cpu_stopper(current.cpu()).thread;
            body(&Ctx { machine: &machine, current, task });
        });
    }

    /// Declares the stoppers' threads, asleep in `smpboot_thread_fn()`.
    pub fn spawn_stoppers(self: &Arc<Self>, setup: &mut Setup, cpus: &[u32]) {
        for &cpu in cpus {
            let thread = self.cpu_stopper(cpu).thread;
            self.spawn(setup, thread, smpboot_thread_fn).stop_class().daemon();
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
