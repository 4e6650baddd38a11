//! TK82, TK32 and TK77: payments that were carried out or not, refused ones, and those that wait.

use std::collections::HashMap;

use super::header::Header;
use super::sections::Section;
use super::{CURRENCY, Check, Meant, Reading, check_bankgiro, code, codes, flaw, payer_number, rules};
use crate::Finding;
use crate::fixed::{Framer, Record, Stop, date8};

/// Number and sum of records, of which each end record gives its own.
#[derive(Default, Clone, Copy)]
struct Sum {
    count: u64,
    amount: i128,
}

impl Sum {
    fn add(&mut self, amount: i128) {
        self.count += 1;
        self.amount += amount;
    }
}

/// What a payment record says beside its amount.
struct Facts<'r> {
    date: i32,
    payer: &'r str,
    /// What became of it, and the code that says so; nothing for one that was carried out.
    stopped: Option<(&'static str, u8, &'static str)>,
}

impl Reading<'_> {
    /// Payment specification, new layout.
    pub(super) fn specification(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut open: Option<Section> = None;
        let mut seen = HashMap::new();
        // Sections and payments carried out, by the order of the end record: debits, credits, refunds.
        let mut totals = [(0_u64, Sum::default()); 3];
        let index = |kind: [u8; 2]| {
            usize::from(kind == *b"16" || kind == *b"32") + 2 * usize::from(kind == *b"17" || kind == *b"77")
        };
        loop {
            let record = self.scan.next_record(lines, "TK09")?;
            let kind = record.kind();
            match (&kind, &mut open) {
                (b"15" | b"16" | b"17", open) => {
                    self.close_section(open.take())?;
                    totals[index(kind)].0 += 1;
                    *open = Some(self.open_section(header, &record, &mut seen)?);
                }
                (b"82", Some(section)) if section.kind == *b"15" => {
                    let (amount, is_done) = self.payment(header, &record, section)?;
                    section.add(amount, is_done);
                    if is_done {
                        totals[0].1.add(amount);
                    }
                }
                (b"32", Some(section)) if section.kind == *b"16" => {
                    let (amount, is_done) = self.payment(header, &record, section)?;
                    section.add(amount, is_done);
                    if is_done {
                        totals[1].1.add(amount);
                    }
                }
                (b"77", Some(section)) if section.kind == *b"17" => {
                    let amount = self.refund(header, &record, section)?;
                    section.add(amount, true);
                    totals[2].1.add(amount);
                }
                (b"09", open) => {
                    self.close_section(open.take())?;
                    self.check_end(header, &record);
                    let mut check = |code, from, to, read, english, swedish| {
                        let check = Check { record: &record, code, english, swedish };
                        self.check_count(&check, from, to, read)
                    };
                    let [(debit_sections, debits), (credit_sections, credits), (refund_sections, refunds)] = totals;
                    check("autogiro.debit_sections", 15, 20, debit_sections, "deposits (TK15)", "insättningar (TK15)")?;
                    check(
                        "autogiro.debit_count",
                        21,
                        32,
                        debits.count,
                        "debits (TK82) carried out",
                        "genomförda debiteringar (TK82)",
                    )?;
                    check("autogiro.credit_sections", 33, 38, credit_sections, "withdrawals (TK16)", "uttag (TK16)")?;
                    check(
                        "autogiro.credit_count",
                        39,
                        50,
                        credits.count,
                        "credits (TK32) carried out",
                        "genomförda krediteringar (TK32)",
                    )?;
                    check(
                        "autogiro.refund_sections",
                        51,
                        56,
                        refund_sections,
                        "withdrawals for refunds (TK17)",
                        "uttag för återbetalningar (TK17)",
                    )?;
                    return check(
                        "autogiro.refund_count",
                        57,
                        68,
                        refunds.count,
                        "refunds (TK77)",
                        "återbetalningar (TK77)",
                    );
                }
                _ => return Err(self.misplaced(&record)),
            }
        }
    }

    /// Payment specification, old layout: sums and counts include what was not carried out.
    pub(super) fn old_specification(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let whole = |kind: &[u8; 2]| Section::whole(header, *kind);
        let (debits, credits) = (whole(b"82"), whole(b"32"));
        self.both(header, lines, |reading, record, kind| {
            let section = if kind == *b"82" { &debits } else { &credits };
            let (amount, is_done) = reading.payment(header, record, section)?;
            // What the file declares is what it says was carried out: its sum has the stopped ones in it.
            if kind == *b"82" && is_done {
                reading.tally.declare_amount(CURRENCY, amount);
            }
            Ok(amount)
        })
    }

    /// Payments that wait for their date (*utdrag ur bevakningsregistret*).
    pub(super) fn monitoring(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        self.both(header, lines, |reading, record, kind| {
            let amount = reading.amount(record, 32)?;
            reading.tally.declare_amount(CURRENCY, amount);
            let status = Outcome { status: "pending", scheme: "", code: "", text: None };
            let at = Columns { payer: 16, reference: 54 };
            reading.other(header, record, kind, amount, &status, &at)?;
            Ok(amount)
        })
    }

    /// TK82 and TK32 in any order, then an end record with number and sum of each.
    fn both(
        &mut self,
        header: &Header,
        lines: &mut Framer<'_>,
        mut row: impl FnMut(&mut Self, &Record<'_>, [u8; 2]) -> Result<i128, Stop>,
    ) -> Result<(), Stop> {
        let (mut debits, mut credits) = (Sum::default(), Sum::default());
        loop {
            let record = self.scan.next_record(lines, "TK09")?;
            match &record.kind() {
                b"82" => debits.add(row(self, &record, *b"82")?),
                b"32" => credits.add(row(self, &record, *b"32")?),
                b"09" => {
                    self.check_end(header, &record);
                    let check = |code, english, swedish| Check { record: &record, code, english, swedish };
                    let of = |code| check(code, "credits (TK32)", "krediteringar (TK32)");
                    self.check_sum(&of("autogiro.credit_sum"), 29, credits.amount)?;
                    self.check_count(&of("autogiro.credit_count"), 41, 46, credits.count)?;
                    let of = |code| check(code, "debits (TK82)", "debiteringar (TK82)");
                    self.check_count(&of("autogiro.debit_count"), 47, 52, debits.count)?;
                    self.tally.declare(debits.count + credits.count);
                    return self.check_sum(&of("autogiro.debit_sum"), 57, debits.amount);
                }
                _ => return Err(self.misplaced(&record)),
            }
        }
    }

    /// Refused payments.
    pub(super) fn rejected(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let (mut debits, mut credits) = (Sum::default(), Sum::default());
        loop {
            let record = self.scan.next_record(lines, "TK09")?;
            let kind = record.kind();
            match &kind {
                b"82" | b"32" => {
                    let amount = self.amount(&record, 31)?;
                    if kind == *b"82" { &mut debits } else { &mut credits }.add(amount);
                    self.tally.declare_amount(CURRENCY, amount);
                    let code = code(&record, 59, 60);
                    let text = codes::rejection(code);
                    if text.is_none() {
                        self.scan.remarks.note(&rules::UNKNOWN_CODE, || record.position(59));
                    }
                    let status = Outcome { status: "rejected", scheme: "autogiro.rejected", code, text };
                    self.other(header, &record, kind, amount, &status, &Columns { payer: 15, reference: 43 })?;
                }
                b"09" => {
                    self.check_end(header, &record);
                    let check = |code, english, swedish| Check { record: &record, code, english, swedish };
                    let of = |code| check(code, "credits (TK32)", "krediteringar (TK32)");
                    self.check_count(&of("autogiro.credit_count"), 15, 20, credits.count)?;
                    self.check_sum(&of("autogiro.credit_sum"), 21, credits.amount)?;
                    let of = |code| check(code, "debits (TK82)", "debiteringar (TK82)");
                    self.check_count(&of("autogiro.debit_count"), 33, 38, debits.count)?;
                    self.tally.declare(debits.count + credits.count);
                    return self.check_sum(&of("autogiro.debit_sum"), 39, debits.amount);
                }
                _ => return Err(self.misplaced(&record)),
            }
        }
    }

    /// TK82 or TK32 of a payment specification: its amount, and whether it was carried out.
    fn payment(&mut self, header: &Header, record: &Record<'_>, section: &Section) -> Result<(i128, bool), Stop> {
        let amount = self.amount(record, 32)?;
        let is_debit = record.kind() == *b"82";
        self.count(record);
        let facts = examine(header, record);
        let is_done = matches!(record.character(80), b'0' | b' ');
        match facts {
            Err(finding) if is_done && is_debit => {
                self.tally.total(CURRENCY).rejected += amount;
                self.reject(Meant::Payment, record, *finding, Some(amount))?;
            }
            Err(finding) => self.reject(Meant::Status, record, *finding, Some(amount))?,
            Ok(facts) if facts.stopped.is_none() && is_debit => {
                self.tally.total(CURRENCY).read += amount;
                let (to, columns) = (&mut self.payments, &self.payment);
                to.text(columns.payment_id, self.identity.current());
                to.text(columns.kind, "payment");
                to.date(columns.payment_date, section.date.unwrap_or(facts.date));
                to.decimal(columns.amount, amount);
                self.common(header, record, section, facts.payer)?;
            }
            Ok(facts) => {
                let (to, columns) = (&mut self.statuses, &self.status);
                to.text(columns.status_id, self.identity.current());
                to.text(columns.status, facts.stopped.map_or("executed", |(status, ..)| status));
                if let Some((_, code, text)) = facts.stopped {
                    to.item(columns.reasons);
                    to.text(columns.reason_scheme, "autogiro.status");
                    to.text(columns.reason_code, char::from(code).to_string());
                    to.text(columns.reason_text, text);
                }
                to.date(columns.payment_date, facts.date);
                to.text(columns.payer_number, facts.payer);
                to.maybe(columns.reference, record.text(54, 69));
                to.text(columns.ag_deposit_id, &section.id);
                to.maybe(columns.ag_deposit_account, section.account.as_ref());
                self.finish_status(header, record, is_debit, Some(amount))?;
            }
        }
        Ok((amount, is_done))
    }

    /// TK77: a debit that is taken back.
    fn refund(&mut self, header: &Header, record: &Record<'_>, section: &Section) -> Result<i128, Stop> {
        let amount = self.amount(record, 32)?;
        self.count(record);
        let refunded = date8(record.field(70, 77));
        let facts = examine(header, record).and_then(|facts| match refunded {
            Some(refunded) => Ok((facts, refunded)),
            None => flaw(
                "autogiro.refund_date",
                record.position(70),
                "the date of a refund is no date",
                "en återbetalnings datum är inget datum",
            ),
        });
        match facts {
            Err(finding) => {
                self.tally.total(CURRENCY).rejected -= amount;
                self.reject(Meant::Payment, record, *finding, Some(-amount))?;
            }
            Ok((facts, refunded)) => {
                self.tally.total(CURRENCY).read -= amount;
                let reason = code(record, 78, 79);
                if !codes::is_refund(reason) {
                    self.scan.remarks.note(&rules::UNKNOWN_CODE, || record.position(78));
                }
                let (to, columns) = (&mut self.payments, &self.payment);
                to.text(columns.payment_id, self.identity.current());
                to.text(columns.kind, "reversal");
                to.date(columns.payment_date, refunded);
                to.date(columns.original_date, facts.date);
                to.maybe(columns.reversal_code, Some(reason).filter(|code| !code.is_empty()));
                to.decimal(columns.amount, -amount);
                self.common(header, record, section, facts.payer)?;
            }
        }
        Ok(amount)
    }

    /// What every row of `payment_in` has, then ends the row.
    fn common(&mut self, header: &Header, record: &Record<'_>, section: &Section, payer: &str) -> Result<(), Stop> {
        let (period, times) = self.renewal(record);
        let (to, columns) = (&mut self.payments, &self.payment);
        to.text(columns.source_format, "autogiro");
        to.text(columns.receiver_account, &header.bankgiro);
        to.text(columns.receiver_account_type, "bankgiro");
        to.text(columns.deposit_id, &section.id);
        to.maybe(columns.deposit_account, section.account.as_ref());
        to.text(columns.currency, CURRENCY);
        let reference = record.text(54, 69);
        to.text(columns.reference_quality, if reference.is_some() { "unchecked" } else { "none" });
        to.maybe(columns.reference, reference);
        to.text(columns.channel, "autogiro");
        to.text(columns.payer_number, payer);
        to.flag(columns.has_image, false);
        to.text(columns.period_code, period);
        if let Some(times) = times {
            to.int(columns.remaining_times, times);
        }
        Ok(to.end_row(self.tally.ordinal, record.start, record.end, self.sink)?)
    }

    /// A row of `payment_status` for a payment whose report has no section.
    fn other(
        &mut self,
        header: &Header,
        record: &Record<'_>,
        kind: [u8; 2],
        amount: i128,
        outcome: &Outcome<'_>,
        at: &Columns,
    ) -> Result<(), Stop> {
        self.count(record);
        let payer = match payer_number(record, at.payer) {
            Ok(payer) => payer,
            Err(finding) => {
                self.tally.total(CURRENCY).rejected += amount;
                return self.reject(Meant::Status, record, *finding, Some(amount));
            }
        };
        self.tally.total(CURRENCY).read += amount;
        // The date can be the very reason why a payment was refused.
        let date = self.optional_date(record, 3);
        let (to, columns) = (&mut self.statuses, &self.status);
        to.text(columns.status_id, self.identity.current());
        to.text(columns.status, outcome.status);
        if !outcome.scheme.is_empty() {
            to.item(columns.reasons);
            to.text(columns.reason_scheme, outcome.scheme);
            to.maybe(columns.reason_code, Some(outcome.code).filter(|code| !code.is_empty()));
            to.maybe(columns.reason_text, outcome.text);
        }
        if let Some(date) = date {
            to.date(columns.payment_date, date);
        }
        to.text(columns.payer_number, payer);
        to.maybe(columns.reference, record.text(at.reference, at.reference + 15));
        self.finish_status(header, record, kind == *b"82", Some(amount))
    }

    /// What every row about a TK82 or TK32 has, then ends the row.
    fn finish_status(
        &mut self,
        header: &Header,
        record: &Record<'_>,
        is_debit: bool,
        amount: Option<i128>,
    ) -> Result<(), Stop> {
        let (period, times) = self.renewal(record);
        let (to, columns) = (&mut self.statuses, &self.status);
        to.text(columns.ag_transaction_code, if is_debit { "82" } else { "32" });
        to.text(columns.ag_period_code, period);
        if let Some(times) = times {
            to.int(columns.ag_remaining_times, times);
        }
        self.end_status(header, record, is_debit, amount)
    }

    /// What every row of `payment_status` has, then ends the row.
    pub(super) fn end_status(
        &mut self,
        header: &Header,
        record: &Record<'_>,
        is_debit: bool,
        amount: Option<i128>,
    ) -> Result<(), Stop> {
        let (to, columns) = (&mut self.statuses, &self.status);
        to.text(columns.source_format, "autogiro");
        to.text(columns.report, header.report.name());
        to.text(columns.scope, "payment");
        to.text(columns.direction, if is_debit { "in" } else { "out" });
        to.text(columns.kind, "payment");
        to.text(columns.account, &header.bankgiro);
        to.text(columns.account_type, "bankgiro");
        if let Some(date) = header.date {
            to.date(columns.reported_on, date);
        }
        if let Some(amount) = amount {
            to.text(columns.currency, CURRENCY);
            to.decimal(columns.amount, amount);
        }
        Ok(to.end_row(self.tally.ordinal, record.start, record.end, self.sink)?)
    }

    /// Period code and number of times, which stand in the same place of every payment.
    fn renewal(&mut self, record: &Record<'_>) -> (&'static str, Option<i32>) {
        const PERIODS: [&str; 9] = ["0", "1", "2", "3", "4", "5", "6", "7", "8"];
        let byte = record.character(11);
        let period = PERIODS.get(usize::from(byte.wrapping_sub(b'0'))).copied();
        if period.is_none() && byte != b' ' {
            self.scan.remarks.note(&rules::PERIOD_CODE, || record.position(11));
        }
        let field = record.field(12, 14);
        let times = crate::fixed::digits(field).and_then(|digits| digits.parse().ok());
        if times.is_none() && !field.trim_ascii().is_empty() {
            self.scan.remarks.note(&rules::REMAINING_TIMES, || record.position(12));
        }
        (period.unwrap_or(if byte == b' ' { "0" } else { "?" }), times)
    }
}

