// SPDX-License-Identifier: GPL-2.0-only
//! A task's body in a coroutine: where a facade call goes out, and where its answer comes back.

use super::audit::watch;
use super::task::{Asked, At, Reply};
use crate::backend::world::{self, Phase};
use crate::current::Current;
use crate::place::Place;
use crate::request::Request;
use crate::setup::{Body, TaskDecl};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

/// What a task's coroutine needs to know of its task.
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) cpu: u32,
    pub(super) migrates: bool,
    /// Others have the same tree; in it they are all taken for this one.
    pub(super) has_like: bool,
    /// It was seen to ask which of them it is.
    pub(super) asked_which: Cell<bool>,
    pub(super) body: Body,
    pub(super) handlers: Rc<[Body]>,
}

impl Identity {
    pub(super) fn new(task: &TaskDecl, number: usize, has_like: bool, handlers: Rc<[Body]>) -> Identity {
        Identity {
            name: task.name.clone(),
            number,
            cpu: task.cpu,
            migrates: task.migrates,
            has_like,
            asked_which: Cell::new(false),
            body: task.body.clone(),
            handlers,
        }
    }

    pub(super) fn of_final_check(body: Body) -> Identity {
        Identity {
            name: "finally".to_owned(),
            number: usize::MAX,
            cpu: 0,
            migrates: false,
            has_like: false,
            asked_which: Cell::new(false),
            body,
            handlers: Rc::new([]),
        }
    }
}

pub(super) type Routine = Coroutine<Reply, Asked, End, DefaultStack>;

/// How a body ends.
pub(super) enum End {
    Done,
    Panicked(String),
}

const STACK_BYTES: usize = 128 * 1024;

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
    /// The port of the coroutine that runs now.
    static PORT: Cell<*const Port> = const { Cell::new(std::ptr::null()) };
}

struct Port {
    yielder: *const Yielder<Reply, Asked>,
    current: *const Current,
    identity: Rc<Identity>,
    /// What runs is the body of a waiting loop.
    in_body: Cell<bool>,
}

/// A facade call of the running task; a wait may have a body that its loop runs through while it waits.
pub(crate) fn request(mut request: Request, place: Place, body: Option<&dyn Fn()>) -> u64 {
    if std::thread::panicking() {
        return 0; // The task failed; its guards go without a trace.
    }
    let port_at = PORT.get();
    // SAFETY: a facade call in phase `Explorer` comes from a coroutine, and `PORT` points to its port, which lives
    // on its stack as long as it does: `start` sets it first and the line after `suspend` sets it again.
    let port = unsafe { &*port_at };
    if let Request::Distilled { preempt_count, irqs_off, .. } = &mut request {
        // SAFETY: `current` lives beside the port.
        let current = unsafe { &*port.current };
        (*preempt_count, *irqs_off) = (current.preempt_count(), current.irqs_disabled());
    }
    let identity = &port.identity;
    let watched = if identity.has_like && identity.asked_which.get() { watch(&mut request) } else { Vec::new() };
    let ask = |request: Request| {
        let (body, in_body) = (body.is_some(), port.in_body.get());
        let asked = Asked { request, place, body, in_body, watched: watched.clone() };
        // SAFETY: as above; the yielder belongs to this coroutine.
        let reply = unsafe { &*port.yielder }.suspend(asked);
        PORT.set(port_at);
        reply
    };
    if port.identity.handlers.is_empty() && body.is_none() {
        return match ask(request) {
            Reply::Value(value) => value,
            Reply::Irq(_) | Reply::Body => unreachable!("no interrupt was declared, and there is no body"),
        };
    }
    loop {
        match ask(request.clone()) {
            Reply::Value(value) => return value,
            Reply::Irq(irq) => {
                // SAFETY: as above; `current` lives beside the port.
                let current = unsafe { &*port.current };
                let irqs_off = current.enter_interrupt();
                let in_body = port.in_body.replace(false);
                (port.identity.handlers[usize::from(irq)])(current);
                port.in_body.set(in_body);
                current.leave_interrupt(irqs_off);
                ask(Request::IrqReturn(irqs_off));
            }
            Reply::Body => {
                let in_body = port.in_body.replace(true);
                body.expect("only a wait with a body is answered so")();
                port.in_body.set(in_body);
            }
        }
    }
}

/// The running task asks which one it is. If it has its like that is noted, and its CPU is the first one's.
pub(crate) fn asks_which_it_is() -> Option<u32> {
    // SAFETY: as in `request`.
    let identity = &unsafe { &*PORT.get() }.identity;
    identity.asked_which.set(true);
    identity.has_like.then_some(identity.cpu)
}

/// Whether the running task may change its CPU.
pub(crate) fn task_migrates() -> bool {
    // SAFETY: as in `request`.
    unsafe { &*PORT.get() }.identity.migrates
}

/// A new coroutine before the task's first line.
pub(super) fn start(identity: Rc<Identity>) -> Routine {
    let stack = STACKS.with_borrow_mut(Vec::pop);
    let stack = stack.unwrap_or_else(|| DefaultStack::new(STACK_BYTES).expect("no memory for a coroutine's stack"));
    Coroutine::with_stack(stack, move |yielder: &Yielder<Reply, Asked>, _| {
        let current = Current::new(&identity.name, identity.number, identity.cpu);
        let port = Port { yielder, current: &raw const current, identity, in_body: Cell::new(false) };
        PORT.set(&raw const port);
        match catch_unwind(AssertUnwindSafe(|| (port.identity.body)(&current))) {
            Ok(()) => End::Done,
            Err(payload) if world::phase() == Phase::Torn => resume_unwind(payload),
            Err(payload) => End::Panicked(super::quiet::message(payload.as_ref())),
        }
    })
}

/// Tears the coroutine down, wherever it stands.
pub(super) fn stop(mut routine: Routine) {
    if !routine.done() {
        let before = world::enter(Phase::Torn);
        routine.force_unwind();
        world::enter(before);
    }
    STACKS.with_borrow_mut(|stacks| stacks.push(routine.into_stack()));
}

/// Runs the task on from its last request, which is answered so, to its next one.
pub(super) fn resume(routine: &mut Routine, reply: Reply) -> At {
    let before = world::enter(Phase::Explorer);
    let result = routine.resume(reply);
    world::enter(before);
    match result {
        CoroutineResult::Yield(asked) => At::Asks(Rc::new(asked)),
        CoroutineResult::Return(End::Done) => At::Done,
        CoroutineResult::Return(End::Panicked(message)) => At::Panicked(message),
    }
}
