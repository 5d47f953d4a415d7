// SPDX-License-Identifier: GPL-2.0-only
//! What `stop_two_cpus()` takes against idle stoppers on real threads, before and after the fix of incident 000.
//!
//! `cargo bench -p stopper --bench stop_two_cpus` takes seconds on an idle machine; with `-- --quick`, or as a test,
//! it only shows that it works. Frameworks run one candidate after the other; here a moment in which the machine is
//! busy must hit all of them, so they take turns in short blocks, and each repetition gives one ratio.

#[cfg(loom)]
fn main() {
    println!("Real threads are in the plain build: cargo bench -p stopper --bench stop_two_cpus");
}

#[cfg(not(loom))]
mod blocks;
#[cfg(not(loom))]
mod statistics;

/// What the figures mean, and what they do not show.
#[cfg(not(loom))]
const NOTES: &str = "
In brackets: 95 % of bootstrapped medians. The second row is the first one again: a difference no greater than its
own means nothing. Threads are neither pinned nor real-time, and most of a call is wakeups.
Not measured here: queueing against stoppers that are busy or switching away, which is what the fix is about;
preemption by a stopper, since real threads have no stop class; with fewer than three cores, caller and stoppers on
cores of their own: they share, and one that spins may wait for one that does not run.";

#[cfg(not(loom))]
fn main() {
    use blocks::{Block, CANDIDATES, run};
    use statistics::{median, ratio};

    // `cargo bench` says so; `cargo test --benches` does not.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let full = arguments.iter().any(|arg| arg == "--bench")
        && !arguments.iter().any(|arg| arg == "--quick" || arg == "--test");
    let (repetitions, calls) = if full { (41, 40) } else { (5, 20) };

    let mut blocks: Vec<Vec<Block>> = CANDIDATES.iter().map(|_| Vec::new()).collect();
    for repetition in 0..repetitions {
        for turn in 0..CANDIDATES.len() {
            // Rotated, and backwards every other time: nobody always has the same place or the same neighbour.
            let turn = if repetition % 2 == 0 { turn } else { CANDIDATES.len() - 1 - turn };
            let candidate = (repetition / 2 + turn) % CANDIDATES.len();
            blocks[candidate].push(run(CANDIDATES[candidate].kernel, calls));
        }
    }

    println!("stop_two_cpus(0, 1) from CPU 0 against idle stoppers, with an empty function");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    println!("{repetitions} repetitions of {calls} calls each, in turns; {cores} cores, load average {load}\n");
    println!("{:28} {:>14} {:>14}   {:22} mean / A", "", "median call", "mean call", "median / A");
    for (candidate, measured) in CANDIDATES.iter().zip(&blocks) {
        let column = |of: fn(&Block) -> f64| {
            let pair = |blocks: &[Block]| blocks.iter().map(of).collect::<Vec<f64>>();
            let (ours, first) = (pair(measured), pair(&blocks[0]));
            (format!("{:.1} us", median(&ours) / 1e3), ratio(&ours, &first).to_string())
        };
        let (call, call_ratio) = column(|block| block.median_ns);
        let (mean, mean_ratio) = column(|block| block.mean_ns);
        println!("{:28} {call:>14} {mean:>14}   {call_ratio:22} {mean_ratio}", candidate.name);
    }
    println!("{NOTES}");
    if !full {
        println!("This was the quick run: its figures say nothing.");
    }
}
