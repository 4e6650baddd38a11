//! A drawing of what a table reads and who reads it: three columns of boxes, nothing more to understand.

use std::fmt::Write as _;

const BOX: (usize, usize) = (250, 26);
const GAP: (usize, usize) = (70, 10);

/// The drawing as SVG whose boxes are links. The page says the same in lists, so that nobody needs the drawing.
pub fn svg(table: &str, reads: &[&str], readers: &[&str]) -> String {
    let rows = reads.len().max(readers.len()).max(1);
    let height = rows * (BOX.1 + GAP.1) + GAP.1;
    let width = 3 * BOX.0 + 2 * GAP.0 + 4;
    let middle = (BOX.0 + GAP.0 + 2, height / 2 - BOX.1 / 2);
    let mut text = format!(
        "<svg role=\"img\" aria-labelledby=\"graph\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\
         <title id=\"graph\">{table} reads {} tables and is read by {}</title>",
        reads.len(),
        readers.len()
    );
    for (index, name) in reads.iter().enumerate() {
        let at = (2, top(index, reads.len(), height));
        line(&mut text, (at.0 + BOX.0, at.1), (middle.0, middle.1));
        node(&mut text, name, at, true);
    }
    for (index, name) in readers.iter().enumerate() {
        let at = (2 * (BOX.0 + GAP.0) + 2, top(index, readers.len(), height));
        line(&mut text, (middle.0 + BOX.0, middle.1), at);
        node(&mut text, name, at, true);
    }
    node(&mut text, table, middle, false);
    text.push_str("</svg>");
    text
}

fn top(index: usize, of: usize, height: usize) -> usize {
    let own = of * (BOX.1 + GAP.1) - GAP.1;
    (height - own) / 2 + index * (BOX.1 + GAP.1)
}

/// Names of tables are names of files that the engine has read: letters, digits, `_` and `-`.
fn node(text: &mut String, name: &str, (x, y): (usize, usize), is_link: bool) {
    let own = if is_link { "" } else { " class=\"own\"" };
    let shape = format!(
        "<rect{own} x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"3\"/><text x=\"{}\" y=\"{}\">{name}</text>",
        BOX.0,
        BOX.1,
        x + 8,
        y + 18
    );
    let _ = if is_link { write!(text, "<a href=\"{name}.html\">{shape}</a>") } else { write!(text, "{shape}") };
}

fn line(text: &mut String, (x1, y1): (usize, usize), (x2, y2): (usize, usize)) {
    let (y1, y2) = (y1 + BOX.1 / 2, y2 + BOX.1 / 2);
    let bend = (x1 + x2) / 2;
    let _ = write!(text, "<path d=\"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}\"/>");
}
