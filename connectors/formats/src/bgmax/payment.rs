//! TK20 to TK29: a payment and the records after it.

use std::mem::take;

use schemas::reference::luhn_valid;

use super::deposit::Deposit;
use super::{Counts, Reading, WIDTH, is_known, rules};
use crate::fixed::{
    ALIGNMENT, Frames, Record, Refusal, Remarks, Stop, Sums, digits, finding, kind, number, refuse, significant,
};
use crate::{Finding, Position};

/// Information records (TK25) that a payment can have.
const MAX_INFORMATION: usize = 90;
/// References (TK22, TK23) that a payment can have. The manual has no limit; this one keeps memory bounded.
const MAX_REFERENCES: usize = 10_000;

/// How far into a payment its records have come; they stand in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Payment,
    References,
    Information,
    Name,
    Street,
    City,
    Organisation,
}

/// A payment and the records that follow it.
pub(super) struct Payment<'a> {
    pub head: Record<'a>,
    pub references: Vec<Record<'a>>,
    pub information: Vec<Record<'a>>,
    pub name: Option<Record<'a>>,
    pub street: Option<Record<'a>>,
    pub city: Option<Record<'a>>,
    pub organisation: Option<Record<'a>>,
    /// One past the last byte of its last record.
    pub end: u64,
    amount: i128,
    reference_count: usize,
    information_count: usize,
    stage: Stage,
}

/// What was read from the codes and numbers of a payment that can be used.
pub(super) struct Facts<'p> {
    pub amount: i128,
    pub deduction_code: Option<i32>,
    pub reference_code: i32,
    pub channel: Option<&'static str>,
    pub has_image: bool,
    /// Without zeros to the left.
    pub sender: Option<&'p str>,
    /// Twelve digits.
    pub serial: Option<&'p str>,
    /// The serial number is the payment's own: it stands on no earlier payment.
    pub identified: bool,
    /// Number of the payment in its deposit, from 1.
    pub in_deposit: u64,
}

/// What was read from a reference record.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReferenceFacts {
    pub code: i32,
    /// Negative for a reference that reduces the payment.
    pub amount: i128,
    pub negative: bool,
}

