//! 20 and 25 with the records after them: a payment.

use std::mem::take;

use super::{Account, Reading, WIDTH, giro, is_known, rules};
use crate::fixed::{Frames, Record, Refusal, Remark, Stop, Sums, finding, number, refuse, unsigned};
use crate::table::signed;
use crate::{Finding, ParseError};

/// References or texts that a payment can have. The description has no limit; this one keeps memory bounded.
const MAX_DETAILS: usize = 10_000;

/// A payment and the records that follow it.
struct Payment<'a> {
    head: Record<'a>,
    details: Vec<Record<'a>>,
    detail_count: usize,
    end: u64,
    amount: i128,
}

impl Payment<'_> {
    fn is_deduction(&self) -> bool {
        self.head.kind() == *b"25"
    }
}

impl Reading<'_> {
    /// Reads the payments of an account: `bytes` stand at `base` in the file and begin with line `line`.
    pub(super) fn payments(
        &mut self,
        account: &Account,
        bytes: &[u8],
        base: u64,
        line: u64,
        closing: &Record<'_>,
    ) -> Result<(), Stop> {
        let encoding = self.scan.encoding(bytes, base, line)?;
        let mut sums = Sums::default();
        let mut current: Option<Payment<'_>> = None;
        for (frame, text) in Frames::new(bytes, base, line) {
            let Some(record) = Record::read(frame, text, encoding, WIDTH, &mut self.scan.remarks) else { continue };
            self.lines += 1;
            let kind = record.kind();
            if !is_known(kind) {
                self.scan.skip_unknown(kind, frame);
                continue;
            }
            match (&kind, &mut current) {
                (b"20" | b"25", current) => {
                    let amount = self.amount(&record)?;
                    let mut details = Vec::new();
                    if let Some(mut payment) = current.take() {
                        self.close(account, &payment, bytes, base, &mut sums)?;
                        payment.details.clear();
                        details = take(&mut payment.details);
                    }
                    *current = Some(Payment { end: record.end, head: record, details, detail_count: 0, amount });
                }
                (_, Some(payment)) => {
                    payment.end = record.end;
                    payment.detail_count += 1;
                    if payment.details.len() < MAX_DETAILS {
                        payment.details.push(record);
                    }
                }
                (_, None) => {
                    return Err(self.scan.out_of_order(
                        kind,
                        record.position(1),
                        "before the first payment (20, 25) of the account",
                        "före kontots första betalning (20, 25)",
                    ));
                }
            }
        }
        if let Some(payment) = current {
            self.close(account, &payment, bytes, base, &mut sums)?;
        }
        self.tally.add(&account.currency, &sums);
        check(account, closing, &sums)
    }

    /// Amount of 20 or 25, negative for a deduction.
    fn amount(&mut self, record: &Record<'_>) -> Result<i128, Stop> {
        match number(record, 38, 52, &mut self.scan.remarks).map(i128::from) {
            Some(amount) => Ok(if record.kind() == *b"25" { -amount } else { amount }),
            None => Err(refuse(
                "totalin.amount",
                record.position(38),
                "the amount of a payment cannot be read, so the sums of the file prove nothing",
                "en betalnings belopp går inte att läsa, så filens summor bevisar ingenting",
            )),
        }
    }

    /// Gives on a payment whose records have all been read.
    fn close(
        &mut self,
        account: &Account,
        payment: &Payment<'_>,
        bytes: &[u8],
        base: u64,
        sums: &mut Sums,
    ) -> Result<(), Stop> {
        self.tally.ordinal += 1;
        sums.count += 1;
        let serial = serial(&payment.head);
        let identified = serial.is_some_and(|(value, _)| {
            let is_new = self.serials.insert(value);
            if !is_new {
                self.scan.remarks.note(&rules::SERIAL_REPEATED, || payment.head.position(53));
            }
            is_new
        });
        let code = match examine(payment) {
            Ok(code) => code,
            Err(finding) => {
                let place = |byte: u64| usize::try_from(byte - base).unwrap_or(usize::MAX);
                let refusal = Refusal {
                    finding: *finding,
                    start: payment.head.start,
                    end: payment.end,
                    raw: bytes.get(place(payment.head.start)..place(payment.end)).unwrap_or_default(),
                    amount: Some(payment.amount),
                    currency: Some(&account.currency),
                };
                sums.rejected += payment.amount;
                return self.tally.reject(self.table.contract(), self.sink, refusal);
            }
        };
        sums.accepted += payment.amount;
        let head = &payment.head;
        let (to, columns) = (&mut self.table, &self.columns);
        match serial.filter(|_| identified) {
            Some((_, digits)) => {
                to.joined(columns.payment_id, &["totalin:", &account.number, ":", &account.day, ":", digits]);
            }
            None => to.joined(columns.payment_id, &[&account.deposit, ":", &sums.count.to_string()]),
        }
        to.text(columns.source_format, "totalin");
        to.text(columns.kind, if payment.is_deduction() { "deduction" } else { "payment" });
        to.text(columns.receiver_account, &account.number);
        to.text(columns.receiver_account_type, account.kind);
        to.text(columns.deposit_id, &account.deposit);
        to.date(columns.payment_date, account.date);
        to.text(columns.currency, &account.currency);
        to.decimal(columns.amount, payment.amount);
        // Zeros stand for no reference.
        let reference = head.text(3, 37).filter(|text| text.bytes().any(|byte| byte != b'0'));
        to.text(columns.reference_quality, if reference.is_some() { "unchecked" } else { "none" });
        to.maybe(columns.reference, reference);
        to.text(columns.channel, "plusgiro");
        to.maybe(columns.bank_reference, serial.map(|(_, digits)| digits));
        to.flag(columns.has_image, false);
        if let Some(code) = code {
            to.int(columns.deduction_code, code);
        }
        to.text(columns.file_identity, &account.file_identity);
        let receiving = if payment.is_deduction() { giro(head, 71, 78) } else { giro(head, 70, 77) };
        to.maybe(columns.receiving_bankgiro, receiving);
        to.maybe(columns.statement_reference, account.statement_reference.as_ref());
        self.details(payment)?;
        Ok(self.table.end_row(self.tally.ordinal, head.start, payment.end, self.sink)?)
    }

    /// The records after a payment.
    fn details(&mut self, payment: &Payment<'_>) -> Result<(), ParseError> {
        let mut seen = 0_u16;
        let mut references = 0;
        for record in &payment.details {
            // Records 50 to 70 stand once.
            let bit = match &record.kind() {
                b"50" => 0,
                b"51" => 1,
                b"52" => 2,
                b"60" => 3,
                b"61" => 4,
                b"62" => 5,
                b"63" => 6,
                b"70" => 7,
                _ => 8,
            };
            if bit < 8 {
                if seen & (1 << bit) != 0 {
                    self.note(&rules::RECORD_REPEATED, record, 1);
                    continue;
                }
                seen |= 1 << bit;
            }
            let (to, columns) = (&mut self.table, &self.columns);
            match &record.kind() {
                b"30" => {
                    for reference in [record.text(3, 37), record.text(38, 72)].into_iter().flatten() {
                        references += 1;
                        to.item(columns.references);
                        to.long(columns.item_ordinal, references);
                        to.text(columns.item_reference, reference);
                        to.flag(columns.item_negative, false);
                        to.text(columns.item_quality, "unchecked");
                        to.long(columns.item_start, signed(record.start));
                        to.long(columns.item_end, signed(record.end));
                    }
                }
                b"40" => {
                    for text in [record.line_text(3, 37), record.line_text(38, 72)].into_iter().flatten() {
                        to.push_text(columns.messages, text);
                    }
                }
                b"50" => to.maybe(columns.sender_name, joined(record)),
                b"51" => to.maybe(columns.sender_street, joined(record)),
                b"52" => {
                    to.maybe(columns.sender_postcode, record.text(3, 11));
                    to.maybe(columns.sender_city, record.text(12, 46));
                    to.maybe(columns.sender_country_code, record.text(47, 48));
                }
                b"60" => self.payer_account(record),
                b"61" => {
                    to.maybe(columns.payer_name, record.text(3, 37));
                    to.maybe(columns.payer_extra_name, record.text(38, 72));
                }
                b"62" => to.maybe(columns.payer_street, joined(record)),
                b"63" => {
                    to.maybe(columns.payer_postcode, record.text(3, 11));
                    to.maybe(columns.payer_city, record.text(12, 46));
                    to.maybe(columns.payer_country_code, record.text(47, 48));
                }
                _ => self.foreign(record, payment.amount),
            }
        }
        Ok(())
    }

    /// Record 60.
    fn payer_account(&mut self, record: &Record<'_>) {
        let kind = match record.character(39) {
            b'1' => Some("plusgiro"),
            b'2' => Some("bankgiro"),
            b' ' => None,
            _ => {
                self.note(&rules::ORIGIN, record, 39);
                None
            }
        };
        let (to, columns) = (&mut self.table, &self.columns);
        let account = giro(record, 3, 38);
        // An account of more than eight digits is no plusgiro number.
        let kind = kind.map(|kind| {
            let is_long = account.is_some_and(|account| account.len() > 8);
            if kind == "plusgiro" && is_long { "bban" } else { kind }
        });
        to.maybe(columns.sender_account_type, kind.filter(|_| account.is_some()));
        to.maybe(columns.sender_account, account);
        to.maybe(columns.payer_identity, record.text(40, 59));
    }

    /// Record 70: amount, charge and rate of a foreign payment.
    fn foreign(&mut self, record: &Record<'_>, amount: i128) {
        let mut read = |from: usize, to: usize| {
            let blank = record.text(from, to).is_none();
            let value = number(record, from, to, &mut self.scan.remarks).map(i128::from);
            if value.is_none() && !blank {
                self.scan.remarks.note(&rules::FOREIGN, || record.position(from));
            }
            value
        };
        let (charge, foreign, rate) = (read(3, 17), read(39, 53), read(57, 68));
        let (to, columns) = (&mut self.table, &self.columns);
        if let Some(charge) = charge.filter(|charge| *charge != 0) {
            to.decimal(columns.charges, charge);
            to.maybe(columns.charges_currency, record.text(18, 20));
        }
        if let Some(foreign) = foreign {
            to.decimal(columns.original_amount, foreign);
            to.maybe(columns.original_currency, record.text(54, 56));
        }
        let Some(rate) = rate.filter(|rate| *rate != 0) else { return };
        // Four decimals in the file, ten in the column.
        to.decimal(columns.exchange_rate, rate * 1_000_000);
        if let Some(foreign) = foreign {
            let charged = charge.unwrap_or_default();
            let converted = foreign * rate;
            let off = |paid: i128| (converted - paid * 10_000).abs();
            // The rate is rounded to four decimals, and a charge may have been taken before or after.
            let tolerance = foreign + 10_000;
            if off(amount.abs()) > tolerance && off(amount.abs() + charged) > tolerance {
                self.note(&rules::RATE, record, 57);
            }
        }
    }

    fn note(&mut self, remark: &'static Remark, record: &Record<'_>, column: usize) {
        self.scan.remarks.note(remark, || record.position(column));
    }
}

