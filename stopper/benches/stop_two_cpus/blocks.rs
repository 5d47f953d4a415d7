// SPDX-License-Identifier: GPL-2.0-only
//! One block: so many calls in a row on a machine of its own.

use crate::statistics::median;
use ksync::{Plain, Setup, run_threads};
use std::sync::Arc;
use std::time::Instant;
use stopper::kernel::{self, Kernel};
use stopper::machine::Machine;
use stopper::task::Birth;
use stopper::two_works::stop_two_cpus;

/// A kernel, and what the table calls it.
pub(crate) struct Candidate {
    pub(crate) name: &'static str,
    pub(crate) kernel: Kernel,
}

/// The first one is what the others are compared with, the second one the first again.
pub(crate) const CANDIDATES: [Candidate; 4] = [
    Candidate { name: "A  0b26351b910f^", kernel: kernel::BEFORE },
    Candidate { name: "A  again, the null pair", kernel: kernel::BEFORE },
    Candidate { name: "B  0b26351b910f", kernel: kernel::WAKE_Q },
    Candidate { name: "F  009836b4fa52", kernel: kernel::MAINLINE },
];

/// What the calls of a block took.
pub(crate) struct Block {
    /// The call in the middle: what one takes when nothing disturbs it.
    pub(crate) median_ns: f64,
    /// All of them: a call that waits for a long time counts for as much as it takes.
    pub(crate) mean_ns: f64,
}

/// Calls that warm the threads up, in each block.
const WARM_UP: usize = 5;

/// Runs a block.
///
/// # Panics
/// If a call fails or a function did not run exactly once.
pub(crate) fn run(kernel: Kernel, calls: usize) -> Block {
    let times: Arc<[Plain<u64>]> = (0..WARM_UP + calls).map(|_| Plain::new(0)).collect();
    let stamps = times.clone();
    run_threads(&move |setup: &mut Setup| {
        let mut machine = Machine::new(&[0, 1], kernel);
        let caller = machine.new_task("caller", 0, Birth::Running);
        let ran = Arc::new(Plain::new(0u64));
        let count = ran.clone();
        let func = machine.stop_fn("count", move |_, _| {
            count.set(count.get() + 1);
            0
        });
        let calls: Vec<_> =
            (0..stamps.len()).map(|n| machine.stop_two_cpus_call(&n.to_string(), 0, func, 0)).collect();
        let machine = Arc::new(machine);
        machine.spawn_stoppers(setup, &[0, 1]);
        let (stamps, expected) = (stamps.clone(), stamps.len() as u64);
        machine.spawn(setup, caller, move |ctx| {
            for (call, stamp) in calls.iter().zip(&*stamps) {
                let start = Instant::now();
                let ret = stop_two_cpus(ctx, call, 0, 1);
                stamp.set(start.elapsed().as_nanos() as u64);
                assert_eq!(ret, Ok(()));
            }
        });
        setup.finally(move |_| assert_eq!(ran.get(), expected, "each function runs once"));
    });
    let times: Vec<f64> = times[WARM_UP..].iter().map(|time| time.get() as f64).collect();
    Block { median_ns: median(&times), mean_ns: times.iter().sum::<f64>() / times.len() as f64 }
}