impl Reading<'_> {
    /// Reads the payments of a deposit: `bytes` stand at `base` in the file and begin with line `line`.
    pub(super) fn payments(
        &mut self,
        deposit: &Deposit,
        bytes: &[u8],
        base: u64,
        line: u64,
        closing: &Record<'_>,
        counts: &mut Counts,
    ) -> Result<(), Stop> {
        let encoding = self.scan.encoding(bytes, base, line)?;
        let mut sums = Sums::default();
        let mut current: Option<Payment<'_>> = None;
        let deductions_before = counts.deductions;
        for (frame, text) in Frames::new(bytes, base, line) {
            let Some(record) = Record::read(frame, text, encoding, WIDTH, &mut self.scan.remarks) else { continue };
            let kind = record.kind();
            if !is_known(kind) {
                self.scan.skip_unknown(kind, frame);
                continue;
            }
            match (&kind, &mut current) {
                (b"20" | b"21", current) => {
                    let amount = amount(&record, &mut self.scan.remarks)?;
                    counts.payments += u64::from(&kind == b"20");
                    counts.deductions += u64::from(&kind == b"21");
                    if let Some(payment) = current {
                        self.close(deposit, payment, bytes, base, &mut sums)?;
                        payment.restart(record, amount);
                    } else {
                        *current = Some(Payment::new(record, amount));
                    }
                }
                (_, Some(payment)) => {
                    counts.references += u64::from(matches!(&kind, b"22" | b"23"));
                    if let Err(record) = payment.add(kind, record) {
                        return Err(self.misplaced(kind, record.position(1)));
                    }
                }
                (_, None) => return Err(self.misplaced(kind, record.position(1))),
            }
        }
        let Some(last) = current else {
            return Err(self.scan.out_of_order(
                kind(closing.field(1, 2)),
                closing.position(1),
                "after no payment: the deposit is empty",
                "utan någon betalning före: insättningen är tom",
            ));
        };
        self.close(deposit, &last, bytes, base, &mut sums)?;
        if counts.deductions > deductions_before {
            self.check_deductions(bytes, encoding, closing);
        }
        self.tally.add(&deposit.currency, &sums);
        self.check_deposit(deposit, closing, sums.accepted + sums.rejected, sums.count)
    }

    /// Checks a payment whose records have all been read, and gives it on.
    fn close(
        &mut self,
        deposit: &Deposit,
        payment: &Payment<'_>,
        bytes: &[u8],
        base: u64,
        sums: &mut Sums,
    ) -> Result<(), Stop> {
        self.tally.ordinal += 1;
        sums.count += 1;
        let amount = payment.amount;
        let mut references = take(&mut self.reference_facts);
        let result = self.examine(deposit, payment, sums.count, &mut references);
        match result {
            Ok(facts) => {
                self.append(deposit, payment, &facts, &references)?;
                sums.accepted += amount;
            }
            Err(finding) => {
                let place = |byte: u64| usize::try_from(byte - base).unwrap_or(usize::MAX);
                let raw = bytes.get(place(payment.head.start)..place(payment.end)).unwrap_or_default();
                let refusal = Refusal {
                    finding: *finding,
                    start: payment.head.start,
                    end: payment.end,
                    raw,
                    amount: Some(amount),
                    currency: Some(&deposit.currency),
                };
                sums.rejected += amount;
                self.tally.reject(self.table.contract(), self.sink, refusal)?;
            }
        }
        self.reference_facts = references;
        Ok(())
    }

    fn misplaced(&self, kind: [u8; 2], position: Position) -> Stop {
        self.scan.out_of_order(
            kind,
            position,
            "out of the order payment (TK20, TK21), references, information, name, address, organisation number",
            "utanför ordningen betalning (TK20, TK21), referenser, information, namn, adress, organisationsnummer",
        )
    }

    /// Reads the codes of a payment; the finding is why it must be rejected.
    fn examine<'p>(
        &mut self,
        deposit: &Deposit,
        payment: &'p Payment<'_>,
        in_deposit: u64,
        references: &mut Vec<ReferenceFacts>,
    ) -> Result<Facts<'p>, Box<Finding>> {
        let head = &payment.head;
        if deposit.repeated {
            return reject(
                "bgmax.payment_repeated",
                head.position(1),
                "the deposit of this payment stands earlier in the file: it was delivered twice",
                "betalningens insättning finns tidigare i filen: den har levererats två gånger",
            );
        }
        payment.check_limits()?;
        let sender = sender(head, &mut self.scan.remarks)?;
        let serial = serial(head)?;
        let reference_code = reference_code(head, &mut self.scan.remarks)?;
        let deduction_code = deduction_code(head)?;
        payment.read_references(references, &mut self.scan.remarks)?;
        let channel = match head.character(57) {
            b'1' => Some("bank"),
            b'2' => Some("lb"),
            b'3' => Some("slip"),
            b'4' => Some("autogiro"),
            _ => {
                self.scan.remarks.note(&rules::CHANNEL, || head.position(57));
                None
            }
        };
        let image = head.character(70);
        if !matches!(image, b'0' | b'1' | b' ') {
            self.scan.remarks.note(&rules::IMAGE, || head.position(70));
        }
        if let Some(organisation) = &payment.organisation
            && !is_organisation_number(organisation)
        {
            self.scan.remarks.note(&rules::ORGANISATION_NUMBER, || organisation.position(3));
        }
        let identified = serial.is_some_and(|serial| {
            let new = self.serials.insert(serial.parse().unwrap_or_default());
            if !new {
                self.scan.remarks.note(&rules::SERIAL_REPEATED, || head.position(58));
            }
            new
        });
        Ok(Facts {
            amount: payment.amount,
            deduction_code,
            reference_code,
            channel,
            has_image: image == b'1',
            sender,
            serial,
            identified,
            in_deposit,
        })
    }
}

