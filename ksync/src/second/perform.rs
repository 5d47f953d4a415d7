// SPDX-License-Identifier: GPL-2.0-only
//! A task's requests, performed on loom.

use super::dependence::{Life, touch};
use super::run::{self, Doing, Ending, Event, Failure, Objects, Quit, Waiting, in_loom, with};
use super::wait;
use super::words::{self, Held, Memory, Word};
use crate::op::{CellId, Fence, MemOp, Order};
use crate::place::Place;
use crate::request::{FrameId, Request};
use crate::verdict::Verdict;
use loom::sync::atomic::Ordering;
use std::rc::Rc;

/// Performs a request of the running task.
pub(crate) fn request(request: Request, place: Place) -> u64 {
    if std::thread::panicking() {
        return 0; // A guard goes out of scope in an execution that is over.
    }
    let me = run::running();
    if request.is_distilling() {
        return 0; // loom keeps no states that could be one.
    }
    let value = match &request {
        Request::Mem(op) => memory(me, op, place),
        Request::Sleep { cell, .. } => sleep(me, *cell, &request, place),
        Request::IrqsOff(off) => with(|run| {
            run.now.tasks[me].irqs_off = *off;
            0
        }),
        // Nobody preempts, and computing takes no time.
        Request::PreemptOff(_) | Request::Busy(_) | Request::Away(_) | Request::Nondet(0 | 1) => 0,
        Request::Cpu => with(|run| u64::from(run.cpu(me))),
        Request::Work(site) => {
            round(usize::from(*site));
            0
        }
        Request::Frame(frame, alive) => {
            life(*frame, *alive);
            0
        }
        Request::Nondet(_) => cannot("loom has no nondeterministic choice"),
        Request::SetAllowed(_) => cannot("loom moves no task between CPUs"),
        Request::Raise(_) | Request::IrqReturn(_) => cannot("loom has no interrupts"),
        Request::Timer(..) | Request::Now => cannot("loom has no clock"),
        Request::Halt => cannot("loom stops no machine"),
        Request::Idle => cannot("loom has no idle task"),
        Request::Distil | Request::Distilled { .. } => unreachable!("done above"),
    };
    with(|run| run.now.events.push(Event { task: me, place, request, value }));
    value
}

fn cannot(what: &str) -> ! {
    run::fail(Failure::Verdict(Verdict::Unknown { bound: what.to_owned() }))
}

fn objects() -> Rc<Objects> {
    with(|run| run.now.objects.clone())
}

fn memory(me: usize, op: &MemOp, place: Place) -> u64 {
    let objects = objects();
    let Some(cell) = op.cell() else {
        if let MemOp::Fence(kind) = op {
            fence(&objects, words::barrier(*kind));
        }
        return 0;
    };
    let word = &objects.words[cell as usize];
    approach(me, &objects, cell);
    let value = match (&word.memory, op) {
        (Memory::Atomic(bits), MemOp::Load { order, .. }) => {
            let value = in_loom(Some(cell), || bits.load(*order));
            read(me, word);
            value
        }
        (Memory::Atomic(bits), MemOp::Await { cond, order, .. }) => {
            let value = in_loom(Some(cell), || bits.load(*order));
            read(me, word);
            if !cond.holds(value) {
                accessed(me, &objects, cell);
                let request = Request::Mem(op.clone());
                wait::block(me, Waiting { request, cell, cond: cond.clone(), place });
            }
            value
        }
        (Memory::Atomic(bits), MemOp::Store { value, order, .. }) => {
            in_loom(Some(cell), || bits.store(*value, *order));
            written(me, word);
            with(|run| run.wrote(cell, *value, me, place));
            0
        }
        (Memory::Atomic(bits), MemOp::Rmw { rmw, mask, order, observe, .. }) => {
            let full = *order == Order::Full;
            if full {
                fence(&objects, words::barrier(Fence::Mb));
            }
            let old = in_loom(Some(cell), || bits.rmw(*rmw, *order));
            let new = rmw.apply(old, *mask);
            if let Some(new) = new {
                written(me, word);
                with(|run| run.wrote(cell, new, me, place));
            }
            accessed(me, &objects, cell);
            if full && new.is_some() {
                // In the same step: nobody can come in between, so there is nothing to touch.
                in_loom(None, || loom::sync::atomic::fence(Ordering::SeqCst));
            }
            return observe.of(old, new);
        }
        (Memory::Plain(plain), MemOp::Read { .. }) => in_loom(Some(cell), || plain.get()),
        (Memory::Plain(plain), MemOp::Write { value, .. }) => {
            in_loom(Some(cell), || plain.set(*value));
            with(|run| run.wrote(cell, *value, me, place));
            0
        }
        (Memory::Lock(mutex), MemOp::Lock { .. }) => {
            wait::before_lock(me, cell, place);
            let held = in_loom(Some(cell), || Held::lock(mutex));
            with(|run| run.now.tasks[me].doing = Doing::Runs);
            if with(|run| run.now.ending) != Ending::Not {
                drop(held);
                std::panic::resume_unwind(Box::new(Quit));
            }
            took(me, cell, held, place);
            0
        }
        (Memory::Lock(mutex), MemOp::TryLock { .. }) => {
            look_at(cell);
            let held = in_loom(Some(cell), || Held::try_lock(mutex));
            let success = held.is_some();
            if let Some(held) = held {
                took(me, cell, held, place);
            }
            u64::from(success)
        }
        (Memory::Lock(_), MemOp::Unlock { .. }) => {
            release(cell);
            0
        }
        (Memory::Lock(_), MemOp::IsLocked { .. }) => {
            look_at(cell);
            // DEVIATION: the newest state of the lock, where the kernel's relaxed read may be stale.
            with(|run| u64::from(run.now.holders[cell as usize].is_some()))
        }
        _ => unreachable!("{op:?} on a word of another kind"),
    };
    accessed(me, &objects, cell);
    value
}

