// SPDX-License-Identifier: GPL-2.0-only
//! The stack of a caller of the stopper, which is used again in each round.

use ksync::Relaxed;
use stopper::machine::{Machine, StopCall};
use stopper::multi_stop_data::MultiStopState;

/// What C's initializers do when the function is entered. All stoppers are done with the last call.
///
/// # Panics
/// If the call is not one for several CPUs.
pub fn initialize(machine: &Machine, call: &StopCall) {
    let msdata = machine.msdata(call.msdata.expect("a call for several CPUs"));
    msdata.state.store(MultiStopState::Prepare, Relaxed);
    msdata.thread_ack.store(msdata.num_threads, Relaxed);
    let done = machine.done(call.done);
    done.nr_todo.store(msdata.num_threads, Relaxed);
    done.ret.set(0);
}