impl<'a> Payment<'a> {
    /// Begins a payment with its TK20 or TK21.
    fn new(head: Record<'a>, amount: i128) -> Self {
        Self {
            end: head.end,
            amount,
            head,
            references: Vec::new(),
            information: Vec::new(),
            name: None,
            street: None,
            city: None,
            organisation: None,
            reference_count: 0,
            information_count: 0,
            stage: Stage::Payment,
        }
    }

    /// The same in the room of an earlier payment.
    fn restart(&mut self, head: Record<'a>, amount: i128) {
        let (mut references, mut information) = (take(&mut self.references), take(&mut self.information));
        references.clear();
        information.clear();
        *self = Self { references, information, ..Self::new(head, amount) };
    }

    /// Adds a record that follows; gives it back when it does not stand in the manual's order.
    fn add(&mut self, kind: [u8; 2], record: Record<'a>) -> Result<(), Record<'a>> {
        let (stage, many) = match &kind {
            b"22" | b"23" => (Stage::References, true),
            b"25" => (Stage::Information, true),
            b"26" => (Stage::Name, false),
            b"27" => (Stage::Street, false),
            b"28" => (Stage::City, false),
            b"29" => (Stage::Organisation, false),
            _ => return Err(record),
        };
        if stage < self.stage || (stage == self.stage && !many) {
            return Err(record);
        }
        self.stage = stage;
        self.end = record.end;
        match stage {
            Stage::Payment => {}
            Stage::References => {
                self.reference_count += 1;
                keep(&mut self.references, record, MAX_REFERENCES);
            }
            Stage::Information => {
                self.information_count += 1;
                keep(&mut self.information, record, MAX_INFORMATION);
            }
            Stage::Name => self.name = Some(record),
            Stage::Street => self.street = Some(record),
            Stage::City => self.city = Some(record),
            Stage::Organisation => self.organisation = Some(record),
        }
        Ok(())
    }

    /// True for TK21.
    pub fn is_deduction(&self) -> bool {
        self.head.kind() == *b"21"
    }

    fn check_limits(&self) -> Result<(), Box<Finding>> {
        if self.information_count > MAX_INFORMATION {
            return reject(
                "bgmax.information_count",
                self.head.position(1),
                "the payment has more than 90 information records (TK25)",
                "betalningen har fler än 90 informationsposter (TK25)",
            );
        }
        if self.reference_count > MAX_REFERENCES {
            return reject(
                "bgmax.payment_references",
                self.head.position(1),
                "the payment has more than 10 000 references (TK22, TK23)",
                "betalningen har fler än 10 000 referenser (TK22, TK23)",
            );
        }
        Ok(())
    }

    /// Reads TK22 and TK23. They repeat the payment's sender and serial number, and under extended registration
    /// they add up to it.
    fn read_references(&self, facts: &mut Vec<ReferenceFacts>, remarks: &mut Remarks) -> Result<(), Box<Finding>> {
        facts.clear();
        let own = |from, to| significant(self.head.field(from, to));
        let mut sum = 0;
        for record in &self.references {
            if significant(record.field(3, 12)) != own(3, 12) {
                return reject(
                    "bgmax.reference_sender",
                    record.position(3),
                    "an extra reference has another sender than its payment",
                    "en extra referens har en annan avsändare än sin betalning",
                );
            }
            if significant(record.field(58, 69)) != own(58, 69) {
                return reject(
                    "bgmax.reference_serial",
                    record.position(58),
                    "an extra reference has another serial number than its payment",
                    "en extra referens har ett annat löpnummer än sin betalning",
                );
            }
            let Some(amount) = number(record, 38, 55, remarks).map(i128::from) else {
                return reject(
                    "bgmax.reference_amount",
                    record.position(38),
                    "the amount of an extra reference cannot be read",
                    "en extra referens belopp går inte att läsa",
                );
            };
            let negative = record.kind() == *b"23";
            let amount = if negative != self.is_deduction() { -amount } else { amount };
            facts.push(ReferenceFacts { code: reference_code(record, remarks)?, amount, negative });
            sum += amount;
        }
        let registered = facts.iter().any(|fact| fact.amount != 0);
        if registered && sum != self.amount {
            return reject(
                "bgmax.reference_sum",
                self.head.position(38),
                "the extra references (TK22 less TK23) do not add up to the payment",
                "de extra referenserna (TK22 minus TK23) summerar inte till betalningen",
            );
        }
        Ok(())
    }
}

fn keep<'a>(records: &mut Vec<Record<'a>>, record: Record<'a>, most: usize) {
    if records.len() < most {
        records.push(record);
    }
}

