// SPDX-License-Identifier: GPL-2.0-only
//! The clock: the time stamp counter where it runs at one rate on all CPUs, else the system's clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long the counter is compared with the system's clock, once in a process.
const CALIBRATION: Duration = Duration::from_millis(20);

/// What a tick is.
struct Clock {
    counter: bool,
    ns_per_tick: f64,
    zero: Instant,
}

static CLOCK: OnceLock<Clock> = OnceLock::new();

#[inline]
fn clock() -> &'static Clock {
    CLOCK.get_or_init(Clock::calibrated)
}

impl Clock {
    fn calibrated() -> Clock {
        let zero = Instant::now();
        if !counter_is_constant() {
            return Clock { counter: false, ns_per_tick: 1.0, zero };
        }
        let (first_tick, first) = counter_and_instant();
        std::thread::sleep(CALIBRATION);
        let (last_tick, last) = counter_and_instant();
        let ns = last.duration_since(first).as_nanos() as f64;
        Clock { counter: true, ns_per_tick: ns / last_tick.wrapping_sub(first_tick) as f64, zero }
    }
}

/// Both clocks at one moment: the pair with the least time in between, of some.
fn counter_and_instant() -> (u64, Instant) {
    let pairs = (0..16).map(|_| {
        let before = counter();
        let instant = Instant::now();
        (counter().wrapping_sub(before), before, instant)
    });
    let (gap, before, instant) = pairs.min_by_key(|pair| pair.0).expect("there are some");
    (before.wrapping_add(gap / 2), instant)
}

/// Ticks since some moment. The CPU may read it a little earlier or later than it stands in the program.
#[inline]
pub fn now() -> u64 {
    let clock = clock();
    if clock.counter { counter() } else { clock.zero.elapsed().as_nanos() as u64 }
}

/// Ticks, read after everything that stands before it was done.
#[inline]
pub fn after() -> u64 {
    wait_for_loads();
    now()
}

/// Ticks, read before anything that stands after it begins.
#[inline]
pub fn before() -> u64 {
    let now = now();
    wait_for_loads();
    now
}

/// Ticks in nanoseconds.
#[inline]
pub fn ns(ticks: u64) -> f64 {
    ticks as f64 * clock().ns_per_tick
}

/// So many nanoseconds in ticks.
pub fn ticks(ns: f64) -> u64 {
    (ns / clock().ns_per_tick) as u64
}

/// What lies between two stamps with nothing in between, in nanoseconds: to be taken off a short time.
pub fn cost_ns() -> f64 {
    static COST: OnceLock<f64> = OnceLock::new();
    *COST.get_or_init(|| {
        let gaps: Vec<f64> = (0..1001).map(|_| before()).map(|start| ns(after() - start)).collect();
        crate::statistics::median(&gaps)
    })
}

/// What the clock is, in words.
pub(crate) fn name() -> String {
    let clock = clock();
    if clock.counter {
        format!("time stamp counter, {:.1} MHz", 1e3 / clock.ns_per_tick)
    } else {
        "Instant".to_owned()
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn counter() -> u64 {
    // SAFETY: every x86-64 has the instruction, and it has no effect but its result.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
fn counter() -> u64 {
    0
}

#[inline]
fn wait_for_loads() {
    // SAFETY: every x86-64 has the instruction, and it only waits.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::x86_64::_mm_lfence();
    }
}

/// The counter runs at one rate, whatever the CPU's frequency is: "invariant TSC", leaf 8000_0007h, EDX bit 8.
fn counter_is_constant() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::__cpuid;
        __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx & (1 << 8) != 0
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back_on_one_thread() {
        let mut last = now();
        for _ in 0..10_000 {
            let (this, next) = (after(), before());
            assert!(last <= this && this <= next);
            last = next;
        }
    }

    #[test]
    fn a_sleep_takes_no_less_than_it_says() {
        let start = now();
        std::thread::sleep(Duration::from_millis(5));
        // The rate may be off by a little, the sleep may take for ever.
        assert!(ns(now() - start) > 4.9e6);
        assert!((ns(ticks(1e9)) - 1e9).abs() < 10.0);
    }
}
