// SPDX-License-Identifier: GPL-2.0-only
//! The `lockup` program: `cargo lockup --help`.

use std::process::ExitCode;

#[cfg(loom)]
fn main() -> ExitCode {
    loom_tests::cli::main()
}

/// Without the model build there is no engine, and any answer would be a lie.
#[cfg(not(loom))]
fn main() -> ExitCode {
    eprintln!(
        "lockup: built without --cfg loom, so it has no engine; run `cargo lockup`, with RUSTFLAGS unset (it overrides \
         the flags of that alias) or with `--cfg loom` in it"
    );
    ExitCode::from(2)
}
