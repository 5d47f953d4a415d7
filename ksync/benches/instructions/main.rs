// SPDX-License-Identifier: GPL-2.0-only
//! A gate: in a loop the facade takes not one instruction more than what a person would have written. Counted by
//! callgrind, so the numbers are exact and the same in each run; where there is no valgrind it says so.
//!
//! The frameworks for this want a runner of their own version beside valgrind. One number of one function needs none:
//! this program runs itself under valgrind.

#[cfg(not(all(not(loom), target_arch = "x86_64", target_os = "linux")))]
fn main() {
    println!("instructions: counted in the plain build on x86-64 Linux only");
}

#[cfg(all(not(loom), target_arch = "x86_64", target_os = "linux"))]
mod count;
#[cfg(all(not(loom), target_arch = "x86_64", target_os = "linux"))]
mod loops;

#[cfg(all(not(loom), target_arch = "x86_64", target_os = "linux"))]
fn main() -> std::process::ExitCode {
    use spin_time::Block;

    if let Some((name, rounds)) = count::asked_for() {
        loops::run(&name, rounds);
        return std::process::ExitCode::SUCCESS;
    }
    if !count::has_valgrind() {
        println!("instructions: left out, there is no valgrind here (apt-get install valgrind, or the like)");
        return std::process::ExitCode::SUCCESS;
    }
    spin_time::main("instructions", |session| {
        for &(name, what) in loops::PAIRS {
            session
                .experiment(name, what)
                .repetitions(1)
                .metrics(&["instr"])
                .candidate("by hand", move |_| {
                    count::of("by_hand", name).map(|count| Block::default().with("instr", count))
                })
                .candidate("facade", move |_| {
                    let (facade, by_hand) = (count::of("facade", name)?, count::of("by_hand", name)?);
                    if facade > by_hand {
                        return Err(format!("{facade} instructions, by hand {by_hand}"));
                    }
                    Ok(Block::default().with("instr", facade))
                })
                // It must be seen if there are some too many.
                .candidate("some too many", move |_| {
                    let (more, by_hand) = (count::of("some_more", name)?, count::of("by_hand", name)?);
                    if more <= by_hand {
                        return Err(format!("{more} instructions, by hand {by_hand}: nothing is counted"));
                    }
                    Ok(Block::default().with("instr", more))
                })
                .run();
        }
    })
}
