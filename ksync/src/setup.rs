// SPDX-License-Identifier: GPL-2.0-only
//! A scenario: the objects, the tasks on their CPUs, and what must hold at the end.

use crate::backend;
use crate::current::Current;
use crate::request::{FrameId, IrqId, Request, WorkId};
use std::fmt;
use std::sync::Arc;

/// What a task runs. It may run many times in one exploration, so it owns nothing that it uses up.
pub type Body = Arc<dyn Fn(&Current) + Send + Sync>;

/// A scenario: makes objects, then declares tasks. The same one runs on the explorer, under loom and on threads.
pub type Scenario = dyn Fn(&mut Setup) + Send + Sync;

/// The scheduling class of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// An ordinary task: preempted by anybody where it can be preempted.
    Fair,
    /// The deadline class: preempted by the stop class only.
    Deadline,
    /// The stop class: beats the rest and is preempted by none.
    Stop,
}

// Real threads have no scheduler of ours, no interrupts and no bounds: there some of this is not read.
#[cfg_attr(not(loom), allow(dead_code))]
pub(crate) struct TaskDecl {
    pub(crate) name: String,
    pub(crate) cpu: u32,
    pub(crate) class: Class,
    pub(crate) daemon: bool,
    pub(crate) migrates: bool,
    pub(crate) same_as: Option<usize>,
    pub(crate) body: Body,
}

#[cfg_attr(not(loom), allow(dead_code))]
pub(crate) struct IrqDecl {
    pub(crate) name: String,
    pub(crate) cpu: u32,
    pub(crate) nmi: bool,
    pub(crate) armed: Option<u64>,
    pub(crate) handler: Body,
}

#[cfg_attr(not(loom), allow(dead_code))]
pub(crate) struct WorkDecl {
    pub(crate) name: String,
    pub(crate) bound: u64,
}

/// Collects what a scenario declares.
#[derive(Default)]
pub struct Setup {
    pub(crate) tasks: Vec<TaskDecl>,
    pub(crate) irqs: Vec<IrqDecl>,
    pub(crate) works: Vec<WorkDecl>,
    pub(crate) finally: Option<Body>,
    pub(crate) horizon: u64,
}

impl Setup {
    pub(crate) fn collect(scenario: &Scenario) -> Setup {
        let mut setup = Setup { horizon: u64::MAX, ..Setup::default() };
        scenario(&mut setup);
        setup
    }

    /// Declares a task on a CPU.
    pub fn task(
        &mut self,
        name: impl Into<String>,
        cpu: u32,
        body: impl Fn(&Current) + Send + Sync + 'static,
    ) -> TaskOptions<'_> {
        self.tasks.push(TaskDecl {
            name: name.into(),
            cpu,
            class: Class::Fair,
            daemon: false,
            migrates: false,
            same_as: None,
            body: Arc::new(body),
        });
        TaskOptions { task: self.tasks.last_mut().expect("just pushed") }
    }

    /// Declares `count` tasks that run the same body, `name/cpu`, each on a CPU of its own from `first_cpu` on. Any
    /// two of them can be exchanged, so the explorer looks at one order only, and all of them see the first one's CPU,
    /// number and name. A body that asks for these must do the same whatever the answer: the explorer then runs it on
    /// each of the tasks in turn, and panics where they differ.
    pub fn identical_tasks(
        &mut self,
        name: &str,
        first_cpu: u32,
        count: u32,
        body: impl Fn(&Current) + Send + Sync + 'static,
    ) {
        let body: Body = Arc::new(body);
        let first = self.tasks.len();
        for n in 0..count {
            self.tasks.push(TaskDecl {
                name: format!("{name}/{}", first_cpu + n),
                cpu: first_cpu + n,
                class: Class::Fair,
                daemon: false,
                migrates: false,
                same_as: (n > 0).then_some(first),
                body: body.clone(),
            });
        }
    }

    /// Declares an interrupt of a CPU. It is delivered on the running task where interrupts are on.
    pub fn irq(
        &mut self,
        name: impl Into<String>,
        cpu: u32,
        handler: impl Fn(&Current) + Send + Sync + 'static,
    ) -> Irq {
        self.declare_irq(name.into(), cpu, false, Arc::new(handler))
    }

    /// Declares a non-maskable interrupt of a CPU.
    pub fn nmi(
        &mut self,
        name: impl Into<String>,
        cpu: u32,
        handler: impl Fn(&Current) + Send + Sync + 'static,
    ) -> Irq {
        self.declare_irq(name.into(), cpu, true, Arc::new(handler))
    }

    fn declare_irq(&mut self, name: String, cpu: u32, nmi: bool, handler: Body) -> Irq {
        self.irqs.push(IrqDecl { name, cpu, nmi, armed: None, handler });
        Irq(IrqId::try_from(self.irqs.len() - 1).expect("at most 256 interrupts"))
    }

    /// The interrupt becomes pending at `at` nanoseconds: its timer was armed before the scenario begins.
    pub fn armed(&mut self, irq: Irq, at: u64) {
        self.irqs[usize::from(irq.0)].armed = Some(at);
    }

    /// Declares a loop whose rounds are bounded: one more than `bound` is [`Verdict::Unbounded`](crate::Verdict).
    pub fn bounded_work(&mut self, name: impl Into<String>, bound: u64) -> Work {
        self.works.push(WorkDecl { name: name.into(), bound });
        Work(WorkId::try_from(self.works.len() - 1).expect("at most 256 sites of work"))
    }

    /// Virtual time stops at so many nanoseconds. A scenario with periodic timers never becomes quiet by itself; at
    /// the horizon it is a lockup if tasks wait for each other and no timer can break that.
    pub fn horizon(&mut self, ns: u64) {
        self.horizon = ns;
    }

    /// What must hold when all tasks are done. It sees everything that they did.
    pub fn finally(&mut self, check: impl Fn(&Current) + Send + Sync + 'static) {
        self.finally = Some(Arc::new(check));
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}

