// SPDX-License-Identifier: GPL-2.0-only
//! The incidents on real threads: a load that runs over and over until it locks up, the watchdog that sees it, and
//! what ends it.
//!
//! The ports are the same as everywhere, on real atomics. Nothing in them knows of this: threads that wait for each
//! other for ever are released by a write from outside to the word that one of them spins on. Then all of them run to
//! their ends and are joined.
//!
//! Real threads have no CPUs of ours: a stopper preempts nobody, no interrupt comes, and tasks of one CPU run side by
//! side. What needs that is for the explorer. The incidents' pages (`cargo reenact INCIDENT --help`) say it.
#![cfg(not(loom))]

pub mod cfs_distribute;
pub mod cli;
pub mod compound_lock;
pub mod incident;
pub mod meeting;
pub mod migrate_swap;
pub mod run;
pub mod stack;
pub mod stop_machine_prepare;
