// SPDX-License-Identifier: GPL-2.0-only
//! Whole functions of the port cost on real atomics what the same functions cost with `std::sync::atomic`.
//!
//! Only short ones are compared: in a long function the compiler orders the statements between the atomics anew
//! after every change, and then two equal costs look different.
#![cfg(all(not(loom), target_arch = "x86_64", target_os = "linux"))]
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

#[path = "../../ksync/tests/zero_cost/asm.rs"]
mod asm;

use ksync::Id;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use stopper::machine::{Ctx, Machine};
use stopper::park::{Disable, stop_machine_park};
use stopper::task::{TASK_INTERRUPTIBLE, TaskStruct, put_task_struct, set_current_state};

/// The machine word below a word of the facade.
fn below<F, W>(x: &F) -> &W {
    const { assert!(size_of::<F>() == size_of::<W>() && align_of::<F>() == align_of::<W>()) };
    // SAFETY: the callers pass an `Atomic` or a `Plain`, which is transparent down to its machine word, and name the
    // atomic of that width.
    unsafe { &*std::ptr::from_ref(x).cast() }
}

#[unsafe(export_name = "facade_set_current_state")]
fn facade_set_current_state(ctx: &Ctx) {
    set_current_state(ctx, TASK_INTERRUPTIBLE);
}

#[unsafe(export_name = "by_hand_set_current_state")]
fn by_hand_set_current_state(ctx: &Ctx) {
    let state: &AtomicU32 = below(&ctx.task().state);
    state.store(TASK_INTERRUPTIBLE, Ordering::Relaxed);
    fence(Ordering::SeqCst);
}

#[unsafe(export_name = "facade_put_task_struct")]
fn facade_put_task_struct(machine: &Machine, task: Id<TaskStruct>) {
    put_task_struct(machine, task);
}

#[unsafe(export_name = "by_hand_put_task_struct")]
fn by_hand_put_task_struct(machine: &Machine, task: Id<TaskStruct>) {
    let task = machine.task(task);
    let usage: &AtomicU32 = below(&task.usage);
    let old = usage.fetch_sub(1, Ordering::SeqCst);
    assert!(old != 0, "refcount_t: underflow; use-after-free of {}", task.name);
    if old == 1
        && let Some(memory) = task.memory
    {
        let se: &AtomicU32 = below(&task.se);
        se.store(0x6b, Ordering::Relaxed);
        memory.leave();
    }
}

#[unsafe(export_name = "facade_stop_machine_park")]
fn facade_stop_machine_park(ctx: &Ctx, cpu: u32) {
    stop_machine_park(ctx, cpu);
}

#[unsafe(export_name = "by_hand_stop_machine_park")]
fn by_hand_stop_machine_park(ctx: &Ctx, cpu: u32) {
    let stopper = ctx.machine.cpu_stopper(cpu);
    let (enabled, should_park): (&AtomicBool, &AtomicBool) = (below(&stopper.enabled), below(&stopper.should_park));
    if ctx.machine.kernel.park.disable == Disable::BeforeFlush {
        enabled.store(false, Ordering::Relaxed);
    }
    should_park.store(true, Ordering::Relaxed);
}

#[test]
fn port_functions_are_what_a_person_would_have_written() {
    let listing = asm::release_build("stopper", "zero_cost", "fat");
    for name in ["set_current_state", "put_task_struct", "stop_machine_park"] {
        if let Some(difference) = listing.difference(name) {
            panic!("{difference}");
        }
    }
}
