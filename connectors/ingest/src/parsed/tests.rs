use std::sync::Arc;

use super::*;
use crate::spool::{Kind, Parts};
use crate::testing::{origin, parse, parsed};

#[test]
fn a_test_file_and_a_refused_file_deliver_no_rows() {
    for (script, status) in [("rows 3\ntest", Status::Test), ("rows 3\nreject 1\nrefuse", Status::Refused)] {
        let file = parsed(script);
        assert_eq!(file.status, status);
        assert_eq!(file.deliveries, []);
        assert!(Parts::of(&Arc::new(file)).is_empty());
    }
}

#[test]
fn a_file_that_is_refused_and_a_test_is_refused() {
    assert_eq!(parsed("test\nrefuse").status, Status::Refused);
}

#[test]
fn a_sum_that_cannot_be_stated_refuses_the_file() {
    let file = parsed("rows 1\nhuge");
    assert_eq!(file.status, Status::Refused);
    let Verdict::Refused(finding) = &file.summary.verdict else { panic!("accepted") };
    assert_eq!(finding.code, "ingest.amount_range");
    assert_eq!(manifest::record(&file).unwrap().num_rows(), 1);
}

#[test]
fn rows_and_rejects_keep_the_order_in_which_the_parser_gave_them() {
    let file = Arc::new(parsed("rows 2\nreject 1500\nrows 9000\nreject 1"));
    assert_eq!(file.deliveries, [Delivered { contract: "ledger_balance".into(), accepted: 9002, rejected: 1501 }]);
    let mut parts = Parts::of(&file).remove(0).1;
    let mut seen = Vec::new();
    while let Some(part) = parts.next().unwrap() {
        seen.push((part.kind, part.rows.num_rows()));
    }
    let expected = [
        (Kind::Accepted, 2),
        (Kind::Rejected, 1024),
        (Kind::Rejected, 476),
        (Kind::Accepted, 8192),
        (Kind::Accepted, 808),
        (Kind::Rejected, 1),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_parser_that_loses_rows_is_found_out() {
    fn forgetful(
        format: &str,
        info: FileInfo<'_>,
        input: &mut dyn Read,
        sink: &mut dyn Sink,
    ) -> Result<Summary, ParseError> {
        let summary = parse(format, info, input, sink)?;
        Ok(Summary { read_records: summary.read_records + 1, ..summary })
    }
    let dir = tempfile::tempdir().unwrap();
    let failed = Parsed::read_with(&Parser::new(forgetful), origin("a", b"rows 3"), &mut &b"rows 3"[..], dir.path());
    assert!(matches!(failed, Err(Error::Defect(_))), "{failed:?}");
}

#[test]
fn a_sealed_file_is_judged_with_the_keys_that_are_given() {
    let record = |text: &str| format!("{text:<80}\r\n");
    let sealed = [
        record("00260302HMAC"),
        record("110009912346260302LEVERANTORSBETALNINGAR"),
        record("290009912346000000000000000000000"),
        record(&format!("99260302FF365893D899291C3BF505FB3175E880{}", "0".repeat(32))),
    ]
    .concat();
    let key = SealKey::parse("1234567890ABCDEF1234567890ABCDEF").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let read = |keys: &[SealKey]| {
        let mut parser = Parser::new(formats::parse);
        parser.seal_keys = keys.into();
        let mut origin = origin("sealed", sealed.as_bytes());
        origin.format = "lb".to_owned();
        Parsed::read_with(&parser, origin, &mut sealed.as_bytes(), dir.path()).unwrap()
    };
    let unknown = read(&[]);
    assert_eq!(unknown.status, Status::Accepted);
    assert!(unknown.summary.remarks.iter().any(|remark| remark.code == "seal.not_verified"));
    assert!(matches!(read(&[key]).summary.verdict, Verdict::Refused(finding) if finding.code == "seal.broken"));
}
