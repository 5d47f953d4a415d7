// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's synchronization vocabulary, over three things that can stand below it: real atomics, loom, and an
//! exhaustive explorer of our own.
//!
//! | kernel | real atomics | model build (`--cfg loom`) |
//! |---|---|---|
//! | `READ_ONCE`, `WRITE_ONCE` | relaxed | relaxed |
//! | `smp_load_acquire`, `smp_store_release` | acquire, release | the same |
//! | `smp_mb`; `smp_wmb`; `smp_rmb` | fence `SeqCst`; `Release`; `Acquire` | loom the same; the explorer keeps the kernel's kind |
//! | `xchg`, `atomic_*_return`, successful `cmpxchg` | one locked instruction | full barrier, operation, full barrier |
//! | `smp_cond_load_*`, `while (x) cpu_relax()` | spin | an await: nothing happens until it can |
//! | `raw_spin_lock` & co. | a spin lock behind `lock_api` | an await and a lock in one step |
//! | `local_irq_save`, `preempt_disable` | counters | they decide who may run |
//! | `struct completion`, `struct mutex` | a parked thread | an await, asleep |
//! | a plain field | a relaxed access: the same instruction | race-checked |
//!
//! `cfg(loom)` chooses between real atomics and the models; which engine runs a model is chosen by the call.

mod atomic;
mod backend;
mod barrier;
pub mod catalogue;
mod current;
mod distil;
mod model;
mod mutex;
pub mod op;
mod order;
mod place;
mod request;
mod setup;
mod sleep;
mod spinlock;
mod verdict;
mod weakness;
mod word;

pub use atomic::{Atomic, Plain};
pub use barrier::*;
pub use current::{Current, IrqFlags, smp_processor_id};
pub use distil::distil;
pub use model::Model;
pub use mutex::Mutex;
pub use order::{Acquire, Full, LoadOrder, Relaxed, Release, RmwOrder, StoreOrder};
pub use place::{Place, Source, assert_sources_are_all, function_at, register_sources};
pub use setup::{Body, Class, Frame, Irq, Scenario, Setup, TaskOptions, Work, away, busy, halt, nondet, now};
pub use sleep::{Completion, Sleeper, Wants};
pub use spinlock::{SpinGuard, SpinLock};
pub use verdict::{Holder, Lockup, Severity, Verdict, Wait, WaitsFor};
pub use weakness::Weakness;
pub use word::{Id, Word, no_such_value};

#[cfg(not(loom))]
mod threads;
#[cfg(not(loom))]
pub use threads::run_threads;

#[cfg(loom)]
mod cycle;
#[cfg(loom)]
mod describe;
#[cfg(loom)]
pub mod explore;
#[cfg(loom)]
mod report;
#[cfg(loom)]
pub mod second;
#[cfg(loom)]
pub use report::{Explain, OnProgress, Options, Progress, Report, Trace, TraceStep};
#[cfg(loom)]
mod weaken;
#[cfg(loom)]
pub use weaken::Weaken;
