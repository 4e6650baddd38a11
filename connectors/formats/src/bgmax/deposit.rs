//! TK05 and TK15: what is common to the payments of a deposit.

use std::collections::HashMap;
use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate};
use schemas::reference::luhn_valid;
use sha2::{Digest, Sha256};

use super::{Reading, WIDTH, rules};
use crate::fixed::{
    Encoding, Frames, Record, Remarks, Stop, days, digits, finding, kind, number, refuse, significant_digits,
};

/// TK05: who is paid and in which currency.
#[derive(Debug)]
pub(super) struct Section {
    account: String,
    account_type: &'static str,
    currency: String,
}

/// A deposit: TK05 and TK15 together.
#[derive(Debug)]
pub(super) struct Deposit {
    pub receiver_account: String,
    pub receiver_account_type: &'static str,
    pub currency: String,
    pub id: String,
    pub account: Option<String>,
    /// Days since 1970-01-01.
    pub date: i32,
    /// Year of the payment date: the bank's serial numbers are unique for two years only.
    pub year_text: String,
    /// What TK15 says that the payments sum to.
    pub amount: i128,
    /// What TK15 says that there are.
    pub count: u64,
    /// The same deposit stands earlier in the file.
    pub repeated: bool,
}

/// What tells deposits apart within a file.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum DepositKey {
    /// Account, year and serial number, or the digest: an identity that must be given once.
    Id(String),
    /// The same with everything else that TK15 says: one deposit.
    Whole(String),
}

impl Section {
    /// Reads TK05.
    pub fn open(record: &Record<'_>, remarks: &mut Remarks) -> Result<Self, Stop> {
        let giro = |from: usize, to: usize| digits(record.field(from, to)).map(|digits| digits.trim_start_matches('0'));
        let filled = |number: &Option<&str>| number.is_some_and(|digits| !digits.is_empty());
        let (bankgiro, plusgiro) = (giro(3, 12), giro(13, 22));
        let (account, account_type, column) =
            match (bankgiro.filter(|_| filled(&bankgiro)), plusgiro.filter(|_| filled(&plusgiro))) {
                (Some(bankgiro), _) => (bankgiro, "bankgiro", 3),
                (None, Some(plusgiro)) if record.text(3, 12).is_none() || bankgiro.is_some() => {
                    (plusgiro, "plusgiro", 13)
                }
                _ => {
                    return Err(refuse(
                        "bgmax.receiver_account",
                        record.position(3),
                        "the receiving giro number (TK05) is missing or is no number",
                        "mottagarens gironummer (TK05) saknas eller är inget nummer",
                    ));
                }
            };
        if !luhn_valid(account) {
            remarks.note(&rules::RECEIVER_CHECK_DIGIT, || record.position(column));
        }
        let currency = record.field(23, 25);
        if currency.len() != 3 || !currency.iter().all(u8::is_ascii_uppercase) {
            return Err(refuse(
                "bgmax.currency",
                record.position(23),
                "the currency of the deposit (TK05) is no three letters",
                "insättningens valuta (TK05) är inte tre bokstäver",
            ));
        }
        let currency = String::from_utf8_lossy(currency).into_owned();
        Ok(Self { account: account.to_owned(), account_type, currency })
    }

    /// What the deposit's identity begins with.
    fn identity(&self, year: i32) -> String {
        let account_type = if self.account_type == "plusgiro" { "pg" } else { "" };
        format!("bgmax:{account_type}{}:{year:04}", self.account)
    }
}

