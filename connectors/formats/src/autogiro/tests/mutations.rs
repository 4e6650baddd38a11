//! One change to a valid file per rule must give that rule's code and no other.

use super::*;
use crate::testing::{Breaking, Remarked, each_is_remarked, each_refuses, put};

/// A valid file.
type File = fn() -> Vec<String>;
/// A change to its records.
type Change = fn(&mut Vec<String>);
/// A valid file, code, line and column of the finding, contract and amount of the rejected row, change.
type Rejected = (File, &'static str, u64, u32, &'static str, Option<i128>, Change);

const SPECIFICATION: File = specification;

#[test]
fn the_unchanged_files_are_accepted_without_a_remark() {
    let files: [File; 8] = [
        specification,
        old_specification,
        rejected,
        amendments,
        monitoring,
        mandate_advice,
        internet_mandates,
        register,
    ];
    for file in files {
        let outcome = read(&file()).accepted();
        assert!(outcome.remarks().is_empty(), "{:?}", outcome.summary.remarks);
        assert!(outcome.summary.read_records > 0);
    }
}

#[test]
fn what_breaks_the_whole_refuses_the_file_with_its_place() {
    let changes: &[Breaking] = &[
        (SPECIFICATION, "autogiro.not_autogiro", 1, 1, |r| put(&mut r[0], 3, "BGMAX   ")),
        (SPECIFICATION, "autogiro.not_autogiro", 1, 1, |r| r.clear()),
        (SPECIFICATION, "autogiro.content", 1, 45, |r| put(&mut r[0], 45, "BET. SPEX")),
        (old_specification, "autogiro.content", 1, 23, |r| put(&mut r[0], 23, "BET. SPEX")),
        (old_specification, "autogiro.order", 1, 19, |r| put(&mut r[0], 19, "    ")),
        (SPECIFICATION, "autogiro.bankgiro", 1, 71, |r| put(&mut r[0], 71, "          ")),
        (SPECIFICATION, "autogiro.bankgiro", 1, 71, |r| put(&mut r[0], 71, "00099123X6")),
        (SPECIFICATION, "autogiro.order", 1, 1, |r| drop(r.remove(0))),
        (SPECIFICATION, "autogiro.order", 2, 1, |r| drop(r.remove(1))),
        (SPECIFICATION, "autogiro.order", 4, 1, |r| put(&mut r[3], 1, "32")),
        (SPECIFICATION, "autogiro.order", 8, 1, |r| put(&mut r[7], 1, "82")),
        (SPECIFICATION, "autogiro.order", 11, 1, |r| put(&mut r[10], 1, "82")),
        (SPECIFICATION, "autogiro.order", 3, 1, |r| put(&mut r[2], 1, "73")),
        (SPECIFICATION, "autogiro.section_date", 2, 38, |r| put(&mut r[1], 38, "20260230")),
        (SPECIFICATION, "autogiro.section_amount", 2, 51, |r| put(&mut r[1], 51, "X")),
        (SPECIFICATION, "autogiro.section_count", 2, 72, |r| put(&mut r[1], 72, "X")),
        (SPECIFICATION, "autogiro.section_count", 2, 72, |r| put(&mut r[1], 79, "3")),
        (SPECIFICATION, "autogiro.section_sum", 2, 51, |r| put(&mut r[1], 68, "1")),
        (SPECIFICATION, "autogiro.section_sum", 2, 51, |r| put(&mut r[2], 43, "1")),
        (SPECIFICATION, "autogiro.section_count", 2, 72, |r| put(&mut r[2], 80, "1")),
        (SPECIFICATION, "autogiro.section_count", 2, 72, |r| put(&mut r[4], 80, "0")),
        (SPECIFICATION, "autogiro.section_count", 7, 72, |r| put(&mut r[8], 80, "0")),
        (SPECIFICATION, "autogiro.section_sum", 10, 51, |r| put(&mut r[10], 43, "1")),
        (SPECIFICATION, "autogiro.amount", 3, 32, |r| put(&mut r[2], 40, "X")),
        (SPECIFICATION, "autogiro.amount", 11, 32, |r| put(&mut r[10], 40, "-")),
        (SPECIFICATION, "autogiro.debit_sections", 12, 15, |r| put(&mut r[11], 20, "2")),
        (SPECIFICATION, "autogiro.debit_count", 12, 21, |r| put(&mut r[11], 32, "3")),
        (SPECIFICATION, "autogiro.credit_sections", 12, 33, |r| put(&mut r[11], 38, "2")),
        (SPECIFICATION, "autogiro.credit_count", 12, 39, |r| put(&mut r[11], 50, "X")),
        (SPECIFICATION, "autogiro.refund_sections", 12, 51, |r| put(&mut r[11], 56, "2")),
        (SPECIFICATION, "autogiro.refund_count", 12, 57, |r| put(&mut r[11], 68, "2")),
        (SPECIFICATION, "autogiro.after_end", 13, 1, |r| r.push(payment("82", 1, 1, "", "0"))),
        (SPECIFICATION, "autogiro.truncated", 11, 0, |r| drop(r.pop())),
        (SPECIFICATION, "autogiro.line_length", 3, 81, |r| r[2].push_str(&"x".repeat(5_000))),
        (old_specification, "autogiro.credit_sum", 8, 29, |r| put(&mut r[7], 40, "1")),
        (old_specification, "autogiro.credit_count", 8, 41, |r| put(&mut r[7], 46, "1")),
        (old_specification, "autogiro.debit_count", 8, 47, |r| put(&mut r[7], 52, "2")),
        (old_specification, "autogiro.debit_sum", 8, 57, |r| put(&mut r[7], 57, "000000150000")),
        (old_specification, "autogiro.order", 2, 1, |r| r.insert(1, section("15", 0, 0))),
        (rejected, "autogiro.credit_count", 5, 15, |r| put(&mut r[4], 20, "2")),
        (rejected, "autogiro.credit_sum", 5, 21, |r| put(&mut r[4], 32, "1")),
        (rejected, "autogiro.debit_count", 5, 33, |r| put(&mut r[4], 38, "3")),
        (rejected, "autogiro.debit_sum", 5, 39, |r| put(&mut r[4], 50, "1")),
        (rejected, "autogiro.order", 2, 1, |r| r.insert(1, advice(1, "0432"))),
        (amendments, "autogiro.credit_sum", 7, 29, |r| put(&mut r[6], 40, "1")),
        (amendments, "autogiro.credit_count", 7, 41, |r| put(&mut r[6], 46, "2")),
        (amendments, "autogiro.debit_count", 7, 47, |r| put(&mut r[6], 52, "3")),
        (amendments, "autogiro.debit_sum", 7, 57, |r| put(&mut r[6], 68, "K")),
        (amendments, "autogiro.debit_sum", 7, 57, |r| put(&mut r[6], 60, "X")),
        (amendments, "autogiro.debit_count", 7, 47, |r| put(&mut r[2], 73, "13")),
        (monitoring, "autogiro.debit_sum", 5, 57, |r| put(&mut r[4], 68, "1")),
        (mandate_advice, "autogiro.record_count", 6, 15, |r| put(&mut r[5], 21, "5")),
        (mandate_advice, "autogiro.order", 2, 1, |r| r.insert(1, payment("82", 1, 1, "", "0"))),
        (internet_mandates, "autogiro.record_count", 9, 15, |r| put(&mut r[8], 21, "8")),
        (internet_mandates, "autogiro.order", 2, 1, |r| r.insert(1, r[2].clone())),
        (internet_mandates, "autogiro.order", 5, 1, |r| r.swap(3, 4)),
        (internet_mandates, "autogiro.order", 6, 1, |r| r.insert(5, r[4].clone())),
        (internet_mandates, "autogiro.truncated", 8, 0, |r| drop(r.pop())),
    ];
    each_refuses(changes, read);
}

