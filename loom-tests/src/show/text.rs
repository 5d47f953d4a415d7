// SPDX-License-Identifier: GPL-2.0-only
//! A counterexample as text.

use super::picture::Picture;
use super::story::Story;

/// The width of the whole picture, in characters.
const WIDTH: usize = 96;
/// Between two columns.
const GAP: usize = 2;
/// The margin of a column: a mark where interrupts are off.
const MARGIN: usize = 2;
/// The indentation of a cell's further lines.
const HANG: usize = 4;

/// The whole page: what failed, the picture, and where everybody ends.
pub fn page(story: &Story) -> String {
    let Story { title, summary, picture, ending } = story;
    let mut text = wrapped(title, 2) + &wrapped(summary, 2) + "\n" + &columns(picture) + "\n";
    text.extend(ending.iter().map(|sentence| wrapped(sentence, 2)));
    text
}

/// A column per CPU.
fn columns(picture: &Picture) -> String {
    let count = picture.columns.len().max(1);
    let mut page = Page { width: (WIDTH + GAP) / count - GAP, text: String::new() };
    page.row(picture.columns.iter().map(|column| format!("CPU{}", column.cpu)));
    page.row(picture.columns.iter().map(|column| column.tasks.join(", ")));
    page.row((0..count).map(|_| "-".repeat(page.width)).collect::<Vec<_>>());
    for line in &picture.lines {
        page.cell(line.column, line.irqs_off, 2 * line.depth, &line.what.to_string());
    }
    page.text
        .push_str("\n# Interrupts are off. Data steps: plain accesses, and words that no other task touches here.\n");
    page.text
}

struct Page {
    width: usize,
    text: String,
}

impl Page {
    /// One line with a cell in each column.
    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let width = self.width + GAP;
        let line: String = cells.into_iter().map(|cell| format!("{cell:<width$}")).collect();
        self.push(&line);
    }

    /// One cell, over as many lines as its text needs.
    fn cell(&mut self, column: usize, irqs_off: bool, indent: usize, text: &str) {
        let left = column * (self.width + GAP);
        let mark = if irqs_off { "#" } else { "" };
        let room = self.width.saturating_sub(MARGIN + indent);
        for (hang, part) in wrap(text, room, HANG) {
            self.push(&format!("{:left$}{mark:<MARGIN$}{:indent$}{:hang$}{part}", "", "", ""));
        }
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// Text over the whole width; the lines after the first hang.
fn wrapped(text: &str, hang: usize) -> String {
    wrap(text, WIDTH, hang).into_iter().map(|(hang, line)| format!("{:hang$}{line}\n", "")).collect()
}

/// Breaks a text at spaces into lines of at most `room`, each with its indentation: none for the first, `hang` for
/// the others. A word is never broken.
pub(super) fn wrap(text: &str, room: usize, hang: usize) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some((hang, line)) if *hang + line.len() + 1 + word.len() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push((hang, word.to_owned())),
            None => lines.push((0, word.to_owned())),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_never_broken() {
        let lines = wrap("aa bb cccccccccccc d", 5, 2);
        let lines: Vec<(usize, &str)> = lines.iter().map(|(hang, line)| (*hang, line.as_str())).collect();
        assert_eq!(lines, [(0, "aa bb"), (2, "cccccccccccc"), (2, "d")]);
    }
}
