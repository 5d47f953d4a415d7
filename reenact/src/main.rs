// SPDX-License-Identifier: GPL-2.0-only
//! The `reenact` program: `cargo reenact --help`.

use std::process::ExitCode;

#[cfg(not(loom))]
fn main() -> ExitCode {
    reenact::cli::main()
}

/// The model build has no threads.
#[cfg(loom)]
fn main() -> ExitCode {
    eprintln!("reenact: built with --cfg loom, so it has no real threads; run `cargo reenact` with RUSTFLAGS unset");
    ExitCode::from(2)
}
