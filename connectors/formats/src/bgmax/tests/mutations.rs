//! One change to a valid file per rule must give that rule's code and no other.

use super::{Outcome, deposit, end, file, latin1, payment, put, read, record, valid};

/// A change to the records of [`valid`].
type Change = fn(&mut Vec<String>);

fn changed(change: Change) -> Outcome {
    let mut records = valid();
    change(&mut records);
    read(&file(&records))
}

#[test]
fn the_unchanged_file_is_accepted_without_a_remark() {
    let outcome = changed(|_| ());
    assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
    assert!(outcome.remarks().is_empty(), "{:?}", outcome.summary.remarks);
    assert!(outcome.rejects.is_empty(), "{:?}", outcome.rejects);
    assert_eq!(outcome.rows.len(), 4);
}

#[test]
fn what_breaks_the_whole_refuses_the_file_with_its_place() {
    // Code, line and column of the finding, change.
    let changes: &[(&str, u64, u32, Change)] = &[
        ("bgmax.not_bgmax", 1, 1, |r| put(&mut r[0], 3, "AUTOGIRO")),
        ("bgmax.not_bgmax", 1, 1, |r| r.clear()),
        ("bgmax.not_bgmax", 1, 1, |r| {
            r.splice(0..0, (0..21).map(|_| "not a record".to_owned()));
        }),
        ("bgmax.version", 1, 23, |r| put(&mut r[0], 23, "02")),
        ("bgmax.test_flag", 1, 45, |r| put(&mut r[0], 45, " ")),
        ("bgmax.order", 1, 1, |r| drop(r.remove(0))),
        ("bgmax.order", 2, 1, |r| drop(r.remove(1))),
        ("bgmax.order", 3, 1, |r| r.swap(2, 3)),
        ("bgmax.order", 5, 1, |r| r.insert(4, payment("22", "0050501055", "1", 0, "22000000000010"))),
        ("bgmax.order", 7, 1, |r| r.insert(6, r[5].clone())),
        ("bgmax.order", 7, 1, |r| r.insert(6, r[3].clone())),
        ("bgmax.order", 8, 1, |r| r.swap(6, 7)),
        ("bgmax.order", 10, 1, |r| r.insert(9, r[8].clone())),
        ("bgmax.order", 3, 1, |r| r.insert(2, deposit("20260302", "00055", 0, "SEK", 0))),
        ("bgmax.order", 2, 1, |r| drop(r.splice(1..21, []))),
        ("bgmax.order", 17, 1, |r| r.insert(16, r[0].clone())),
        ("bgmax.deposit_open", 16, 1, |r| drop(r.remove(15))),
        ("bgmax.deposit_open", 21, 1, |r| drop(r.remove(20))),
        ("bgmax.deposit_open", 6, 1, |r| r.insert(5, r[0].clone())),
        ("bgmax.after_end", 23, 1, |r| r.push(record(&[(1, "25text")]))),
        ("bgmax.after_end", 23, 1, |r| r.push(record(&[(1, "zz")]))),
        ("bgmax.receiver_account", 2, 3, |r| put(&mut r[1], 3, "000991234X")),
        ("bgmax.receiver_account", 2, 3, |r| put(&mut r[1], 3, "0000000000")),
        ("bgmax.currency", 2, 23, |r| put(&mut r[1], 23, "sek")),
        ("bgmax.amount", 3, 38, |r| put(&mut r[2], 38, "00000000000010O000")),
        ("bgmax.amount", 3, 38, |r| put(&mut r[2], 38, "0000000000010000 0")),
        ("bgmax.amount", 3, 38, |r| put(&mut r[2], 55, " ")),
        ("bgmax.amount", 15, 38, |r| put(&mut r[14], 38, "                  ")),
        ("bgmax.payment_date", 16, 38, |r| put(&mut r[15], 38, "20260230")),
        ("bgmax.payment_date", 16, 38, |r| put(&mut r[15], 38, "        ")),
        ("bgmax.deposit_amount", 16, 51, |r| put(&mut r[15], 51, "?")),
        ("bgmax.deposit_sum", 16, 51, |r| put(&mut r[15], 68, "1")),
        ("bgmax.deposit_sum", 16, 51, |r| put(&mut r[2], 55, "1")),
        ("bgmax.deposit_sum", 16, 51, |r| put(&mut r[14], 55, "1")),
        ("bgmax.deposit_currency", 16, 69, |r| put(&mut r[15], 69, "EUR")),
        ("bgmax.deposit_payments", 16, 72, |r| put(&mut r[15], 79, "4")),
        ("bgmax.deposit_payments", 16, 72, |r| put(&mut r[15], 79, " ")),
        ("bgmax.payment_count", 22, 3, |r| put(&mut r[21], 10, "4")),
        ("bgmax.deduction_count", 22, 11, |r| put(&mut r[21], 18, "0")),
        ("bgmax.reference_count", 22, 19, |r| put(&mut r[21], 26, "4")),
        ("bgmax.deposit_count", 22, 27, |r| put(&mut r[21], 34, "3")),
        ("bgmax.deposit_count", 22, 27, |r| put(&mut r[21], 34, " ")),
        ("bgmax.line_length", 4, 81, |r| r[3].extend(std::iter::repeat_n('x', 5000))),
        ("bgmax.test_mixed", 23, 45, |r| {
            r.extend(valid());
            put(&mut r[22], 45, "T");
        }),
    ];
    for (index, (code, line, column, change)) in changes.iter().enumerate() {
        let outcome = changed(*change);
        let crate::Verdict::Refused(finding) = &outcome.summary.verdict else { panic!("{index}: {code} accepted") };
        let place = (finding.code, finding.position.line, finding.position.column);
        assert_eq!(place, (*code, Some(*line), Some(*column)), "{index}: {finding:?}");
        let lines_before = usize::try_from(line - 1).unwrap() * 82;
        if !["bgmax.not_bgmax", "bgmax.line_length"].contains(code) {
            assert_eq!(finding.position.byte, lines_before as u64 + u64::from(column - 1), "{index}: {code}");
        }
        assert!(!finding.message.is_empty() && !finding.message_sv.is_empty());
    }
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    let bytes = file(&valid());
    let end_record = bytes.len() - 82;
    for length in 0..bytes.len() {
        let outcome = read(&bytes[..length]);
        if length >= end_record + 34 {
            assert_eq!(outcome.verdict(), "accepted", "{length}");
        } else {
            assert_ne!(outcome.verdict(), "accepted", "{length}");
        }
    }
    assert_eq!(read(&bytes[..end_record]).verdict(), "bgmax.truncated");
    assert_eq!(read(&bytes[..82 * 8]).verdict(), "bgmax.truncated");
}