impl Reading<'_> {
    /// Reads TK15; `records` are the bytes between TK05 and it.
    pub(super) fn deposit(&mut self, section: &Section, record: &Record<'_>, records: &[u8]) -> Result<Deposit, Stop> {
        let date = self.payment_date(record)?;
        let amount = number(record, 51, 68, &mut self.scan.remarks).map(i128::from);
        let Some(amount) = amount else {
            return Err(refuse(
                "bgmax.deposit_amount",
                record.position(51),
                "the amount of the deposit (TK15) cannot be read",
                "insättningens belopp (TK15) går inte att läsa",
            ));
        };
        if record.field(69, 71) != section.currency.as_bytes() {
            return Err(refuse(
                "bgmax.deposit_currency",
                record.position(69),
                "the currency of the deposit (TK15) is not the one that it was opened with (TK05)",
                "insättningens valuta (TK15) är inte den som insättningen öppnades med (TK05)",
            ));
        }
        let Some(count) = number(record, 72, 79, &mut self.scan.remarks) else {
            return Err(refuse(
                "bgmax.deposit_payments",
                record.position(72),
                "the number of payments of the deposit (TK15) cannot be read",
                "insättningens antal betalningar (TK15) går inte att läsa",
            ));
        };
        if !matches!(record.character(80), b'K' | b'D' | b' ') {
            self.scan.remarks.note(&rules::DEPOSIT_TYPE, || record.position(80));
        }
        let (id, repeated) = self.deposit_id(section, record, records, date.year());
        let account = record.text(3, 37).map(|account| account.trim_start_matches('0').to_owned());
        self.tally.declare_amount(&section.currency, amount);
        Ok(Deposit {
            receiver_account: section.account.clone(),
            receiver_account_type: section.account_type,
            currency: section.currency.clone(),
            id,
            account: account.filter(|account| !account.is_empty()),
            date: days(date),
            year_text: format!("{:04}", date.year()),
            amount,
            count,
            repeated,
        })
    }

    fn payment_date(&mut self, record: &Record<'_>) -> Result<NaiveDate, Stop> {
        let field = record.field(38, 45);
        let date = digits(field)
            .filter(|digits| digits.len() == 8)
            .and_then(|digits| NaiveDate::parse_from_str(digits, "%Y%m%d").ok());
        let Some(date) = date else {
            return Err(refuse(
                "bgmax.payment_date",
                record.position(38),
                "the payment date of the deposit (TK15) is no date",
                "insättningens betalningsdag (TK15) är inget datum",
            ));
        };
        if !(1990..=2100).contains(&date.year()) {
            self.scan.remarks.note(&rules::PAYMENT_DATE, || record.position(38));
        }
        Ok(date)
    }

    /// The identity of a deposit, and whether the same deposit stands earlier in the file.
    ///
    /// Two different deposits with one serial number are told apart by the order in which they stand.
    fn deposit_id(&mut self, section: &Section, record: &Record<'_>, records: &[u8], year: i32) -> (String, bool) {
        let mut id = section.identity(year);
        let serial = digits(record.field(46, 50)).filter(|serial| serial.bytes().any(|digit| digit != b'0'));
        let mut repeated = false;
        if let Some(serial) = serial {
            let _ = write!(id, ":{serial:0>5}");
            let mut whole = format!("{id}:{}:", section.currency);
            let content = [record.field(3, 45), record.field(51, 79)];
            content.iter().flat_map(|field| field.iter()).for_each(|byte| whole.push(char::from(*byte)));
            let seen = self.deposits.entry(DepositKey::Whole(whole)).or_default();
            *seen += 1;
            repeated = *seen > 1;
        } else {
            self.scan.remarks.note(&rules::DEPOSIT_SERIAL, || record.position(46));
            let _ = write!(id, ":{}", digest(record, records));
        }
        if repeated {
            return (id, true);
        }
        let times = self.deposits.entry(DepositKey::Id(id.clone())).or_default();
        *times += 1;
        if *times > 1 {
            self.scan.remarks.note(&rules::DEPOSIT_REPEATED, || record.position(46));
            let _ = write!(id, "-{times}");
        }
        (id, false)
    }

    /// Remarks deductions that are not set off against the same sender's payments, which is all that they may be.
    /// `records` are the bytes of the deposit.
    pub(super) fn check_deductions(&mut self, records: &[u8], encoding: Encoding, closing: &Record<'_>) {
        let mut ignored = Remarks::default();
        let mut senders: HashMap<String, i128> = HashMap::new();
        for (frame, line) in Frames::new(records, 0, 1) {
            let sign = match &kind(line) {
                b"20" => 1,
                b"21" => -1,
                _ => continue,
            };
            let Some(record) = Record::read(frame, line, encoding, WIDTH, &mut ignored) else { continue };
            let Some(sender) = significant_digits(record.field(3, 12)) else { continue };
            let amount = number(&record, 38, 55, &mut ignored).map_or(0, i128::from);
            *senders.entry(sender.to_owned()).or_default() += sign * amount;
        }
        if senders.values().any(|sum| *sum < 0) {
            self.scan.remarks.note(&rules::DEDUCTION_PAYER, || closing.position(1));
        }
    }

    /// Compares a deposit with what TK15 says.
    pub(super) fn check_deposit(
        &self,
        deposit: &Deposit,
        record: &Record<'_>,
        sum: i128,
        count: u64,
    ) -> Result<(), Stop> {
        if count != deposit.count {
            let declared = deposit.count;
            return Err(refuse(
                "bgmax.deposit_payments",
                record.position(72),
                &format!("the deposit (TK15) says {declared} payments, it has {count}"),
                &format!("insättningen (TK15) anger {declared} betalningar, den har {count}"),
            ));
        }
        if sum != deposit.amount {
            let english = |ore| schemas::money::plain(ore, 2);
            let swedish = |ore| schemas::money::plain(ore, 2).replace('.', ",");
            let currency = &deposit.currency;
            return Err(Stop::Refused(Box::new(finding(
                "bgmax.deposit_sum",
                record.position(51),
                &format!(
                    "the deposit (TK15) says {} {currency}, its payments sum to {}",
                    english(deposit.amount),
                    english(sum)
                ),
                &format!(
                    "insättningen (TK15) anger {} {currency}, dess betalningar är tillsammans {}",
                    swedish(deposit.amount),
                    swedish(sum)
                ),
            ))));
        }
        Ok(())
    }
}

/// A digest of a deposit's records, whatever their padding and line breaks.
fn digest(record: &Record<'_>, records: &[u8]) -> String {
    let mut hash = Sha256::new();
    for (_, line) in Frames::new(records, 0, 1) {
        let line = line.trim_ascii_end();
        if !line.is_empty() {
            hash.update(line);
            hash.update(b"\n");
        }
    }
    hash.update(record.field(1, 79));
    let mut text = String::from("h");
    for byte in hash.finalize().iter().take(8) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
