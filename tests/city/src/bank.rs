//! BgMax files, byte by byte from the manual (*Bankgiro Inbetalningar, teknisk manual*): 80 characters, ISO 8859-1,
//! CRLF, control totals in TK15 and TK70.

use std::collections::BTreeMap;
use std::io::{self, Write};

use chrono::{Datelike, NaiveDate};

use crate::ledger::Item;
use crate::names::BANKGIROS;
use crate::output::{Landing, Output, latin1};
use crate::payment::{Channel, Payment, Reference};
use crate::people::Customer;
use crate::truth::{
    FileReason, FileStatus, FileTotal, FileTruth, Match, Outcome, PaymentClass, PaymentTotals, PaymentTruth,
};

/// The bank account behind the bankgiro numbers: clearing number and account, made up.
const DEPOSIT_ACCOUNT: &str = "99980001234567";

/// A deposit, for the bank statement.
#[derive(Debug, Clone)]
pub struct Deposit {
    /// Receiving bankgiro.
    pub bankgiro: &'static str,
    /// Date.
    pub date: NaiveDate,
    /// Serial number of the bankgiro and year.
    pub serial: u32,
    /// Currency.
    pub currency: &'static str,
    /// Sum.
    pub amount: i64,
}

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// Files.
    pub files: Vec<FileTruth>,
    /// Payments.
    pub payments: Vec<PaymentTruth>,
    /// Deposits of accepted files.
    pub deposits: Vec<Deposit>,
    /// Sums by currency.
    pub totals: BTreeMap<String, PaymentTotals>,
}

/// Writes the month's files.
#[derive(Debug)]
pub struct Bank<'a> {
    landing: &'a Landing,
    customers: &'a [Customer],
    items: &'a [Item],
    serial: u64,
    deposits: u32,
    written: Written,
}

/// A file in the making.
struct BgMax {
    output: Output,
    payments: u64,
    deductions: u64,
    extras: u64,
    sections: u64,
    totals: BTreeMap<String, FileTotal>,
    rejected: u64,
}

/// What is wrong with a file, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Test,
    Count,
    BadRecord,
}

impl<'a> Bank<'a> {
    /// Writes to `landing`.
    #[must_use]
    pub fn new(landing: &'a Landing, customers: &'a [Customer], items: &'a [Item]) -> Self {
        Self { landing, customers, items, serial: 0, deposits: 0, written: Written::default() }
    }

