//! What real files have that the manual does not: read all the same, and said.

use std::io::Read;

use super::{Outcome, file, latin1, payment, put, read, read_from, valid};

/// Values of the rows without their places in the file.
fn values(outcome: &Outcome) -> Vec<String> {
    let places = ["byte_start", "byte_end"];
    let of = |row: &serde_json::Map<String, serde_json::Value>| {
        let mut row = row.clone();
        places.iter().for_each(|name| drop(row.remove(*name)));
        for reference in row["references"].as_array_mut().unwrap() {
            places.iter().for_each(|name| drop(reference.as_object_mut().unwrap().remove(*name)));
        }
        serde_json::to_string(&row).unwrap()
    };
    outcome.rows.iter().map(of).collect()
}

/// Reads the changed file, expects the rows of the valid one and exactly these remarks.
fn same_rows(bytes: &[u8], remarks: &[&str]) -> Outcome {
    let outcome = read(bytes);
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    assert_eq!(outcome.remarks(), remarks);
    assert_eq!(values(&outcome), values(&read(&file(&valid()))));
    outcome
}

fn joined(records: &[String], line_break: &str) -> Vec<u8> {
    latin1(&records.iter().map(|record| format!("{record}{line_break}")).collect::<String>())
}

#[test]
fn lines_may_end_with_lf_or_cr_and_the_last_with_nothing() {
    same_rows(&joined(&valid(), "\n"), &["fixed.line_break_lf"]);
    same_rows(&joined(&valid(), "\r"), &["fixed.line_break_cr"]);
    let bytes = file(&valid());
    same_rows(&bytes[..bytes.len() - 2], &[]);
}

#[test]
fn utf_8_is_read_by_characters_and_places_stay_those_of_the_file() {
    let text: String = valid().iter().map(|record| format!("{record}\r\n")).collect();
    let outcome = same_rows(text.as_bytes(), &["fixed.utf8"]);
    // The first payment's records hold three letters of two bytes.
    assert_eq!(outcome.rows[1]["byte_start"], 9 * 82 + 3);
    assert_eq!(outcome.summary.remarks[0].position.line, Some(4));
    let with_mark = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    let outcome = same_rows(&with_mark, &["fixed.byte_order_mark", "fixed.utf8"]);
    assert_eq!(outcome.rows[0]["byte_start"], 2 * 82 + 3);
}

#[test]
fn utf_8_in_a_reference_does_not_move_the_amount() {
    let mut records = valid();
    put(&mut records[17], 13, "Räkning för mars åäö €");
    let text: String = records.iter().map(|record| format!("{record}\r\n")).collect();
    let outcome = read(text.as_bytes());
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    assert_eq!(outcome.rows[3]["reference"], "Räkning för mars åäö €");
    assert_eq!(outcome.rows[3]["amount"], "300.00");
}

#[test]
fn letters_that_a_payer_mistyped_do_not_make_a_file_utf_8() {
    // "Ã¥" in ISO 8859-1 is "å" in UTF-8, but the line has 80 bytes.
    let mut records: Vec<String> = valid().iter().map(|record| record.replace(['å', 'ö'], "o")).collect();
    put(&mut records[5], 3, "Kalles Pl\u{c3}\u{a5}t AB");
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted");
    assert!(outcome.remarks().is_empty(), "{:?}", outcome.remarks());
    assert_eq!(outcome.rows[0]["payer_name"], "Kalles Pl\u{c3}\u{a5}t AB");
    assert_eq!(outcome.rows[0]["payer_extra_name"], "Ekonomi");
}

#[test]
fn once_iso_8859_1_always_iso_8859_1() {
    let mut records = valid();
    put(&mut records[17], 13, "\u{c3}\u{a5} 665869 665760");
    let outcome = read(&file(&records));
    assert_eq!(outcome.rows[3]["reference"], "\u{c3}\u{a5} 665869 665760");
    assert!(outcome.remarks().is_empty());
}

