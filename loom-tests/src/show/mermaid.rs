// SPDX-License-Identifier: GPL-2.0-only
//! A counterexample as a Mermaid sequence diagram: a participant per CPU, a note for what it does without interruption,
//! an arrow from who waits to who could end it.

use super::picture::{Line, What};
use super::story::Story;

/// The whole diagram.
pub fn draw(story: &Story) -> String {
    let Story { title, picture, .. } = story;
    let mut text = format!("---\ntitle: \"{}\"\n---\nsequenceDiagram\n", title.replace('"', "'"));
    for column in &picture.columns {
        let tasks = column.tasks.join(", ");
        text += &format!("    participant C{0} as CPU{0}<br/>{1}\n", column.cpu, escaped(&tasks));
    }
    let mut irqs_off = vec![false; picture.columns.len()];
    for block in picture.lines.chunk_by(|a, b| a.column == b.column && !waits(a) && !waits(b)) {
        let column = block[0].column;
        let here = picture.columns[column].cpu;
        match &block[0].what {
            What::Wait { text: what, on: Some(on) } => text += &format!("    C{here}-xC{on}: {}\n", escaped(what)),
            What::Wait { text: what, on: None } => text += &format!("    Note over C{here}: {}\n", escaped(what)),
            _ => {
                let lines: Vec<String> = block.iter().map(|line| words(line, &mut irqs_off[column])).collect();
                text += &format!("    Note over C{here}: {}\n", lines.join("<br/>"));
            }
        }
    }
    text
}

fn waits(line: &Line) -> bool {
    matches!(line.what, What::Wait { .. })
}

/// A line, and the interrupt state where it is another than before.
fn words(line: &Line, irqs_off: &mut bool) -> String {
    let text = escaped(&line.what.to_string());
    let before = std::mem::replace(irqs_off, line.irqs_off);
    match (before, line.irqs_off) {
        (false, true) => format!("{text} [irqs off]"),
        (true, false) => format!("{text} [irqs on]"),
        _ => text,
    }
}

/// Mermaid ends a statement at `;`, and takes `#` for the beginning of a character code.
fn escaped(text: &str) -> String {
    let code = |c| match c {
        '#' => "#35;".to_owned(),
        ';' => "#59;".to_owned(),
        '<' => "#lt;".to_owned(),
        '>' => "#gt;".to_owned(),
        _ => String::from(c),
    };
    text.chars().map(code).collect()
}