/// What became of a payment, and why.
struct Outcome<'a> {
    status: &'static str,
    /// Blank where there is no reason.
    scheme: &'static str,
    code: &'a str,
    text: Option<&'static str>,
}

/// Where the fields stand that are not in the same place in every report.
struct Columns {
    payer: usize,
    reference: usize,
}

/// Reads a payment of a specification; the finding is why it must be rejected.
fn examine<'r>(header: &Header, record: &'r Record<'_>) -> Result<Facts<'r>, Box<Finding>> {
    let payer = payer_number(record, 16)?;
    check_bankgiro(record, 44, header)?;
    let Some(date) = date8(record.field(3, 10)) else {
        return flaw(
            "autogiro.payment_date",
            record.position(3),
            "the date of a payment is no date",
            "en betalnings datum är inget datum",
        );
    };
    let kind = record.kind();
    let status = if kind == *b"77" { b'0' } else { record.character(80) };
    let stopped = match status {
        b'0' | b' ' => None,
        // Only debits are tried again.
        b'9' if kind == *b"32" => return unknown_status(record),
        status => match codes::status(status) {
            Some((outcome, text)) => Some((outcome, status, text)),
            None => return unknown_status(record),
        },
    };
    Ok(Facts { date, payer, stopped })
}

fn unknown_status<T>(record: &Record<'_>) -> Result<T, Box<Finding>> {
    flaw(
        "autogiro.status",
        record.position(80),
        "the status of a payment is none of the manual's",
        "en betalnings status är ingen av dem i manualen",
    )
}
