// SPDX-License-Identifier: GPL-2.0-only
//! What C reaches without an argument: the kernel's code, `current` and per-CPU variables.

use crate::kernel::Kernel;
use ksync::{Current, Setup, TaskOptions};
use std::sync::Arc;

/// A machine that runs a kernel, made by a scenario's setup.
#[derive(Debug)]
pub struct Machine {
    /// The revision of every function.
    pub kernel: Kernel,
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
    /// A machine that runs this kernel.
    pub fn new(kernel: Kernel) -> Self {
        Machine { kernel }
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