/// Two fields of a record in one text.
fn joined(record: &Record<'_>) -> Option<String> {
    match (record.text(3, 37), record.text(38, 72)) {
        (Some(first), Some(second)) => Some(format!("{first}, {second}")),
        (first, second) => first.or(second).map(|text| text.into_owned()),
    }
}

/// The bank's serial number, as a number and as it stands.
fn serial<'r>(record: &'r Record<'_>) -> Option<(u64, &'r str)> {
    let digits = crate::fixed::digits(record.field(53, 69))?;
    let value = unsigned(digits.as_bytes()).filter(|value| *value != 0)?;
    Some((value, digits))
}

/// Reads the code of a deduction; the finding is why the payment must be rejected.
fn examine(payment: &Payment<'_>) -> Result<Option<i32>, Box<Finding>> {
    if payment.detail_count > MAX_DETAILS {
        return Err(Box::new(finding(
            "totalin.detail_count",
            payment.head.position(1),
            "the payment has more than 10 000 records",
            "betalningen har fler än 10 000 poster",
        )));
    }
    match (payment.is_deduction(), payment.head.character(70)) {
        (false, _) => Ok(None),
        (true, b' ' | b'0') => Ok(Some(0)),
        (true, b'1') => Ok(Some(1)),
        (true, b'2') => Ok(Some(2)),
        _ => Err(Box::new(finding(
            "totalin.deduction_code",
            payment.head.position(70),
            "the deduction code is none of 0 to 2",
            "avdragskoden är ingen av 0 till 2",
        ))),
    }
}

/// Compares an account with what 90 says.
fn check(account: &Account, closing: &Record<'_>, sums: &Sums) -> Result<(), Stop> {
    if sums.count != account.count {
        let (declared, read) = (account.count, sums.count);
        return Err(refuse(
            "totalin.count",
            closing.position(3),
            &format!("the account (90) says {declared} payments, it has {read}"),
            &format!("kontot (90) anger {declared} betalningar, det har {read}"),
        ));
    }
    let sum = sums.accepted + sums.rejected;
    if sum != account.sum {
        let text = |ore: i128| schemas::money::plain(ore, 2);
        let (declared, read) = (text(account.sum), text(sum));
        return Err(refuse(
            "totalin.sum",
            closing.position(11),
            &format!("the account (90) says {declared}, its payments sum to {read}"),
            &format!(
                "kontot (90) anger {}, betalningarna är tillsammans {}",
                declared.replace('.', ","),
                read.replace('.', ",")
            ),
        ));
    }
    Ok(())
}
