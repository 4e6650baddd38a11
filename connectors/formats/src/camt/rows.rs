//! Rows of `payment_in` and `statement_entry`: texts go from the element straight into columns.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, RecordBatch};

use crate::columns::{Columns, DOCUMENT, GroupId, Table, targets};
use crate::xml::form::{Fields, Scopes, Span};
use crate::{BATCH_ROWS, ParseError, Sink};

use super::account::Account;
use super::entry::{Entry, Facts};
use super::form::{self, entry, transaction as field};
use super::reference::References;
use super::statement::Statement;
use super::transaction::{code, creditor, debtor, transaction_charges};

targets! { Payment {
    ordinal, byte_start, byte_end, payment_id, source_format, kind, receiver_account, receiver_account_type, deposit_id,
    deposit_account, payment_date, currency, amount, reference, reference_quality, channel, bank_reference,
    sender_account, has_image, messages, payer_name, payer_street, payer_postcode, payer_city, payer_country_code,
    payer_identity, sender_account_type, reversal_code, charges, charges_currency, original_amount,
    original_currency, exchange_rate, instruction_id, end_to_end_id, transaction_id,
} }

targets! { PaymentMore {
    message, message_id, statement_id, entry_reference, entry_bank_reference, batch_id, mandate_id,
    clearing_reference, transaction_code, proprietary_code, purpose, value_date, reversal, return_reason, return_text,
    sender_agent, ultimate_debtor, ultimate_creditor, additional_text,
} }

targets! { Item { ordinal, reference, amount, negative, reference_quality, byte_start, byte_end, document_type } }

targets! { Booked {
    ordinal, byte_start, byte_end, entry_id, account, account_type, booking_date, value_date, currency, amount,
    balance_after, reference, bank_reference, text,
} }

targets! { BookedMore {
    message, message_id, statement_id, statement_number, entry_reference, transaction_code, proprietary_code, reversal,
    charges, charges_currency, batch_id, batch_count, transaction_count,
} }

targets! { Transaction {
    amount, currency, bank_reference, end_to_end_id, reference, counterparty_account, counterparty, message,
    return_reason,
} }

/// Transactions that an entry's row itemises.
const MOST_ITEMS: u64 = 1_000;
/// Bytes of rows that wait for the end of their statement, at most.
const MOST_HELD: usize = 16 << 20;

/// What a payment's row is made of.
pub(super) struct PaymentRow<'a> {
    pub ordinal: u64,
    pub span: Span,
    pub message: &'a str,
    pub message_id: Option<&'a str>,
    pub statement: &'a Statement,
    pub statement_account: &'a Account,
    pub entry: &'a Fields,
    pub facts: &'a Facts,
    pub fields: &'a Fields,
    pub identity: &'a str,
    pub amount: i128,
    pub receiver: &'a Account,
    pub sender: Option<&'a Account>,
    pub references: &'a References,
    pub references_sum: bool,
}

/// Rows of `payment_in`.
pub(super) struct Payments {
    pub table: Table,
    to: Payment,
    more: PaymentMore,
    more_group: GroupId,
    item: Item,
    item_group: GroupId,
    scratch: String,
}

impl Payments {
    pub fn new() -> Result<Self, ParseError> {
        let table = Table::of("payment_in")?;
        let (more_group, item_group) = (table.group(DOCUMENT, "iso20022")?, table.group(DOCUMENT, "references")?);
        Ok(Self {
            to: Payment::of(&table, DOCUMENT)?,
            more: PaymentMore::of(&table, more_group)?,
            item: Item::of(&table, item_group)?,
            more_group,
            item_group,
            table,
            scratch: String::new(),
        })
    }