/// Scheduling points before an access, where loom needs them.
fn approach(me: usize, objects: &Objects, cell: CellId) {
    let word = &objects.words[cell as usize];
    if let (Memory::Plain(_) | Memory::Lock(_), Some(life)) = (&word.memory, life_of(objects, cell)) {
        in_loom(None, || life.before_access(me));
    }
    if let Some(condvar) = &word.tried {
        in_loom(None, || touch(condvar));
    }
}

fn read(me: usize, word: &Word) {
    if let Some(readers) = &word.readers {
        in_loom(None, || readers.read(me));
    }
}

fn written(me: usize, word: &Word) {
    if let Some(readers) = &word.readers {
        in_loom(None, || readers.written(me));
    }
}

fn fence(objects: &Objects, ordering: Ordering) {
    if let (Some(barriers), Ordering::SeqCst) = (&objects.barriers, ordering) {
        in_loom(None, || touch(barriers));
    }
    in_loom(None, || loom::sync::atomic::fence(ordering));
}

/// The life of the frame that the word stands in.
fn life_of(objects: &Objects, cell: CellId) -> Option<&Life> {
    let frame = with(|run| run.made.cells[cell as usize].frame)?;
    Some(&objects.lives[usize::from(frame)])
}

/// Fails if the word just accessed was not alive.
fn accessed(me: usize, objects: &Objects, cell: CellId) {
    if let (Memory::Atomic(_), Some(life)) = (&objects.words[cell as usize].memory, life_of(objects, cell)) {
        in_loom(None, || life.accessed(me));
    }
    let dead = with(|run| {
        let frame = run.made.cells[cell as usize].frame;
        frame.is_some_and(|frame| run.now.frames & 1 << frame == 0).then(|| run.name(cell))
    });
    if let Some(word) = dead {
        let property = format!("use of {word} outside of its life");
        run::fail(Failure::Verdict(Verdict::Violated { property }));
    }
}

fn life(frame: FrameId, begins: bool) {
    let objects = objects();
    in_loom(None, || objects.lives[usize::from(frame)].changes());
    with(|run| {
        let bit = 1 << frame;
        if begins { run.now.frames |= bit } else { run.now.frames &= !bit }
    });
}

/// Counts one round of bounded work.
fn round(site: usize) {
    let passed = with(|run| {
        run.now.rounds[site] += 1;
        let work = &run.made.setup.works[site];
        (run.now.rounds[site] > work.bound).then(|| (work.name.clone(), work.bound))
    });
    if let Some((work, bound)) = passed {
        run::fail(Failure::Verdict(Verdict::Unbounded { work, bound, pump: Vec::new() }));
    }
}

fn sleep(me: usize, cell: CellId, request: &Request, place: Place) -> u64 {
    let Request::Sleep { cond, .. } = request else { unreachable!("not a sleep") };
    let objects = objects();
    approach(me, &objects, cell);
    let Memory::Atomic(bits) = &objects.words[cell as usize].memory else { unreachable!("sleeps on a plain word") };
    let expected = with(|run| run.now.newest[cell as usize]);
    let value = in_loom(Some(cell), || bits.newest(expected));
    accessed(me, &objects, cell);
    if !cond.holds(value) {
        wait::block(me, Waiting { request: request.clone(), cell, cond: cond.clone(), place });
    }
    value
}

fn took(me: usize, cell: CellId, held: Held, place: Place) {
    with(|run| {
        run.now.holders[cell as usize] = Some((me, place));
        run.now.held.push((cell, held));
    });
}

fn release(cell: CellId) {
    let held = with(|run| {
        run.now.holders[cell as usize] = None;
        let at = run.now.held.iter().position(|(other, _)| *other == cell)?;
        Some(run.now.held.swap_remove(at))
    });
    in_loom(Some(cell), || drop(held));
}

/// A lock that is tried or looked at needs a scheduling point at its release: loom has none there.
fn look_at(cell: CellId) {
    let known = with(|run| std::mem::replace(&mut run.tried[cell as usize], true));
    if !known {
        run::fail(Failure::StartOver);
    }
}
