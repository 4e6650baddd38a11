//! Rows of `payment_in`: fields go from the file's bytes straight into columns.

use std::fmt::Write as _;
use std::mem::take;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int32Builder, Int64Builder, ListArray,
    ListBuilder, RecordBatch, StringBuilder, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, FieldRef, Fields, SchemaRef};
use schemas::Contract;

use super::deposit::Deposit;
use super::payment::{Facts, Payment, ReferenceFacts};
use super::rules::Stop;
use crate::fixed::Record;
use crate::{BATCH_ROWS, ParseError, Sink};

/// Bytes of the file behind a batch, at most: keeps 32-bit offsets of text columns far from their end.
const BATCH_BYTES: u64 = 32 << 20;

/// Builds the columns of a batch.
pub(super) struct Rows {
    schema: SchemaRef,
    rows: usize,
    bytes: u64,
    ordinal: Int64Builder,
    byte_start: Int64Builder,
    byte_end: Int64Builder,
    payment_id: StringBuilder,
    source_format: StringBuilder,
    kind: StringBuilder,
    receiver_account: StringBuilder,
    receiver_account_type: StringBuilder,
    deposit_id: StringBuilder,
    deposit_account: StringBuilder,
    payment_date: Date32Builder,
    currency: StringBuilder,
    amount: Decimal128Builder,
    reference: StringBuilder,
    reference_code: Int32Builder,
    reference_quality: StringBuilder,
    references: References,
    channel: StringBuilder,
    bank_reference: StringBuilder,
    sender_account: StringBuilder,
    has_image: BooleanBuilder,
    deduction_code: Int32Builder,
    messages: ListBuilder<StringBuilder>,
    payer_name: StringBuilder,
    payer_extra_name: StringBuilder,
    payer_street: StringBuilder,
    payer_postcode: StringBuilder,
    payer_city: StringBuilder,
    payer_country: StringBuilder,
    payer_country_code: StringBuilder,
    payer_identity: StringBuilder,
    /// Room for one payment's references, kept to be used again.
    pub reference_facts: Vec<ReferenceFacts>,
}

/// The nested rows of TK22 and TK23.
struct References {
    item: FieldRef,
    fields: Fields,
    offsets: Vec<i32>,
    ordinal: Int64Builder,
    reference: StringBuilder,
    amount: Decimal128Builder,
    negative: BooleanBuilder,
    code: Int32Builder,
    quality: StringBuilder,
    byte_start: Int64Builder,
    byte_end: Int64Builder,
}

fn money() -> Decimal128Builder {
    Decimal128Builder::new().with_data_type(schemas::decimal_type())
}

impl Rows {
    /// Columns for the contract `payment_in`.
    pub fn new(contract: &Contract) -> Result<Self, ParseError> {
        let schema = contract.body_schema();
        let list = |column: &str| match schema.field_with_name(column)?.data_type() {
            DataType::List(item) => Ok(Arc::clone(item)),
            other => Err(ParseError::Configuration(format!("{column} is no list but {other}"))),
        };
        let item = list("references")?;
        let DataType::Struct(fields) = item.data_type().clone() else {
            return Err(ParseError::Configuration("references are no records".to_owned()));
        };
        let text = StringBuilder::new;
        Ok(Self {
            rows: 0,
            bytes: 0,
            ordinal: Int64Builder::new(),
            byte_start: Int64Builder::new(),
            byte_end: Int64Builder::new(),
            payment_id: text(),
            source_format: text(),
            kind: text(),
            receiver_account: text(),
            receiver_account_type: text(),
            deposit_id: text(),
            deposit_account: text(),
            payment_date: Date32Builder::new(),
            currency: text(),
            amount: money(),
            reference: text(),
            reference_code: Int32Builder::new(),
            reference_quality: text(),
            references: References {
                item,
                fields,
                offsets: vec![0],
                ordinal: Int64Builder::new(),
                reference: text(),
                amount: money(),
                negative: BooleanBuilder::new(),
                code: Int32Builder::new(),
                quality: text(),
                byte_start: Int64Builder::new(),
                byte_end: Int64Builder::new(),
            },
            channel: text(),
            bank_reference: text(),
            sender_account: text(),
            has_image: BooleanBuilder::new(),
            deduction_code: Int32Builder::new(),
            messages: ListBuilder::new(text()).with_field(list("messages")?),
            payer_name: text(),
            payer_extra_name: text(),
            payer_street: text(),
            payer_postcode: text(),
            payer_city: text(),
            payer_country: text(),
            payer_country_code: text(),
            payer_identity: text(),
            reference_facts: Vec::new(),
            schema,
        })
    }

