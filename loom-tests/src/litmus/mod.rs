// SPDX-License-Identifier: GPL-2.0-only
//! Litmus tests in the kernel's C dialect, as they stand on the mailing list.
//!
//! A test is read ([`parser`]), made into instructions ([`lower`](mod@lower)), and run twice: by the kernel's model
//! itself ([`graph`]), and by the engine's memories, over the same operations as the facade (`engine`). The first
//! says what the kernel's READ_ONCE, smp_mb and spin_lock mean; the second, what the facade makes of them, and who
//! waits for whom for ever.

mod calls;
pub mod code;
#[cfg(loom)]
pub mod command;
#[cfg(loom)]
pub mod engine;
pub mod facade;
pub mod graph;
pub mod lexer;
pub mod lower;
pub mod outcome;
pub mod parser;
mod registers;
pub mod report;
pub mod tree;
