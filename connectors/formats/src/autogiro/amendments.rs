//! TK03, TK11 and TK21 to TK29: what became of cancellations and changes of payments.

use super::header::Header;
use super::{Check, Meant, Reading, code, codes, payer_number, rules};
use crate::fixed::{Framer, Record, Stop, significant_digits, unsigned};

/// Number and sum of what succeeded, of debits and credits.
#[derive(Default)]
struct Sums {
    debits: (u64, i128),
    credits: (u64, i128),
}

/// A request about many payments: all of a payer, or all that the creditor has. They have no payment of their own.
const fn is_about_many(kind: [u8; 2]) -> bool {
    matches!(&kind, b"21" | b"22" | b"26" | b"27")
}

impl Reading<'_> {
    /// Cancellations and changes.
    pub(super) fn amendments(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut sums = Sums::default();
        loop {
            let record = self.scan.next_record(lines, "TK09")?;
            match record.kind() {
                [b'0', b'3'] | [b'1', b'1'] | [b'2', b'1'..=b'9'] => self.amendment(header, &record, &mut sums)?,
                [b'0', b'9'] => {
                    self.check_end(header, &record);
                    let check = |code, english, swedish| Check { record: &record, code, english, swedish };
                    let (english, swedish) =
                        ("credits (TK32) cancelled or changed", "makulerade eller ändrade krediteringar (TK32)");
                    let of = |code| check(code, english, swedish);
                    self.check_sum(&of("autogiro.credit_sum"), 29, sums.credits.1)?;
                    self.check_count(&of("autogiro.credit_count"), 41, 46, sums.credits.0)?;
                    let (english, swedish) =
                        ("debits (TK82) cancelled or changed", "makulerade eller ändrade debiteringar (TK82)");
                    let of = |code| check(code, english, swedish);
                    self.check_count(&of("autogiro.debit_count"), 47, 52, sums.debits.0)?;
                    return self.check_sum(&of("autogiro.debit_sum"), 57, sums.debits.1);
                }
                _ => return Err(self.misplaced(&record)),
            }
        }
    }

    fn amendment(&mut self, header: &Header, record: &Record<'_>, sums: &mut Sums) -> Result<(), Stop> {
        let amount = self.amount(record, 29)?;
        self.count(record);
        let kind = record.kind();
        let requested = code(record, 27, 28);
        let reason = code(record, 73, 74);
        let (status, text) = codes::amendment(reason);
        if text.is_none() {
            self.scan.remarks.note(&rules::UNKNOWN_CODE, || record.position(73));
        }
        if status != "unchanged" {
            let sum = match requested {
                "82" => Some(&mut sums.debits),
                "32" => Some(&mut sums.credits),
                _ => None,
            };
            if let Some((count, total)) = sum {
                *count += 1;
                *total += amount;
            }
        }
        let payer = match payer_number(record, 11) {
            Ok(payer) => Some(payer),
            // A request about many payments need not name a payer.
            Err(_) if record.field(11, 26).trim_ascii().is_empty() && is_about_many(kind) => None,
            // What the bank refused for its payer number is given back with that number.
            Err(_) if reason == "02" => None,
            Err(finding) => return self.reject(Meant::Status, record, *finding, Some(amount)),
        };
        let (date, new_date) = (self.optional_date(record, 3), self.optional_date(record, 49));
        let (to, columns) = (&mut self.statuses, &self.status);
        to.text(columns.status_id, self.identity.current());
        to.text(columns.status, status);
        to.item(columns.reasons);
        to.text(columns.reason_scheme, "autogiro.amendment");
        to.maybe(columns.reason_code, Some(reason).filter(|code| !code.is_empty()));
        to.maybe(columns.reason_text, text);
        if let Some(date) = date {
            to.date(columns.payment_date, date);
        }
        if let Some(date) = new_date {
            to.date(columns.new_payment_date, date);
        }
        to.maybe(columns.payer_number, payer);
        // Zeros stand for no reference.
        let reference = record.text(57, 72).filter(|reference| reference.bytes().any(|byte| byte != b'0'));
        to.maybe(columns.reference, reference);
        to.text(columns.ag_transaction_code, String::from_utf8_lossy(&kind));
        to.maybe(columns.ag_requested_code, Some(requested).filter(|code| matches!(*code, "82" | "32")));
        if is_about_many(kind)
            && let Some(affected) =
                significant_digits(record.field(41, 48)).and_then(|digits| unsigned(digits.as_bytes()))
        {
            to.int(columns.ag_affected_payments, i32::try_from(affected).unwrap_or(i32::MAX));
        }
        let is_single = matches!(requested, "82" | "32");
        self.end_status(header, record, requested != "32", (is_single || amount != 0).then_some(amount))
    }
}
