// SPDX-License-Identifier: GPL-2.0-only
//! What C reaches without an argument: the kernel's code, `current` and per-CPU variables.

use crate::kernel::Kernel;
use crate::page::{MemMap, PageInit};
use crate::qspinlock_queue::{MAX_NODES, QNode, decode_tail};
use ksync::{Current, Id, Setup, TaskOptions, Work};
use std::sync::Arc;

/// A machine that runs a kernel, made by a scenario's setup.
#[derive(Debug)]
pub struct Machine {
    /// The revision of every function.
    pub kernel: Kernel,
    /// The per-CPU nodes of the queued spinlocks, from CPU 0 up.
    qnodes: Arc<[[QNode; MAX_NODES]]>,
    /// Counts the rounds of unbounded loops, where a scenario asks for it.
    rounds: Option<Work>,
    /// All pages, where a scenario has some.
    pub mem_map: MemMap,
}

/// The running task on its machine.
#[derive(Debug, Clone, Copy)]
pub struct Ctx<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The execution context.
    pub current: &'a Current,
}

impl Machine {
    /// A machine that runs this kernel, without per-CPU variables.
    pub fn new(kernel: Kernel) -> Self {
        Machine::with_cpus(kernel, 0)
    }

    /// A machine whose CPUs have nodes for queued spinlocks.
    pub fn with_cpus(kernel: Kernel, cpus: u32) -> Self {
        let qnodes = (0..cpus).map(|cpu| std::array::from_fn(|idx| QNode::new(cpu, idx))).collect();
        Machine { kernel, qnodes, rounds: None, mem_map: MemMap::new(&kernel, &[]) }
    }

    /// The same, with unbounded loops counted.
    #[must_use]
    pub fn counting(self, rounds: Work) -> Self {
        Machine { rounds: Some(rounds), ..self }
    }

    /// The same machine, for tasks whose loops are not counted. It has no pages.
    #[must_use]
    pub fn uncounted(&self) -> Self {
        let mem_map = MemMap::new(&self.kernel, &[]);
        Machine { kernel: self.kernel, qnodes: self.qnodes.clone(), rounds: None, mem_map }
    }

    /// The same with these pages.
    #[must_use]
    pub fn with_pages(self, pages: &[PageInit]) -> Self {
        Machine { mem_map: MemMap::new(&self.kernel, pages), ..self }
    }

    /// The same where no page is compound yet, and those that will be have so many pages.
    #[must_use]
    pub fn with_hugepages_of(mut self, hpage_pmd_nr: u32) -> Self {
        self.mem_map.hpage_pmd_nr = hpage_pmd_nr;
        self
    }

    /// One round of a loop that C does not bound.
    pub(crate) fn round(&self) {
        if let Some(rounds) = self.rounds {
            rounds.round();
        }
    }

    /// `per_cpu(qnodes, cpu)`.
    pub fn qnodes(&self, cpu: u32) -> &[QNode; MAX_NODES] {
        &self.qnodes[cpu as usize]
    }

    /// `&qnodes[idx]` of a CPU, as a pointer.
    pub(crate) fn qnode_id(cpu: u32, idx: u32) -> Id<QNode> {
        Id::new(cpu * MAX_NODES as u32 + idx)
    }

    /// What such a pointer points to.
    pub(crate) fn qnode(&self, id: Id<QNode>) -> &QNode {
        &self.qnodes[id.index() / MAX_NODES][id.index() % MAX_NODES]
    }

    /// The node that a lock word's tail names.
    pub(crate) fn tail_node(&self, val: u32) -> &QNode {
        let (cpu, idx) = decode_tail(val);
        self.qnode(Machine::qnode_id(cpu, idx))
    }

    /// What runs in this context.
    pub fn on<'a>(&'a self, current: &'a Current) -> Ctx<'a> {
        Ctx { machine: self, current }
    }

    /// Declares a task on a CPU.
    pub fn spawn<'s>(
        self: &Arc<Self>,
        setup: &'s mut Setup,
        name: &str,
        cpu: u32,
        body: impl Fn(&Ctx) + Send + Sync + 'static,
    ) -> TaskOptions<'s> {
        let machine = self.clone();
        setup.task(name, cpu, move |current| body(&machine.on(current)))
    }
}
