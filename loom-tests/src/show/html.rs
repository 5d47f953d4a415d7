// SPDX-License-Identifier: GPL-2.0-only
//! A counterexample as one HTML file, for a report or a bug tracker: nothing is fetched, and the columns stay aligned.

use super::picture::What;
use super::story::Story;
use std::fmt::Write;

const STYLE: &str = "
  body { font: 15px/1.4 sans-serif; margin: 2em; }
  table { border-collapse: collapse; font: 13px/1.5 monospace; }
  th { text-align: left; border-bottom: 2px solid; padding: 0 1em; }
  td { padding: 0 1em; border-left: 4px solid transparent; white-space: pre-wrap; min-width: 24em; }
  td.irqs-off { border-left-color: #c33; }
  td.mark { min-width: 0; text-align: left; }
  .enter { font-weight: bold; }
  .wait { color: #c33; font-weight: bold; }
  @media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } }
";

/// The whole page.
pub fn page(story: &Story) -> String {
    document(&story.title, &section(story))
}

/// A page with this title as its heading.
pub fn document(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n{body}</html>\n"
    )
}

/// A run and what is said about it, below a heading.
pub fn section(story: &Story) -> String {
    let Story { title: _, summary, picture, ending } = story;
    let mut html = format!("<p>{}</p>\n<table>\n<tr>", escaped(summary));
    for column in &picture.columns {
        push(&mut html, format_args!("<th>CPU{}<br>{}</th>", column.cpu, escaped(&column.tasks.join(", "))));
    }
    html.push_str("</tr>\n");
    for line in &picture.lines {
        let class = match line.what {
            What::Enter(_) | What::Task(_) => "enter",
            What::Step(_) | What::Data(_) => "step",
            What::Wait { .. } => "wait",
        };
        let margin = if line.irqs_off { " class=\"irqs-off\"" } else { "" };
        let indent = " ".repeat(2 * line.depth);
        html.push_str("<tr>");
        html.push_str(&"<td></td>".repeat(line.column));
        let text = escaped(&line.what.to_string());
        push(&mut html, format_args!("<td{margin}>{indent}<span class=\"{class}\">{text}</span></td></tr>\n"));
    }
    push(&mut html, format_args!("</table>\n<p>A red margin: interrupts are off on that CPU.</p>\n"));
    for sentence in ending {
        push(&mut html, format_args!("<p>{}</p>\n", escaped(sentence)));
    }
    html
}

fn push(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).expect("a string takes everything");
}

/// The text with what HTML reads as its own replaced.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