fn reject<T>(code: &'static str, position: Position, message: &str, message_sv: &str) -> Result<T, Box<Finding>> {
    Err(Box::new(finding(code, position, message, message_sv)))
}

/// Amount of TK20 or TK21, negative for a deduction.
fn amount(record: &Record<'_>, remarks: &mut Remarks) -> Result<i128, Stop> {
    let amount = number(record, 38, 55, remarks).map(i128::from).ok_or_else(|| {
        refuse(
            "bgmax.amount",
            record.position(38),
            "the amount of a payment cannot be read, so the sums of the file prove nothing",
            "en betalnings belopp går inte att läsa, så filens summor bevisar ingenting",
        )
    })?;
    Ok(if record.kind() == *b"21" { -amount } else { amount })
}

fn sender<'r>(record: &'r Record<'_>, remarks: &mut Remarks) -> Result<Option<&'r str>, Box<Finding>> {
    let field = record.field(3, 12);
    let number = significant(field);
    if number.is_empty() {
        return Ok(None);
    }
    let Some(number) = digits(number) else {
        return reject(
            "bgmax.sender_account",
            record.position(3),
            "the sender's bankgiro number is no number",
            "avsändarens bankgironummer är inget nummer",
        );
    };
    if field.last() == Some(&b' ') || field.first() == Some(&b' ') {
        remarks.note(&ALIGNMENT, || record.position(3));
    }
    if !luhn_valid(number) {
        remarks.note(&rules::SENDER_CHECK_DIGIT, || record.position(3));
    }
    Ok(Some(number))
}

/// The BGC serial number, or nothing when it is blank or zero.
fn serial<'r>(record: &'r Record<'_>) -> Result<Option<&'r str>, Box<Finding>> {
    let field = record.field(58, 69);
    if significant(field).is_empty() {
        return Ok(None);
    }
    match digits(field) {
        Some(digits) => Ok(Some(digits)),
        None => reject(
            "bgmax.serial",
            record.position(58),
            "the payment's serial number is no number",
            "betalningens löpnummer är inget nummer",
        ),
    }
}

fn reference_code(record: &Record<'_>, remarks: &mut Remarks) -> Result<i32, Box<Finding>> {
    let code = record.character(56);
    if !(b'0'..=b'5').contains(&code) {
        return reject(
            "bgmax.reference_code",
            record.position(56),
            "the reference code is none of 0 to 5",
            "referenskoden är ingen av 0 till 5",
        );
    }
    if code >= b'2' && record.field(13, 37).trim_ascii().is_empty() {
        remarks.note(&rules::REFERENCE_MISSING, || record.position(13));
    }
    Ok(i32::from(code - b'0'))
}

fn deduction_code(record: &Record<'_>) -> Result<Option<i32>, Box<Finding>> {
    if record.kind() != *b"21" {
        return Ok(None);
    }
    match record.character(71) {
        code @ b'0'..=b'2' => Ok(Some(i32::from(code - b'0'))),
        _ => reject(
            "bgmax.deduction_code",
            record.position(71),
            "the deduction code is none of 0 to 2",
            "avdragskoden är ingen av 0 till 2",
        ),
    }
}

/// True for ten significant digits of which the last is a valid check digit. Two digits may stand before them.
fn is_organisation_number(record: &Record<'_>) -> bool {
    let digits = digits(record.field(3, 14)).unwrap_or_default();
    let number = digits.len().checked_sub(10).and_then(|extra| digits.get(extra..)).unwrap_or_default();
    !number.starts_with("00") && luhn_valid(number)
}
