// SPDX-License-Identifier: GPL-2.0-only
//! No revision without the scenario that tells it from the kernel before it, over all crates. `cfs_bw` has such a test
//! of its own, by its list of kernels.

use ksync::catalogue::{Expected, Row};
use loom_tests::catalogue::catalogue;

/// Lines of kernels, oldest first. A kernel with several names stands with all of them: the commit that made it, and
/// the parent of the next.
const LINES: &[&[&[&str]]] = &[
    // Two stoppers, and those who wake them.
    &[
        &["1be0bd77c5dd"],
        &["7053ea1a34fa"],
        &["b17718d02f54"],
        &["e6253970413d", "0b26351b910f^"],
        &["0b26351b910f"],
        &["9fb8d5dc4b64"],
        &["2610e8894663"],
        &["b80a2bfce85e"],
        &["cfd355145c32", "4c4e3731564c^"],
        &["4c4e3731564c"],
        &["c6e7bd7afaeb", "009836b4fa52^"],
        &["009836b4fa52"],
    ],
    // multi_cpu_stop().
    &[&["ce4f06dcbb5d^"], &["ce4f06dcbb5d"], &["366237e7b083"], &["c861cac950fb"]],
    // The queued lock, and the same on x86.
    &[
        &["54cf809b9512^"],
        &["54cf809b9512", "95bcade33a8a^"],
        &["95bcade33a8a", "11dc13224c97^"],
        &["11dc13224c97", "v4.17"],
        &["v4.18"],
        &["9d4646d14d51", "d682b596d993^"],
        &["d682b596d993", "v7.1"],
        &["7aa54be29765"],
    ],
    // Compound pages.
    &[&["668f9abbd433^"], &["668f9abbd433", "v3.10"], &["1d798ca3f164"], &["ddc58f27f9ee"]],
    &[&["605ca5ede764^"], &["605ca5ede764"], &["173d9d9fd3dd", "c24d37322548^"], &["c24d37322548"]],
    // The watchdog's feed.
    &[&["v4.18"], &["9cf57731b63e"], &["be45bf5395e0"], &["v5.13"]],
];

/// Kernels that do what the one before them does, and were made for another reason.
const SAME: &[(&str, &str)] = &[
    ("b80a2bfce85e", "the same steps, written in another way"),
    ("9d4646d14d51", "one barrier in the place of two releases: it is the cheaper one"),
    ("7aa54be29765", "x86 sets PENDING without a loop; a verdict does not tell how often a loop turns"),
];

/// The scenarios that are listed for both, with different verdicts.
fn telling<'a>(rows: &'a [Row], one: &[&str], other: &[&str]) -> Vec<(&'a str, &'a str)> {
    let verdicts = |names: &[&str]| -> Vec<((&'a str, &'a str), Expected)> {
        let listed = rows.iter().filter(|row| names.contains(&row.revision));
        listed.map(|row| ((row.incident, row.scenario), row.expected)).collect()
    };
    let others = verdicts(other);
    let differs = |&(scenario, verdict): &(_, Expected)| others.iter().any(|&(s, v)| s == scenario && v != verdict);
    verdicts(one).iter().filter(|row| differs(row)).map(|row| row.0).collect()
}

#[test]
fn each_kernel_is_told_from_the_one_before_it() {
    let rows = catalogue();
    for pair in LINES.iter().flat_map(|line| line.windows(2)) {
        let (told, same) = (telling(&rows, pair[0], pair[1]), SAME.iter().find(|same| same.0 == pair[1][0]));
        match same {
            None => assert!(!told.is_empty(), "nothing tells {:?} from {:?}", pair[1], pair[0]),
            Some((_, why)) => assert!(told.is_empty(), "{told:?} tells {:?}, which is listed as {why}", pair[1]),
        }
    }
}

#[test]
fn each_fix_is_told_from_its_parent() {
    let rows = catalogue();
    let mut fixes = 0;
    for row in rows.iter().filter(|row| !row.mutant) {
        let Some(fix) = row.revision.strip_suffix('^') else { continue };
        let aliases = LINES.iter().copied().flatten().find(|names| names.contains(&row.revision));
        let parent = aliases.copied().unwrap_or(std::slice::from_ref(&row.revision));
        assert!(!telling(&rows, parent, &[fix]).is_empty(), "nothing tells {fix} from {parent:?}");
        fixes += 1;
    }
    assert!(fixes > 0, "there are fixes");
}