    /// True when the batch must go before another row comes.
    pub fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// Adds a payment.
    pub fn append(
        &mut self,
        ordinal: u64,
        deposit: &Deposit,
        payment: &Payment<'_>,
        facts: &Facts<'_>,
        references: &[ReferenceFacts],
    ) {
        let head = &payment.head;
        self.rows += 1;
        self.bytes += payment.end - head.start;
        self.ordinal.append_value(signed(ordinal));
        self.byte_start.append_value(signed(head.start));
        self.byte_end.append_value(signed(payment.end));
        self.append_identity(deposit, facts);
        self.source_format.append_value("bgmax");
        self.kind.append_value(if payment.is_deduction() { "deduction" } else { "payment" });
        self.receiver_account.append_value(&deposit.receiver_account);
        self.receiver_account_type.append_value(deposit.receiver_account_type);
        self.deposit_id.append_value(&deposit.id);
        self.deposit_account.append_option(deposit.account.as_deref());
        self.payment_date.append_value(deposit.date);
        self.currency.append_value(&deposit.currency);
        self.amount.append_value(facts.amount);
        self.reference.append_option(head.text(13, 37));
        self.reference_code.append_value(facts.reference_code);
        self.reference_quality.append_value(quality(facts.reference_code));
        self.references.append(payment, references);
        self.channel.append_option(facts.channel);
        append_serial(&mut self.bank_reference, facts.serial);
        self.sender_account.append_option(facts.sender);
        self.has_image.append_value(facts.has_image);
        self.deduction_code.append_option(facts.deduction_code);
        for message in payment.information.iter().filter_map(|record| record.line_text(3, 52)) {
            self.messages.values().append_value(message);
        }
        self.messages.append(true);
        append_text(&mut self.payer_name, payment.name.as_ref(), 3, 37);
        append_text(&mut self.payer_extra_name, payment.name.as_ref(), 38, 72);
        append_text(&mut self.payer_street, payment.street.as_ref(), 3, 37);
        append_text(&mut self.payer_postcode, payment.street.as_ref(), 38, 46);
        append_text(&mut self.payer_city, payment.city.as_ref(), 3, 37);
        append_text(&mut self.payer_country, payment.city.as_ref(), 38, 72);
        append_text(&mut self.payer_country_code, payment.city.as_ref(), 73, 74);
        append_text(&mut self.payer_identity, payment.organisation.as_ref(), 3, 14);
    }

    fn append_identity(&mut self, deposit: &Deposit, facts: &Facts<'_>) {
        // Writing into a string column cannot fail.
        let _ = match facts.serial.filter(|_| facts.identified) {
            Some(serial) => write!(self.payment_id, "bgmax:{:04}:{serial:0>12}", deposit.year),
            None => write!(self.payment_id, "{}:{}", deposit.id, facts.in_deposit),
        };
        self.payment_id.append_value("");
    }

