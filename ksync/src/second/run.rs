// SPDX-License-Identifier: GPL-2.0-only
//! What the engine itself knows about a check and about the execution that runs: plain data beside loom's.
//!
//! All threads of a model are coroutines on one OS thread, so it stands in thread-locals. No borrow of it lives
//! across a call into loom, which may switch to another task.

use super::Touch;
use super::dependence::Life;
use super::words::{Held, Word};
use crate::backend::world::Made;
use crate::op::{CellId, Cond, MemOp};
use crate::place::Place;
use crate::report::OnProgress;
use crate::request::Request;
use crate::verdict::Verdict;
use loom::sync::Condvar;
use loom::thread::Thread;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Where a task is.
#[derive(Clone)]
pub(super) enum Doing {
    /// It can go on.
    Runs,
    /// It is about to take this lock, and cannot while another has it.
    Locks(CellId, Place),
    /// It found its condition false, and is parked for the rest of this execution.
    Waits(Waiting),
    /// It is done.
    Ended,
}

/// An await or a sleep that did not end.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) request: Request,
    pub(super) cell: CellId,
    pub(super) cond: Cond,
    pub(super) place: Place,
}

impl Waiting {
    pub(super) fn sleeps(&self) -> bool {
        matches!(self.request, Request::Sleep { .. })
    }
}

pub(super) struct Task {
    pub(super) doing: Doing,
    pub(super) irqs_off: bool,
    /// How to wake it, if it is parked.
    pub(super) parked: Option<Thread>,
}

/// One operation that was performed.
pub(super) struct Event {
    pub(super) task: usize,
    pub(super) place: Place,
    pub(super) request: Request,
    pub(super) value: u64,
}

/// How the execution comes to its end, once nobody can run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It does not yet.
    Not,
    /// Somebody waited too early. The executions in which it comes later are explored too, so this one is
    /// given up.
    Pruned,
    /// All is done; daemons may sleep.
    Done,
}

/// loom's objects of one execution. Tasks share them, and calls into loom need them without a borrow of [`Now`].
#[derive(Default)]
pub(super) struct Objects {
    pub(super) words: Vec<Word>,
    pub(super) lives: Vec<Life>,
    /// Touched before each full barrier.
    pub(super) barriers: Option<Condvar>,
}

/// The execution that runs.
pub(super) struct Now {
    pub(super) objects: Rc<Objects>,
    /// The value that was written last into each word.
    pub(super) newest: Vec<u64>,
    /// Who has each lock, and where it was taken.
    pub(super) holders: Vec<Option<(usize, Place)>>,
    pub(super) held: Vec<(CellId, Held)>,
    /// The setup's tasks, and one more for the final check.
    pub(super) tasks: Vec<Task>,
    pub(super) frames: u64,
    pub(super) rounds: Vec<u64>,
    pub(super) events: Vec<Event>,
    pub(super) ending: Ending,
}

/// Why a check ends early.
pub(super) enum Failure {
    Verdict(Verdict),
    /// Nobody can run, and nobody ever will.
    Stuck,
    /// A lock was tried or looked at for the first time: then its release must be a scheduling point, and what
    /// was explored until now counts for nothing.
    StartOver,
    /// The search for those who end the waits of a lockup is over.
    Learned,
}

/// A check: many executions of one scenario.
pub(super) struct Run {
    pub(super) made: Arc<Made>,
    pub(super) touch: Touch,
    pub(super) max_executions: u64,
    pub(super) on_progress: Option<OnProgress>,
    pub(super) executions: u64,
    pub(super) steps: u64,
    pub(super) depth: usize,
    /// For each word, the tasks that were seen to write it in any execution, and where.
    pub(super) writers: Vec<Vec<(usize, Place)>>,
    /// Locks that are tried or looked at.
    pub(super) tried: Vec<bool>,
    /// After a lockup: the words that were waited for and the tasks that did. Who else writes them?
    pub(super) sought: Option<Vec<(CellId, usize)>>,
    pub(super) failure: Option<Failure>,
    pub(super) now: Now,
}

thread_local! {
    pub(super) static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
    /// The task whose code runs.
    static RUNNING: Cell<usize> = const { Cell::new(0) };
    static CODE: Cell<Code> = const { Cell::new(Code::Task) };
}

/// Whose code runs, to tell a panic of loom from one of the scenario.
#[derive(Clone, Copy)]
pub(super) enum Code {
    /// The scenario's.
    Task,
    /// loom's.
    Loom,
    /// loom's, for an access to this word.
    Access(CellId),
}

/// Unwinds a task whose execution is over.
pub(super) struct Quit;

/// Unwinds out of loom: [`Run::failure`] says why.
pub(super) struct Stop;

/// Looks at the check that runs on this OS thread.
pub(super) fn with<R>(f: impl FnOnce(&mut Run) -> R) -> R {
    RUN.with_borrow_mut(|run| f(run.as_mut().expect("a model runs")))
}

pub(super) fn running() -> usize {
    RUNNING.get()
}

/// The code of this task runs from here on.
pub(super) fn enter_task(task: usize) {
    RUNNING.set(task);
    CODE.set(Code::Task);
}