/// More about the task just declared.
pub struct TaskOptions<'a> {
    task: &'a mut TaskDecl,
}

impl TaskOptions<'_> {
    /// The task is of the stop class.
    pub fn stop_class(self) -> Self {
        self.task.class = Class::Stop;
        self
    }

    /// The task is of the deadline class.
    pub fn deadline_class(self) -> Self {
        self.task.class = Class::Deadline;
        self
    }

    /// The task serves others for ever: the end is reached when it sleeps and all others are done.
    pub fn daemon(self) -> Self {
        self.task.daemon = true;
        self
    }

    /// The task calls [`Current::set_cpus_allowed`], so it may move.
    pub fn migrates(self) -> Self {
        self.task.migrates = true;
        self
    }
}

impl fmt::Debug for TaskOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskOptions").field("task", &self.task.name).finish()
    }
}

/// An interrupt that the setup declared.
#[derive(Debug, Clone, Copy)]
pub struct Irq(IrqId);

impl Irq {
    /// Makes the interrupt pending on its CPU. Nothing is ordered by it.
    #[track_caller]
    pub fn raise(self) {
        backend::ask(Request::Raise(self.0));
    }

    /// Makes the interrupt pending when virtual time reaches `at` nanoseconds.
    #[track_caller]
    pub fn arm(self, at: u64) {
        backend::ask(Request::Timer(self.0, Some(at)));
    }

    /// Takes back [`Irq::arm`], also where the time has come and the interrupt is only pending.
    #[track_caller]
    pub fn disarm(self) {
        backend::ask(Request::Timer(self.0, None));
    }
}

/// A loop whose rounds are counted.
#[derive(Debug, Clone, Copy)]
pub struct Work(WorkId);

impl Work {
    /// Counts one round.
    #[track_caller]
    pub fn round(self) {
        backend::ask(Request::Work(self.0));
    }
}

/// Cells that live and die together, like a C function's locals that others point to.
#[derive(Debug, Clone, Copy)]
pub struct Frame(FrameId);

impl Frame {
    /// Makes an object whose cells are alive only between [`Frame::enter`] and [`Frame::leave`].
    pub fn around<T>(make: impl FnOnce() -> T) -> (Frame, T) {
        let (id, object) = backend::frame(make);
        (Frame(id), object)
    }

    /// The object comes to life: C's function is entered.
    #[track_caller]
    pub fn enter(self) {
        backend::ask(Request::Frame(self.0, true));
    }

    /// The object dies: C's function returns. An access after it is a violation.
    #[track_caller]
    pub fn leave(self) {
        backend::ask(Request::Frame(self.0, false));
    }
}

/// An explicit choice: a model tries every value below `n`; real threads take 0.
#[track_caller]
pub fn nondet(n: u64) -> u64 {
    backend::ask(Request::Nondet(n))
}

/// Computes for so many nanoseconds of virtual time; real threads do not wait. That takes the CPU: while a handler or
/// another task has it, the task comes no further. Who is not there yet, or waits for time to pass, is [`away`].
#[track_caller]
pub fn busy(ns: u64) {
    backend::ask(Request::Busy(ns));
}

/// Is away for so many nanoseconds of virtual time: asleep, so that others may have the CPU. Real threads do not wait.
#[track_caller]
pub fn away(ns: u64) {
    backend::ask(Request::Away(ns));
}

/// The virtual time in nanoseconds since the start; 0 on real threads.
#[track_caller]
pub fn now() -> u64 {
    backend::ask(Request::Now)
}

/// The machine stops, as at the end of `panic()`: nothing happens any more, nobody waits for ever, and the final check
/// looks at what there is. On real threads it does nothing.
#[track_caller]
pub fn halt() {
    backend::ask(Request::Halt);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identical_tasks_are_called_by_their_cpus() {
        let setup = Setup::collect(&|setup: &mut Setup| setup.identical_tasks("migration", 1, 2, |_| {}));
        let tasks: Vec<_> = setup.tasks.iter().map(|task| (task.name.as_str(), task.cpu)).collect();
        assert_eq!(tasks, [("migration/1", 1), ("migration/2", 2)]);
    }
}