    pub fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), ParseError> {
        self.table.flush(sink)
    }

    /// Fills the cells of a payment; the row is ended by the caller.
    pub fn append(&mut self, row: &PaymentRow<'_>) {
        let (to, fields, facts) = (self.to, row.fields, row.facts);
        let columns = &mut self.table.columns;
        put_place(columns, [to.ordinal, to.byte_start, to.byte_end], row.ordinal, row.span);
        columns.put_text(to.payment_id, row.identity);
        columns.put_text(to.source_format, "camt");
        columns.put_text(to.kind, if row.amount < 0 { "reversal" } else { "payment" });
        columns.put_text(to.receiver_account, &row.receiver.number);
        columns.put_text(to.receiver_account_type, row.receiver.kind);
        columns.put_text(to.deposit_id, &facts.key);
        columns.put_text(to.deposit_account, &row.statement_account.number);
        columns.put_date(to.payment_date, facts.booked_on.unwrap_or_default());
        columns.put_some(to.currency, facts.currency.as_deref());
        columns.put_number(to.amount, row.amount);
        columns.put_flag(to.has_image, false);
        let own_reference = fields.get(field::BANK_REFERENCE).or_else(|| row.entry.get(entry::BANK_REFERENCE));
        columns.put_some(to.bank_reference, own_reference);
        if let Some(sender) = row.sender {
            columns.put_text(to.sender_account, &sender.number);
            columns.put_text(to.sender_account_type, sender.kind);
        }
        columns.put_some(to.channel, channel(row));
        columns.put_some(to.payer_name, fields.get(field::DEBTOR_NAME));
        columns.put_some(to.payer_postcode, fields.get(field::DEBTOR_POSTCODE));
        columns.put_some(to.payer_city, fields.get(field::DEBTOR_CITY));
        columns.put_some(to.payer_country_code, fields.get(field::DEBTOR_COUNTRY));
        columns.put_some(to.payer_identity, fields.get(field::DEBTOR_ID));
        put_joined(
            columns,
            to.payer_street,
            &mut self.scratch,
            fields
                .all(field::DEBTOR_STREET)
                .chain(fields.all(field::DEBTOR_BUILDING))
                .chain(fields.all(field::DEBTOR_LINE))
                .map(|found| found.text),
        );
        columns.put_some(to.reversal_code, fields.get(field::RETURN_CODE));
        if let Some(Some((charges, currency))) = transaction_charges(fields) {
            columns.put_number(to.charges, charges);
            columns.put_text(to.charges_currency, currency);
        }
        if let Some((amount, currency)) = original(row) {
            columns.put_number(to.original_amount, amount);
            columns.put_text(to.original_currency, currency);
            if let Some(rate) = fields.get(field::RATE) {
                columns.put(to.exchange_rate, rate);
            }
        }
        columns.put_some(to.instruction_id, provided(fields.get(field::INSTRUCTION)));
        columns.put_some(to.end_to_end_id, provided(fields.get(field::END_TO_END)));
        let transaction_id = fields.get(field::UETR).or_else(|| fields.get(field::TRANSACTION));
        columns.put_some(to.transaction_id, provided(transaction_id));
        self.append_texts(row);
        self.append_references(row);
        self.append_more(row);
    }

    /// The reference, and the payer's free text.
    fn append_texts(&mut self, row: &PaymentRow<'_>) {
        let columns = &mut self.table.columns;
        for text in row.fields.all(field::UNSTRUCTURED) {
            columns.put_text(self.to.messages, text.text);
        }
        for note in row.references.notes() {
            columns.put_text(self.to.messages, note);
        }
        let reference = if row.references.items.is_empty() {
            self.scratch.clear();
            join_into(&mut self.scratch, row.fields.all(field::UNSTRUCTURED).map(|found| found.text));
            Some(self.scratch.as_str()).filter(|text| !text.is_empty())
        } else {
            row.references.only()
        };
        columns.put_some(self.to.reference, reference);
        // Whether the bank verified a reference is not told; the jobs look at its check digit.
        columns.put_text(self.to.reference_quality, if reference.is_some() { "unchecked" } else { "none" });
    }

    /// Several references are all of them further ones; a single one is the payment's own.
    fn append_references(&mut self, row: &PaymentRow<'_>) {
        let references = row.references;
        if references.items.len() < 2 {
            return;
        }
        let (to, columns) = (self.item, &mut self.table.columns);
        for (ordinal, reference) in (1..).zip(&references.items) {
            columns.put_long(to.ordinal, ordinal);
            let text = references.text_of(reference);
            columns.put_text(to.reference, text);
            if let Some(amount) = reference.amount.filter(|_| row.references_sum) {
                columns.put_number(to.amount, if row.amount < 0 { -amount } else { amount });
            }
            columns.put_flag(to.negative, reference.negative);
            columns.put_text(to.reference_quality, if text.is_empty() { "none" } else { "unchecked" });
            columns.put_long(to.byte_start, signed(reference.span.start));
            columns.put_long(to.byte_end, signed(reference.span.end));
            columns.put_text(to.document_type, references.type_of(reference));
            columns.close(self.item_group);
        }
    }

    fn append_more(&mut self, row: &PaymentRow<'_>) {
        let (to, fields, columns) = (self.more, row.fields, &mut self.table.columns);
        columns.open(self.more_group);
        columns.put_text(to.message, row.message);
        columns.put_some(to.message_id, row.message_id);
        columns.put_text(to.statement_id, &row.statement.id);
        columns.put_some(to.entry_reference, row.entry.get(entry::REFERENCE));
        columns.put_some(to.entry_bank_reference, row.entry.get(entry::BANK_REFERENCE));
        columns.put_some(to.batch_id, batch(row.entry));
        columns.put_some(to.mandate_id, fields.get(field::MANDATE));
        columns.put_some(to.clearing_reference, fields.get(field::CLEARING_REFERENCE));
        columns.put_some(to.transaction_code, code(fields, row.entry).as_deref());
        columns.put_some(to.proprietary_code, own_code(row));
        columns.put_some(to.purpose, fields.get(field::PURPOSE));
        if let Some(day) = row.facts.value_on {
            columns.put_date(to.value_date, day);
        }
        columns.put_flag(to.reversal, row.facts.reversal);
        columns.put_some(to.return_reason, fields.get(field::RETURN_CODE));
        put_joined(columns, to.return_text, &mut self.scratch, fields.all(field::RETURN_TEXT).map(|found| found.text));
        let agent = fields.get(field::DEBTOR_BIC).or_else(|| fields.get(field::DEBTOR_CLEARING));
        columns.put_some(to.sender_agent, agent);
        columns.put_some(to.ultimate_debtor, fields.get(field::ULTIMATE_DEBTOR));
        columns.put_some(to.ultimate_creditor, fields.get(field::ULTIMATE_CREDITOR));
        columns.put_some(to.additional_text, fields.get(field::TEXT).or_else(|| row.entry.get(entry::TEXT)));
    }
}