#[test]
fn what_spoils_a_payment_rejects_it_and_its_amount_still_counts() {
    // Code, the payment's ordinal, line and column of the finding, change.
    let changes: &[(&str, u64, u64, u32, Change)] = &[
        ("bgmax.sender_account", 4, 18, 3, |r| put(&mut r[17], 3, "00505A1055")),
        ("bgmax.serial", 1, 3, 58, |r| put(&mut r[2], 58, "00000000X001")),
        ("bgmax.reference_code", 1, 3, 56, |r| put(&mut r[2], 56, "6")),
        ("bgmax.reference_code", 1, 3, 56, |r| put(&mut r[2], 56, " ")),
        ("bgmax.reference_code", 2, 11, 56, |r| put(&mut r[10], 56, "9")),
        ("bgmax.deduction_code", 3, 15, 71, |r| put(&mut r[14], 71, "3")),
        ("bgmax.reference_amount", 2, 11, 38, |r| put(&mut r[10], 38, "-")),
        ("bgmax.reference_sum", 2, 10, 38, |r| put(&mut r[10], 55, "1")),
        ("bgmax.reference_sum", 2, 10, 38, |r| put(&mut r[12], 1, "22")),
        ("bgmax.reference_sum", 4, 18, 38, |r| put(&mut r[18], 55, "1")),
        ("bgmax.reference_sender", 2, 11, 3, |r| put(&mut r[10], 3, "0050501055")),
        ("bgmax.reference_serial", 2, 13, 58, |r| put(&mut r[12], 69, "3")),
        ("bgmax.information_count", 1, 3, 1, |r| {
            r.splice(4..4, (0..89).map(|_| record(&[(1, "25text")])));
        }),
        ("bgmax.payment_references", 4, 18, 1, |r| {
            r.splice(18..18, (0..9_999).map(|_| payment("22", "0050501055", "665869", 0, "22000000000040")));
            let last = r.len() - 1;
            r[last] = end(3, 1, 10_004, 2);
        }),
    ];
    for (index, (code, ordinal, line, column, change)) in changes.iter().enumerate() {
        let outcome = changed(*change);
        assert_eq!(outcome.verdict(), "accepted", "{index} {code}: {:?}", outcome.summary.verdict);
        let [reject] = outcome.rejects.as_slice() else { panic!("{index} {code}: {:?}", outcome.rejects) };
        let position = &reject.finding.position;
        assert_eq!(
            (reject.finding.code, reject.ordinal, position.line, position.column),
            (*code, *ordinal, Some(*line), Some(*column)),
            "{index}"
        );
        assert_eq!(outcome.rows.len(), 3);
        assert!(outcome.column("ordinal").iter().all(|other| *other != ordinal.to_string()));
        let amounts = [100_000, 200_000, -50_000, 30_000];
        let amount = amounts[usize::try_from(ordinal - 1).unwrap()] + i128::from(reject.raw[54] == b'1');
        assert_eq!(reject.amount, Some(amount));
        assert!(outcome.remarks().is_empty(), "{index} {code}: {:?}", outcome.remarks());
        let summary = &outcome.summary;
        assert_eq!((summary.read_records, summary.rejected_records), (4, 1));
        for total in &summary.totals {
            assert_eq!(total.declared, Some(total.read + total.rejected), "{code}");
        }
        let rejected: i128 = summary.totals.iter().map(|total| total.rejected).sum();
        assert_eq!(rejected, amount);
    }
}

