// SPDX-License-Identifier: GPL-2.0-only
//! What C keeps in per-CPU variables and behind pointers: one object, made by a scenario's setup.

use crate::cfs_bandwidth::{CfsBandwidth, CfsRq, Rq, TaskGroup};
use crate::kernel::Kernel;
use crate::list::{Entry, ListHead};
use crate::task_throttle::Task;
use ksync::{Current, Id, Setup, SpinLock, TaskOptions};
use std::fmt;
use std::sync::Arc;

/// `sysctl` values and constants, in nanoseconds: a model has them small.
#[derive(Debug, Clone, Copy)]
pub struct Tunables {
    /// `sched_cfs_bandwidth_slice()`: what a CPU takes from the pool at a time.
    pub slice: u64,
    /// `min_cfs_rq_runtime`: what a CPU never gives back.
    pub min_runtime: i64,
    /// `cfs_bandwidth_slack_period`: returned runtime waits so long for more.
    pub slack_period: u64,
    /// `min_cfs_quota_period`: no period is shorter, nor a quota.
    pub min_period: u64,
    /// `max_cfs_quota_period`: no period is longer.
    pub max_period: u64,
    /// `min_bandwidth_expiration`: so near to a refill nothing is done about it.
    pub min_expiration: u64,
}

impl Tunables {
    /// A model's: a slice beyond every quota, as 5 ms is beyond a quota of 1 ms.
    pub const MODEL: Tunables =
        Tunables { slice: 100, min_runtime: 1, slack_period: 5, min_period: 1, max_period: 1000, min_expiration: 0 };
    /// The kernel's.
    pub const KERNEL: Tunables = Tunables {
        slice: 5_000_000,
        min_runtime: 1_000_000,
        slack_period: 5_000_000,
        min_period: 1_000_000,
        max_period: 1_000_000_000,
        min_expiration: 2_000_000,
    };
}

/// A machine: its CPUs and its groups, by number.
pub struct Machine {
    /// The revision of every function.
    pub kernel: Kernel,
    /// Its constants.
    pub tunables: Tunables,
    lists: Vec<ListHead>,
    rqs: Vec<Rq>,
    groups: Vec<TaskGroup>,
    /// The groups' runqueues, those of the first group first.
    cfs_rqs: Vec<CfsRq>,
    /// The task of each runqueue first, in their order, and then further ones.
    tasks: Vec<Task>,
    /// `hrtimer_cpu_base.lock`.
    ///
    /// DEVIATION: one for all CPUs. Each CPU has its own in C; the order of the locks is the same.
    pub hrtimer_base_lock: SpinLock,
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    on_visit: Box<Visit>,
    on_remote_walk: Box<Visit>,
}

/// What a scenario does at a visit of a distribution, or on the way through the groups.
pub type Visit = dyn Fn(&Ctx) + Send + Sync;

/// The running task on its machine.
#[derive(Debug, Clone, Copy)]
pub struct Ctx<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The execution context.
    pub current: &'a Current,
}

impl Machine {
    /// CPUs with these numbers, without a group, where time stands still.
    pub fn new(cpus: &[u32], kernel: Kernel, tunables: Tunables) -> Self {
        let mut machine = Machine {
            kernel,
            tunables,
            lists: Vec::new(),
            rqs: Vec::new(),
            groups: Vec::new(),
            cfs_rqs: Vec::new(),
            tasks: Vec::new(),
            hrtimer_base_lock: SpinLock::named(format_args!("hrtimer_base.lock")),
            clock: Box::new(|| 0),
            on_visit: Box::new(|_| {}),
            on_remote_walk: Box::new(|_| {}),
        };
        for &cpu in cpus {
            let lists = ["cfsb_csd_list", "local_unthrottle"];
            let [csd, local] = lists.map(|name| machine.new_list(Entry::Head, &format!("rq{cpu}.{name}")));
            machine.rqs.push(Rq::new(cpu, csd, local));
        }
        machine
    }

