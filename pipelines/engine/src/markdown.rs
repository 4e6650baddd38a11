//! The tables of a worked example's Markdown.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A heading or a table, in the order they stand.
#[derive(Debug, PartialEq, Eq)]
pub enum Block {
    Heading { level: usize, text: String, line: usize },
    Paragraph { text: String },
    Table(Table),
}

/// A table as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Cells of each row, trimmed; `\|` stands for `|`.
    pub rows: Vec<Vec<String>>,
    /// 1-based line of the header.
    pub line: usize,
    /// Bytes of the table in the text.
    pub range: Range<usize>,
    /// Bytes of each row in the text.
    pub row_ranges: Vec<Range<usize>>,
}

pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut heading: Option<(usize, Range<usize>)> = None;
    let mut table: Option<Table> = None;
    let mut row: Vec<String> = Vec::new();
    let line = |byte: usize| text[..byte].matches('\n').count() + 1;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((number(level), range)),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, range)) = heading.take() {
                    let line = line(range.start);
                    let text = text[range].trim().trim_start_matches('#').trim().to_owned();
                    blocks.push(Block::Heading { level, text, line });
                }
            }
            Event::Start(Tag::Paragraph) => blocks.push(Block::Paragraph { text: text[range].trim().to_owned() }),
            Event::Start(Tag::Table(_)) => {
                table = Some(Table {
                    columns: Vec::new(),
                    rows: Vec::new(),
                    line: line(range.start),
                    range,
                    row_ranges: Vec::new(),
                });
            }
            Event::Start(Tag::TableCell) => row.push(cell(&text[range])),
            Event::End(TagEnd::TableHead) => {
                if let Some(table) = &mut table {
                    table.columns = std::mem::take(&mut row);
                }
            }
            Event::End(TagEnd::TableRow) => {
                if let Some(table) = &mut table {
                    table.rows.push(std::mem::take(&mut row));
                    table.row_ranges.push(range);
                }
            }
            Event::End(TagEnd::Table) => blocks.extend(table.take().map(Block::Table)),
            _ => {}
        }
    }
    blocks
}

fn cell(raw: &str) -> String {
    raw.trim().trim_matches('|').trim().replace("\\|", "|")
}

fn number(level: HeadingLevel) -> usize {
    level as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_raw_cells_are_read() {
        let text = "# One\nas-of: 2026-03-31\n\n## given t\n| a | b |\n|---|---|\n| [{\"x\":\"1_2_3\"}] | *x*\\|y |\n|  | 2 |\n";
        let blocks = blocks(text);
        assert_eq!(blocks[0], Block::Heading { level: 1, text: "One".into(), line: 1 });
        assert_eq!(blocks[1], Block::Paragraph { text: "as-of: 2026-03-31".into() });
        let Block::Table(table) = &blocks[3] else { panic!("{blocks:?}") };
        assert_eq!(table.columns, ["a", "b"]);
        assert_eq!(table.rows, [["[{\"x\":\"1_2_3\"}]", "*x*|y"], ["", "2"]]);
        assert_eq!(table.line, 5);
    }
}