#[test]
fn what_changes_no_money_is_a_remark() {
    // Code, line and column of the first, change.
    let changes: &[(&str, u64, u32, Change)] = &[
        ("bgmax.timestamp", 1, 25, |r| put(&mut r[0], 25, "20261302")),
        ("bgmax.receiver_check_digit", 2, 3, |r| put(&mut r[1], 3, "0009912345")),
        ("bgmax.sender_check_digit", 3, 3, |r| [2, 14].iter().for_each(|line| put(&mut r[*line], 3, "0050501056"))),
        ("bgmax.deduction_payer", 16, 1, |r| put(&mut r[14], 3, "0009912346")),
        ("bgmax.organisation_number", 9, 3, |r| put(&mut r[8], 3, "005560360794")),
        ("bgmax.organisation_number", 9, 3, |r| put(&mut r[8], 3, "00550000432 ")),
        ("bgmax.channel", 3, 57, |r| put(&mut r[2], 57, "5")),
        ("bgmax.image", 3, 70, |r| put(&mut r[2], 70, "2")),
        ("bgmax.reference_missing", 3, 13, |r| put(&mut r[2], 13, "                         ")),
        ("fixed.number_alignment", 3, 38, |r| put(&mut r[2], 38, "            100000")),
        ("fixed.number_alignment", 15, 3, |r| put(&mut r[14], 3, "050501055 ")),
        ("bgmax.deposit_type", 16, 80, |r| put(&mut r[15], 80, "X")),
        ("bgmax.deposit_serial", 16, 46, |r| put(&mut r[15], 46, "00000")),
        ("bgmax.deposit_serial", 16, 46, |r| put(&mut r[15], 46, "     ")),
        ("bgmax.deposit_repeated", 21, 46, |r| put(&mut r[20], 46, "00056")),
        ("bgmax.serial_repeated", 15, 58, |r| put(&mut r[14], 69, "1")),
        ("bgmax.payment_date_unlikely", 16, 38, |r| put(&mut r[15], 38, "10100324")),
        ("bgmax.unknown_record", 6, 1, |r| r.insert(5, record(&[(1, "24new in 2030")]))),
        ("bgmax.unknown_record", 2, 1, |r| r.insert(1, record(&[(1, "02new")]))),
    ];
    for (index, (code, line, column, change)) in changes.iter().enumerate() {
        let outcome = changed(*change);
        assert_eq!(outcome.verdict(), "accepted", "{index} {code}: {:?}", outcome.summary.verdict);
        assert!(outcome.rejects.is_empty(), "{index} {code}: {:?}", outcome.rejects);
        assert_eq!(outcome.rows.len(), 4);
        let [remark] = outcome.summary.remarks.as_slice() else { panic!("{index} {code}: {:?}", outcome.remarks()) };
        let place = (remark.code, remark.position.line, remark.position.column);
        assert_eq!(place, (*code, Some(*line), Some(*column)), "{index}");
        assert_eq!(outcome.summary.totals.iter().map(|total| total.read).sum::<i128>(), 280_000);
    }
}

#[test]
fn findings_tell_sums_and_counts_but_nothing_about_persons() {
    let outcome = changed(|records| put(&mut records[15], 68, "1"));
    let crate::Verdict::Refused(finding) = outcome.summary.verdict else { panic!("accepted") };
    assert_eq!(finding.message, "the deposit (TK15) says 2500.01 SEK, its payments sum to 2500.00");
    assert_eq!(finding.message_sv, "insättningen (TK15) anger 2500,01 SEK, dess betalningar är tillsammans 2500,00");
}

#[test]
fn a_file_with_two_encodings_is_refused() {
    let mut records = valid();
    let utf_8: String = records.drain(..16).map(|record| record + "\r\n").collect();
    let mut bytes = utf_8.into_bytes();
    put(&mut records[1], 13, "Räkning 665869           ");
    bytes.extend(latin1(&records.iter().map(|record| format!("{record}\r\n")).collect::<String>()));
    let outcome = read(&bytes);
    assert_eq!(outcome.verdict(), "bgmax.encoding");
    let crate::Verdict::Refused(finding) = outcome.summary.verdict else { panic!("accepted") };
    assert_eq!(finding.position.line, Some(18));
}
