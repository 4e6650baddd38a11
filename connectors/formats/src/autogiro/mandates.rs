//! TK73, TK52 to TK56, and rows of the register: events of mandates.

use super::header::Header;
use super::{Check, Meant, Reading, check_bankgiro, code, codes, payer_number, rules};
use crate::fixed::{
    Frame, Framer, Record, Refusal, Stop, date6, digits, finding, is_blank, significant_digits, unsigned,
};

/// Text records (TK53) that an application can have. The manual has one; this keeps memory bounded.
const MAX_TEXTS: usize = 100;

/// An application through the internet bank: TK52 and the records after it, as places in the file.
struct Application {
    head: Frame,
    texts: Vec<Frame>,
    name: Option<Frame>,
    street: Option<Frame>,
    city: Option<Frame>,
    /// The type of its last record; they stand in the order of their types.
    last: u8,
}

impl Application {
    const fn new(head: Frame) -> Self {
        Self { head, texts: Vec::new(), name: None, street: None, city: None, last: b'2' }
    }

    /// Adds a record; false when it stands out of order.
    fn add(&mut self, kind: u8, frame: Frame) -> bool {
        let in_order = kind > self.last || kind == b'3' && self.last == b'3' && self.texts.len() < MAX_TEXTS;
        self.last = kind;
        match kind {
            b'3' => self.texts.push(frame),
            b'4' => self.name = Some(frame),
            b'5' => self.street = Some(frame),
            _ => self.city = Some(frame),
        }
        in_order
    }

    fn end(&self) -> u64 {
        let last = [self.city, self.street, self.name, self.texts.last().copied()];
        last.iter().flatten().map(|frame| frame.end).next().unwrap_or(self.head.end)
    }
}

