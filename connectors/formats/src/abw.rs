//! ABWTransaction (Unit4 ERP, Agresso): vouchers that a sub-system sends to the ledger's import service.
//!
//! One `Transaction` of a `Voucher` is one row of `voucher_row`. Elements stand in the namespace of ABWTransaction or
//! in that of its library; which does not matter. What is decided here, for no public document decides it:
//!
//! - **Refused**: another document; one without a voucher; a voucher of more rows than can be held.
//! - **Rejected**: all rows of a voucher that does not sum to zero or has a row that cannot be read. `Amount` is signed
//!   (debit positive); a `DcFlag` that says otherwise rejects the voucher.
//! - `Amount` is in the company's currency and `CurrAmount` in that of the transaction, which `Currency` names. Where
//!   they are equal they are in that currency; else the company's is taken as kronor.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher as _;
use std::io::Read;
use std::sync::OnceLock;

use chrono::NaiveDate;
use schemas::money;

use crate::camt::rules::day;
use crate::columns::{DOCUMENT, GroupId, Table, targets};
use crate::fixed::{Remark, Remarks};
use crate::xml::form::{Fields, Filler, Form, Id, Line, Reader, Scopes, Span};
use crate::xml::{self, At, Name, Place, Source, Stop};
use crate::{Finding, ParseError, Reject, Sink, Summary, Total, Verdict};
use Line::{Field, Known, Scope};

#[cfg(test)]
mod tests;

const NAMESPACE: &str = "http://services.agresso.com/schema/ABWTransaction/2011/11/14";
const LIBRARY: &str = "http://services.agresso.com/schema/ABWSchemaLib/2011/11/14";
/// Bytes that a voucher may hold, with [`ROW_WEIGHT`] for each row: it is held until it ends.
const MOST_HELD: usize = 256 << 20;
const ROW_WEIGHT: usize = 2_048;
/// What amounts are in where nothing is said.
const HOME_CURRENCY: &str = "SEK";

static REPEATED: Remark = Remark {
    code: "abw.voucher_repeated",
    english: "two vouchers have the same number",
    swedish: "Två verifikationer har samma nummer",
};
static EMPTY: Remark =
    Remark { code: "abw.voucher_empty", english: "a voucher has no rows", swedish: "En verifikation saknar rader" };

const BATCH: Id = 0;
const VOUCHER: Id = 1;
const ROW: Id = 2;

/// Fields of the document.
mod batch {
    pub const ID: u8 = 0;
    pub const INTERFACE: u8 = 1;
}

/// Fields of a voucher.
mod voucher {
    pub const NUMBER: u8 = 0;
    pub const KIND: u8 = 1;
    pub const COMPANY: u8 = 2;
    pub const PERIOD: u8 = 3;
    pub const DATE: u8 = 4;
}

/// Fields of a row; those of dimensions are [`DIMENSION`](row::DIMENSION) and the dimension's number.
mod row {
    pub const LEDGER: u8 = 0;
    pub const TEXT: u8 = 1;
    pub const STATUS: u8 = 2;
    pub const DATE: u8 = 3;
    pub const DC_FLAG: u8 = 4;
    pub const AMOUNT: u8 = 5;
    pub const CURRENCY_AMOUNT: u8 = 6;
    pub const ACCOUNT: u8 = 7;
    pub const CURRENCY: u8 = 8;
    pub const TAX_CODE: u8 = 9;
    pub const TAX_SYSTEM: u8 = 10;
    pub const SUB_LEDGER_TYPE: u8 = 11;
    pub const SUB_LEDGER_NO: u8 = 12;
    pub const INVOICE: u8 = 13;
    pub const DUE: u8 = 14;
    pub const METHOD: u8 = 15;
    pub const ACCOUNT_2: u8 = 16;
    pub const BASE: u8 = 17;
    pub const QUANTITY: u8 = 18;
    pub const DIMENSION: u8 = 20;
}