/// A call into loom on behalf of the running task. Other tasks may run in it.
pub(super) fn in_loom<R>(cell: Option<CellId>, call: impl FnOnce() -> R) -> R {
    let me = running();
    CODE.set(cell.map_or(Code::Loom, Code::Access));
    let value = call();
    enter_task(me);
    value
}

/// Whose code a panic came from that was just caught.
pub(super) fn panicked_in() -> Code {
    CODE.replace(Code::Task)
}

/// Ends the check.
pub(super) fn fail(failure: Failure) -> ! {
    with(|run| run.failure = Some(failure));
    std::panic::resume_unwind(Box::new(Stop))
}

impl Run {
    pub(super) fn name(&self, cell: CellId) -> String {
        self.made.cells[cell as usize].name.clone()
    }

    pub(super) fn task_name(&self, task: usize) -> String {
        self.made.setup.tasks.get(task).map_or_else(|| "finally".to_owned(), |task| task.name.clone())
    }

    pub(super) fn cpu(&self, task: usize) -> u32 {
        self.made.setup.tasks.get(task).map_or(0, |task| task.cpu)
    }

    pub(super) fn wrote(&mut self, cell: CellId, value: u64, task: usize, place: Place) {
        self.now.newest[cell as usize] = value;
        let writers = &mut self.writers[cell as usize];
        if writers.iter().all(|(writer, _)| *writer != task) {
            writers.push((task, place));
        }
    }

    /// Whether the task cannot go on as things stand.
    pub(super) fn stuck(&self, task: usize) -> bool {
        match &self.now.tasks[task].doing {
            Doing::Runs => false,
            Doing::Locks(cell, _) => self.now.holders[*cell as usize].is_some(),
            Doing::Waits(_) | Doing::Ended => true,
        }
    }

    /// Whether the task serves others and sleeps: then it may do so for ever.
    pub(super) fn served(&self, task: usize) -> bool {
        let daemon = self.made.setup.tasks.get(task).is_some_and(|task| task.daemon);
        daemon && matches!(&self.now.tasks[task].doing, Doing::Waits(waiting) if waiting.sleeps())
    }

    /// Whether the task needs nothing more.
    pub(super) fn done(&self, task: usize) -> bool {
        matches!(self.now.tasks[task].doing, Doing::Ended) || self.served(task) && !self.lost(task)
    }

    /// Whether the task sleeps although what it waits for is there.
    pub(super) fn lost(&self, task: usize) -> bool {
        match &self.now.tasks[task].doing {
            Doing::Waits(Waiting { request: Request::Sleep { wants: Some((cell, cond)), .. }, .. }) => {
                cond.holds(self.now.newest[*cell as usize])
            }
            _ => false,
        }
    }

    /// Whether the task waits for a lock whose holder waits for a lock, and so on, until one that the task holds.
    pub(super) fn locks_in_a_circle(&self, task: usize) -> bool {
        let mut at = task;
        for _ in 0..self.now.tasks.len() {
            let Doing::Locks(cell, _) = self.now.tasks[at].doing else { return false };
            let Some((holder, _)) = self.now.holders[cell as usize] else { return false };
            if holder == task {
                return true;
            }
            at = holder;
        }
        false
    }

    /// The operation that the task waits in, for people.
    pub(super) fn waits_in(&self, task: usize) -> Option<(Request, Place)> {
        match &self.now.tasks[task].doing {
            Doing::Locks(cell, place) => Some((Request::Mem(MemOp::Lock { cell: *cell, holder: 0 }), *place)),
            Doing::Waits(waiting) => Some((waiting.request.clone(), waiting.place)),
            Doing::Runs | Doing::Ended => None,
        }
    }

    /// Counts the steps of the execution that is over.
    pub(super) fn count(&mut self) {
        self.steps += self.now.events.len() as u64;
        self.depth = self.depth.max(self.now.events.len());
    }

    /// Makes loom's objects for the next execution, and forgets the last one.
    pub(super) fn begin(&mut self) {
        self.count();
        self.executions += 1;
        let readers = self.touch != Touch::Nothing;
        let words = self.made.cells.iter().zip(&self.tried);
        let tasks = self.now.tasks.len();
        let objects = Objects {
            words: words.map(|(decl, &tried)| Word::new(decl, tried, readers)).collect(),
            lives: (0..self.made.frames).map(|_| Life::new(tasks)).collect(),
            barriers: (self.touch == Touch::Barriers).then(Condvar::new),
        };
        let mut events = std::mem::take(&mut self.now.events);
        events.clear();
        self.now = Now::new(&self.made, objects);
        self.now.events = events;
    }
}

impl Now {
    pub(super) fn new(made: &Made, objects: Objects) -> Self {
        let task = |doing| Task { doing, irqs_off: false, parked: None };
        let mut tasks: Vec<Task> = made.setup.tasks.iter().map(|_| task(Doing::Runs)).collect();
        tasks.push(task(Doing::Ended));
        Now {
            objects: Rc::new(objects),
            newest: made.cells.iter().map(|decl| decl.init).collect(),
            holders: vec![None; made.cells.len()],
            held: Vec::new(),
            tasks,
            frames: 0,
            rounds: vec![0; made.setup.works.len()],
            events: Vec::new(),
            ending: Ending::Not,
        }
    }
}