/// What an entry's row is made of.
pub(super) struct EntryRow<'a> {
    pub ordinal: u64,
    pub span: Span,
    pub message: &'a str,
    pub statement: &'a Statement,
    pub entry: &'a Entry,
    pub facts: &'a Facts,
    /// The references of the only transaction.
    pub references: Option<&'a References>,
    pub scopes: &'a Scopes,
}

/// Rows of `statement_entry`, held until their statement's balances are proven.
pub(super) struct Entries {
    pub table: Table,
    to: Booked,
    more: BookedMore,
    more_group: GroupId,
    item: Transaction,
    item_group: GroupId,
    /// For each row held, the sum of its statement so far; once the statement has ended, its balance.
    balances: Vec<Option<i128>>,
    /// The first row of the open statement, and the sum of its entries.
    first: usize,
    sum: i128,
    /// Rows of the open statement have been given away before their balances were proven.
    relieved: bool,
    scratch: String,
}

impl Entries {
    pub fn new() -> Result<Self, ParseError> {
        let table = Table::of("statement_entry")?;
        let more_group = table.group(DOCUMENT, "iso20022")?;
        let item_group = table.group(more_group, "transactions")?;
        Ok(Self {
            to: Booked::of(&table, DOCUMENT)?,
            more: BookedMore::of(&table, more_group)?,
            item: Transaction::of(&table, item_group)?,
            more_group,
            item_group,
            table,
            balances: Vec::new(),
            first: 0,
            sum: 0,
            relieved: false,
            scratch: String::new(),
        })
    }

    pub fn is_full(&self) -> bool {
        self.table.is_full()
    }

    /// The open statement ends; with its opening balance when that is proven. True when rows were given away before.
    pub fn settle(&mut self, opening: Option<i128>) -> bool {
        let opening = opening.filter(|_| !self.relieved);
        for balance in &mut self.balances[self.first..] {
            *balance = opening.zip(*balance).and_then(|(opening, sum)| opening.checked_add(sum));
        }
        self.first = self.balances.len();
        self.sum = 0;
        std::mem::take(&mut self.relieved)
    }

