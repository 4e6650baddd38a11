//! Input that is meant to hurt: time and memory stay in proportion.

use std::io::Read;

use super::{Collector, end, file, payment, read, record, valid};

/// A file whose middle is one piece over and over, never held in memory as a whole.
struct Repeated {
    parts: Vec<(Vec<u8>, usize)>,
    offset: usize,
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while let Some((bytes, times)) = self.parts.first_mut() {
            if *times == 0 || bytes.is_empty() {
                self.parts.remove(0);
                continue;
            }
            let length = (bytes.len() - self.offset).min(buffer.len());
            buffer[..length].copy_from_slice(&bytes[self.offset..self.offset + length]);
            self.offset += length;
            if self.offset == bytes.len() {
                self.offset = 0;
                *times -= 1;
            }
            return Ok(length);
        }
        Ok(0)
    }
}

fn with_repeated(before: usize, piece: &[u8], times: usize) -> Repeated {
    let records = valid();
    let parts = vec![(file(&records[..before]), 1), (piece.to_vec(), times), (file(&records[before..]), 1)];
    Repeated { parts, offset: 0 }
}

#[test]
fn megabytes_of_blank_lines_are_one_remark() {
    for before in [0, 1, 5, 16, 22] {
        let mut collector = Collector::default();
        let summary = super::super::parse(&mut with_repeated(before, b"\r\n", 1 << 20), &mut collector).unwrap();
        assert_eq!(summary.verdict, crate::Verdict::Accepted, "{before}");
        assert_eq!((collector.rows.len(), summary.remarks.len()), (4, 1));
        assert!(summary.remarks[0].message.ends_with("(1048576 times)"));
    }
}

#[test]
fn a_million_information_records_reject_their_payment_only() {
    let information = file(&[record(&[(1, "25text")])]);
    let mut collector = Collector::default();
    super::super::parse(&mut with_repeated(5, &information, 1_000_000), &mut collector).unwrap();
    assert_eq!((collector.rows.len(), collector.rejects.len()), (3, 1));
    assert_eq!(collector.rejects[0].finding.code, "bgmax.information_count");
    assert_eq!(collector.rejects[0].raw.len(), crate::MAX_RAW);
}

#[test]
fn a_deposit_that_does_not_end_is_given_up_before_memory_is() {
    let mut collector = Collector::default();
    let summary = super::super::parse(&mut with_repeated(5, b"24\n", usize::MAX), &mut collector).unwrap();
    let crate::Verdict::Refused(finding) = summary.verdict else { panic!("accepted") };
    assert_eq!(finding.code, "bgmax.deposit_size");
    assert!(finding.position.byte < 64 << 20, "{finding:?}");
}

#[test]
fn text_that_is_no_bgmax_is_given_up_at_its_beginning() {
    let mut endless = std::io::repeat(b'\n').take(1 << 20).chain(std::io::repeat(b'%'));
    let outcome = super::read_from(&mut endless);
    assert_eq!(outcome.verdict(), "bgmax.not_bgmax");
    assert_eq!(read(&b"some text\n".repeat(1 << 20)).verdict(), "bgmax.not_bgmax");
}

#[test]
fn unknown_types_are_told_apart_only_up_to_a_limit() {
    let mut records = valid();
    records.splice(
        5..5,
        (0..2_000).map(|n| {
            record(&[(1, &format!("{}{}", (b'A' + (n % 26) as u8) as char, char::from(b'a' + (n / 26 % 26) as u8)))])
        }),
    );
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted");
    assert!(outcome.remarks().len() <= 65, "{}", outcome.remarks().len());
}

#[test]
fn deposits_and_serial_numbers_that_repeat_a_thousand_times_are_still_told_apart() {
    let mut records = valid()[..1].to_vec();
    for n in 1..=1_000 {
        records.push(record(&[(1, "050009912346"), (23, "SEK")]));
        records.push(payment("20", "0000000000", "", n, "010000000000070"));
        records.push(super::deposit("20260302", "00001", n, "SEK", 1));
    }
    records.push(end(1_000, 0, 0, 1_000));
    let outcome = read(&file(&records));
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    let mut ids = outcome.column("payment_id");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1_000);
}