#[test]
fn what_is_wrong_with_one_record_rejects_that_record_only() {
    let changes: &[Rejected] = &[
        (SPECIFICATION, "autogiro.payer_number", 3, 16, "payment_in", Some(100_000), |r| put(&mut r[2], 16, "X")),
        (SPECIFICATION, "autogiro.payer_number", 3, 16, "payment_in", Some(100_000), |r| {
            put(&mut r[2], 16, &"0".repeat(16))
        }),
        (SPECIFICATION, "autogiro.other_bankgiro", 3, 44, "payment_in", Some(100_000), |r| {
            put(&mut r[2], 44, "0050501055")
        }),
        (SPECIFICATION, "autogiro.payment_date", 3, 3, "payment_in", Some(100_000), |r| put(&mut r[2], 3, "20260230")),
        (SPECIFICATION, "autogiro.status", 5, 80, "payment_status", Some(70_000), |r| put(&mut r[4], 80, "7")),
        (SPECIFICATION, "autogiro.status", 9, 80, "payment_status", Some(40_000), |r| put(&mut r[8], 80, "9")),
        (SPECIFICATION, "autogiro.payer_number", 8, 16, "payment_status", Some(30_000), |r| put(&mut r[7], 16, "X")),
        (SPECIFICATION, "autogiro.refund_date", 11, 70, "payment_in", Some(-20_000), |r| put(&mut r[10], 70, "X")),
        (old_specification, "autogiro.payer_number", 2, 16, "payment_in", Some(100_000), |r| put(&mut r[1], 16, "X")),
        (rejected, "autogiro.payer_number", 2, 15, "payment_status", Some(7_500), |r| put(&mut r[1], 15, "X")),
        (monitoring, "autogiro.payer_number", 2, 16, "payment_status", Some(12_000), |r| put(&mut r[1], 16, "X")),
        (amendments, "autogiro.payer_number", 3, 11, "payment_status", Some(21_000), |r| put(&mut r[2], 11, "X")),
        (mandate_advice, "autogiro.payer_number", 2, 13, "mandate_event", None, |r| put(&mut r[1], 13, "X")),
        (mandate_advice, "autogiro.other_bankgiro", 2, 3, "mandate_event", None, |r| put(&mut r[1], 3, "0050501055")),
        (internet_mandates, "autogiro.payer_number", 2, 13, "mandate_event", None, |r| put(&mut r[1], 13, "X")),
        (register, "autogiro.payer_number", 2, 23, "mandate_event", None, |r| put(&mut r[1], 23, "X")),
        (register, "autogiro.row_bankgiro", 2, 1, "mandate_event", None, |r| put(&mut r[1], 1, "XX")),
    ];
    for (index, (file, code, line, column, contract, amount, change)) in changes.iter().enumerate() {
        let good = read(&file());
        let mut records = file();
        change(&mut records);
        let outcome = read(&records);
        let context = format!("change {index}, {code}: {:?}", outcome.summary.verdict);
        assert_eq!(outcome.verdict(), "accepted", "{context}");
        let [(meant, reject)] = outcome.rejects.as_slice() else { panic!("{context}: {:?}", outcome.rejects) };
        assert_eq!((reject.finding.code, *meant), (*code, *contract), "{context}");
        assert_eq!(reject.finding.position.line, Some(*line), "{context}");
        assert_eq!(reject.finding.position.column, Some(*column), "{context}");
        assert_eq!(reject.amount, *amount, "{context}");
        assert!(!reject.raw.is_empty() && reject.end - reject.start >= reject.raw.len() as u64);
        assert_eq!(outcome.summary.read_records, good.summary.read_records, "{context}");
        // Of money, every öre is accounted for.
        for total in &outcome.summary.totals {
            assert_eq!(total.declared, Some(total.read + total.rejected), "{context}");
        }
        // The other rows are the same, identities included.
        let ids = |outcome: &Outcome| {
            let of = |contract, column| outcome.column(contract, column);
            [of("payment_in", "payment_id"), of("payment_status", "status_id"), of("mandate_event", "event_id")]
                .concat()
        };
        if *file as usize == SPECIFICATION as usize {
            let good = ids(&good);
            assert!(ids(&outcome).iter().all(|id| good.contains(id)), "{context}");
        }
    }
}

