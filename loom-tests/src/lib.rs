// SPDX-License-Identifier: GPL-2.0-only
//! The catalogue of incidents, and the `lockup` program over it.
//!
//! The catalogue and the patterns that name its rows are the same in both builds. Everything that runs an engine
//! is compiled in the model build (`--cfg loom`) only.

#![allow(clippy::format_push_string, clippy::format_collect, reason = "the texts are short, and so are these lines")]
#![cfg_attr(test, allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them so"))]

pub mod catalogue;
pub mod pattern;

#[cfg(loom)]
pub mod certificate;
#[cfg(loom)]
pub mod cli;
#[cfg(loom)]
pub mod engine;
#[cfg(loom)]
pub mod list;
pub mod litmus;
#[cfg(loom)]
pub mod output;
#[cfg(loom)]
mod progress;
#[cfg(loom)]
pub mod prove;
#[cfg(loom)]
pub mod run;
#[cfg(loom)]
pub mod show;
#[cfg(loom)]
pub mod sim;
