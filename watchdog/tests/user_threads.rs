// SPDX-License-Identifier: GPL-2.0-only
//! The watchdog on threads that are really stuck. Each test waits for what must happen, and for no time.
#![allow(clippy::disallowed_types, reason = "threads of this process, under no model")]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{Builder, scope};
use std::time::Duration;
use watchdog::user_threads::{Report, Watchdog};

const THRESH: Duration = Duration::from_millis(10);

/// A watchdog whose reports come through a channel.
fn watchdog() -> (Watchdog, Receiver<Report>) {
    let (send, reports) = channel();
    let report = move |report| _ = send.send(report);
    (Watchdog::start(THRESH, report).expect("it starts"), reports)
}

/// Lets all who spin on it go, also when a test fails.
struct Packet(AtomicBool);

impl Packet {
    fn new() -> Self {
        Packet(AtomicBool::new(false))
    }

    /// Arrives at the end of the caller's scope.
    fn arrives(&self) -> Arrives<'_> {
        Arrives(&self.0)
    }
}

struct Arrives<'a>(&'a AtomicBool);

impl Drop for Arrives<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Spins until it may go on. Tests look for its name in backtraces.
#[inline(never)]
fn spin_until(go_on: &AtomicBool) {
    while !go_on.load(Relaxed) {
        std::hint::spin_loop();
    }
}

/// The only caller of the above.
#[inline(never)]
fn wait_for_packet(packet: &Packet) {
    spin_until(&packet.0);
    // The call must not be the last thing, or the compiler may jump instead.
    std::hint::black_box("wait_for_packet");
}

#[test]
fn a_stuck_thread_is_reported_in_the_kernels_words() {
    let (watchdog, reports) = watchdog();
    let packet = Packet::new();
    scope(|scope| {
        let _arrives = packet.arrives();
        let poller = || {
            let watched = watchdog.watch(7).expect("a clock");
            watched.touch();
            wait_for_packet(&packet);
        };
        Builder::new().name("a-poller-with-a-long-name".to_owned()).spawn_scoped(scope, poller).expect("a thread");
        let report = reports.recv().expect("the watchdog is there");
        assert_eq!(report.cpu, 7);
        assert!(report.stuck > 2 * THRESH, "{report:?}");
        let text = report.to_string();
        let (first, trace) = text.split_once('\n').unwrap_or((&text, ""));
        let comm = if cfg!(target_os = "linux") { "a-poller-with-a" } else { "a-poller-with-a-long-name" };
        assert_eq!(first, format!("watchdog: BUG: soft lockup - CPU#7 stuck for 0s! [{comm}:{}]", report.tid));
        if cfg!(target_os = "linux") {
            assert!(trace.starts_with("Call Trace:\n "), "{text}");
            let at = |name: &str| trace.find(&format!("\n {name} (watchdog/tests/")).ok_or(&text).expect(name);
            assert!(at("spin_until") < at("wait_for_packet"), "{text}");
        }
    });
}

#[test]
fn it_is_reported_again_with_the_total() {
    let (watchdog, reports) = watchdog();
    let packet = Packet::new();
    scope(|scope| {
        let _arrives = packet.arrives();
        scope.spawn(|| {
            let _watched = watchdog.watch(0).expect("a clock");
            wait_for_packet(&packet);
        });
        let [first, second] = [0; 2].map(|_| reports.recv().expect("the watchdog is there"));
        assert!(second.stuck > first.stuck + 2 * THRESH, "{first:?} {second:?}");
    });
}

/// Two threads are stuck; the backtraces are not mixed up, although both answer through the same buffer.
#[cfg(target_os = "linux")]
#[test]
fn each_thread_has_its_own_backtrace() {
    #[inline(never)]
    fn another_wait(packet: &Packet) {
        spin_until(&packet.0);
        std::hint::black_box("another_wait");
    }
    let (watchdog, reports) = watchdog();
    let packet = Packet::new();
    scope(|scope| {
        let _arrives = packet.arrives();
        for (cpu, wait) in [(0, wait_for_packet as fn(&Packet)), (1, another_wait)] {
            let (watchdog, packet) = (&watchdog, &packet);
            scope.spawn(move || {
                let _watched = watchdog.watch(cpu).expect("a clock");
                wait(packet);
            });
        }
        let mut seen = [0, 0];
        while seen.contains(&0) {
            let report = reports.recv().expect("the watchdog is there");
            let has = |name| report.backtrace.iter().any(|frame| frame.function == name);
            let here = [has("wait_for_packet"), has("another_wait")];
            assert_eq!(here, [report.cpu == 0, report.cpu == 1], "{report}");
            seen[report.cpu as usize] += 1;
        }
    });
}

/// Who is no longer watched may spin: the reports are the other thread's.
#[test]
fn a_dropped_handle_ends_the_watch() {
    let (watchdog, reports) = watchdog();
    let packet = Packet::new();
    scope(|scope| {
        let _arrives = packet.arrives();
        scope.spawn(|| {
            drop(watchdog.watch(0).expect("a clock"));
            wait_for_packet(&packet);
        });
        scope.spawn(|| {
            let _watched = watchdog.watch(1).expect("a clock");
            wait_for_packet(&packet);
        });
        for _ in 0..3 {
            assert_eq!(reports.recv().expect("the watchdog is there").cpu, 1);
        }
    });
}

/// The clock of a thread that sleeps stands still: only the one that spins is reported.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_sleeps_is_not_stuck() {
    let (watchdog, reports) = watchdog();
    let packet = Packet::new();
    let (wake, sleep) = channel::<()>();
    scope(|scope| {
        let _arrives = packet.arrives();
        let watchdog = &watchdog;
        scope.spawn(move || {
            let _watched = watchdog.watch(0).expect("a clock");
            sleep.recv().expect_err("the other end is dropped");
        });
        scope.spawn(|| {
            let _watched = watchdog.watch(1).expect("a clock");
            wait_for_packet(&packet);
        });
        for _ in 0..3 {
            assert_eq!(reports.recv().expect("the watchdog is there").cpu, 1);
        }
        drop(wake);
    });
}

#[test]
fn the_end_of_a_watchdog_is_the_end_of_its_thread() {
    let (watchdog, reports) = watchdog();
    let watched = watchdog.watch(0).expect("a clock");
    drop(watchdog);
    // The thread had the only other end of the channel.
    assert!(reports.iter().all(|report| report.cpu == 0));
    watched.touch();
}
