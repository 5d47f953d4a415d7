// SPDX-License-Identifier: GPL-2.0-only
//! Files that a command writes at its end, but must be able to write from the start.

use crate::cli::Failure;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Where a command's result goes.
#[derive(Debug)]
pub enum Output {
    /// The standard output.
    Stdout,
    /// A file, open for writing; its old content stays until the new one is complete.
    File(File),
}

impl Output {
    /// Opens the path, before any work is done; `-` is the standard output.
    ///
    /// # Errors
    /// One line if the path cannot be written.
    pub fn open(path: &Path) -> Result<Output, Failure> {
        if path == Path::new("-") {
            return Ok(Output::Stdout);
        }
        let file = File::options().write(true).create(true).truncate(false).open(path);
        file.map(Output::File).map_err(|error| Failure::Usage(format!("cannot write {}: {error}", path.display())))
    }

    /// Writes the whole result.
    ///
    /// # Errors
    /// As the operating system gives them.
    pub fn write(self, text: &str) -> io::Result<()> {
        match self {
            Output::Stdout => io::stdout().lock().write_all(text.as_bytes()),
            Output::File(mut file) => {
                if file.metadata()?.is_file() {
                    file.set_len(0)?;
                }
                file.write_all(text.as_bytes())
            }
        }
    }
}
