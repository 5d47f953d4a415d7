// SPDX-License-Identifier: GPL-2.0-only
//! What the watchdog for user threads asks of Linux: names, the time that a thread ran, and where it is.
//!
//! | here | in the kernel |
//! |---|---|
//! | [`RunningClock`] | `running_clock()`, which leaves out the time that a hypervisor took |
//! | [`instruction_pointers`] | the registers that the timer's interrupt finds, and `show_regs()` |
//!
//! A thread is asked by a signal, whose handler writes down the return addresses of the thread that it interrupts. It
//! takes no lock and allocates nothing: the buffer is there, and the unwinder has been run once before. Names are
//! found later, on the thread that asked.
#![allow(clippy::disallowed_types, reason = "no port: threads of this process, under no model")]

use parking_lot::Mutex;
use std::io;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicUsize};
use std::time::Duration;

/// As others see this thread, in `/proc` for one.
pub(crate) fn tid() -> i32 {
    // SAFETY: the call has no arguments and always succeeds.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

/// The name of this thread, at most 15 bytes.
pub(crate) fn comm() -> String {
    let mut name = [0u8; 16];
    // SAFETY: the kernel writes at most 16 bytes, the last of them 0.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    String::from_utf8_lossy(name.split(|&byte| byte == 0).next().unwrap_or_default()).into_owned()
}

/// The time that a thread ran: it stands still while the thread sleeps, or waits for a CPU.
#[derive(Debug)]
pub(crate) struct RunningClock(libc::clockid_t);

impl RunningClock {
    pub(crate) fn of_this_thread() -> io::Result<Self> {
        let mut clock = 0;
        // SAFETY: the thread that calls exists, and `clock` is written only.
        match unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) } {
            0 => Ok(RunningClock(clock)),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// Since the thread started; 0 if it is gone.
    pub(crate) fn now(&self) -> Duration {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the clock's id is a number, which the kernel checks, and `now` is written only.
        unsafe { libc::clock_gettime(self.0, &raw mut now) };
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }
}

/// The signal: nobody is hurt by one too many, since it is ignored by default.
const SIGNAL: libc::c_int = libc::SIGURG;
/// A longer backtrace ends here.
const MAX_FRAMES: usize = 64;
/// How long a thread may take to answer, in waits of [`WAIT`].
const MAX_WAITS: u32 = 100_000;
const WAIT: Duration = Duration::from_micros(100);

/// Nobody is asked.
const IDLE: i32 = 0;
/// The thread that was asked writes. A positive number is the thread that is asked.
const WRITING: i32 = -1;
/// It is done.
const WRITTEN: i32 = -2;

/// The question and the answer, for one thread at a time.
struct Answer {
    state: AtomicI32,
    /// Where the signal interrupted the thread; 0 where this is not known.
    interrupted: AtomicUsize,
    frames: AtomicUsize,
    pointers: [AtomicUsize; MAX_FRAMES],
}

static ANSWER: Answer = Answer {
    state: AtomicI32::new(IDLE),
    interrupted: AtomicUsize::new(0),
    frames: AtomicUsize::new(0),
    pointers: [const { AtomicUsize::new(0) }; MAX_FRAMES],
};

/// Who asks holds it. It says whether the handler is installed.
static ASKING: Mutex<bool> = Mutex::new(false);

/// The return addresses of the caller and of those who called it, innermost first.
pub(crate) fn return_addresses() -> Vec<usize> {
    let mut pointers = Vec::new();
    // SAFETY: off Windows nothing is to be synchronized.
    unsafe {
        backtrace::trace_unsynchronized(|frame| {
            pointers.push(frame.ip() as usize);
            true
        });
    }
    pointers
}

/// Installs the handler, once.
///
/// # Errors
/// If the program has a handler for the signal already, which would never be called again.
pub(crate) fn prepare_backtraces() -> io::Result<()> {
    let mut installed = ASKING.lock();
    if *installed {
        return Ok(());
    }
    // The first walk may allocate, or take a lock: not in the handler then.
    return_addresses();
    // SAFETY: all zeros is a valid value of the type.
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    let mut new = old;
    new.sa_sigaction = on_signal as *const () as usize;
    // It runs on the thread's own stack: one for signals may be too small for the unwinder.
    new.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
    // SAFETY: both point to valid values; the handler keeps to what a handler may do.
    unsafe {
        libc::sigemptyset(&raw mut new.sa_mask);
        if libc::sigaction(SIGNAL, &raw const new, &raw mut old) != 0 {
            return Err(io::Error::last_os_error());
        }
        if old.sa_sigaction != libc::SIG_DFL && old.sa_sigaction != libc::SIG_IGN {
            libc::sigaction(SIGNAL, &raw const old, std::ptr::null_mut());
            return Err(io::Error::other("the program has a handler for SIGURG, by which backtraces are taken"));
        }
    }
    *installed = true;
    Ok(())
}

/// Where a thread of this process is, innermost first; the first is an address, the others are return addresses. Empty
/// if the thread is gone, or does not take the signal for ten seconds.
pub(crate) fn instruction_pointers(tid: i32) -> Vec<usize> {
    let installed = ASKING.lock();
    if !*installed {
        return Vec::new();
    }
    // ORDERING: Release, the reads of the last answer before the writes of the next one. Pairs with `on_signal()`, its
    // exchange. Without it the answers mix: `each_thread_has_its_own_backtrace`, on a machine that reorders.
    ANSWER.state.store(tid, Release);
    // SAFETY: numbers only; the signal has our handler.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, SIGNAL) } == 0;
    let mut waits = 0;
    // ORDERING: Acquire, the whole answer after its last word. Pairs with `on_signal()`, its store; tested there.
    while ANSWER.state.load(Acquire) != WRITTEN {
        // Taken back only from a thread that has not begun.
        let give_up = !sent || waits == MAX_WAITS;
        if give_up && ANSWER.state.compare_exchange(tid, IDLE, Relaxed, Relaxed).is_ok() {
            return Vec::new();
        }
        waits = (waits + 1).min(MAX_WAITS);
        std::thread::sleep(WAIT);
    }
    let frames = ANSWER.frames.load(Relaxed);
    let pointers: Vec<usize> = ANSWER.pointers[..frames].iter().map(|pointer| pointer.load(Relaxed)).collect();
    let interrupted = ANSWER.interrupted.load(Relaxed);
    ANSWER.state.store(IDLE, Relaxed);
    // Above it stand the handler and the unwinder.
    match pointers.iter().position(|&pointer| pointer == interrupted) {
        Some(first) => pointers[first..].to_vec(),
        None if interrupted == 0 => pointers,
        None => vec![interrupted],
    }
}

/// The handler: only what may be done wherever a thread stands.
extern "C" fn on_signal(_signal: libc::c_int, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the thread's own `errno`.
    let errno = unsafe { *libc::__errno_location() };
    // ORDERING: Acquire. Pairs with the question in `instruction_pointers()`, tested there.
    if ANSWER.state.compare_exchange(tid(), WRITING, Acquire, Relaxed).is_ok() {
        // SAFETY: with SA_SIGINFO the kernel passes a `ucontext_t`.
        ANSWER.interrupted.store(unsafe { interrupted_at(context.cast()) }, Relaxed);
        let mut frames = 0;
        // SAFETY: off Windows nothing is to be synchronized, and the walk itself takes no lock.
        unsafe {
            backtrace::trace_unsynchronized(|frame| {
                ANSWER.pointers[frames].store(frame.ip() as usize, Relaxed);
                frames += 1;
                frames < MAX_FRAMES
            });
        }
        ANSWER.frames.store(frames, Relaxed);
        // ORDERING: Release, the answer before the word that says it is there. Pairs with `instruction_pointers()`.
        // Without it the reader sees a part: `each_thread_has_its_own_backtrace`, on a machine that reorders.
        ANSWER.state.store(WRITTEN, Release);
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// The program counter of what was interrupted, or 0.
///
/// # Safety
/// The context is the one that a signal handler gets.
#[cfg(target_arch = "x86_64")]
unsafe fn interrupted_at(context: *const libc::ucontext_t) -> usize {
    // SAFETY: by the caller.
    unsafe { (*context).uc_mcontext.gregs[libc::REG_RIP as usize] as usize }
}

/// The same.
///
/// # Safety
/// The same.
#[cfg(target_arch = "aarch64")]
unsafe fn interrupted_at(context: *const libc::ucontext_t) -> usize {
    // SAFETY: by the caller.
    unsafe { (*context).uc_mcontext.pc as usize }
}

/// Not known here: then the backtrace begins with the handler.
///
/// # Safety
/// None is needed.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn interrupted_at(_context: *const libc::ucontext_t) -> usize {
    0
}
