// SPDX-License-Identifier: GPL-2.0-only
//! Two forms of a function, compared by the instructions that the compiler makes of them in a release build.
//!
//! It needs cargo and nothing else: no disassembler, no valgrind, no clock.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The functions of a listing, by symbol: their instructions and labels.
#[derive(Debug)]
pub(crate) struct Listing(HashMap<String, Vec<String>>);

/// Builds a test target of a package for release, as one unit, and reads the assembly.
///
/// The build has its own folder below `target/tmp`, so it does not wait for the cargo that runs this test, and uses
/// the packages that this one has fetched. With `lto` as `"fat"` the functions of other crates are inlined too, which
/// takes some seconds more than `"false"`.
///
/// # Panics
/// If the build fails, with the compiler's words.
pub(crate) fn release_build(package: &str, test: &str, lto: &str) -> Listing {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zero_cost");
    fs::create_dir_all(&folder).expect("target/tmp can be written");
    let listing = folder.join(format!("{package}-{test}.s"));
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "--release", "--offline", "--quiet", "--package", package, "--test", test, "--target-dir"])
        .arg(&folder)
        .args(["--", "-Ccodegen-units=1"])
        .arg(format!("--emit=asm={}", listing.display()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // The comparison is about this source and this compiler, not about what the caller's flags add.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_PROFILE_RELEASE_LTO", lto)
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Listing::parse(&fs::read_to_string(listing).expect("rustc wrote the assembly"))
}

impl Listing {
    /// Reads what LLVM writes for ELF: a function stands between its symbol and `.Lfunc_end`, or is an alias.
    fn parse(text: &str) -> Listing {
        let mut functions: HashMap<String, Vec<String>> = HashMap::new();
        let mut aliases = Vec::new();
        let mut current = None;
        for line in text.lines() {
            let code = line.split('#').next().unwrap_or_default();
            let words = code.split_whitespace().collect::<Vec<_>>().join(" ");
            if let Some((name, target)) = words.split_once(" = ") {
                aliases.push((name.to_owned(), target.to_owned()));
            } else if words.starts_with(".Lfunc_end") {
                current = None;
            } else if let Some(symbol) = words.strip_suffix(':')
                && !symbol.starts_with(".L")
            {
                current = Some(functions.entry(symbol.to_owned()).or_default());
            } else if let Some(body) = &mut current
                && (words.starts_with(".LBB") || !words.is_empty() && !words.starts_with('.'))
            {
                body.push(words);
            }
        }
        for (name, target) in aliases {
            // LLVM found the two to be the same: the best proof there is.
            if let Some(body) = functions.get(&target).cloned() {
                functions.insert(name, body);
            }
        }
        Listing(functions)
    }

    /// The instructions of a function, with its labels and the offsets of fields numbered in order of appearance:
    /// where a field stands in a struct is the compiler's choice.
    pub(crate) fn function(&self, symbol: &str) -> Vec<String> {
        let body = self.0.get(symbol).unwrap_or_else(|| panic!("{symbol} is not in the assembly"));
        assert!(body.iter().any(|line| line == "retq"), "{symbol} does not return: {body:?}");
        let (mut labels, mut fields) = (Vec::new(), Vec::new());
        body.iter().map(|line| rename_offsets(&rename_labels(line, &mut labels), &mut fields)).collect()
    }

    /// Says how `facade_<name>` and `by_hand_<name>` differ.
    pub(crate) fn difference(&self, name: &str) -> Option<String> {
        let facade = self.function(&format!("facade_{name}"));
        let by_hand = self.function(&format!("by_hand_{name}"));
        if facade == by_hand {
            return None;
        }
        let line = |body: &[String], n: usize| body.get(n).cloned().unwrap_or_default();
        let rows = (0..facade.len().max(by_hand.len()))
            .map(|n| format!("    {:44} {}", line(&facade, n), line(&by_hand, n)));
        Some([format!("{name}: the facade, and by hand")].into_iter().chain(rows).collect::<Vec<_>>().join("\n"))
    }
}

/// The place of a text among those seen so far.
fn number(seen: &mut Vec<String>, text: &str) -> usize {
    seen.iter().position(|known| known == text).unwrap_or_else(|| {
        seen.push(text.to_owned());
        seen.len() - 1
    })
}

fn rename_labels(line: &str, labels: &mut Vec<String>) -> String {
    let Some(start) = line.find(".L") else { return line.to_owned() };
    let rest = &line[start..];
    let end = rest.find([':', ' ', ',', '(']).unwrap_or(rest.len());
    format!("{}label{}{}", &line[..start], number(labels, &rest[..end]), &rest[end..])
}

/// `36(%rdi)` becomes `field0(%rdi)`; a plain `(%rdi)` is an offset of zero.
fn rename_offsets(line: &str, fields: &mut Vec<String>) -> String {
    let Some((open, close)) = line.find("(%").zip(line.find(')')) else { return line.to_owned() };
    let start = line[..open].rfind([' ', ',', '*']).map_or(0, |at| at + 1);
    let offset = &line[start..open];
    if !offset.is_empty() && offset.parse::<i64>().is_err() {
        return line.to_owned(); // the address of a static
    }
    let field = number(fields, &line[start..=close]);
    format!("{}field{field}{}", &line[..start], &line[open..])
}
