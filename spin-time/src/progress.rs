// SPDX-License-Identifier: GPL-2.0-only
//! How far an experiment is, on a terminal. In a pipe it says nothing.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of so many blocks. It hides itself where there is no terminal.
pub(crate) fn bar(name: &str, blocks: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:24!} {bar:30} {pos}/{len} blocks, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(blocks as u64).with_style(style).with_message(name.to_owned())
}