    /// Writes all files: payments are in the order of day, file, currency and bankgiro.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(mut self, payments: &[Payment]) -> io::Result<Written> {
        for day_file in payments.chunk_by(|a, b| (a.date, a.channel) == (b.date, b.channel)) {
            let name = match day_file[0].channel {
                Channel::Bank => "OCR",
                Channel::Slip => "BLANKETT",
                Channel::Autogiro => "AG",
            };
            let path = format!("bank/BGMAX_{}_{name}.txt", day_file[0].date.format("%Y%m%d"));
            let first_slips =
                day_file[0].channel == Channel::Slip && !self.written.files.iter().any(|file| file.rejected > 0);
            self.file(&path, day_file, if first_slips { Fault::BadRecord } else { Fault::None })?;
        }
        self.special_files(payments)?;
        Ok(self.written)
    }

    /// A test file, one whose end record lies, one that is none, one that came before.
    fn special_files(&mut self, payments: &[Payment]) -> io::Result<()> {
        let Some(last) = payments.last() else { return Ok(()) };
        let day = last.date.format("%Y%m%d");
        let sample: Vec<Payment> =
            payments.iter().filter(|p| p.class == PaymentClass::NoClue).take(5).cloned().collect();
        self.file(&format!("bank/BGMAX_{day}_TEST.txt"), &sample, Fault::Test)?;
        self.file(&format!("bank/BGMAX_{day}_OCR_KONTROLL.txt"), &sample, Fault::Count)?;
        self.no_bgmax(&format!("bank/BGMAX_{day}_FEL.txt"))?;
        if let Some(original) = self.written.files.first().cloned() {
            let path = original.path.replace(".txt", "_KOPIA.txt");
            self.landing.copy(&original.path, &path)?;
            let (status, reason) = (FileStatus::Duplicate, Some(FileReason::SameBytes));
            self.written.files.push(FileTruth { path, status, reason, ..original });
        }
        Ok(())
    }

    fn no_bgmax(&mut self, path: &str) -> io::Result<()> {
        let mut output = self.landing.create(path)?;
        output.write_all(b"%PDF-1.4\r\nThis is no BgMax file.\r\n")?;
        let mut file = output.finish("bgmax", "payment_in")?;
        (file.status, file.reason) = (FileStatus::Refused, Some(FileReason::NotTheFormat));
        self.written.files.push(file);
        Ok(())
    }

    fn file(&mut self, path: &str, payments: &[Payment], fault: Fault) -> io::Result<()> {
        let Some(first) = payments.first() else { return Ok(()) };
        let mut file = BgMax::create(self.landing, path, first.date, fault == Fault::Test)?;
        let counts = matches!(fault, Fault::None | Fault::BadRecord);
        let mut bad_record = fault == Fault::BadRecord;
        for section in payments.chunk_by(|a, b| (a.currency, a.bankgiro) == (b.currency, b.bankgiro)) {
            self.section(&mut file, section, counts, std::mem::take(&mut bad_record))?;
        }
        let mut truth = file.finish(fault == Fault::Count)?;
        match fault {
            Fault::Test => (truth.status, truth.reason) = (FileStatus::Test, Some(FileReason::MarkedTest)),
            Fault::Count => (truth.status, truth.reason) = (FileStatus::Refused, Some(FileReason::ControlCount)),
            Fault::None | Fault::BadRecord => {}
        }
        self.written.files.push(truth);
        Ok(())
    }

    fn section(&mut self, file: &mut BgMax, section: &[Payment], counts: bool, bad_record: bool) -> io::Result<()> {
        let (bankgiro, currency, date) = (BANKGIROS[section[0].bankgiro], section[0].currency, section[0].date);
        self.deposits += 1;
        file.record(&format!("05{bankgiro:0>10}{:10}{currency}", ""))?;
        let mut sum = 0;
        for (ordinal, payment) in (1_u32..).zip(section) {
            sum += payment.amount;
            let serial = (payment.channel != Channel::Autogiro).then(|| {
                self.serial += 1;
                self.serial
            });
            self.payment(file, payment, serial)?;
            let total = file.totals.entry(currency.to_owned()).or_default();
            total.read_ore += payment.amount;
            if counts {
                let id = payment_id(bankgiro, date, self.deposits, serial, ordinal);
                let truth = self.truth(payment, file.output.path(), id, serial);
                self.written.add(truth);
            }
        }
        if bad_record {
            sum += self.bad_record(file, currency)?;
        }
        let total = file.totals.entry(currency.to_owned()).or_default();
        total.declared_ore = Some(total.declared_ore.unwrap_or_default() + sum);
        file.deposit(date, self.deposits, sum, currency, section.len() as u64 + u64::from(bad_record))?;
        if counts {
            self.written.deposits.push(Deposit { bankgiro, date, serial: self.deposits, currency, amount: sum });
        }
        Ok(())
    }

    /// A payment that counts in the control totals and cannot be read: there is no reference code 9.
    fn bad_record(&mut self, file: &mut BgMax, currency: &str) -> io::Result<i64> {
        let amount = 123_400;
        self.serial += 1;
        file.payments += 1;
        file.rejected += 1;
        file.record(&format!("20{:010}{:25}{amount:018}91{:012}0", 0, "", self.serial))?;
        file.totals.entry(currency.to_owned()).or_default().rejected_ore += amount;
        let totals = self.written.totals.entry(currency.to_owned()).or_default();
        totals.rejected += 1;
        totals.rejected_ore += amount;
        Ok(amount)
    }

    fn payment(&self, file: &mut BgMax, payment: &Payment, serial: Option<u64>) -> io::Result<()> {
        let payer = payment.payer.map(|index| &self.customers[index]);
        let account = payer.filter(|_| payment.from_account).and_then(|payer| payer.payer_account.as_deref());
        let sender = format!("{:0>10}", account.unwrap_or("0"));
        let serial = serial.map_or_else(|| " ".repeat(12), |serial| format!("{serial:012}"));
        let (channel, image) = match (payment.channel, account) {
            (Channel::Autogiro, _) => ("4", " "),
            (Channel::Slip, _) => ("3", "1"),
            (Channel::Bank, Some(_)) => ("2", "0"),
            (Channel::Bank, None) => ("1", "0"),
        };
        let (reference, code) = match &payment.reference {
            Reference::Blank => (" ".repeat(25), "0"),
            Reference::Checked(reference) => (format!("{reference:>25}"), "2"),
            Reference::Written(reference) => (format!("{reference:<25}"), "3"),
        };
        let kind = if payment.amount < 0 { "21" } else { "20" };
        let amount = format!("{:018}", payment.amount.abs());
        let deduction = if payment.amount < 0 { "2" } else { "" };
        file.record(&format!("{kind}{sender}{reference}{amount}{code}{channel}{serial}{image}{deduction}"))?;
        if payment.amount < 0 {
            file.deductions += 1
        } else {
            file.payments += 1
        }
        for extra in &payment.extra {
            file.extras += 1;
            let kind = if extra.negative { "23" } else { "22" };
            let (code, number, amount) = (extra.code, &extra.reference, extra.amount);
            let reference = if code == 2 { format!("{number:>25}") } else { format!("{number:<25}") };
            file.record(&format!("{kind}{sender}{reference}{amount:018}{code}{channel}{serial}{image}"))?;
        }
        for message in &payment.messages {
            file.record(&format!("25{message:<50}"))?;
        }
        if let Some(payer) = payer.filter(|_| payment.channel != Channel::Autogiro) {
            file.record(&format!("26{:<35}", short(&payer.name)))?;
            file.record(&format!("27{:<35}{:<9}", short(&payer.street), payer.postcode))?;
            file.record(&format!("28{:<35}", "Påhittstad"))?;
            if payer.business {
                file.record(&format!("29{:0>12}", payer.identity))?;
            }
        }
        Ok(())
    }

    fn truth(&self, payment: &Payment, file: &str, payment_id: String, serial: Option<u64>) -> PaymentTruth {
        let matches = payment.matches.iter();
        PaymentTruth {
            class: payment.class,
            file: file.to_owned(),
            payment_id,
            bank_reference: serial.map(|serial| format!("{serial:012}")),
            receiver_account: BANKGIROS[payment.bankgiro].to_owned(),
            payment_date: payment.date,
            currency: payment.currency.to_owned(),
            amount_ore: payment.amount,
            outcome: payment.outcome,
            matches: matches.map(|(item, ore)| Match { item_id: self.items[*item].id(), amount_ore: *ore }).collect(),
            overpaid_ore: payment.overpaid,
            candidates: payment.candidates.iter().map(|item| self.items[*item].id()).collect(),
        }
    }
}

