// SPDX-License-Identifier: GPL-2.0-only
//! The explorer on the named toys: states, seconds, and engine steps a second, with and without reductions.
//!
//! `cargo bench -p ksync --bench explorer` with `RUSTFLAGS="--cfg loom"`; an argument picks rows by name. The counts are expectations of
//! `tests/explore_toys.rs`; the times belong to the machine.

#[cfg(loom)]
#[path = "../tests/toys/mod.rs"]
mod toys;

#[cfg(loom)]
fn main() {
    use ksync::explore::check;
    use ksync::{Explain, Model, Options, Scenario};
    use toys::{migrate_swap, multi_cpu_stop};

    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let row = |name: &str, scenario: Box<Scenario>, model: Model, naive: bool| {
        if !name.contains(&only) {
            return;
        }
        let options = Options { naive, explain: Explain::Nothing, max_states: 5_000_000, ..Options::new(model) };
        let report = check(&*scenario, &options);
        let how = if naive { "naive" } else { "reduced" };
        let rate = report.steps as f64 / report.seconds / 1e6;
        println!(
            "{name:32} {model:5} {how:8} {:9} states {:10} steps {:8.3} s {rate:6.2} Msteps/s  {}",
            report.states,
            report.steps,
            report.seconds,
            report.verdict.kind()
        );
    };
    for (name, fixed) in [("migrate_swap, bug", false), ("migrate_swap, fix", true)] {
        for model in [Model::Sc, Model::Lkmm] {
            row(name, migrate_swap(fixed), model, false);
        }
    }
    for cpus in 2..=6 {
        let name = format!("multi_cpu_stop N={cpus}");
        row(&name, multi_cpu_stop(cpus, true), Model::Sc, false);
        row(&name, multi_cpu_stop(cpus, true), Model::Sc, true);
    }
    for cpus in 2..=4 {
        let name = format!("multi_cpu_stop N={cpus}");
        row(&name, multi_cpu_stop(cpus, true), Model::Rc11, false);
        row(&name, multi_cpu_stop(cpus, true), Model::Lkmm, false);
        row(&format!("{name}, no smp_wmb"), multi_cpu_stop(cpus, false), Model::Lkmm, false);
    }
}

#[cfg(not(loom))]
fn main() {
    println!("The explorer is in the model build: RUSTFLAGS=\"--cfg loom\" cargo bench -p ksync --bench explorer");
}
