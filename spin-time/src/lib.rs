// SPDX-License-Identifier: GPL-2.0-only
//! Measures spin time on real threads so that the number can be believed, on a machine that is shared and virtual.
//!
//! A benchmark is a program with an experiment or some, each with candidates that do the same thing:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::sync::Mutex;
//!
//! fn main() -> ExitCode {
//!     spin_time::main("locks", |session| {
//!         let lock = Mutex::new(0u64);
//!         session
//!             .experiment("uncontended", "one thread locks and unlocks, ns for each pair")
//!             .metrics(&["ns"])
//!             .candidate("std::sync::Mutex", |stage| {
//!                 stage.time(1_000_000, |rounds| (0..rounds).for_each(|_| *lock.lock().unwrap() += 1))
//!             })
//!             .run();
//!     })
//! }
//! ```
//!
//! * Candidates take turns in short blocks in one process, in an order that rotates. What counts is the median of the
//!   ratios of the repetitions, with 95 % of its bootstrap distribution.
//! * The first candidate is measured twice. A difference no greater than that between it and itself is none.
//! * Threads are pinned and `SCHED_FIFO`, in bursts that leave others alive ([`Regime::Quiet`]). Where that is not
//!   allowed, or there are more threads than CPUs, the report says so and the numbers of the regimes are not mixed.
//! * Beside each block of threads that spin for each other flies a canary: what a cache line takes between the same
//!   two CPUs. A block during which that changes is thrown away, blocks of different places are not compared.
//! * Waits are weighed by time also ([`Waits`]): a percentile of waits does not see the long one.
//! * Load, stolen time, and everything that makes the figures worth less go into the report as doubts.
//! * A lock that lets everybody in runs first, and must be noticed.
//!
//! It is no port and no model: what it measures runs on real atomics, with the standard library's own.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the harness is measured code's surroundings on real threads; no model ever runs it"
)]

mod arguments;
mod block;
mod canary;
pub mod clock;
mod contended;
mod doubt;
mod experiment;
mod futex;
mod goal_list;
mod goal_table;
mod goals;
mod interrupt;
mod lock;
mod machine;
mod noise;
mod order;
mod place;
mod plot;
mod program;
mod progress;
mod raised;
mod record;
mod regime;
mod relay;
mod session;
mod stage;
mod statistics;
mod summary;
mod thread;
mod uncontended;
mod waits;
mod windows;
mod work;

pub use block::{Block, Turn, histogram};
pub use contended::{Contention, contended};
pub use experiment::Experiment;
pub use futex::Futex;
pub use lock::{Busted, Floor, FloorOf, Lock};
pub use machine::Machine;
pub use noise::Noise;
pub use program::program;
pub use raised::Raised;
pub use record::{Candidate, Record, Report, Values};
pub use regime::{Regime, Waiting};
pub use relay::{Relay, Runner};
pub use session::{Session, main, main_of_the_model_build};
pub use stage::{BURST, Stage};
pub use statistics::{Interval, median};
pub use thread::Class;
pub use uncontended::uncontended;
pub use waits::Waits;
pub use windows::Windows;
pub use work::spin;
