//! Rows of `ledger_transaction`, `voucher_row` and `account_balance`.

use crate::columns::{DOCUMENT, GroupId, Table, targets};
use crate::{ParseError, Sink};

use super::balance::Balance;
use super::text::Line;
use super::voucher::{Row, Voucher};
use super::{Header, rules};

targets! { Main {
    ordinal, byte_start, byte_end, voucher_no, line_no, voucher_type, department, account, period, voucher_date,
    currency, amount, text,
} }

targets! { Posting {
    source_format, series, number, registered_on, signature, transaction_date, row_text, quantity, is_added,
} }

targets! { Object { dimension, object } }

targets! { Stated {
    ordinal, byte_start, byte_end, extracted_on, department, kind, year_index, year_start, year_end, period, account,
    account_name, account_type, objects_key, currency, amount, quantity,
} }

/// A table of vouchers' rows with its columns.
struct Postings {
    table: Table,
    main: Main,
    posting: Posting,
    posting_group: GroupId,
    object: Object,
    object_group: GroupId,
}

impl Postings {
    fn of(contract: &str) -> Result<Self, ParseError> {
        let table = Table::of(contract)?;
        let posting_group = table.group(DOCUMENT, "posting")?;
        let object_group = table.group(posting_group, "objects")?;
        Ok(Self {
            main: Main::of(&table, DOCUMENT)?,
            posting: Posting::of(&table, posting_group)?,
            object: Object::of(&table, object_group)?,
            posting_group,
            object_group,
            table,
        })
    }
}

pub(super) struct Rows {
    ledger: Postings,
    extracted_on: crate::columns::Target,
    vouchers: Postings,
    batch_id: crate::columns::Target,
    pub balances: Table,
    stated: Stated,
}

impl Rows {
    pub fn new() -> Result<Self, ParseError> {
        let (ledger, vouchers) = (Postings::of("ledger_transaction")?, Postings::of("voucher_row")?);
        let balances = Table::of("account_balance")?;
        Ok(Self {
            extracted_on: ledger.table.target(DOCUMENT, "extracted_on")?,
            batch_id: vouchers.table.target(DOCUMENT, "batch_id")?,
            stated: Stated::of(&balances, DOCUMENT)?,
            ledger,
            vouchers,
            balances,
        })
    }

    pub fn flush(&mut self, sink: &mut dyn Sink) -> Result<(), ParseError> {
        self.balances.flush(sink)?;
        self.ledger.table.flush(sink)?;
        self.vouchers.table.flush(sink)
    }

    /// The table of an export's rows, or of an import file's.
    pub fn of(&mut self, extracted_on: Option<i32>) -> &mut Table {
        if extracted_on.is_some() { &mut self.ledger.table } else { &mut self.vouchers.table }
    }

    #[expect(clippy::too_many_arguments, reason = "what is known of one row")]
    pub fn posting(
        &mut self,
        ordinal: u64,
        number: i64,
        extracted_on: Option<i32>,
        header: &Header,
        voucher: &Voucher,
        name: &str,
        row: &Row,
    ) {
        let to = if let Some(day) = extracted_on {
            self.ledger.table.columns.put_date(self.extracted_on, day);
            &mut self.ledger
        } else {
            self.vouchers.table.columns.put_text(self.batch_id, &header.program);
            &mut self.vouchers
        };
        let Postings { table, main, posting, .. } = to;
        let columns = &mut table.columns;
        columns.put_long(main.ordinal, signed(ordinal));
        columns.put_long(main.byte_start, signed(row.start));
        columns.put_long(main.byte_end, signed(row.end));
        columns.put_text(main.voucher_no, name);
        columns.put_long(main.line_no, number);
        columns.replace_text(main.voucher_type, &voucher.series);
        columns.replace_text(main.department, &header.company);
        columns.put_text(main.account, &row.account);
        columns.put_text(main.period, &row.period(voucher));
        columns.put_date(main.voucher_date, voucher.date.map(rules::days).unwrap_or_default());
        columns.put_text(main.currency, header.currency());
        columns.put_number(main.amount, row.amount.unwrap_or_default());
        columns.put_some(main.text, voucher.text.as_deref().or(row.text.as_deref()));
        columns.open(to.posting_group);
        columns.put_text(posting.source_format, "sie");
        columns.put_text(posting.series, &voucher.series);
        columns.put_text(posting.number, &voucher.number);
        if let Some(day) = voucher.registered_on {
            columns.put_date(posting.registered_on, rules::days(day));
        }
        columns.put_some(posting.signature, row.signature.as_deref().or(voucher.signature.as_deref()));
        if let Some(day) = row.date {
            columns.put_date(posting.transaction_date, rules::days(day));
        }
        columns.put_some(posting.row_text, row.text.as_deref());
        if let Some(quantity) = row.quantity {
            columns.put_number(posting.quantity, quantity);
        }
        columns.put_flag(posting.is_added, row.is_added);
        for pair in row.objects.chunks(2) {
            columns.replace_text(to.object.dimension, &pair[0]);
            columns.replace_text(to.object.object, pair.get(1).map_or("", String::as_str));
            columns.close(to.object_group);
        }
    }

    pub fn balance(&mut self, ordinal: u64, line: &Line, date: i32, header: &Header, balance: &Balance<'_>) {
        let (to, columns) = (self.stated, &mut self.balances.columns);
        columns.put_long(to.ordinal, signed(ordinal));
        columns.put_long(to.byte_start, signed(line.start));
        columns.put_long(to.byte_end, signed(line.end));
        columns.put_date(to.extracted_on, date);
        columns.replace_text(to.department, &header.company);
        columns.put_text(to.kind, &balance.kind);
        columns.put_long(to.year_index, balance.year.into());
        if let Some((start, end)) = header.years.get(&balance.year) {
            columns.put_date(to.year_start, rules::days(*start));
            columns.put_date(to.year_end, rules::days(*end));
        }
        columns.replace_text(to.period, balance.period);
        columns.put_text(to.account, balance.account);
        columns.put_some(to.account_name, header.names.get(balance.account).map(String::as_str));
        columns.put_some(to.account_type, header.types.get(balance.account).map(String::as_str));
        columns.replace_text(to.objects_key, &balance.objects);
        columns.put_text(to.currency, header.currency());
        columns.put_number(to.amount, balance.amount);
        if let Some(quantity) = balance.quantity {
            columns.put_number(to.quantity, quantity);
        }
    }
}

/// Offsets and counts of files are far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
