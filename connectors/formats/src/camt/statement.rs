//! A statement or notification: whose account it is about, and whether its entries are all there.

use crate::Finding;
use crate::xml::form::{Fields, Scopes};
use crate::xml::{Place, Stop};

use super::account::Account;
use super::form::{self, balance, statement as field};
use super::{Camt, Message, rules};

/// A statement while it is read.
#[derive(Debug)]
pub(super) struct Statement {
    /// Its number in the file.
    pub number: u64,
    /// Its fields before the entries have been looked at.
    ready: bool,
    pub id: String,
    /// Number of the statement and of its page, as given.
    pub sequence: Option<String>,
    page: Option<String>,
    pub account: Option<Account>,
    balances: Balances,
    /// Entries so far, and those of them that are booked.
    pub all: Tally,
    pub booked: Tally,
    /// It stands in the file for the second time.
    pub repeated: bool,
}

/// Entries counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    credits: u64,
    debits: u64,
    credit_sum: i128,
    debit_sum: i128,
    /// An amount or direction could not be read: sums prove nothing.
    unreadable: bool,
}

impl Tally {
    pub fn count(&mut self, amount: Option<i128>) {
        match amount {
            Some(amount) if amount < 0 => {
                self.debits += 1;
                self.debit_sum = self.debit_sum.saturating_sub(amount);
            }
            Some(amount) => {
                self.credits += 1;
                self.credit_sum = self.credit_sum.saturating_add(amount);
            }
            None => {
                self.credits += 1;
                self.unreadable = true;
            }
        }
    }

    /// Entries counted.
    pub fn entries(&self) -> u64 {
        self.credits + self.debits
    }

    /// Credits less debits.
    pub fn net(&self) -> i128 {
        self.credit_sum.saturating_sub(self.debit_sum)
    }
}

#[derive(Debug, Default)]
struct Balances {
    opening: Option<i128>,
    /// Closing balance of the day before, which opens this one.
    previous: Option<i128>,
    /// First and last interim balance, where the statement has several pages.
    interim: Option<(i128, i128)>,
    closing: Option<i128>,
    unreadable: bool,
}

impl Balances {
    fn bounds(&self) -> Option<(i128, i128)> {
        let opening = self.opening.or(self.previous).or(self.interim.map(|(first, _)| first))?;
        let closing = self.closing.or(self.interim.map(|(_, last)| last))?;
        Some((opening, closing))
    }
}

impl Statement {
    pub fn new(number: u64) -> Self {
        Self {
            number,
            ready: false,
            id: String::new(),
            sequence: None,
            page: None,
            account: None,
            balances: Balances::default(),
            all: Tally::default(),
            booked: Tally::default(),
            repeated: false,
        }
    }

    /// A balance ends.
    pub fn balance(&mut self, fields: &Fields) {
        let code = fields.get(balance::CODE).unwrap_or_default();
        if !matches!(code, "OPBD" | "PRCD" | "ITBD" | "CLBD") {
            return;
        }
        let amount = fields.get(balance::AMOUNT).and_then(rules::amount);
        let Some((amount, sign)) = amount.zip(rules::sign(fields.get(balance::DIRECTION))) else {
            self.balances.unreadable = true;
            return;
        };
        let amount = amount * sign;
        let balances = &mut self.balances;
        match code {
            "OPBD" => _ = balances.opening.get_or_insert(amount),
            "PRCD" => _ = balances.previous.get_or_insert(amount),
            "CLBD" => balances.closing = Some(amount),
            _ => balances.interim = Some((balances.interim.map_or(amount, |(first, _)| first), amount)),
        }
    }

    /// The identity of the statement's entry with this number.
    pub fn entry_key(&self, entry: u64) -> String {
        let account = self.account.as_ref().map_or("", |account| &account.number);
        let (dot, page) = self.page.as_deref().map_or(("", ""), |page| (".", page));
        format!("camt:{account}:{}{dot}{page}:{entry}", self.id)
    }

    /// The balance before the first entry, when the entries lead from it to the closing one.
    fn proven_opening(&self) -> Option<i128> {
        let (opening, closing) = self.balances.bounds()?;
        (!self.booked.unreadable && opening.checked_add(self.booked.net()) == Some(closing)).then_some(opening)
    }
}