    /// Gives rows away when too many wait.
    pub fn relieve(&mut self, sink: &mut dyn Sink) -> Result<(), ParseError> {
        if self.table.columns.held() < MOST_HELD {
            return Ok(());
        }
        self.settle(None);
        self.relieved = true;
        self.flush(sink)
    }

    /// Gives the rows to the sink.
    pub fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), ParseError> {
        if self.table.columns.rows() == 0 {
            return Ok(());
        }
        let rows = self.table.take()?;
        let balances: Decimal128Array = std::mem::take(&mut self.balances).into_iter().collect();
        self.first = 0;
        let column = self.to.balance_after.column;
        let mut columns = rows.columns().to_vec();
        let balances = balances.with_data_type(schemas::decimal_type());
        columns[column] = Arc::new(balances) as ArrayRef;
        let rows = RecordBatch::try_new(rows.schema(), columns)?;
        for start in (0..rows.num_rows()).step_by(BATCH_ROWS) {
            let piece = rows.slice(start, BATCH_ROWS.min(rows.num_rows() - start));
            sink.rows(self.table.contract, piece).map_err(ParseError::Sink)?;
        }
        Ok(())
    }

    /// Adds a transaction to the row of its entry. True for the first one too many.
    pub fn add_item(
        &mut self,
        fields: &Fields,
        references: &References,
        amount: Option<i128>,
        facts: &Facts,
        number: u64,
    ) -> bool {
        if number > MOST_ITEMS {
            return number == MOST_ITEMS + 1;
        }
        let (to, columns) = (self.item, &mut self.table.columns);
        if let Some(amount) = amount {
            columns.put_number(to.amount, amount);
            columns.put_some(to.currency, facts.currency.as_deref());
        }
        columns.put_some(to.bank_reference, fields.get(field::BANK_REFERENCE));
        columns.put_some(to.end_to_end_id, provided(fields.get(field::END_TO_END)));
        columns.put_some(to.reference, references.items.first().map(|first| references.text_of(first)));
        let out = amount.is_some_and(|amount| amount < 0);
        let (account, name) = if out {
            (creditor(fields), fields.get(field::CREDITOR_NAME))
        } else {
            (debtor(fields), fields.get(field::DEBTOR_NAME))
        };
        columns.put_some(to.counterparty_account, account.as_ref().map(|account| account.number.as_str()));
        columns.put_some(to.counterparty, name);
        let message = fields.all(field::UNSTRUCTURED).map(|found| found.text);
        put_joined(columns, to.message, &mut self.scratch, message.chain(fields.get(field::TEXT)));
        columns.put_some(to.return_reason, fields.get(field::RETURN_CODE));
        columns.close(self.item_group);
        false
    }

    /// Adds an entry.
    pub fn append(&mut self, row: &EntryRow<'_>) {
        let (to, facts) = (self.to, row.facts);
        let fields = row.scopes.of(form::ENTRY);
        let none = Fields::default();
        let only = if row.entry.transactions == 1 { row.scopes.of(form::TRANSACTION) } else { &none };
        let columns = &mut self.table.columns;
        put_place(columns, [to.ordinal, to.byte_start, to.byte_end], row.ordinal, row.span);
        columns.put_text(to.entry_id, &facts.key);
        if let Some(account) = &row.statement.account {
            columns.put_text(to.account, &account.number);
            columns.put_text(to.account_type, account.kind);
        }
        columns.put_date(to.booking_date, facts.booked_on.unwrap_or_default());
        if let Some(day) = facts.value_on {
            columns.put_date(to.value_date, day);
        }
        columns.put_some(to.currency, facts.currency.as_deref());
        let amount = facts.amount.unwrap_or_default();
        columns.put_number(to.amount, amount);
        let structured = row.references.and_then(References::only);
        columns.put_some(to.reference, structured.or_else(|| fields.get(entry::REFERENCE)));
        columns.put_some(to.bank_reference, fields.get(entry::BANK_REFERENCE));
        let text = fields.get(entry::TEXT).or_else(|| only.get(field::TEXT));
        match text {
            Some(text) => columns.put_text(to.text, text),
            None => {
                let free = only.all(field::UNSTRUCTURED).map(|found| found.text);
                put_joined(columns, to.text, &mut self.scratch, free);
            }
        }
        self.append_more(row, fields, only);
        self.table.columns.close(DOCUMENT);
        self.sum = self.sum.saturating_add(amount);
        self.balances.push(Some(self.sum));
    }

    fn append_more(&mut self, row: &EntryRow<'_>, fields: &Fields, only: &Fields) {
        let (to, columns) = (self.more, &mut self.table.columns);
        columns.open(self.more_group);
        columns.put_text(to.message, row.message);
        columns.put_some(to.message_id, row.scopes.of(form::MESSAGE).get(form::message::ID));
        columns.put_text(to.statement_id, &row.statement.id);
        columns.put_some(to.statement_number, row.statement.sequence.as_deref());
        columns.put_some(to.entry_reference, fields.get(entry::REFERENCE));
        columns.put_some(to.transaction_code, code(only, fields).as_deref());
        columns.put_some(to.proprietary_code, fields.get(entry::OWN_CODE).or_else(|| only.get(field::OWN_CODE)));
        columns.put_flag(to.reversal, row.facts.reversal);
        let charges = super::rules::charges(
            fields.get(entry::CHARGES),
            fields.get(entry::CHARGES_CURRENCY),
            fields.all(entry::CHARGE),
            fields.get(entry::CHARGE_CURRENCY),
        );
        if let Some(Some((charges, currency))) = charges {
            columns.put_number(to.charges, charges);
            columns.put_text(to.charges_currency, currency);
        }
        columns.put_some(to.batch_id, batch(fields));
        if let Some(count) = fields.get(entry::BATCH_COUNT).and_then(|count| count.parse().ok()) {
            columns.put_long(to.batch_count, count);
        }
        columns.put_long(to.transaction_count, signed(row.entry.transactions));
    }
}

