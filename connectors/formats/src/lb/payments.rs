//! Payments with their payees, in orders and in reports of what was carried out, refused or stopped.

use std::mem::take;

use super::{Header, Reading, Report, rules};
use crate::fixed::{Frame, Framer, Record, Stop, kind, number, refuse, significant, significant_digits};

/// Records that a payment can have behind it. The manual has fewer; this keeps memory bounded.
const MAX_DETAILS: usize = 1_000;
/// Reasons that a payment can have.
const MAX_REASONS: usize = 100;

/// Why a payment was refused: a code and the bank's words.
struct Reason {
    code: String,
    text: Option<String>,
}

/// What TK26, TK27 and TK40 say about whom the payments after them go to.
#[derive(Default)]
struct Payee {
    /// Significant digits, or what stands there instead.
    number: String,
    name: Option<String>,
    street: Option<String>,
    postcode: Option<String>,
    city: Option<String>,
    account: Option<String>,
    is_salary: bool,
    reasons: Vec<Reason>,
}

/// A payment whose records are being read, as places in the file.
struct Payment {
    head: Frame,
    details: Vec<Frame>,
    reasons: Vec<Reason>,
    end: u64,
}

/// What the record before a reason was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Opening,
    Payee,
    Payment,
}

/// A section on its way through.
struct Section {
    payee: Payee,
    payment: Option<Payment>,
    before: Before,
    /// Text for every payee (TK12).
    information: Vec<String>,
    count: u64,
    sum: i128,
}

