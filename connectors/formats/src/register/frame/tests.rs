use super::*;
use proptest::prelude::*;

/// Gives at most `step` bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let step = self.1.min(buffer.len());
        self.0.read(&mut buffer[..step])
    }
}

struct Seen {
    start: u64,
    end: u64,
    line: u64,
    fields: Vec<String>,
}

fn read(bytes: &[u8], step: usize) -> Vec<Seen> {
    let mut input = Slow(bytes, step);
    let mut rows = Rows::new(&mut input, b';', b'"', Some(b'#'));
    rows.byte_order_mark().unwrap();
    let mut seen = Vec::new();
    while let Some(row) = rows.next_row().unwrap() {
        assert_eq!(row.raw, &bytes[row.start as usize..row.end as usize]);
        let fields = row.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
        seen.push(Seen { start: row.start, end: row.end, line: row.line, fields });
    }
    seen
}

fn places(bytes: &[u8]) -> Vec<(u64, u64, u64)> {
    let places = |step| read(bytes, step).iter().map(|row| (row.start, row.end, row.line)).collect::<Vec<_>>();
    for step in 1..=bytes.len() {
        assert_eq!(places(step), places(CHUNK), "{step} bytes at a time");
    }
    places(CHUNK)
}

#[test]
fn every_kind_of_line_end_gives_the_exact_place_of_a_row() {
    assert_eq!(places(b"a;b\nc;d\n"), [(0, 3, 1), (4, 7, 2)]);
    assert_eq!(places(b"a;b\r\nc;d"), [(0, 3, 1), (5, 8, 2)]);
    assert_eq!(places(b"a;b\rc;d\r"), [(0, 3, 1), (4, 7, 2)]);
    assert_eq!(places(b"\n\r\n\na\n\n\r\nb\n"), [(4, 5, 4), (9, 10, 7)]);
    assert_eq!(places(b"\xef\xbb\xbfa\r\n\r\nb"), [(3, 4, 1), (8, 9, 3)]);
    assert_eq!(places(b"#x;\"y\r\na\n#\n"), [(7, 8, 2)]);
    assert_eq!(places(b"a;\nb;"), [(0, 2, 1), (3, 5, 2)]);
    assert_eq!(places(b""), []);
    assert_eq!(places(b"\r\n\n"), []);
}

#[test]
fn a_line_break_in_quotes_is_part_of_the_field() {
    let bytes = b"a;\"b\r\n\"\"c\"\"\";d\r\ne\n";
    assert_eq!(places(bytes), [(0, 14, 1), (16, 17, 3)]);
    assert_eq!(read(bytes, 1)[0].fields, ["a", "b\r\n\"c\"", "d"]);
}

#[test]
fn the_place_of_a_field_honours_quotes() {
    let bytes = b"a;\"b;\"\"\";c\"d;e";
    let mut input = &bytes[..];
    let mut rows = Rows::new(&mut input, b';', b'"', None);
    let row = rows.next_row().unwrap().unwrap();
    let before: Vec<&[u8]> = (0..row.len()).map(|field| row.before(field, b';', b'"')).collect();
    assert_eq!(before, [&b""[..], b"a;", b"a;\"b;\"\"\";", b"a;\"b;\"\"\";c\"d;"]);
}

#[test]
fn an_unclosed_quote_does_not_collect_the_rest_of_a_large_file() {
    let mut bytes = b"a;\"b\n".to_vec();
    bytes.extend(b"c;d\n".repeat(MAX_ROW));
    let mut input = &bytes[..];
    let mut rows = Rows::new(&mut input, b';', b'"', None);
    assert!(matches!(rows.next_row(), Err(FrameError::TooLong { start: 0, line: 1 })));
    assert!(rows.buffer.len() < MAX_ROW + 4 * CHUNK);

    let bytes = vec![b';'; MAX_ROW];
    let mut input = &bytes[..];
    assert!(matches!(Rows::new(&mut input, b';', b'"', None).next_row(), Err(FrameError::TooLong { .. })));
}

proptest! {
    #[test]
    fn fields_are_those_that_the_csv_crate_reads(text in "[ab;\"\n\r]{0,60}", step in 1..8_usize) {
        let mut reader = csv::ReaderBuilder::new().delimiter(b';').has_headers(false).flexible(true)
            .comment(Some(b'#')).from_reader(text.as_bytes());
        let expected: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        let rows = read(text.as_bytes(), step);
        prop_assert_eq!(rows.iter().map(|row| row.fields.clone()).collect::<Vec<_>>(), expected);
        prop_assert!(rows.windows(2).all(|pair| pair[0].end <= pair[1].start && pair[0].line < pair[1].line));
    }
}
