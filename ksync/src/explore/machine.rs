// SPDX-License-Identifier: GPL-2.0-only
//! A scenario made ready for exploration: its words, its CPUs, its tasks' trees, and its first state.

use super::bodies::Words;
use super::coroutine::Identity;
use super::memory::{CellKind, Memory};
use super::schedule::settle;
use super::state::{CpuState, NOBODY, State, TaskState};
use super::step::Next;
use super::task::{At, NodeId, Nondeterminism, ROOT, Reply, Tree};
use crate::backend::world::{self, CellDecl, Made};
use crate::op::{CellId, MemOp};
use crate::request::Request;
use crate::setup::{Body, Scenario, Setup};
use crate::verdict::Verdict;
use std::rc::Rc;

/// What never changes while a scenario is explored, and the trees, which only grow.
pub(super) struct Machine {
    pub(super) setup: Setup,
    pub(super) cells: Vec<CellDecl>,
    /// The numbers of the CPUs; everything else counts them by index.
    pub(super) cpus: Vec<u32>,
    pub(super) trees: Vec<Tree>,
    /// The tree of each task.
    pub(super) tree_of: Vec<usize>,
    /// CPU indices on which somebody else may want to run: another task, or an interrupt's handler.
    pub(super) contended: Vec<bool>,
    /// CPU indices that have interrupts.
    pub(super) interrupted: Vec<bool>,
    /// CPU indices that have interrupts which nothing masks.
    pub(super) has_nmi: Vec<bool>,
    /// Groups of tasks any two of which may be exchanged.
    pub(super) groups: Vec<Vec<usize>>,
    /// For each task, the words that bodies of its waiting loops share with other CPUs, as far as is known; nothing
    /// where they access no words.
    pub(super) entangled: Vec<Option<Words>>,
    finally: Option<Tree>,
}

impl Machine {
    pub(super) fn new(scenario: &Scenario) -> Machine {
        let Made { mut setup, cells, cpus, .. } = world::make(scenario);
        let index = |number: u32| cpus.iter().position(|cpu| *cpu == number).expect("collected from the tasks");
        add_idle_tasks(&mut setup);
        assert!(setup.tasks.len() <= 64, "at most 64 tasks");
        let moves = setup.tasks.iter().any(|task| task.migrates);
        let on = |cpu: usize| setup.tasks.iter().filter(|task| index(task.cpu) == cpu).count();
        let interrupted: Vec<bool> =
            (0..cpus.len()).map(|cpu| setup.irqs.iter().any(|irq| index(irq.cpu) == cpu)).collect();
        let has_nmi =
            (0..cpus.len()).map(|cpu| setup.irqs.iter().any(|irq| irq.nmi && index(irq.cpu) == cpu)).collect();
        let contended = (0..cpus.len()).map(|cpu| moves || on(cpu) > 1 || interrupted[cpu]).collect();
        let handlers: Rc<[Body]> = setup.irqs.iter().map(|irq| irq.handler.clone()).collect();
        let (mut trees, mut tree_of) = (Vec::new(), Vec::new());
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (number, task) in setup.tasks.iter().enumerate() {
            if let Some(first) = task.same_as {
                tree_of.push(tree_of[first]);
                match groups.iter_mut().find(|group| group[0] == first) {
                    Some(group) => group.push(number),
                    None => groups.push(vec![first, number]),
                }
                continue;
            }
            tree_of.push(trees.len());
            let has_like = setup.tasks.iter().any(|other| other.same_as == Some(number));
            trees.push(Tree::new(Identity::new(task, number, has_like, handlers.clone())));
        }
        let finally = setup.finally.clone().map(|body| Tree::new(Identity::of_final_check(body)));
        Machine {
            setup,
            cells,
            cpus,
            trees,
            tree_of,
            contended,
            interrupted,
            has_nmi,
            groups,
            entangled: Vec::new(),
            finally,
        }
    }

