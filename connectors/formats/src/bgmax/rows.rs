//! Rows of `payment_in`: fields go from the file's bytes straight into columns.

use super::Reading;
use super::deposit::Deposit;
use super::payment::{Facts, Payment, ReferenceFacts};
use crate::fixed::{Record, Stop};
use crate::table::{Text, signed};

impl Reading<'_> {
    /// Adds a payment.
    pub(super) fn append(
        &mut self,
        deposit: &Deposit,
        payment: &Payment<'_>,
        facts: &Facts<'_>,
        references: &[ReferenceFacts],
    ) -> Result<(), Stop> {
        let (to, columns, head) = (&mut self.table, &self.columns, &payment.head);
        match facts.serial.filter(|_| facts.identified) {
            Some(serial) => to.joined(columns.payment_id, &["bgmax:", &deposit.year_text, ":", zeros(serial), serial]),
            None => to.joined(columns.payment_id, &[&deposit.id, ":", &facts.in_deposit.to_string()]),
        }
        to.text(columns.source_format, "bgmax");
        to.text(columns.kind, if payment.is_deduction() { "deduction" } else { "payment" });
        to.text(columns.receiver_account, &deposit.receiver_account);
        to.text(columns.receiver_account_type, deposit.receiver_account_type);
        to.text(columns.deposit_id, &deposit.id);
        to.maybe(columns.deposit_account, deposit.account.as_ref());
        to.date(columns.payment_date, deposit.date);
        to.text(columns.currency, &deposit.currency);
        to.decimal(columns.amount, facts.amount);
        to.maybe(columns.reference, head.text(13, 37));
        to.int(columns.reference_code, facts.reference_code);
        to.text(columns.reference_quality, quality(facts.reference_code));
        to.maybe(columns.channel, facts.channel);
        if let Some(serial) = facts.serial {
            to.joined(columns.bank_reference, &[zeros(serial), serial]);
        }
        to.maybe(columns.sender_account, facts.sender);
        to.flag(columns.has_image, facts.has_image);
        if let Some(code) = facts.deduction_code {
            to.int(columns.deduction_code, code);
        }
        for message in payment.information.iter().filter_map(|record| record.line_text(3, 52)) {
            to.push_text(columns.messages, message);
        }
        let mut text = |column: Text, record: &Option<Record<'_>>, from, upto| {
            to.maybe(column, record.as_ref().and_then(|record| record.text(from, upto)));
        };
        text(columns.payer_name, &payment.name, 3, 37);
        text(columns.payer_extra_name, &payment.name, 38, 72);
        text(columns.payer_street, &payment.street, 3, 37);
        text(columns.payer_postcode, &payment.street, 38, 46);
        text(columns.payer_city, &payment.city, 3, 37);
        text(columns.payer_country, &payment.city, 38, 72);
        text(columns.payer_country_code, &payment.city, 73, 74);
        text(columns.payer_identity, &payment.organisation, 3, 14);
        self.append_references(payment, references);
        Ok(self.table.end_row(self.tally.ordinal, payment.head.start, payment.end, self.sink)?)
    }

    fn append_references(&mut self, payment: &Payment<'_>, facts: &[ReferenceFacts]) {
        let (to, columns) = (&mut self.table, &self.columns);
        let has_amounts = facts.iter().any(|fact| fact.amount != 0);
        for ((ordinal, record), fact) in (1..).zip(&payment.references).zip(facts) {
            to.item(columns.references);
            to.long(columns.item_ordinal, ordinal);
            to.maybe(columns.item_reference, record.text(13, 37));
            if has_amounts {
                to.decimal(columns.item_amount, fact.amount);
            }
            to.flag(columns.item_negative, fact.negative);
            to.int(columns.item_code, fact.code);
            to.text(columns.item_quality, quality(fact.code));
            to.long(columns.item_start, signed(record.start));
            to.long(columns.item_end, signed(record.end));
        }
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

/// The zeros that a serial number of fewer than twelve digits lacks.
fn zeros(serial: &str) -> &'static str {
    "000000000000".get(serial.len()..).unwrap_or_default()
}