    /// `sched_create_group()`: a group with a task for every CPU, none of which wants to run, an empty pool, and a
    /// quota in each period.
    pub fn new_group(&mut self, parent: Option<Id<TaskGroup>>, (quota, period): (u64, u64)) -> Id<TaskGroup> {
        let tg = Id::new(self.groups.len() as u32);
        let name = format!("tg{}", self.groups.len());
        let head = self.new_list(Entry::Head, &format!("{name}.throttled_cfs_rq"));
        let cfs_bandwidth = CfsBandwidth::new(&name, (quota, period), head);
        self.groups.push(TaskGroup { parent, cfs_bandwidth });
        for rq in 0..self.rqs.len() {
            let name = format!("{name}.cfs_rq{}", self.rqs[rq].cpu);
            let entry = Id::new(self.cfs_rqs.len() as u32);
            let lists = ["throttled_list", "throttled_csd_list"];
            let [throttled, csd] = lists.map(|list| self.new_list(Entry::CfsRq(entry), &format!("{name}.{list}")));
            let limbo = self.new_list(Entry::Head, &format!("{name}.throttled_limbo_list"));
            self.cfs_rqs.push(CfsRq::new(&name, (Id::new(rq as u32), tg), [throttled, csd, limbo]));
        }
        for cfs_rq in self.cfs_rqs(tg).collect::<Vec<_>>() {
            self.new_task(cfs_rq);
        }
        tg
    }

    /// One more task of a group, on the runqueue's CPU; it does not want to run.
    pub fn new_task(&mut self, cfs_rq: Id<CfsRq>) -> Id<Task> {
        let task = Id::new(self.tasks.len() as u32);
        let name = format!("task{}", task.index());
        let node = self.new_list(Entry::Task(task), &format!("{name}.throttle_node"));
        self.tasks.push(Task::new(&name, cfs_rq, node));
        task
    }

    fn new_list(&mut self, entry: Entry, name: &str) -> Id<ListHead> {
        let id = Id::new(self.lists.len() as u32);
        self.lists.push(ListHead::new(id, entry, name));
        id
    }

    /// From now on every visit of a distribution does this too.
    pub fn on_visit(&mut self, visit: impl Fn(&Ctx) + Send + Sync + 'static) {
        self.on_visit = Box::new(visit);
    }

    /// From now on everybody who unthrottles a group on another CPU does this too.
    pub fn on_remote_walk(&mut self, walk: impl Fn(&Ctx) + Send + Sync + 'static) {
        self.on_remote_walk = Box::new(walk);
    }

    /// From now on this is the time.
    pub fn set_clock(&mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) {
        self.clock = Box::new(clock);
    }

    /// `ktime_get()`, `sched_clock()` and `rq_clock()`, in nanoseconds.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// A distribution comes to the next entry; it holds no lock.
    pub(crate) fn visit(&self, ctx: &Ctx) {
        (self.on_visit)(ctx);
    }

    /// A walk over groups comes to the next one, for this CPU.
    pub(crate) fn on_the_way(&self, ctx: &Ctx, rq: Id<Rq>) {
        if ctx.current.cpu() != self.rq(rq).cpu {
            (self.on_remote_walk)(ctx);
        }
    }

    pub(crate) fn list(&self, id: Id<ListHead>) -> &ListHead {
        &self.lists[id.index()]
    }

    /// `container_of()`.
    pub(crate) fn entry(&self, node: Id<ListHead>) -> Id<CfsRq> {
        match self.lists[node.index()].entry {
            Entry::CfsRq(cfs_rq) => cfs_rq,
            other => panic!("a node in a runqueue, not in {other:?}"),
        }
    }

    /// `container_of()` for a list of tasks.
    pub(crate) fn task_entry(&self, node: Id<ListHead>) -> Id<Task> {
        match self.lists[node.index()].entry {
            Entry::Task(task) => task,
            other => panic!("a node in a task, not in {other:?}"),
        }
    }

    /// The CPUs' numbers.
    pub fn cpus(&self) -> Vec<u32> {
        self.rqs.iter().map(|rq| rq.cpu).collect()
    }