impl Written {
    fn add(&mut self, payment: PaymentTruth) {
        let totals = self.totals.entry(payment.currency.clone()).or_default();
        totals.read += 1;
        totals.read_ore += payment.amount_ore;
        totals.overpaid_ore += payment.overpaid_ore;
        *match payment.outcome {
            Outcome::Confirmed => &mut totals.confirmed_ore,
            Outcome::Suggested => &mut totals.suggested_ore,
            Outcome::Unmatched => &mut totals.unmatched_ore,
        } += payment.amount_ore;
        self.payments.push(payment);
    }
}

/// At most 35 characters.
fn short(text: &str) -> String {
    text.chars().take(35).collect()
}

/// Identity of a payment: the bank's serial, or in Autogiro files the deposit's key and the place in it.
fn payment_id(bankgiro: &str, date: NaiveDate, deposit: u32, serial: Option<u64>, ordinal: u32) -> String {
    match serial {
        Some(serial) => format!("bgmax:{}:{serial:012}", date.year()),
        None => format!("bgmax:{bankgiro}:{}:{deposit:05}:{ordinal}", date.year()),
    }
}

impl BgMax {
    fn create(landing: &Landing, path: &str, date: NaiveDate, test: bool) -> io::Result<Self> {
        let output = landing.create(path)?;
        let totals = BTreeMap::new();
        let mut file = Self { output, payments: 0, deductions: 0, extras: 0, sections: 0, totals, rejected: 0 };
        let mark = if test { "T" } else { "P" };
        // The second half of the time stamp makes every file of a day differ.
        let fraction = path.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 1_000_000);
        file.record(&format!("01{:<20}01{}173000{fraction:06}{mark}", "BGMAX", date.format("%Y%m%d")))?;
        Ok(file)
    }

    fn record(&mut self, text: &str) -> io::Result<()> {
        let mut line = latin1(text);
        line.resize(80, b' ');
        line.extend(b"\r\n");
        self.output.write_all(&line)
    }

    fn deposit(&mut self, date: NaiveDate, serial: u32, sum: i64, currency: &str, count: u64) -> io::Result<()> {
        self.sections += 1;
        let day = date.format("%Y%m%d");
        self.record(&format!("15{DEPOSIT_ACCOUNT:0>35}{day}{serial:05}{sum:018}{currency}{count:08}"))
    }

    fn finish(mut self, wrong_count: bool) -> io::Result<FileTruth> {
        let declared = self.payments + u64::from(wrong_count);
        let (deductions, extras, sections) = (self.deductions, self.extras, self.sections);
        self.record(&format!("70{declared:08}{deductions:08}{extras:08}{sections:08}"))?;
        let mut truth = self.output.finish("bgmax", "payment_in")?;
        truth.records = self.payments + self.deductions;
        truth.rejected = self.rejected;
        truth.totals = self.totals;
        Ok(truth)
    }
}