fn put_place(columns: &mut Columns, [ordinal, start, end]: [crate::columns::Target; 3], number: u64, span: Span) {
    columns.put_long(ordinal, signed(number));
    columns.put_long(start, signed(span.start));
    columns.put_long(end, signed(span.end));
}

/// Texts with blanks between them.
fn join_into<'a>(text: &mut String, parts: impl Iterator<Item = &'a str>) {
    for part in parts {
        let blank = if text.is_empty() { "" } else { " " };
        // Writing into a string cannot fail.
        let _ = write!(text, "{blank}{part}");
    }
}

fn put_joined<'a>(
    columns: &mut Columns,
    target: crate::columns::Target,
    scratch: &mut String,
    parts: impl Iterator<Item = &'a str>,
) {
    scratch.clear();
    join_into(scratch, parts);
    columns.put_text(target, scratch);
}

/// What the payer ordered, where it is another amount than came, or what the transaction is in its own currency.
fn original<'a>(row: &PaymentRow<'a>) -> Option<(i128, &'a str)> {
    let pairs = [
        (field::INSTRUCTED, field::INSTRUCTED_CURRENCY),
        (field::AMOUNT, field::CURRENCY),
        (field::TX_AMOUNT, field::TX_CURRENCY),
    ];
    pairs.into_iter().find_map(|(amount, currency)| {
        let currency = row.fields.get(currency).filter(|currency| row.facts.currency.as_deref() != Some(currency))?;
        Some((super::rules::amount(row.fields.get(amount)?)?, currency))
    })
}

fn channel(row: &PaymentRow<'_>) -> Option<&'static str> {
    let mobile = row.sender.is_some_and(|sender| sender.kind == "mobile")
        || creditor(row.fields).is_some_and(|receiver| receiver.kind == "mobile");
    let by_code = own_code(row).is_some_and(|code| code.to_ascii_uppercase().contains("SWISH"));
    (mobile || by_code).then_some("swish")
}

fn own_code<'a>(row: &PaymentRow<'a>) -> Option<&'a str> {
    row.fields.get(field::OWN_CODE).or_else(|| row.entry.get(entry::OWN_CODE))
}

fn batch(fields: &Fields) -> Option<&str> {
    fields.get(entry::BATCH_MESSAGE).or_else(|| fields.get(entry::BATCH_PAYMENT))
}

/// An identity, unless the payer gave none.
fn provided(identity: Option<&str>) -> Option<&str> {
    identity.filter(|identity| *identity != "NOTPROVIDED")
}

/// Offsets and counts of files are far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