#[test]
fn windows_1252_is_read_as_such() {
    let mut bytes = file(&valid());
    bytes[3 * 82 + 12] = 0x96;
    let outcome = read(&bytes);
    assert_eq!(outcome.remarks(), ["fixed.windows_1252"]);
    assert_eq!(outcome.rows[0]["messages"][0], "Betalning \u{2013}ör mars");
}

#[test]
fn lines_without_their_trailing_blanks_are_whole() {
    let trimmed: Vec<String> = valid().iter().map(|record| record.trim_end().to_owned()).collect();
    let outcome = same_rows(&file(&trimmed), &["fixed.short_line"]);
    let remark = &outcome.summary.remarks[0];
    assert_eq!((remark.position.line, remark.position.column, remark.position.byte), (Some(1), Some(46), 45));
    assert!(remark.message.ends_with("(22 times)") && remark.message_sv.ends_with("(22 gånger)"), "{remark:?}");
}

#[test]
fn lines_may_be_longer_than_their_record() {
    let mut records = valid();
    records[2].push_str("    ");
    same_rows(&file(&records), &["fixed.long_line"]);
    records[2].push('x');
    let outcome = same_rows(&file(&records), &["fixed.text_beyond_record"]);
    assert_eq!(outcome.summary.remarks[0].position.column, Some(81));
}

#[test]
fn tabs_stand_for_blanks() {
    let mut records = valid();
    records[0] = format!("{}\t", records[0].trim_end());
    same_rows(&file(&records), &["fixed.tab", "fixed.short_line"]);
    // Two tabs after twelve characters lead to the 25th, where seven blanks are left before the reference.
    let mut records = valid();
    let reference = payment("22", "0050501055", &format!("{:>25}", "665869"), 0, "22000000000040");
    records[18] = reference.replacen(&" ".repeat(12), "\t\t", 1);
    same_rows(&file(&records), &["fixed.tab"]);
}

#[test]
fn titles_and_rulers_may_stand_before_the_start() {
    let mut records = valid();
    records.insert(0, "Exempelfil 1: BgMax".to_owned());
    records.insert(1, "---+----1----+----2----+----3".to_owned());
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted");
    assert_eq!(outcome.remarks(), ["bgmax.title"]);
    assert_eq!(outcome.summary.remarks[0].position.line, Some(1));
}

#[test]
fn blank_lines_may_stand_anywhere() {
    let records: Vec<String> = valid().into_iter().flat_map(|record| [String::new(), record, " ".repeat(80)]).collect();
    same_rows(&file(&records), &["fixed.blank_line"]);
}

#[test]
fn an_end_of_file_character_may_end_the_file() {
    let bytes = file(&valid());
    same_rows(&[&bytes[..], b"\x1a"].concat(), &["fixed.ctrl_z", "fixed.blank_line"]);
    same_rows(&[&bytes[..bytes.len() - 2], b"\x1a"].concat(), &["fixed.ctrl_z"]);
}

#[test]
fn unknown_record_types_are_counted_by_type() {
    let mut records = valid();
    for (line, text) in [(1, "24a"), (3, "24b"), (9, "XXc"), (16, "24d")] {
        records.insert(line, super::record(&[(1, text)]));
    }
    let outcome = same_rows(&file(&records), &["bgmax.unknown_record", "bgmax.unknown_record"]);
    assert!(outcome.summary.remarks[0].message.contains("24 were skipped (3)"), "{:?}", outcome.summary.remarks);
    assert!(outcome.summary.remarks[1].message.contains("XX were skipped (1)"));
}

/// Gives one byte at a time.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
        buffer[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

#[test]
fn how_the_bytes_arrive_makes_no_difference() {
    let bytes = file(&valid());
    let dripped = read_from(&mut Drip(&bytes));
    let whole = read(&bytes);
    assert_eq!(dripped.summary, whole.summary);
    assert_eq!(dripped.rows, whole.rows);
}
