// SPDX-License-Identifier: GPL-2.0-only
//! Ctrl-C: the first one lets the block end and keeps what was measured, the second one kills. So does a reader that
//! reads no more; what was measured before is in the file.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

extern "C" fn ask(signal: libc::c_int) {
    ASKED.store(true, Ordering::Relaxed);
    // SAFETY: signal() may be called from a handler.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Listens from now on.
pub(crate) fn listen() {
    let handler = ask as extern "C" fn(libc::c_int);
    // SAFETY: the handler stores one atomic flag and resets itself.
    unsafe { libc::signal(libc::SIGINT, handler as libc::sighandler_t) };
    // SAFETY: the default takes no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Whether somebody asked.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
