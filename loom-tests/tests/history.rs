// SPDX-License-Identifier: GPL-2.0-only
//! No revision without the scenario that tells it from the kernel before it, over all crates. `cfs_bw` has such a test
//! of its own, by its list of kernels.

use ksync::catalogue::{Row, telling};
use loom_tests::catalogue::catalogue;
use stopper::kernel::HISTORY;

/// Lines of kernels beside the stopper's `HISTORY`, oldest first.
const LINES: &[&[&str]] = &[
    // multi_cpu_stop().
    &["ce4f06dcbb5d^", "ce4f06dcbb5d", "366237e7b083", "c861cac950fb"],
    // The queued lock, and the same on x86.
    &[
        "54cf809b9512^",
        "54cf809b9512",
        "95bcade33a8a",
        "11dc13224c97",
        "v4.18",
        "9d4646d14d51",
        "d682b596d993",
        "7aa54be29765",
    ],
    // Compound pages.
    &["668f9abbd433^", "668f9abbd433", "1d798ca3f164", "ddc58f27f9ee"],
    &["605ca5ede764^", "605ca5ede764", "173d9d9fd3dd", "c24d37322548"],
    // The watchdog's feed.
    &["v4.18", "9cf57731b63e", "be45bf5395e0", "v5.13"],
];

/// Releases that scenarios name in the place of the last commit that changed the function.
const RELEASES: &[(&str, &str)] = &[("11dc13224c97", "v4.17"), ("d682b596d993", "v7.1"), ("668f9abbd433", "v3.10")];

/// Kernels that do what the one before them does, and were made for another reason.
const SAME: &[(&str, &str)] = &[
    ("b80a2bfce85e", "the same steps, written in another way"),
    ("9d4646d14d51", "one barrier in the place of two releases: it is the cheaper one"),
    ("7aa54be29765", "x86 sets PENDING without a loop; a verdict does not tell how often a loop turns"),
];

fn lines() -> Vec<Vec<&'static str>> {
    let stopper = HISTORY.iter().map(|kernel| kernel.label.revision).collect();
    std::iter::once(stopper).chain(LINES.iter().map(|line| line.to_vec())).collect()
}

/// Whatever the kernel at this place of a line is called: by its commit, by a release, and as the parent of the next.
fn names(line: &[&str], at: usize) -> Vec<String> {
    let releases =
        RELEASES.iter().filter(|(commit, _)| *commit == line[at]).map(|(_, release)| (*release).to_owned());
    let parent = line.get(at + 1).map(|next| format!("{next}^"));
    std::iter::once(line[at].to_owned()).chain(releases).chain(parent).collect()
}

/// What tells the kernels of these names apart.
fn told<'a>(rows: &'a [Row], one: &[String], other: &[String]) -> Vec<(&'a str, &'a str)> {
    let [one, other] = [one, other].map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
    telling(rows, &one, &other)
}

#[test]
fn each_kernel_is_told_from_the_one_before_it() {
    let rows = catalogue();
    for line in lines() {
        for at in 1..line.len() {
            let (parent, kernel) = (names(&line, at - 1), names(&line, at));
            let told = told(&rows, &parent, &kernel);
            match SAME.iter().find(|same| same.0 == line[at]) {
                None => assert!(!told.is_empty(), "nothing tells {kernel:?} from {parent:?}"),
                Some((_, why)) => assert!(told.is_empty(), "{told:?} tells {kernel:?}, which is listed as {why}"),
            }
        }
    }
}

#[test]
fn each_fix_is_told_from_its_parent() {
    let (rows, lines) = (catalogue(), lines());
    let mut fixes = 0;
    for row in rows.iter().filter(|row| !row.mutant) {
        let Some(fix) = row.revision.strip_suffix('^') else { continue };
        let place = |line: &Vec<&str>| Some(names(line, line.iter().skip(1).position(|commit| *commit == fix)?));
        let parent = lines.iter().find_map(place).unwrap_or_else(|| vec![row.revision.to_owned()]);
        assert!(!told(&rows, &parent, &[fix.to_owned()]).is_empty(), "nothing tells {fix} from {parent:?}");
        fixes += 1;
    }
    assert!(fixes > 0, "there are fixes");
}
