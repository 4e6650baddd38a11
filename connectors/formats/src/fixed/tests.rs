use std::io::Read;

use super::{Break, Encoding, Encodings, FrameError, Framer, Frames, MAX_LINE, Record, Remarks};

/// Gives its bytes in pieces of one size.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(buffer.len()).min(self.0.len());
        let (now, later) = self.0.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.0 = later;
        Ok(length)
    }
}

const MIXED: &[u8] = b"one\r\ntwo\nthree\rfour\r\r\n\n\rfive";

fn lines(input: &[u8], piece: usize) -> Vec<(u64, u64, Break, Vec<u8>)> {
    let mut pieces = Pieces(input, piece);
    let mut framer = Framer::new(&mut pieces);
    let mut lines = Vec::new();
    while let Some(frame) = framer.next().unwrap() {
        lines.push((frame.line, frame.start, frame.line_break, framer.bytes(frame.start, frame.end).to_vec()));
    }
    lines
}

#[test]
fn lines_are_the_same_however_the_input_is_cut_and_in_memory() {
    let whole = lines(MIXED, MIXED.len());
    let texts: Vec<&[u8]> = whole.iter().map(|line| line.3.as_slice()).collect();
    assert_eq!(texts, [&b"one"[..], b"two", b"three", b"four", b"", b"", b"", b"five"]);
    for piece in 1..MIXED.len() {
        assert_eq!(lines(MIXED, piece), whole, "{piece}");
    }
    let in_memory: Vec<_> =
        Frames::new(MIXED, 0, 1).map(|(f, b)| (f.line, f.start, f.line_break, b.to_vec())).collect();
    assert_eq!(in_memory, whole);
}

#[test]
fn what_is_kept_stays_readable_and_the_rest_goes() {
    let line = [b'x'; 99];
    let input = [&line[..], b"\n"].concat().repeat(20_000);
    let mut pieces = Pieces(&input, 1_000);
    let mut framer = Framer::new(&mut pieces);
    let mut largest = 0;
    for count in 0.. {
        let Some(frame) = framer.next().unwrap() else { break };
        match count % 2_000 {
            500 => framer.keep_from(Some(frame.start)),
            1_500 => {
                let begin = frame.start - 1_000 * 100;
                assert_eq!(framer.bytes(begin, frame.end), &input[begin as usize..frame.end as usize]);
                framer.keep_from(None);
            }
            _ => {}
        }
        largest = largest.max(framer.buffer.len());
    }
    assert!(largest <= 512 * 1024, "{largest}");
}

/// Work is counted, not timed: every byte is looked at about once.
#[test]
fn megabytes_of_blank_lines_and_short_reads_take_linear_work() {
    for (input, piece) in [(b"\n".repeat(4 << 20), 1 << 20), (b"\r".repeat(1 << 20), 1), (b" ".repeat(MAX_LINE), 1)] {
        let mut pieces = Pieces(&input, piece);
        let mut framer = Framer::new(&mut pieces);
        while framer.next().unwrap().is_some() {}
        assert!(framer.work <= 2 * input.len() as u64 + 2, "{} for {}", framer.work, input.len());
    }
}

#[test]
fn a_line_without_end_is_given_up_and_not_collected() {
    let mut endless = std::io::repeat(b'x');
    let mut framer = Framer::new(&mut endless);
    assert!(matches!(framer.next(), Err(FrameError::TooLong(frame)) if frame.line == 1));
    assert!(framer.buffer.len() <= 256 * 1024);
}

fn record(bytes: &[u8], encoding: Encoding) -> (Record<'_>, Vec<&'static str>) {
    let mut remarks = Remarks::default();
    let (frame, bytes) = Frames::new(bytes, 1_000, 7).next().unwrap();
    let record = Record::read(frame, bytes, encoding, 12, &mut remarks).unwrap();
    (record, remarks.into_findings().into_iter().map(|finding| finding.code).collect())
}

#[test]
fn fields_are_characters_in_every_encoding() {
    let (latin1, remarks) = record(b"25R\xe4kning 1  \r\n", Encoding::Latin1);
    assert_eq!((latin1.text(3, 9).as_deref(), latin1.text(10, 12).as_deref()), (Some("Räkning"), Some("1")));
    assert_eq!(remarks, ["fixed.long_line"]);
    let (utf8, remarks) = record("25Räkning 1  \r\n".as_bytes(), Encoding::Utf8);
    assert_eq!((utf8.text(3, 9).as_deref(), utf8.text(10, 12).as_deref()), (Some("Räkning"), Some("1")));
    assert_eq!(remarks, ["fixed.long_line"]);
    assert_eq!(utf8.character(11), b'1');
    assert_eq!((latin1.position(11).byte, utf8.position(11).byte), (1_010, 1_011));
    assert_eq!((utf8.position(11).line, utf8.position(11).column), (Some(7), Some(11)));
}

#[test]
fn positions_after_a_tab_are_those_of_the_file() {
    let (record, remarks) = record(b"25\tab\r\n", Encoding::Latin1);
    assert_eq!(record.field(9, 10), b"ab");
    assert_eq!((record.position(9).byte, record.position(10).byte), (1_003, 1_004));
    assert_eq!(remarks, ["fixed.tab", "fixed.short_line"]);
}

#[test]
fn a_field_beyond_a_short_line_is_blank() {
    let (record, _) = record(b"25a\r\n", Encoding::Latin1);
    assert_eq!((record.field(5, 9), record.character(9), record.text(5, 9)), (&b""[..], b' ', None));
    assert_eq!(record.position(9).byte, 1_003);
}

#[test]
fn blank_lines_are_no_records() {
    for bytes in [&b"\r\n"[..], b"            \r\n", b" \t \x1a\0\r\n"] {
        let mut remarks = Remarks::default();
        let (frame, bytes) = Frames::new(bytes, 0, 1).next().unwrap();
        assert!(Record::read(frame, bytes, Encoding::Latin1, 12, &mut remarks).is_none());
        assert!(remarks.into_findings().iter().any(|finding| finding.code == "fixed.blank_line"));
    }
}

#[test]
fn the_first_text_that_is_not_ascii_decides_the_encoding() {
    let width = 4;
    let mut undecided = Encodings::default();
    assert_eq!(undecided.decide(b"abcd\n", width), Ok(Encoding::Latin1));
    assert_eq!(undecided.decide("åbcd\n".as_bytes(), width), Ok(Encoding::Utf8));
    assert_eq!(undecided.decide(b"ab\n", width), Ok(Encoding::Latin1));
    assert_eq!(undecided.decide(b"ab\xe5\n", width), Err(2));

    let mut latin1 = Encodings::default();
    assert_eq!(latin1.decide(b"\xe5bcd\n", width), Ok(Encoding::Latin1));
    assert_eq!(latin1.decide("åbcd\n".as_bytes(), width), Ok(Encoding::Latin1));

    let mut padded_in_bytes = Encodings::default();
    assert_eq!(padded_in_bytes.decide("åb\nåc \nåb \n".as_bytes(), width), Ok(Encoding::Latin1));
    let mut not_padded = Encodings::default();
    assert_eq!(not_padded.decide("åcd\n".as_bytes(), width), Ok(Encoding::Utf8));

    let mut marked = Encodings::default();
    marked.found_byte_order_mark();
    assert_eq!(marked.decide("åc \n".as_bytes(), width), Ok(Encoding::Utf8));
}