    /// Where the exploration starts: the first state, unless a task fails before it asks for anything.
    pub(super) fn start<M: Memory>(&self) -> Next<M> {
        let failed = (0..self.setup.tasks.len()).find_map(|task| match self.at(task, ROOT) {
            At::Panicked(message) => Some(Verdict::Violated { property: message.clone() }),
            _ => None,
        });
        failed.map_or_else(|| Next::To(Box::new(self.first_state())), Next::Fails)
    }

    fn first_state<M: Memory>(&self) -> State<M> {
        let cells: Vec<(CellKind, u64)> = self.cells.iter().map(|cell| (cell.kind, cell.init)).collect();
        let tasks = self.setup.tasks.iter().map(|task| {
            let cpu = self.cpu_index(task.cpu);
            TaskState {
                node: ROOT,
                cpu,
                preempt_off: false,
                irqs_off: false,
                in_nmi: 0,
                allowed: 1 << cpu,
                body_due: false,
                busy_until: 0,
                left: 0,
                interrupted: [0; 2],
            }
        });
        let mut state = State {
            mem: M::new(self.cpus.len(), &cells),
            tasks: tasks.collect(),
            cpus: self.cpus.iter().map(|_| CpuState { running: NOBODY, pending: 0 }).collect(),
            frames: 0,
            work: self.setup.works.iter().map(|_| 0).collect(),
            bodies_ran: 0,
            halted: false,
            clock: 0,
            timers: self.setup.irqs.iter().map(|irq| irq.armed).collect(),
        };
        for task in 0..state.tasks.len() {
            settle(self, &mut state, task);
        }
        state
    }

    pub(super) fn cpu_index(&self, number: u32) -> u8 {
        self.cpus.iter().position(|cpu| *cpu == number).expect("a CPU of the scenario") as u8
    }

    pub(super) fn at(&self, task: usize, node: NodeId) -> &At {
        &self.trees[self.tree_of[task]].node(node).at
    }

    /// The reply that led to this node.
    pub(super) fn reply(&self, task: usize, node: NodeId) -> Reply {
        self.trees[self.tree_of[task]].node(node).reply
    }

    pub(super) fn tail(&self, task: usize, node: NodeId) -> &[(CellId, bool)] {
        &self.trees[self.tree_of[task]].node(node).tail
    }

    /// Runs the scenario's final check on the newest values; the message of an assertion that fails.
    pub(super) fn final_check<M: Memory>(&mut self, state: &State<M>) -> Result<Option<String>, Nondeterminism> {
        let Some(tree) = &mut self.finally else { return Ok(None) };
        let mut node = ROOT;
        loop {
            let value = match &tree.node(node).at {
                At::Done => return Ok(None),
                At::Panicked(message) => return Ok(Some(message.clone())),
                At::Asks(asked) => match &asked.request {
                    Request::Mem(op) if !op.writes() => op.cell().map_or(0, |cell| state.mem.newest(cell)),
                    other => return Ok(Some(format!("the final check only reads, but asks {other:?}"))),
                },
            };
            node = tree.child(node, Reply::Value(value))?;
        }
    }

    /// Whether what the operation accesses is there: its frame was entered, and not left.
    pub(super) fn alive<M: Memory>(&self, state: &State<M>, op: &MemOp) -> bool {
        let frame = op.cell().and_then(|cell: CellId| self.cells[cell as usize].frame);
        frame.is_none_or(|frame| state.frame_alive(frame))
    }

    pub(super) fn name(&self, cell: CellId) -> String {
        self.cells[cell as usize].name.clone()
    }
}

/// A CPU with interrupts needs a task to take them on while all others sleep.
fn add_idle_tasks(setup: &mut Setup) {
    let mut cpus: Vec<u32> = setup.irqs.iter().map(|irq| irq.cpu).collect();
    cpus.sort_unstable();
    cpus.dedup();
    for cpu in cpus {
        setup.task(format!("swapper/{cpu}"), cpu, |_| idle()).daemon();
    }
}

/// The idle loop: never ready, and interruptible.
fn idle() {
    crate::backend::ask(crate::request::Request::Idle);
    unreachable!("the idle task only takes interrupts");
}
