// SPDX-License-Identifier: GPL-2.0-only
//! `cargo spin-time`; the library has it all.

fn main() -> std::process::ExitCode {
    spin_time::program()
}
