// SPDX-License-Identifier: GPL-2.0-only
//! Runs checks side by side, and hands their results over in the order of the jobs.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

/// Runs every job, as many at a time as there are cores, each on a thread of its own: an engine keeps thread-local
/// state, and a fresh thread has none. `finished` gets job and result in the order of the jobs, as soon as all
/// earlier ones are done, on the calling thread. A job that panics gives the panic's message.
pub fn in_order<J: Sync, R: Send>(
    jobs: &[J],
    run: impl Fn(&J) -> R + Sync,
    mut finished: impl FnMut(&J, Result<R, String>),
) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (done, results) = mpsc::channel();
    thread::scope(|scope| {
        let mut waiting = jobs.iter().enumerate();
        let mut start_next = || {
            let Some((at, job)) = waiting.next() else { return };
            let (done, run) = (done.clone(), &run);
            scope.spawn(move || {
                let result = catch_unwind(AssertUnwindSafe(|| run(job))).map_err(|panic| message(&*panic));
                // The receiver outlives this scope.
                let _ = done.send((at, result));
            });
        };
        for _ in 0..cores {
            start_next();
        }
        let mut early = BTreeMap::new();
        for (next, job) in jobs.iter().enumerate() {
            let result = loop {
                if let Some(result) = early.remove(&next) {
                    break result;
                }
                let (at, result) = results.recv().expect("the sender of this function is alive");
                start_next();
                early.insert(at, result);
            };
            finished(job, result);
        }
    });
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        let jobs: Vec<u64> = (0..20).collect();
        let mut seen = Vec::new();
        in_order(
            &jobs,
            |&job| {
                thread::sleep(Duration::from_millis((job * 7) % 5));
                assert_ne!(job, 13, "unlucky");
                job * 2
            },
            |&job, result| seen.push((job, result.map_err(|message| message.contains("unlucky")))),
        );
        let expected = jobs.iter().map(|&job| (job, if job == 13 { Err(true) } else { Ok(job * 2) }));
        assert!(seen.into_iter().eq(expected));
    }

    #[test]
    fn no_jobs_are_no_trouble() {
        in_order(&[] as &[u8], |_| (), |_, _| panic!("nothing ran"));
    }
}
