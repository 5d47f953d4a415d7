// SPDX-License-Identifier: GPL-2.0-only
//! C: `kernel/stop_machine.c`: the stopper's objects.

use crate::list::{ListHead, ListNode};
use crate::machine::Ctx;
use crate::multi_stop_data::MultiStopData;
use crate::task::TaskStruct;
use ksync::{Atomic, Completion, Full, Id, Plain, SpinLock};
use std::fmt;

/// `struct cpu_stopper`.
#[derive(Debug)]
pub struct CpuStopper {
    /// The CPU's number.
    pub cpu: u32,
    /// `migration/N`.
    pub thread: Id<TaskStruct>,
    /// Guards `works`.
    pub lock: SpinLock,
    /// Is this stopper enabled?
    ///
    /// DEVIATION: a plain bool in C, which `stop_machine_park()` writes without the lock.
    pub enabled: Atomic<bool>,
    /// List of pending works.
    pub works: ListHead,
    /// For `stop_cpus()`.
    pub stop_work: Id<CpuStopWork>,
    /// The request whose other stoppers this one waits for in `PREPARE`: see [`crate::patience`].
    pub waits_in: Atomic<Option<Id<MultiStopData>>>,
    /// `KTHREAD_SHOULD_PARK` of the thread.
    pub should_park: Atomic<bool>,
}

impl CpuStopper {
    pub(crate) fn new(cpu: u32, thread: Id<TaskStruct>, stop_work: Id<CpuStopWork>) -> Self {
        CpuStopper {
            cpu,
            thread,
            lock: SpinLock::named(format_args!("stopper{cpu}.lock")),
            enabled: Atomic::named(true, format_args!("stopper{cpu}.enabled")),
            works: ListHead::new(&format!("stopper{cpu}.works")),
            stop_work,
            waits_in: Atomic::named(None, format_args!("stopper{cpu}.waits_in")),
            should_park: Atomic::named(false, format_args!("stopper{cpu}.should_park")),
        }
    }
}

/// `struct cpu_stop_work`.
#[derive(Debug)]
pub struct CpuStopWork {
    /// On a stopper's `works`.
    pub list: ListNode,
    /// `fn`, which is a keyword here.
    pub func: Plain<Id<StopFn>>,
    /// The argument, a number or an id.
    pub arg: Plain<u32>,
    /// Whom to signal; nowait users have none.
    pub done: Plain<Option<Id<CpuStopDone>>>,
}

impl CpuStopWork {
    pub(crate) fn new(
        id: Id<CpuStopWork>,
        name: &str,
        func: Id<StopFn>,
        arg: u32,
        done: Option<Id<CpuStopDone>>,
    ) -> Self {
        CpuStopWork {
            list: ListNode::new(id, name),
            func: Plain::named(func, format_args!("{name}.fn")),
            arg: Plain::named(arg, format_args!("{name}.arg")),
            done: Plain::named(done, format_args!("{name}.done")),
        }
    }
}

/// `struct cpu_stop_done`.
#[derive(Debug)]
pub struct CpuStopDone {
    /// Works left.
    pub nr_todo: Atomic<u32>,
    /// The collected return value.
    pub ret: Plain<i32>,
    /// Fires when `nr_todo` reaches 0.
    pub completion: Completion,
    /// `completion.wait.lock`.
    /// DEVIATION: only where somebody waits busily: to a sleeper `complete()` is one step.
    pub wait_lock: Option<SpinLock>,
}

impl CpuStopDone {
    /// `cpu_stop_init_done()`.
    pub(crate) fn new(name: &str, nr_todo: u32) -> Self {
        CpuStopDone {
            nr_todo: Atomic::named(nr_todo, format_args!("{name}.nr_todo")),
            ret: Plain::named(0, format_args!("{name}.ret")),
            completion: Completion::named(format_args!("{name}.completion")),
            wait_lock: None,
        }
    }

    /// The same for one who does not sleep until all have signalled.
    pub(crate) fn waited_for_busily(name: &str, nr_todo: u32) -> Self {
        let wait_lock = Some(SpinLock::named(format_args!("{name}.completion.wait.lock")));
        CpuStopDone { wait_lock, ..CpuStopDone::new(name, nr_todo) }
    }
}

/// `cpu_stop_fn_t`: a function that runs on a stopper, and its name.
pub struct StopFn {
    name: &'static str,
    run: Box<Callback>,
}

type Callback = dyn Fn(&Ctx, u32) -> i32 + Send + Sync;

impl StopFn {
    pub(crate) fn new(name: &'static str, run: impl Fn(&Ctx, u32) -> i32 + Send + Sync + 'static) -> Self {
        StopFn { name, run: Box::new(run) }
    }

    /// Calls the function.
    pub fn call(&self, ctx: &Ctx, arg: u32) -> i32 {
        (self.run)(ctx, arg)
    }
}

impl fmt::Debug for StopFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `cpu_stop_signal_done()`: one work is done.
pub fn cpu_stop_signal_done(ctx: &Ctx, done: Id<CpuStopDone>) {
    let done = ctx.machine.done(done);
    // ORDERING: Full, as every atomic that returns a value: `ret` and the works of all stoppers before the
    // completion. Pairs with the same operation on the other stoppers. Without it the waiter's read of `ret` races
    // with the other stopper's write: `signal-done`.
    if done.nr_todo.dec_and_test(Full) {
        let wait_lock = done.wait_lock.as_ref().map(|lock| lock.lock_irqsave(ctx.current));
        done.completion.complete();
        if let Some(wait_lock) = wait_lock {
            wait_lock.unlock();
        }
    }
}