    /// The runqueue of a CPU.
    pub fn rq(&self, id: Id<Rq>) -> &Rq {
        &self.rqs[id.index()]
    }

    /// The group.
    pub fn tg(&self, id: Id<TaskGroup>) -> &TaskGroup {
        &self.groups[id.index()]
    }

    /// All groups, those around before those within.
    pub fn groups(&self) -> impl Iterator<Item = Id<TaskGroup>> {
        (0..self.groups.len()).map(|number| Id::new(number as u32))
    }

    /// The group and those around it.
    pub fn ancestors(&self, tg: Id<TaskGroup>) -> impl Iterator<Item = Id<TaskGroup>> {
        std::iter::successors(Some(tg), |&tg| self.tg(tg).parent)
    }

    /// The group and everything within it.
    pub(crate) fn groups_from(&self, from: Id<TaskGroup>) -> impl Iterator<Item = Id<TaskGroup>> {
        self.groups().filter(move |&tg| self.ancestors(tg).any(|up| up == from))
    }

    /// `tg_cfs_bandwidth()`.
    pub fn cfs_b(&self, tg: Id<TaskGroup>) -> &CfsBandwidth {
        &self.tg(tg).cfs_bandwidth
    }

    /// A group's runqueue on a CPU.
    pub fn cfs_rq(&self, id: Id<CfsRq>) -> &CfsRq {
        &self.cfs_rqs[id.index()]
    }

    /// A task.
    pub fn task(&self, id: Id<Task>) -> &Task {
        &self.tasks[id.index()]
    }

    /// All tasks.
    pub fn tasks(&self) -> impl Iterator<Item = Id<Task>> {
        (0..self.tasks.len()).map(|number| Id::new(number as u32))
    }

    /// The first task of a runqueue.
    pub fn task_of(&self, cfs_rq: Id<CfsRq>) -> Id<Task> {
        let first = self.tasks.iter().position(|task| task.cfs_rq == cfs_rq);
        Id::new(first.expect("each has one") as u32)
    }

    /// The runqueue above; `None` for that of the root.
    pub fn parent_cfs_rq(&self, cfs_rq: Id<CfsRq>) -> Option<Id<CfsRq>> {
        let this = self.cfs_rq(cfs_rq);
        Some(self.tg_cfs_rq(self.tg(this.tg).parent?, this.rq))
    }

    /// The runqueue and those above it.
    pub fn levels(&self, cfs_rq: Id<CfsRq>) -> impl Iterator<Item = Id<CfsRq>> {
        std::iter::successors(Some(cfs_rq), |&cfs_rq| self.parent_cfs_rq(cfs_rq))
    }

    /// `rq_of()`.
    pub fn rq_of(&self, cfs_rq: Id<CfsRq>) -> &Rq {
        self.rq(self.cfs_rq(cfs_rq).rq)
    }

    /// `tg->cfs_rq[cpu]`, by the place of the CPU.
    pub fn tg_cfs_rq(&self, tg: Id<TaskGroup>, rq: Id<Rq>) -> Id<CfsRq> {
        Id::new((tg.index() * self.rqs.len() + rq.index()) as u32)
    }

    /// A group's runqueues, one for each CPU.
    pub fn cfs_rqs(&self, tg: Id<TaskGroup>) -> impl Iterator<Item = Id<CfsRq>> {
        (0..self.rqs.len()).map(move |rq| self.tg_cfs_rq(tg, Id::new(rq as u32)))
    }

    /// Declares a task on this machine.
    pub fn spawn<'a>(
        self: &Arc<Self>,
        setup: &'a mut Setup,
        name: impl Into<String>,
        cpu: u32,
        body: impl Fn(&Ctx) + Send + Sync + 'static,
    ) -> TaskOptions<'a> {
        let machine = self.clone();
        setup.task(name, cpu, move |current| body(&Ctx { machine: &machine, current }))
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("kernel", &self.kernel).field("rqs", &self.rqs).finish_non_exhaustive()
    }
}