#[test]
fn what_changes_no_money_is_remarked() {
    let changes: &[Remarked] = &[
        (rejected, "autogiro.header_date", |r| put(&mut r[0], 25, "20260230")),
        (SPECIFICATION, "autogiro.end_date", |r| put(&mut r[11], 3, "20260303")),
        (SPECIFICATION, "autogiro.period_code", |r| put(&mut r[2], 11, "9")),
        (SPECIFICATION, "autogiro.remaining_times", |r| put(&mut r[2], 12, "1X")),
        (SPECIFICATION, "autogiro.unknown_code", |r| put(&mut r[10], 78, "07")),
        (SPECIFICATION, "autogiro.section_repeated", |r| {
            r.splice(9..9, [section("15", 0, 0)]);
            put(&mut r[12], 20, "2");
        }),
        (SPECIFICATION, "fixed.number_alignment", |r| put(&mut r[1], 51, "     ")),
        (rejected, "autogiro.unknown_code", |r| put(&mut r[1], 59, "77")),
        (rejected, "autogiro.date_unreadable", |r| put(&mut r[1], 3, "20260230")),
        (amendments, "autogiro.unknown_code", |r| put(&mut r[4], 73, "99")),
        (amendments, "autogiro.total_sign", |r| put(&mut r[6], 68, "å")),
        (mandate_advice, "autogiro.unknown_code", |r| put(&mut r[1], 62, "99")),
        (mandate_advice, "autogiro.unknown_code", |r| put(&mut r[1], 64, "99")),
        (mandate_advice, "autogiro.payer_identity", |r| put(&mut r[1], 45, "X")),
        (mandate_advice, "autogiro.date_unreadable", |r| put(&mut r[1], 66, "20260230")),
        (mandate_advice, "autogiro.unknown_record", |r| r.insert(1, record(&[(1, "99")]))),
        (mandate_advice, "autogiro.title", |r| r.insert(0, "[---+----1----+----2".to_owned())),
        (mandate_advice, "autogiro.concatenated", |r| r.extend(mandate_advice())),
    ];
    each_is_remarked(changes, read);
    let mut records = specification();
    records.iter_mut().for_each(|record| *record = record.replace("9912346", "9912345"));
    assert_eq!(read(&records).accepted().remarks(), ["autogiro.bankgiro_check_digit"]);
}

#[test]
fn totals_overpunched_as_in_the_manual_are_read() {
    for (sum, amount) in [("00000012000å", 120_000), ("00000012003N", 120_035), ("00000012000}", 120_000)] {
        let mut records = amendments();
        put(&mut records[3], 29, &format!("{:012}", amount - 21_000));
        put(&mut records[6], 57, sum);
        assert_eq!(read(&records).accepted().remarks(), ["autogiro.total_sign"], "{sum}");
        let utf_8: String = records.iter().map(|record| format!("{record}\r\n")).collect();
        let outcome = crate::testing::read("autogiro", utf_8.as_bytes()).accepted();
        assert_eq!(outcome.remarks(), ["fixed.utf8", "autogiro.total_sign"], "{sum}");
    }
}
