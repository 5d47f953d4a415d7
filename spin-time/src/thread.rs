// SPDX-License-Identifier: GPL-2.0-only
//! What a thread asks of the system: its CPU, its scheduling class, its CPU time.

use std::mem::{size_of, zeroed};

/// How a thread is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// As everybody.
    Fair,
    /// As everybody, with the highest priority that this has.
    FairFirst,
    /// `SCHED_FIFO`: preempted by nobody below.
    Fifo,
}

/// Below the kernel's own threads, above all that is not real-time.
const FIFO_PRIORITY: i32 = 10;

/// The CPUs on which this process may run.
pub(crate) fn allowed_cpus() -> Vec<usize> {
    // SAFETY: a set of CPUs is plain bits, and the call fills as many as it has.
    let set = unsafe {
        let mut set: libc::cpu_set_t = zeroed();
        if libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) != 0 {
            return (0..std::thread::available_parallelism().map_or(1, usize::from)).collect();
        }
        set
    };
    // SAFETY: the number is below the size of the set.
    (0..libc::CPU_SETSIZE as usize).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) }).collect()
}

/// Keeps the calling thread on these CPUs; says whether that worked.
pub(crate) fn pin(cpus: &[usize]) -> bool {
    // SAFETY: a set of CPUs is plain bits, the numbers come from `allowed_cpus()`, and 0 is the calling thread.
    unsafe {
        let mut set: libc::cpu_set_t = zeroed();
        for &cpu in cpus {
            libc::CPU_SET(cpu, &mut set);
        }
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) == 0
    }
}

/// Puts the calling thread into a class; says whether that worked. Threads that it makes are fair again.
pub(crate) fn set_class(class: Class) -> bool {
    let (policy, priority) = match class {
        Class::Fair | Class::FairFirst => (libc::SCHED_OTHER, 0),
        Class::Fifo => (libc::SCHED_FIFO, FIFO_PRIORITY),
    };
    let param = libc::sched_param { sched_priority: priority };
    let nice = if class == Class::FairFirst { -20 } else { 0 };
    // SAFETY: 0 is the calling thread, and the parameters are read only.
    unsafe {
        let set = libc::sched_setscheduler(0, policy | libc::SCHED_RESET_ON_FORK, &raw const param) == 0;
        set && (class != Class::FairFirst || libc::setpriority(libc::PRIO_PROCESS, 0, nice) == 0)
    }
}

/// Whether `SCHED_FIFO` is allowed here.
pub(crate) fn may_fifo() -> bool {
    std::thread::scope(|scope| scope.spawn(|| set_class(Class::Fifo)).join().unwrap_or(false))
}

/// The CPU time of the calling thread in nanoseconds.
pub(crate) fn cpu_time_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes the one structure.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_is_allowed_on_one_cpu() {
        let cpu = allowed_cpus()[0];
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| (pin(&[cpu]), allowed_cpus())).join().expect("the thread does not panic")
        });
        assert_eq!(seen, (true, vec![cpu]));
    }

    #[test]
    fn cpu_time_goes_on_while_a_thread_works() {
        let start = cpu_time_ns();
        crate::work::spin(1_000_000);
        assert!(cpu_time_ns() > start);
    }
}