    /// Gives the rows so far to the sink.
    pub fn flush(&mut self, contract: &'static Contract, sink: &mut dyn Sink) -> Result<(), Stop> {
        if self.rows == 0 {
            return Ok(());
        }
        let rows = std::mem::replace(&mut self.rows, 0);
        self.bytes = 0;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.ordinal.finish()),
            Arc::new(self.byte_start.finish()),
            Arc::new(self.byte_end.finish()),
            Arc::new(self.payment_id.finish()),
            Arc::new(self.source_format.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.receiver_account.finish()),
            Arc::new(self.receiver_account_type.finish()),
            Arc::new(self.deposit_id.finish()),
            Arc::new(self.deposit_account.finish()),
            Arc::new(self.payment_date.finish()),
            Arc::new(self.currency.finish()),
            Arc::new(self.amount.finish()),
            Arc::new(self.reference.finish()),
            Arc::new(self.reference_code.finish()),
            Arc::new(self.reference_quality.finish()),
            Arc::new(self.references.finish()?),
            Arc::new(self.channel.finish()),
            Arc::new(self.bank_reference.finish()),
            Arc::new(self.sender_account.finish()),
            arrow::array::new_null_array(&DataType::Utf8, rows),
            Arc::new(self.has_image.finish()),
            Arc::new(self.deduction_code.finish()),
            Arc::new(self.messages.finish()),
            Arc::new(self.payer_name.finish()),
            Arc::new(self.payer_extra_name.finish()),
            Arc::new(self.payer_street.finish()),
            Arc::new(self.payer_postcode.finish()),
            Arc::new(self.payer_city.finish()),
            Arc::new(self.payer_country.finish()),
            Arc::new(self.payer_country_code.finish()),
            Arc::new(self.payer_identity.finish()),
        ];
        // What the contract has beyond this, other formats say.
        let others = self.schema.fields().iter().skip(columns.len());
        columns.extend(others.map(|field| arrow::array::new_null_array(field.data_type(), rows)));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(ParseError::Rows)?;
        Ok(sink.rows(contract, batch).map_err(ParseError::Sink)?)
    }
}

impl References {
    fn append(&mut self, payment: &Payment<'_>, facts: &[ReferenceFacts]) {
        let has_amounts = facts.iter().any(|fact| fact.amount != 0);
        for ((ordinal, record), fact) in (1..).zip(&payment.references).zip(facts) {
            self.ordinal.append_value(ordinal);
            self.reference.append_option(record.text(13, 37));
            self.amount.append_option(has_amounts.then_some(fact.amount));
            self.negative.append_value(fact.negative);
            self.code.append_value(fact.code);
            self.quality.append_value(quality(fact.code));
            self.byte_start.append_value(signed(record.start));
            self.byte_end.append_value(signed(record.end));
        }
        let last = self.offsets.last().copied().unwrap_or_default();
        self.offsets.push(last + i32::try_from(facts.len()).unwrap_or_default());
    }

    fn finish(&mut self) -> Result<ListArray, ParseError> {
        let rows = self.ordinal.len();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.ordinal.finish()),
            Arc::new(self.reference.finish()),
            Arc::new(self.amount.finish()),
            Arc::new(self.negative.finish()),
            Arc::new(self.code.finish()),
            Arc::new(self.quality.finish()),
            Arc::new(self.byte_start.finish()),
            Arc::new(self.byte_end.finish()),
        ];
        let others = self.fields.iter().skip(columns.len());
        columns.extend(others.map(|field| arrow::array::new_null_array(field.data_type(), rows)));
        let values = StructArray::try_new(self.fields.clone(), columns, None)?;
        self.offsets.reserve(1);
        let offsets = OffsetBuffer::new(take(&mut self.offsets).into());
        self.offsets.push(0);
        Ok(ListArray::try_new(Arc::clone(&self.item), offsets, Arc::new(values), None)?)
    }
}

/// What a reference code says about the reference.
const fn quality(code: i32) -> &'static str {
    match code {
        2 => "checked",
        3 => "unchecked",
        4 => "registered",
        5 => "wrong",
        _ => "none",
    }
}

fn append_text(column: &mut StringBuilder, record: Option<&Record<'_>>, from: usize, to: usize) {
    column.append_option(record.and_then(|record| record.text(from, to)));
}

fn append_serial(column: &mut StringBuilder, serial: Option<&str>) {
    match serial {
        Some(serial) if serial.len() < 12 => {
            // Writing into a string column cannot fail.
            let _ = write!(column, "{serial:0>12}");
            column.append_value("");
        }
        other => column.append_option(other),
    }
}

/// Offsets and counts of files are far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