impl Camt<'_> {
    /// Looks at what stands before the first entry, once.
    pub(super) fn open_statement(&mut self, scopes: &Scopes) {
        let Some(statement) = self.statement.as_mut().filter(|statement| !statement.ready) else { return };
        let fields = scopes.of(form::STATEMENT);
        let place = scopes.place(form::STATEMENT);
        statement.ready = true;
        fields.get(field::ID).unwrap_or_default().clone_into(&mut statement.id);
        statement.sequence = fields.get(field::NUMBER).map(str::to_owned);
        statement.page = fields.get(field::PAGE).map(str::to_owned);
        statement.account = Account::of(
            fields.get(field::IBAN),
            fields.get(field::OTHER),
            fields.get(field::SCHEME_CODE),
            fields.get(field::SCHEME_OWN),
            fields.get(field::CLEARING),
        );
        if fields.get(field::COPY).is_some() {
            self.remarks.note(&rules::COPY, || place.position(self.message.path()));
        }
        if statement.account.as_ref().is_some_and(|account| !account.is_valid()) {
            self.remarks.note(&rules::RECEIVER_CHECK_DIGIT, || place.position(self.message.path()));
        }
        let identity = format!(
            "statement {} {:?} {:?} {:?} {:?}",
            statement.entry_key(0),
            statement.sequence,
            fields.get(field::CREATED),
            fields.get(field::TO),
            statement.balances,
        );
        statement.repeated = !self.identities.is_new(&identity);
    }

    /// A statement ends: its summary must be that of its entries, its balances are proven or not.
    pub(super) fn end_statement(&mut self, scopes: &Scopes) -> Result<(), Stop> {
        self.open_statement(scopes);
        let Some(statement) = self.statement.take() else { return Ok(()) };
        let fields = scopes.of(form::STATEMENT);
        check_summary(fields, &statement, self.message.path()).map_err(Stop::Refused)?;
        let place = scopes.place(form::STATEMENT);
        if statement.balances.unreadable {
            self.remarks.note(&rules::BALANCE_UNREADABLE, || place.position(self.message.path()));
        }
        let opening = statement.proven_opening();
        if opening.is_none() && statement.balances.bounds().is_some() {
            self.remarks.note(&rules::BALANCE, || place.position(self.message.path()));
        }
        if self.entries.settle(opening) {
            self.remarks.note(&rules::BALANCE_UNPROVEN, || place.position(self.message.path()));
        }
        if self.entries.is_full() {
            self.entries.flush(self.sink)?;
        }
        Ok(())
    }
}

impl Message {
    /// Path of a statement or notification.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Statement => "/Document/BkToCstmrStmt/Stmt",
            Self::Notification => "/Document/BkToCstmrDbtCdtNtfctn/Ntfctn",
        }
    }
}

/// Compares the summary with the entries: with all of them, or with those that are booked.
fn check_summary(fields: &Fields, statement: &Statement, path: &str) -> Result<(), Finding> {
    type Count = fn(&Tally) -> u64;
    type Sum = fn(&Tally) -> i128;
    let counts: [(_, _, Count, _, _); 3] = [
        (field::COUNT, "TtlNtries/NbOfNtries", |tally| tally.credits + tally.debits, "entries", "poster"),
        (field::CREDIT_COUNT, "TtlCdtNtries/NbOfNtries", |tally| tally.credits, "credits", "krediteringar"),
        (field::DEBIT_COUNT, "TtlDbtNtries/NbOfNtries", |tally| tally.debits, "debits", "debiteringar"),
    ];
    let sums: [(_, _, Sum, _, _); 3] = [
        (field::SUM, "TtlNtries/Sum", |tally| tally.credit_sum + tally.debit_sum, "entries", "poster"),
        (field::CREDIT_SUM, "TtlCdtNtries/Sum", |tally| tally.credit_sum, "credits", "krediteringar"),
        (field::DEBIT_SUM, "TtlDbtNtries/Sum", |tally| tally.debit_sum, "debits", "debiteringar"),
    ];
    let both = [&statement.all, &statement.booked];
    // What cannot be read is rejected for itself, and is on neither side of the sums.
    let readable = !statement.all.unreadable;
    for (id, element, count, english, swedish) in counts {
        let Some(declared) = fields.find(id) else { continue };
        let number = declared.text.parse::<u64>().ok();
        let by_side = element != "TtlNtries/NbOfNtries";
        if (readable || !by_side) && !both.into_iter().any(|tally| number == Some(count(tally))) {
            return Err(summary(declared.place, path, element, count(&statement.all), english, swedish));
        }
    }
    for (id, element, sum, english, swedish) in sums {
        let Some(declared) = fields.find(id).filter(|_| readable) else { continue };
        let amount = rules::amount(declared.text);
        if !both.into_iter().any(|tally| amount == Some(sum(tally))) {
            let (english, swedish) = (format!("öre of {english}"), format!("öre i {swedish}"));
            return Err(summary(declared.place, path, element, sum(&statement.all), &english, &swedish));
        }
    }
    Ok(())
}

fn summary(place: Place, path: &str, element: &str, read: impl ToString, english: &str, swedish: &str) -> Finding {
    let (code, read) = match element {
        "TtlNtries/NbOfNtries" => ("camt.entry_count", read.to_string()),
        "TtlCdtNtries/NbOfNtries" => ("camt.credit_count", read.to_string()),
        "TtlDbtNtries/NbOfNtries" => ("camt.debit_count", read.to_string()),
        "TtlNtries/Sum" => ("camt.entries_sum", read.to_string()),
        "TtlCdtNtries/Sum" => ("camt.credit_sum", read.to_string()),
        _ => ("camt.debit_sum", read.to_string()),
    };
    place.finding(
        code,
        &format!("{path}/TxsSummry/{element}"),
        format!("the summary of a statement is not that of its entries: there are {read} {english}"),
        format!("kontoutdragets summering stämmer inte med posterna: det finns {read} {swedish}"),
    )
}