impl Reading<'_> {
    /// Everything between TK11 and TK29.
    pub(super) fn section(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut section = Section {
            payee: Payee::default(),
            payment: None,
            before: Before::Opening,
            information: Vec::new(),
            count: 0,
            sum: 0,
        };
        loop {
            let Some(frame) = self.scan.next_known(lines)? else { return Err(self.scan.truncated(lines, "TK29")) };
            let kind = kind(lines.bytes(frame.start, frame.end));
            match &kind {
                b"14" | b"15" | b"16" | b"17" | b"54" => {
                    self.close(header, &mut section, lines)?;
                    lines.keep_from(Some(frame.start));
                    section.payment =
                        Some(Payment { head: frame, details: Vec::new(), reasons: Vec::new(), end: frame.end });
                    section.before = Before::Payment;
                }
                b"20" | b"21" | b"25" | b"65" => match &mut section.payment {
                    Some(payment) if payment.details.len() < MAX_DETAILS && section.before == Before::Payment => {
                        payment.details.push(frame);
                        payment.end = frame.end;
                    }
                    _ => {
                        let record = self.scan.record(frame, lines)?;
                        return Err(self.misplaced(&record));
                    }
                },
                b"26" | b"27" | b"40" => {
                    self.close(header, &mut section, lines)?;
                    let record = self.scan.record(frame, lines)?;
                    section.payee.add(&record);
                    section.before = Before::Payee;
                }
                b"49" => self.reason(frame, &mut section, lines)?,
                b"12" | b"13" if section.before == Before::Opening => {
                    let record = self.scan.record(frame, lines)?;
                    if kind == *b"12"
                        && let Some(text) = record.text(3, 52)
                        && section.information.len() < MAX_REASONS
                    {
                        section.information.push(text.into_owned());
                    }
                }
                b"29" => {
                    self.close(header, &mut section, lines)?;
                    lines.keep_from(None);
                    let record = self.scan.record(frame, lines)?;
                    return self.end(header, &record, section.count, Some(section.sum));
                }
                _ => {
                    let record = self.scan.record(frame, lines)?;
                    return Err(self.misplaced(&record));
                }
            }
        }
    }

    /// TK49: why the record before it was refused.
    fn reason(&mut self, frame: Frame, section: &mut Section, lines: &Framer<'_>) -> Result<(), Stop> {
        let record = self.scan.record(frame, lines)?;
        let code = format!("{}{}", record.text(3, 6).unwrap_or_default(), record.text(7, 10).unwrap_or_default());
        let reason = Reason { code, text: record.text(11, 80).map(|text| text.into_owned()) };
        let reasons = match (section.before, &mut section.payment) {
            (Before::Payment, Some(payment)) => {
                payment.end = record.end;
                &mut payment.reasons
            }
            (Before::Payee, _) => &mut section.payee.reasons,
            _ => {
                self.scan.remarks.note(&rules::INFORMATION_REJECTED, || record.position(1));
                return Ok(());
            }
        };
        if reasons.len() < MAX_REASONS {
            reasons.push(reason);
        }
        Ok(())
    }

    /// Gives on a payment whose records have all been read.
    fn close(&mut self, header: &Header, section: &mut Section, lines: &Framer<'_>) -> Result<(), Stop> {
        let Some(payment) = take(&mut section.payment) else { return Ok(()) };
        let record = self.scan.record(payment.head, lines)?;
        section.count += 1;
        self.tally.ordinal += 1;
        self.identity.next(lines.bytes(payment.head.start, payment.end));
        let kind = record.kind();
        let is_payment = matches!(&kind, b"14" | b"54");
        let amount = self.payment_amount(header, &record, is_payment)?;
        if let Some(amount) = amount {
            section.sum += amount;
            self.tally.total(&header.currency).read += amount;
            self.table.decimal(self.columns.amount, amount);
        }
        let (to, columns) = (&mut self.table, &self.columns);
        to.text(
            columns.kind,
            match &kind {
                b"14" | b"54" => "payment",
                b"15" => "deduction",
                _ => "credit_note",
            },
        );
        to.maybe(columns.reference, record.text(13, 37));
        to.maybe(columns.own_reference, record.text(61, 80));
        to.text(columns.lb_transaction_code, String::from_utf8_lossy(&kind));
        self.payee(&record, &section.payee);
        self.dates_and_type(header, &record);
        for text in &section.information {
            self.table.push_text(self.columns.messages, text);
        }
        self.details(&record, amount, &payment, lines)?;
        let own = section.payee.is_of(&record);
        let inherited = section.payee.reasons.iter().filter(|_| own);
        let (to, columns) = (&mut self.table, &self.columns);
        let mut is_explained = false;
        for reason in inherited.chain(&payment.reasons) {
            is_explained = true;
            to.item(columns.reasons);
            to.text(columns.reason_scheme, "lb");
            to.maybe(columns.reason_code, Some(&reason.code).filter(|code| !code.is_empty()));
            to.maybe(columns.reason_text, reason.text.as_ref());
        }
        if !is_explained && matches!(header.report, Report::Rejected | Report::Stopped) {
            self.scan.remarks.note(&rules::REASON_MISSING, || record.position(1));
        }
        self.end_row(header, "payment", payment.head.start, payment.end)
    }

    /// Amount of a payment, negative for what reduces it.
    fn payment_amount(&mut self, header: &Header, record: &Record<'_>, is_payment: bool) -> Result<Option<i128>, Stop> {
        match number(record, 38, 49, &mut self.scan.remarks).map(i128::from) {
            Some(amount) => Ok(Some(if is_payment { amount } else { -amount })),
            None if header.report == Report::Rejected => {
                self.scan.remarks.note(&rules::AMOUNT_UNREADABLE, || record.position(38));
                Ok(None)
            }
            None => Err(refuse(
                "lb.amount",
                record.position(38),
                "the amount of a payment cannot be read, so the sums of the file prove nothing",
                "en betalnings belopp går inte att läsa, så filens summor bevisar ingenting",
            )),
        }
    }

    /// To whom a payment goes.
    fn payee(&mut self, record: &Record<'_>, payee: &Payee) {
        let is_own = payee.is_of(record);
        let digits = significant_digits(record.field(3, 12));
        // Numbers of payments to bank accounts and in cash have six digits at most, giro numbers of payees more.
        let is_transfer = significant(record.field(3, 12)).len() <= 6;
        let kind = if record.kind() == *b"54" { "plusgiro" } else { "bankgiro" };
        if !is_transfer || kind == "plusgiro" {
            self.giro(record, 3);
        }
        let (to, columns) = (&mut self.table, &self.columns);
        match (&payee.account, digits) {
            (Some(account), _) if is_own => {
                to.text(columns.counterpart_account, account);
                to.text(columns.counterpart_account_type, "bban");
            }
            (_, Some(digits)) => {
                to.text(columns.counterpart_account, digits);
                let is_transfer = is_transfer && kind == "bankgiro";
                to.text(columns.counterpart_account_type, if is_transfer { "transfer_number" } else { kind });
            }
            _ => {}
        }
        if !is_own {
            return;
        }
        to.maybe(columns.counterpart_name, payee.name.as_ref());
        to.maybe(columns.lb_street, payee.street.as_ref());
        to.maybe(columns.lb_postcode, payee.postcode.as_ref());
        to.maybe(columns.lb_city, payee.city.as_ref());
        if payee.is_salary {
            to.flag(columns.lb_is_salary, true);
        }
    }

    /// What stands between amount and own text: in reports of what was carried out other things than in orders.
    fn dates_and_type(&mut self, header: &Header, record: &Record<'_>) {
        let is_credit = matches!(&record.kind(), b"16" | b"17");
        let is_specification = header.report == Report::Specification;
        let monitored = if is_credit { self.optional_date(record, 50) } else { None };
        let own_date = if is_credit || is_specification { None } else { self.optional_date(record, 50) };
        let (to, columns) = (&mut self.table, &self.columns);
        if let Some(date) = monitored {
            to.date(columns.lb_monitored_until, date);
        }
        if let Some(date) = own_date.or(header.payment_date) {
            to.date(columns.payment_date, date);
        }
        if !is_specification {
            return;
        }
        if is_credit {
            to.maybe(columns.lb_credit_code, record.text(56, 56));
        } else {
            to.maybe(columns.lb_payment_type, record.text(50, 50));
            let serial = record.text(51, 60).filter(|serial| serial.bytes().any(|byte| byte != b'0'));
            to.maybe(columns.bank_reference, serial);
        }
    }

    /// TK20, TK21, TK25 and TK65 of a payment.
    fn details(
        &mut self,
        head: &Record<'_>,
        amount: Option<i128>,
        payment: &Payment,
        lines: &Framer<'_>,
    ) -> Result<(), Stop> {
        let mut credit: Option<(i128, i128)> = None;
        let mut used = 0;
        for frame in &payment.details {
            let record = self.scan.record(*frame, lines)?;
            match &record.kind() {
                b"20" if credit.is_none() => {
                    let date = self.optional_date(&record, 13);
                    let mut read = |from| {
                        number(&record, from, from + 11, &mut self.scan.remarks).map(i128::from).ok_or_else(|| {
                            refuse(
                                "lb.credit_amount",
                                record.position(from),
                                "an amount of a credit note (TK20) cannot be read",
                                "ett kreditbelopp (TK20) går inte att läsa",
                            )
                        })
                    };
                    let (original, remaining) = (read(19)?, read(31)?);
                    credit = Some((original, remaining));
                    let (to, columns) = (&mut self.table, &self.columns);
                    to.decimal(columns.lb_credit_original, original);
                    to.decimal(columns.lb_credit_remaining, remaining);
                    if let Some(date) = date {
                        to.date(columns.lb_credit_date, date);
                    }
                }
                b"20" => return Err(self.misplaced(&record)),
                b"21" => used += self.uses(&record)?,
                b"25" => self.message(&record, 62),
                _ => self.message(&record, 47),
            }
        }
        if let (Some((original, remaining)), Some(amount)) = (credit, amount)
            && original - remaining != used - amount
        {
            self.scan.remarks.note(&rules::CREDIT_REMAINDER, || head.position(38));
        }
        Ok(())
    }

    fn message(&mut self, record: &Record<'_>, to: usize) {
        if let Some(text) = record.line_text(13, to) {
            self.table.push_text(self.columns.messages, text);
        }
    }

    /// TK21: up to three earlier uses of a credit note; their sum.
    fn uses(&mut self, record: &Record<'_>) -> Result<i128, Stop> {
        let mut sum = 0;
        for from in [13, 31, 49] {
            if record.text(from, from + 17).is_none() {
                continue;
            }
            let date = self.optional_date(record, from);
            let Some(amount) = number(record, from + 6, from + 17, &mut self.scan.remarks).map(i128::from) else {
                return Err(refuse(
                    "lb.credit_amount",
                    record.position(from + 6),
                    "an amount of a credit note (TK21) cannot be read",
                    "ett kreditbelopp (TK21) går inte att läsa",
                ));
            };
            if amount == 0 && date.is_none() {
                continue;
            }
            sum += amount;
            let (to, columns) = (&mut self.table, &self.columns);
            to.item(columns.lb_amounts);
            to.text(columns.lb_amount_name, "use");
            to.decimal(columns.lb_amount, amount);
            if let Some(date) = date {
                to.date(columns.lb_amount_date, date);
            }
        }
        Ok(sum)
    }
}

impl Payee {
    /// True when a record names this payee.
    fn is_of(&self, record: &Record<'_>) -> bool {
        record.text(3, 12).unwrap_or_default().trim_start_matches('0') == self.number
    }

    /// Adds a record; the first one with another number begins another payee.
    fn add(&mut self, record: &Record<'_>) {
        if !self.is_of(record) {
            let number = record.text(3, 12).unwrap_or_default().trim_start_matches('0').to_owned();
            *self = Self { number, ..Self::default() };
        }
        let text = |from, to| record.text(from, to).map(|text| text.into_owned());
        match &record.kind() {
            b"26" => {
                self.name = text(13, 47);
                // The second line of a name belongs to it: there is no other column for it.
                if let (Some(name), Some(more)) = (&mut self.name, text(48, 80)) {
                    name.push_str(", ");
                    name.push_str(&more);
                }
            }
            b"27" => {
                self.street = text(13, 47);
                self.postcode = text(48, 52);
                self.city = text(53, 72);
            }
            _ => {
                let account = format!("{}{}", text(13, 16).unwrap_or_default(), text(17, 28).unwrap_or_default());
                self.account = Some(account).filter(|account| !account.is_empty());
                self.is_salary = record.character(41) == b'L';
            }
        }
    }
}