static LINES: &[Line] = &[
    Field("BatchId", batch::ID),
    Field("Interface", batch::INTERFACE),
    Known("ReportClient"),
    Scope(
        "Voucher",
        VOUCHER,
        &[
            Field("VoucherNo", voucher::NUMBER),
            Field("VoucherType", voucher::KIND),
            Field("CompanyCode", voucher::COMPANY),
            Field("Period", voucher::PERIOD),
            Field("VoucherDate", voucher::DATE),
            Scope(
                "Transaction",
                ROW,
                &[
                    Field("TransType", row::LEDGER),
                    Field("Description", row::TEXT),
                    Field("Status", row::STATUS),
                    Field("TransDate", row::DATE),
                    Field("Amounts/DcFlag", row::DC_FLAG),
                    Field("Amounts/Amount", row::AMOUNT),
                    Field("Amounts/CurrAmount", row::CURRENCY_AMOUNT),
                    Field("Amounts/Number1", row::QUANTITY),
                    Field("GLAnalysis/Account", row::ACCOUNT),
                    Field("GLAnalysis/Dim1", row::DIMENSION + 1),
                    Field("GLAnalysis/Dim2", row::DIMENSION + 2),
                    Field("GLAnalysis/Dim3", row::DIMENSION + 3),
                    Field("GLAnalysis/Dim4", row::DIMENSION + 4),
                    Field("GLAnalysis/Dim5", row::DIMENSION + 5),
                    Field("GLAnalysis/Dim6", row::DIMENSION + 6),
                    Field("GLAnalysis/Dim7", row::DIMENSION + 7),
                    Field("GLAnalysis/Currency", row::CURRENCY),
                    Field("GLAnalysis/TaxCode", row::TAX_CODE),
                    Field("GLAnalysis/TaxSystem", row::TAX_SYSTEM),
                    Field("ApArInfo/ApArType", row::SUB_LEDGER_TYPE),
                    Field("ApArInfo/ApArNo", row::SUB_LEDGER_NO),
                    Field("ApArInfo/InvoiceNo", row::INVOICE),
                    Field("ApArInfo/DueDate", row::DUE),
                    Field("ApArInfo/PayMethod", row::METHOD),
                    Known("ApArInfo"),
                    Field("TaxTransInfo/Account2", row::ACCOUNT_2),
                    Field("TaxTransInfo/BaseAmount", row::BASE),
                    Known("TaxTransInfo"),
                ],
            ),
        ],
    ),
];

targets! { Main {
    ordinal, byte_start, byte_end, voucher_no, line_no, voucher_type, department, account, period, voucher_date,
    currency, amount, text, batch_id,
} }

targets! { Posting {
    source_format, number, transaction_date, quantity, ledger, status, tax_code, tax_system, currency_amount,
    transaction_currency, account_2, base_amount, sub_ledger_type, sub_ledger_no, invoice_no, due_date, payment_method,
} }

targets! { Object { dimension, object } }

