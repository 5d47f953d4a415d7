// SPDX-License-Identifier: GPL-2.0-only
//! What the parser takes, what it says of what it does not take, and that nothing makes it panic.
#![cfg(loom)]

mod litmus_oracle;

use ksync::Model;
use litmus_oracle::{files, own};
use loom_tests::litmus::code::Program;
use loom_tests::litmus::command::outcomes;
use loom_tests::litmus::lexer::ParseError;
use loom_tests::litmus::{lower, parser, report};
use std::fs;

fn program(text: &str) -> Result<Program, ParseError> {
    parser::parse(text).and_then(|test| lower::lower(&test))
}

/// A test with this process and this condition.
fn with_body(body: &str, cond: &str) -> String {
    format!("C t\n{{}}\nP0(int *x, int *y)\n{{\n{body}\n}}\nexists ({cond})\n")
}

/// The final states of a test, one in a line.
fn states(text: &str) -> Vec<String> {
    let program = program(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let outcomes = outcomes(&program, Model::Lkmm).expect("runs under the kernel's model");
    assert_eq!(outcomes.bounded, None);
    outcomes.states.into_keys().collect()
}

#[test]
fn every_part_of_the_grammar_is_understood() {
    let text = "C name with words\n\"a { string\"\nCycle=Rfe\n(* a (* nested *) { comment *)\n\
        {\n int x = 1; int *p = &x; q = x; atomic_t v = ATOMIC_INIT(-2); spinlock_t s; 0:r9=7; [w]=0x10;\n}\n\
        void P0(int *x, volatile int* y, // the producer\n struct srcu_struct *ss, int **p)\n{\n\
        int r0 = 3, r1; /* a comment */ int *r2;\n r1 = r9; r2 = READ_ONCE(*p); (void)xchg(y, 2);\n\
        if (r0 == 3 && !(r1 < 7)) { WRITE_ONCE(*r2, (int)r0 + 2 * 2); } else r1 = 1;\n\
        while (0) { r1 = 5; }\n ;\n{ *y = *x; }\n r1 = *y > 6 ? -1 : ~0;\n}\n\
        locations [x; 0:r1; [y]; w;]\nfilter (not (x=9) /\\ true)\nexists (0:r2=x /\\ (v=-2 \\/ ~q!=x)) ;\n";
    let program = program(text).expect("a test");
    assert_eq!(program.name, "name with words");
    assert_eq!(states(text), ["0:r1=-1; 0:r2=x; [q]=x; [v]=-2; [w]=16; [x]=7; [y]=7;"].map(String::from));
    let printed = report::herd(&program, &outcomes(&program, Model::Lkmm).expect("runs"), 0.0);
    assert!(printed.contains("Condition exists (0:r2=x /\\ ([v]=-2 \\/ not (not ([q]=x))))\n"), "{printed}");
}

#[test]
fn precedence_is_that_of_c() {
    for (expr, value) in [
        ("1 + 2 * 3", 7),
        ("1 | 2 ^ 3 & 6", 1),
        ("1 << 2 + 1", 8),
        ("2 > 1 == 1", 1),
        ("0 && 0 || 1", 1),
        ("-1 - -3", 2),
        ("7 % 4 - 1", 2),
        ("8 / 0 + 5 % 0", 0),
        ("1 ? 0 ? 4 : 5 : 6", 5),
        ("10 - 3 - 2", 5),
    ] {
        assert_eq!(states(&with_body(&format!("int r0 = {expr};"), "0:r0=0")), [format!("0:r0={value};")], "{expr}");
    }
}

#[test]
fn each_primitive_returns_what_the_kernel_returns() {
    for (call, returned, left) in [
        ("xchg(x, 5)", 3, 5),
        ("cmpxchg(x, 3, 5)", 3, 5),
        ("cmpxchg_acquire(x, 4, 5)", 3, 3),
        ("atomic_read(x)", 3, 3),
        ("atomic_xchg_release(x, 6)", 3, 6),
        ("atomic_cmpxchg_relaxed(x, 3, 6)", 3, 6),
        ("atomic_add_return(2, x)", 5, 5),
        ("atomic_fetch_sub_acquire(2, x)", 3, 1),
        ("atomic_inc_return(x)", 4, 4),
        ("atomic64_fetch_dec(x)", 3, 2),
        ("atomic_long_fetch_or(4, x)", 3, 7),
        ("atomic_fetch_and_relaxed(6, x)", 3, 2),
        ("atomic_fetch_xor(1, x)", 3, 2),
        ("atomic_fetch_andnot_release(1, x)", 3, 2),
        ("atomic_sub_and_test(3, x)", 1, 0),
        ("atomic_dec_and_test(x)", 0, 2),
        ("atomic_inc_and_test(x)", 0, 4),
        ("atomic_add_negative(-4, x)", 1, -1),
        ("atomic_add_unless(x, 2, 3)", 0, 3),
        ("atomic_add_unless(x, 2, 4)", 1, 5),
        ("atomic_inc_not_zero(x)", 1, 4),
        ("smp_load_acquire(x)", 3, 3),
        ("rcu_dereference(*x)", 3, 3),
        ("*x", 3, 3),
        ("spin_is_locked(y)", 0, 3),
        ("spin_trylock(y)", 1, 3),
    ] {
        let text = with_body(&format!("int r0 = {call};"), "0:r0=0 /\\ x=0").replace("{}", "{ x=3; }");
        assert_eq!(states(&text), [format!("0:r0={returned}; [x]={left};")], "{call}");
    }
    for (call, left) in [
        ("WRITE_ONCE(*x, 4)", 4),
        ("smp_store_release(x, 4)", 4),
        ("rcu_assign_pointer(*x, 4)", 4),
        ("smp_store_mb(*x, 4)", 4),
        ("atomic_set(x, 4)", 4),
        ("atomic_set_release(x, 4)", 4),
        ("atomic_add(2, x)", 5),
        ("atomic_dec(x)", 2),
        ("atomic_andnot(1, x)", 2),
        ("*x = 4", 4),
    ] {
        let text = with_body(&format!("{call};"), "x=0").replace("{}", "{ x=3; }");
        assert_eq!(states(&text), [format!("[x]={left};")], "{call}");
    }
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    let in_body = |body: &str| with_body(body, "x=0");
    for (text, line, what) in [
        (String::new(), 1, "expected 'C NAME'"),
        ("LISA test\n{}".into(), 1, "expected 'C NAME' (a test in C), found 'LISA'"),
        ("C t\n\n(* a comment".into(), 3, "expected '*)'"),
        ("C t\nno braces".into(), 2, "expected '{' of the initial values, found the end of the file"),
        ("C t\n{ x=; }".into(), 2, "expected an initial value, found ';'"),
        ("C t\n{ x=1; x=2; }".into(), 2, "has an initial value already"),
        ("C t\n{}\nexists (x=0)".into(), 3, "expected 'P0', found 'exists'"),
        ("C t\n{}\nP1(int *x) {}".into(), 3, "expected 'P0', found 'P1'"),
        ("C t\n{}\nP0(int *x) {}\nP2(int *x) {}".into(), 4, "expected 'P1', found 'P2'"),
        ("C t\n{}\nP0(int *x, int *x) {}".into(), 3, "'x' stands here twice"),
        ("C t\n{}\nP0(int *x) {}\n".into(), 4, "expected 'locations', 'filter', 'exists'"),
        ("C t\n{}\nP0(int *x) {}\nexists (1:r0=0)".into(), 4, "expected a process from 0 to 0, found 1"),
        ("C t\n{}\nP0(int *x) {}\nexists (x=0) x".into(), 4, "expected the end of the file, found 'x'"),
        (in_body("r0 = READ_ONCE(*x)"), 6, "expected ';', found '}'"),
        (in_body("r0 = ;"), 5, "expected an expression, found ';'"),
        (in_body("r0;"), 5, "expected '='"),
        (in_body("\nr0 = smp_frob(x);"), 6, "'smp_frob' is not a primitive"),
        (in_body("r0 = atomic_or_return(1, x);"), 5, "'atomic_or_return' is not a primitive"),
        (in_body("smp_store_release(x);"), 5, "'smp_store_release' takes 2 arguments, found 1"),
        (in_body("r0 = smp_mb();"), 5, "'smp_mb' returns nothing"),
        (in_body("r0 = atomic_inc(x);"), 5, "'atomic_inc' returns nothing"),
        (in_body("WRITE_ONCE(x, 1);"), 5, "'WRITE_ONCE' takes '*pointer' first"),
        (in_body("r0 = 99999999999999999999;"), 5, "expected a number"),
        (in_body("r0 = x->next;"), 5, "expected an expression, found '>'"),
        (in_body("r0 = \"x\";"), 5, "no litmus test contains"),
        (in_body("/* open"), 5, "expected '*/'"),
        (in_body(&format!("r0 = {};", "(".repeat(1000))), 5, "levels of nesting"),
        (in_body(&format!("r0 = {}1;", "!".repeat(100_000))), 5, "levels of nesting"),
        (in_body(&format!("r0 = 1{};", " + 1".repeat(100_000))), 5, "operators in a row"),
        (in_body(&"{".repeat(100_000)), 5, "levels of nesting"),
        (in_body(&"smp_mb();".repeat(1000)), 5, "operations"),
    ] {
        let start: String = text.chars().take(200).collect();
        let error = program(&text).expect_err(&start);
        assert_eq!(error.line, line, "{error}\n{start}");
        assert!(error.what.contains(what), "{error} does not say '{what}'\n{start}");
    }
}

/// A generator of numbers that is the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

/// Cuts, copies and replaces pieces of a text.
fn mutate(text: &str, random: &mut Random) -> String {
    const WORDS: [&str; 24] = [
        "(",
        ")",
        "{",
        "}",
        "(*",
        "*)",
        "*",
        ";",
        ",",
        "=",
        "x",
        "0",
        "9",
        "&&",
        "/\\",
        "~",
        "if (",
        "while (r0) ",
        "\"",
        ":",
        "-",
        "ü",
        "\0",
        "spin_lock(x);",
    ];
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = (at + random.below(12)).min(bytes.len());
        let word = match random.below(3) {
            0 => Vec::new(),
            1 => WORDS[random.below(WORDS.len())].as_bytes().to_vec(),
            _ => {
                let from = random.below(bytes.len());
                bytes[from..(from + random.below(30)).min(bytes.len())].to_vec()
            }
        };
        bytes.splice(at..end, word);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn no_text_makes_it_panic() {
    let texts: Vec<String> = files(&own()).iter().map(|path| fs::read_to_string(path).expect("readable")).collect();
    let mut random = Random(0x5eed);
    let (mut refused, mut ran) = (0, 0);
    for round in 0..20_000 {
        let text = mutate(&texts[random.below(texts.len())], &mut random);
        match program(&text) {
            Err(error) => {
                refused += 1;
                assert!(error.line <= text.lines().count() + 1 && !error.what.is_empty(), "{error}");
            }
            // To run them all would take long, and many are what they were.
            Ok(program) if round % 8 == 0 => {
                ran += 1;
                for model in [Model::Lkmm, Model::Sc, Model::Rc11] {
                    let _ = outcomes(&program, model).map(|outcomes| report::herd(&program, &outcomes, 0.0));
                }
            }
            Ok(_) => {}
        }
    }
    assert!(refused > 1000 && ran > 100, "{refused} refused, {ran} run");
}
