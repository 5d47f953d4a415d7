// SPDX-License-Identifier: GPL-2.0-only
//! What the programs of this workspace say of a command line: help where it was asked for, else one line.

use clap::error::ErrorKind;

/// Exit status where the command line makes no sense.
pub const BAD_USAGE: u8 = 2;

/// Prints the help or the version if the user asked for it, and ends the process; otherwise gives the complaint, one
/// line for the user.
pub fn complaint(error: &clap::Error) -> String {
    if is_help(error) {
        error.exit();
    }
    one_line(error)
}

/// What was asked for, or the best answer to no question at all; clap chooses stream and status.
fn is_help(error: &clap::Error) -> bool {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    matches!(error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion)
}

/// clap's complaint without the usage and the hints below it.
fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let complaint: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let line = complaint.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::complaint;
    use clap::{Arg, Command};

    #[test]
    fn a_complaint_is_one_line_without_hints() {
        let command = || Command::new("x").arg(Arg::new("need").long("need").required(true));
        for arguments in [&["x"][..], &["x", "--need"], &["x", "--frist"]] {
            let error = command().try_get_matches_from(arguments).expect_err("it is wrong");
            let line = complaint(&error);
            assert!(!line.contains('\n') && !line.starts_with("error") && !line.contains("Usage"), "{line}");
            assert!(line.contains("--need") || line.contains("--frist"), "{line}");
        }
    }
}