/// Reads an ABWTransaction document.
///
/// # Errors
/// When reading fails or the sink stops. A file that is wrong is no error: see [`Verdict`].
pub fn parse(input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let mut filler = Filler::new(form(), Abw::new(sink)?);
    let outcome = xml::read(input, &mut filler).map(|whole| whole.remarks);
    let mut abw = filler.reader;
    let outcome = outcome.and_then(|remarks| abw.finish().map(|()| remarks));
    match outcome {
        Ok(form) => {
            let mut remarks = abw.remarks.into_findings();
            remarks.extend(form);
            let totals = abw.totals.into_values().collect();
            Ok(xml::summary(Verdict::Accepted, abw.ordinal, abw.rejected, totals, remarks))
        }
        Err(Stop::Refused(finding)) => Ok(xml::refused(finding)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

fn form() -> &'static Form {
    static FORM: OnceLock<Form> = OnceLock::new();
    FORM.get_or_init(|| Form::new(LINES))
}

/// A row of the open voucher.
struct Row {
    fields: Fields,
    span: Span,
    amount: Option<i128>,
    raw: Vec<u8>,
}

/// One file on its way through.
struct Abw<'s> {
    sink: &'s mut dyn Sink,
    table: Table,
    main: Main,
    posting: Posting,
    posting_group: GroupId,
    object: Object,
    object_group: GroupId,
    remarks: Remarks,
    ordinal: u64,
    rejected: u64,
    vouchers: u64,
    totals: BTreeMap<String, Total>,
    rows: Vec<Row>,
    held: usize,
    /// Numbers of vouchers that were read. Hashed with a random key, so that no input can make it slow.
    met: HashSet<u64>,
    keys: RandomState,
}

impl Reader for Abw<'_> {
    const SCOPES: usize = 3;

    fn form(&mut self, name: Name<'_>, place: Place) -> Result<&'static Form, Stop> {
        if name.uri == NAMESPACE && name.local == "ABWTransaction" {
            return Ok(form());
        }
        Err(place.refuse(
            "abw.root",
            "",
            "this is no ABWTransaction document (schema 2011/11/14)",
            "det här är inget ABWTransaction-dokument (schema 2011/11/14)",
        ))
    }

    fn is_namespace(&self, uri: &str) -> bool {
        uri == LIBRARY
    }

    fn begin(&mut self, scope: Id, _: &mut Scopes, at: At<'_>, source: &mut Source<'_>) -> Result<(), Stop> {
        match scope {
            VOUCHER => {
                self.rows.clear();
                self.held = 0;
            }
            ROW if self.held > MOST_HELD => {
                return Err(at.place.refuse(
                    "abw.voucher_size",
                    at.path,
                    "a voucher is larger than can be held (256 MiB)",
                    "en verifikation är större än vad som ryms (256 MiB)",
                ));
            }
            ROW => source.mark(1),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, scope: Id, scopes: &mut Scopes, _: At<'_>, source: &mut Source<'_>) -> Result<(), Stop> {
        match scope {
            ROW => {
                let span = scopes.span(ROW, source);
                let fields = scopes.take(ROW);
                let amount = fields.get(row::AMOUNT).and_then(amount);
                let raw = source.raw(1);
                self.held += ROW_WEIGHT + 2 * raw.len();
                self.rows.push(Row { fields, span, amount, raw });
                Ok(())
            }
            VOUCHER => self.voucher(scopes),
            _ => Ok(()),
        }
    }
}

impl<'s> Abw<'s> {
    fn new(sink: &'s mut dyn Sink) -> Result<Self, ParseError> {
        let table = Table::of("voucher_row")?;
        let posting_group = table.group(DOCUMENT, "posting")?;
        let object_group = table.group(posting_group, "objects")?;
        Ok(Self {
            sink,
            main: Main::of(&table, DOCUMENT)?,
            posting: Posting::of(&table, posting_group)?,
            object: Object::of(&table, object_group)?,
            posting_group,
            object_group,
            table,
            remarks: Remarks::default(),
            ordinal: 0,
            rejected: 0,
            vouchers: 0,
            totals: BTreeMap::new(),
            rows: Vec::new(),
            held: 0,
            met: HashSet::new(),
            keys: RandomState::new(),
        })
    }

    fn finish(&mut self) -> Result<(), Stop> {
        if self.vouchers == 0 {
            return Err(Place::START.refuse(
                "abw.no_voucher",
                "/ABWTransaction",
                "the document has no voucher",
                "dokumentet innehåller ingen verifikation",
            ));
        }
        Ok(self.table.flush(self.sink)?)
    }

    fn voucher(&mut self, scopes: &Scopes) -> Result<(), Stop> {
        self.vouchers += 1;
        let place = scopes.place(VOUCHER);
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            self.remarks.note(&EMPTY, || place.position("/ABWTransaction/Voucher"));
        }
        let fields = scopes.of(VOUCHER);
        let fault = fault(fields, place, &rows);
        let number = fields.get(voucher::NUMBER).unwrap_or_default();
        let company = fields.get(voucher::COMPANY).unwrap_or_default();
        let mut name = number.to_owned();
        if fault.is_none() && !self.met.insert(self.keys.hash_one((company, number))) {
            self.remarks.note(&REPEATED, || place.position("/ABWTransaction/Voucher/VoucherNo"));
            name = format!("{number} #{}", self.vouchers);
        }
        for (line, row) in (1..).zip(&rows) {
            self.ordinal += 1;
            let (currency, foreign) = currencies(row);
            if let Some(amount) = row.amount {
                let new = || Total { currency: currency.to_owned(), declared: None, read: 0, rejected: 0 };
                let total = self.totals.entry(currency.to_owned()).or_insert_with(new);
                let sum = if fault.is_some() { &mut total.rejected } else { &mut total.read };
                *sum = sum.saturating_add(amount);
            }
            if let Some(finding) = &fault {
                self.rejected += 1;
                let Span { start, end, .. } = row.span;
                let (finding, raw) = (finding.clone(), row.raw.clone());
                let currency = Some(currency.to_owned());
                let reject = Reject { ordinal: self.ordinal, start, end, finding, amount: row.amount, currency, raw };
                self.sink.reject(self.table.contract, reject).map_err(ParseError::Sink)?;
                continue;
            }
            self.append(scopes, &name, line, row, currency, foreign);
            self.table.end_row(self.sink)?;
        }
        Ok(())
    }

    fn append(&mut self, scopes: &Scopes, name: &str, line: i64, row: &Row, currency: &str, foreign: Option<&str>) {
        let (to, columns, fields) = (self.main, &mut self.table.columns, &row.fields);
        let (of_voucher, of_batch) = (scopes.of(VOUCHER), scopes.of(BATCH));
        columns.put_long(to.ordinal, signed(self.ordinal));
        columns.put_long(to.byte_start, signed(row.span.start));
        columns.put_long(to.byte_end, signed(row.span.end));
        columns.put_text(to.voucher_no, name);
        columns.put_long(to.line_no, line);
        columns.replace_text(to.voucher_type, of_voucher.get(voucher::KIND).unwrap_or_default());
        columns.replace_text(to.department, of_voucher.get(voucher::COMPANY).unwrap_or_default());
        columns.put_some(to.account, fields.get(row::ACCOUNT));
        columns.put_some(to.period, of_voucher.get(voucher::PERIOD));
        if let Some(day) = of_voucher.get(voucher::DATE).and_then(day) {
            columns.put_date(to.voucher_date, day);
        }
        columns.put_text(to.currency, currency);
        columns.put_number(to.amount, row.amount.unwrap_or_default());
        columns.put_some(to.text, fields.get(row::TEXT));
        columns.put_some(to.batch_id, of_batch.get(batch::ID).or_else(|| of_batch.get(batch::INTERFACE)));
        columns.open(self.posting_group);
        let to = self.posting;
        columns.put_text(to.source_format, "abw");
        columns.put_some(to.number, of_voucher.get(voucher::NUMBER));
        for (target, field) in [(to.transaction_date, row::DATE), (to.due_date, row::DUE)] {
            if let Some(day) = fields.get(field).and_then(day) {
                columns.put_date(target, day);
            }
        }
        if let Some(quantity) = fields.get(row::QUANTITY).and_then(|text| money::parse_decimal(text, 6)) {
            columns.put_number(to.quantity, quantity);
        }
        for (target, field) in [(to.currency_amount, row::CURRENCY_AMOUNT), (to.base_amount, row::BASE)] {
            if let Some(amount) = fields.get(field).and_then(amount) {
                columns.put_number(target, amount);
            }
        }
        columns.put_some(to.transaction_currency, foreign);
        let texts = [
            (to.ledger, row::LEDGER),
            (to.status, row::STATUS),
            (to.tax_code, row::TAX_CODE),
            (to.tax_system, row::TAX_SYSTEM),
            (to.account_2, row::ACCOUNT_2),
            (to.sub_ledger_type, row::SUB_LEDGER_TYPE),
            (to.sub_ledger_no, row::SUB_LEDGER_NO),
            (to.invoice_no, row::INVOICE),
            (to.payment_method, row::METHOD),
        ];
        for (target, field) in texts {
            columns.put_some(target, fields.get(field));
        }
        for (number, name) in (1..).zip(["1", "2", "3", "4", "5", "6", "7"]) {
            if let Some(object) = fields.get(row::DIMENSION + number) {
                columns.put_text(self.object.dimension, name);
                columns.put_text(self.object.object, object);
                columns.close(self.object_group);
            }
        }
    }
}

/// Why a voucher's rows are rejected.
fn fault(fields: &Fields, place: Place, rows: &[Row]) -> Option<Finding> {
    let of_voucher = |field, step: &str, code, en, sv| {
        let place = fields.find(field).map_or(place, |found| found.place);
        Some(place.finding(code, &format!("/ABWTransaction/Voucher/{step}"), en, sv))
    };
    if fields.get(voucher::NUMBER).is_none() {
        let (en, sv) = ("a voucher has no number", "en verifikation saknar nummer");
        return of_voucher(voucher::NUMBER, "VoucherNo", "abw.voucher_number", en, sv);
    }
    let is_period = |text: &str| text.len() == 6 && NaiveDate::parse_from_str(&format!("{text}01"), "%Y%m%d").is_ok();
    if !fields.get(voucher::PERIOD).is_some_and(is_period) {
        let (en, sv) = ("the period of a voucher is none (YYYYMM)", "en verifikations period är ingen (ÅÅÅÅMM)");
        return of_voucher(voucher::PERIOD, "Period", "abw.period", en, sv);
    }
    if fields.get(voucher::DATE).and_then(day).is_none() {
        let (en, sv) = ("the date of a voucher cannot be read", "en verifikations datum går inte att läsa");
        return of_voucher(voucher::DATE, "VoucherDate", "abw.date", en, sv);
    }
    let mut sum: i128 = 0;
    for row in rows {
        let of_row = |field, step: &str, code, en, sv| {
            let place = row.fields.find(field).map_or(row.span.place(), |found| found.place);
            Some(place.finding(code, &format!("/ABWTransaction/Voucher/Transaction/{step}"), en, sv))
        };
        if row.fields.get(row::ACCOUNT).is_none() {
            let (en, sv) = ("a row has no account", "en rad saknar konto");
            return of_row(row::ACCOUNT, "GLAnalysis/Account", "abw.account", en, sv);
        }
        let Some(amount) = row.amount else {
            let (en, sv) = (
                "the amount of a row cannot be read: at most two decimals",
                "en rads belopp går inte att läsa: högst två decimaler",
            );
            return of_row(row::AMOUNT, "Amounts/Amount", "abw.amount", en, sv);
        };
        let agrees = match row.fields.get(row::DC_FLAG) {
            None => true,
            Some("1") => amount >= 0,
            Some("-1") => amount <= 0,
            Some(_) => false,
        };
        if !agrees {
            let (en, sv) = (
                "a row's flag for debit or credit (DcFlag) contradicts the sign of its amount",
                "en rads flagga för debet eller kredit (DcFlag) motsäger beloppets tecken",
            );
            return of_row(row::DC_FLAG, "Amounts/DcFlag", "abw.dc_flag", en, sv);
        }
        sum = sum.saturating_add(amount);
    }
    if sum != 0 {
        let (en, sv) = ("the rows of a voucher do not sum to zero", "en verifikations rader summerar inte till noll");
        return of_voucher(voucher::NUMBER, "Transaction", "abw.voucher_sum", en, sv);
    }
    None
}

/// The currency of a row's amount, and that of its transaction where it is another.
fn currencies(row: &Row) -> (&str, Option<&str>) {
    let named = row.fields.get(row::CURRENCY);
    let own = row.fields.get(row::CURRENCY_AMOUNT).map(amount);
    match (named, own) {
        (Some(named), Some(own)) if own != row.amount && named != HOME_CURRENCY => (HOME_CURRENCY, Some(named)),
        (named, _) => (named.unwrap_or(HOME_CURRENCY), None),
    }
}

fn amount(text: &str) -> Option<i128> {
    let amount = money::parse_decimal(text, 2)?;
    (amount.unsigned_abs() < 10_u128.pow(u32::from(money::PRECISION))).then_some(amount)
}

/// Offsets and counts of files are far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