impl Reading<'_> {
    /// Mandate advice.
    pub(super) fn mandate_advice(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut count = 0;
        loop {
            let record = self.scan.next_record(lines, "TK09")?;
            match &record.kind() {
                b"73" => {
                    count += 1;
                    self.advice(header, &record)?;
                }
                b"09" => {
                    self.check_end(header, &record);
                    return self.check_records(&record, count);
                }
                _ => return Err(self.misplaced(&record)),
            }
        }
    }

    /// The count of an end record that counts all records between the first and itself.
    fn check_records(&mut self, record: &Record<'_>, count: u64) -> Result<(), Stop> {
        let check = Check { record, code: "autogiro.record_count", english: "records", swedish: "poster" };
        if record.kind() == *b"09" {
            self.tally.declare(count);
        }
        self.check_count(&check, 15, 21, count)
    }

    fn advice(&mut self, header: &Header, record: &Record<'_>) -> Result<(), Stop> {
        self.count(record);
        let payer = match check_bankgiro(record, 3, header).and_then(|()| payer_number(record, 13)) {
            Ok(payer) => payer,
            Err(finding) => return self.reject(Meant::Mandate, record, *finding, None),
        };
        let (information, comment) = (code(record, 62, 63), code(record, 64, 65));
        let texts = (codes::information(information), codes::comment(comment));
        if texts.0.is_none() {
            self.scan.remarks.note(&rules::UNKNOWN_CODE, || record.position(62));
        }
        if texts.1.is_none() && !matches!(comment, "" | "00") {
            self.scan.remarks.note(&rules::UNKNOWN_CODE, || record.position(64));
        }
        let date = self.optional_date(record, 66);
        let valid_from = self.valid_from(record);
        let (to, columns) = (&mut self.mandates, &self.mandate);
        to.text(columns.event_id, self.identity.current());
        to.text(columns.event, codes::event(information, comment));
        to.maybe(columns.info_code, Some(information).filter(|code| !code.is_empty()));
        to.maybe(columns.info, texts.0);
        to.maybe(columns.comment_code, Some(comment).filter(|code| !code.is_empty()));
        to.maybe(columns.comment, texts.1);
        if let Some(date) = date {
            to.date(columns.event_date, date);
        }
        if let Some(date) = valid_from {
            to.date(columns.valid_from, date);
        }
        self.payer(record, payer, 29, 45);
        self.end_mandate(header, &header.bankgiro, record.start, record.end)
    }

    /// In the old layout, the date from which money can be drawn.
    fn valid_from(&mut self, record: &Record<'_>) -> Option<i32> {
        let field = record.field(74, 79);
        let date = date6(field);
        if date.is_none() && field.iter().any(|byte| !matches!(byte, b'0' | b' ')) {
            self.scan.remarks.note(&rules::DATE_UNREADABLE, || record.position(74));
        }
        // Six zeros are no day in any month.
        date
    }

    /// Payer number, account and identity.
    fn payer(&mut self, record: &Record<'_>, payer: &str, account: usize, identity: usize) {
        let field = record.field(identity, identity + 11);
        let is_there = field.iter().any(|byte| !matches!(byte, b'0' | b' '));
        let number = digits(field).filter(|digits| is_there && digits.len() == 12);
        if is_there && number.is_none() {
            self.scan.remarks.note(&rules::IDENTITY, || record.position(identity));
        }
        let (to, columns) = (&mut self.mandates, &self.mandate);
        to.text(columns.payer_number, payer);
        let account =
            digits(record.field(account, account + 15)).filter(|account| account.bytes().any(|byte| byte != b'0'));
        to.maybe(columns.payer_account, account);
        to.maybe(columns.payer_identity, record.text(identity, identity + 11).filter(|_| is_there));
        let kind = number.map(|number| match &number[..2] {
            "00" => "organisation",
            "99" => "organisation_by_bankgiro",
            _ => "person",
        });
        to.maybe(columns.payer_identity_kind, kind);
    }

    /// What every row of `mandate_event` has, then ends the row.
    fn end_mandate(&mut self, header: &Header, account: &str, start: u64, end: u64) -> Result<(), Stop> {
        let (to, columns) = (&mut self.mandates, &self.mandate);
        to.text(columns.source_format, "autogiro");
        to.text(columns.report, header.report.name());
        to.text(columns.receiver_account, account);
        to.text(columns.receiver_account_type, "bankgiro");
        if let Some(date) = header.date {
            to.date(columns.reported_on, date);
        }
        Ok(to.end_row(self.tally.ordinal, start, end, self.sink)?)
    }

    /// Applications for mandates through payers' internet banks.
    pub(super) fn internet_mandates(&mut self, header: &Header, lines: &mut Framer<'_>) -> Result<(), Stop> {
        let mut count = 0;
        let mut open: Option<Application> = None;
        loop {
            let Some(frame) = self.scan.next_known(lines)? else { return Err(self.scan.truncated(lines, "TK59")) };
            let kind = crate::fixed::kind(lines.bytes(frame.start, frame.end));
            if let [b'5', b'2'..=b'6'] = kind {
                count += 1;
            }
            let in_order = match (kind, &mut open) {
                ([b'5', which @ b'3'..=b'6'], Some(application)) => application.add(which, frame),
                ([b'5', b'2' | b'9'], _) => true,
                _ => false,
            };
            if !in_order {
                let record = self.scan.record(frame, lines)?;
                return Err(self.misplaced(&record));
            }
            if matches!(&kind, b"52" | b"59") {
                if let Some(application) = open.take() {
                    self.application(header, &application, lines)?;
                }
                lines.keep_from(Some(frame.start));
            }
            if kind == *b"52" {
                open = Some(Application::new(frame));
            }
            if kind == *b"59" {
                let record = self.scan.record(frame, lines)?;
                self.check_end(header, &record);
                self.check_records(&record, count)?;
                break;
            }
        }
        lines.keep_from(None);
        Ok(())
    }

    fn application(&mut self, header: &Header, application: &Application, lines: &Framer<'_>) -> Result<(), Stop> {
        let record = self.scan.record(application.head, lines)?;
        self.tally.ordinal += 1;
        let end = application.end();
        let raw = lines.bytes(record.start, end);
        self.identity.next(raw);
        let payer = match check_bankgiro(&record, 3, header).and_then(|()| payer_number(&record, 13)) {
            Ok(payer) => payer,
            Err(finding) => {
                let (start, finding) = (record.start, *finding);
                let refusal = Refusal { finding, start, end, raw, amount: None, currency: None };
                return self.tally.reject(self.mandates.contract(), self.sink, refusal);
            }
        };
        for frame in &application.texts {
            let text = self.scan.record(*frame, lines)?;
            if let Some(text) = text.line_text(3, 38) {
                self.mandates.push_text(self.mandate.messages, text);
            }
        }
        let parts = [application.name, application.street, application.city];
        for (index, frame) in parts.into_iter().enumerate() {
            let Some(frame) = frame else { continue };
            let record = self.scan.record(frame, lines)?;
            let (to, columns) = (&mut self.mandates, &self.mandate);
            let (first, second, (upto, from, end)) = match index {
                0 => (columns.payer_name, columns.payer_extra_name, (38, 39, 74)),
                1 => (columns.payer_street, columns.payer_extra_street, (38, 39, 74)),
                _ => (columns.payer_postcode, columns.payer_city, (7, 8, 38)),
            };
            to.maybe(first, record.text(3, upto));
            to.maybe(second, record.text(from, end));
        }
        let (to, columns) = (&mut self.mandates, &self.mandate);
        to.text(columns.event_id, self.identity.current());
        to.text(columns.event, "applied");
        to.maybe(columns.application_type, record.text(62, 62));
        self.payer(&record, payer, 29, 45);
        self.end_mandate(header, &header.bankgiro, record.start, end)
    }

    /// An extract of the register of mandates: `first` is its first row.
    pub(super) fn register_extract(
        &mut self,
        header: &Header,
        first: Frame,
        lines: &mut Framer<'_>,
    ) -> Result<(), Stop> {
        let mut next = Some(first);
        while let Some(frame) = next {
            if !is_blank(lines.bytes(frame.start, frame.end)) {
                let record = self.scan.record(frame, lines)?;
                self.register_row(header, &record)?;
            }
            next = self.scan.next_filled(lines)?;
        }
        Ok(())
    }

    fn register_row(&mut self, header: &Header, record: &Record<'_>) -> Result<(), Stop> {
        self.count(record);
        // A customer of Bankgirot can have mandates for several bankgiro numbers.
        let account = significant_digits(record.field(1, 10)).ok_or_else(|| {
            let (english, swedish) =
                ("the row's bankgiro number is no number", "radens bankgironummer är inget nummer");
            Box::new(finding("autogiro.row_bankgiro", record.position(1), english, swedish))
        });
        let (account, payer) = match account.and_then(|account| Ok((account, payer_number(record, 23)?))) {
            Ok(found) => found,
            Err(finding) => return self.reject(Meant::Mandate, record, *finding, None),
        };
        // The old layout has one digit of the year, so that everything after it stands one to the left, and an amount.
        let is_old = record.field(59, 64).iter().any(u8::is_ascii_digit);
        let left = usize::from(is_old);
        let dates = [42 - left, 50 - left].map(|from| self.optional_date(record, from));
        let limit = if is_old {
            significant_digits(record.field(59, 63)).and_then(|limit| unsigned(limit.as_bytes()))
        } else {
            None
        };
        let (to, columns) = (&mut self.mandates, &self.mandate);
        to.text(columns.event_id, self.identity.current());
        to.text(columns.event, "registered");
        to.maybe(columns.register_type, record.text(39, 39));
        to.maybe(columns.register_year, record.text(40, 41 - left));
        // One position of status in the new layout, two in the old.
        to.maybe(columns.register_status, record.text(58 - left, 58));
        for (column, date) in [columns.register_first_date, columns.register_second_date].into_iter().zip(dates) {
            if let Some(date) = date {
                to.date(column, date);
            }
        }
        if let Some(kronor) = limit {
            to.decimal(columns.register_max_amount, i128::from(kronor) * 100);
        }
        self.payer(record, payer, 65 - left, 11);
        self.end_mandate(header, account, record.start, record.end)
    }
}
