//! The columns of the contracts that bank formats fill, found once for a file.

use crate::ParseError;
use crate::table::{Date, Decimal, Flag, Int, Items, Long, Table, Text, Texts};

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident($contract:literal) { $($column:ident: $handle:ident $(= $path:literal)?),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name { $(pub $column: $handle),* }

        impl $name {
            /// The contract's name.
            pub const CONTRACT: &'static str = $contract;

            /// An empty table and its columns.
            pub fn table() -> Result<(Table, Self), ParseError> {
                let table = Table::new(Self::CONTRACT)?;
                let columns = Self { $($column: table.column(columns!(@path $column $($path)?))?),* };
                Ok((table, columns))
            }
        }
    )*};
    (@path $column:ident) => { stringify!($column) };
    (@path $column:ident $path:literal) => { $path };
}

columns! {
    /// Columns of `payment_in`.
    PaymentIn("payment_in") {
        payment_id: Text,
        source_format: Text,
        kind: Text,
        receiver_account: Text,
        receiver_account_type: Text,
        deposit_id: Text,
        deposit_account: Text,
        payment_date: Date,
        currency: Text,
        amount: Decimal,
        reference: Text,
        reference_code: Int,
        reference_quality: Text,
        references: Items,
        item_ordinal: Long = "references.ordinal",
        item_reference: Text = "references.reference",
        item_amount: Decimal = "references.amount",
        item_negative: Flag = "references.negative",
        item_code: Int = "references.reference_code",
        item_quality: Text = "references.reference_quality",
        item_start: Long = "references.byte_start",
        item_end: Long = "references.byte_end",
        channel: Text,
        bank_reference: Text,
        sender_account: Text,
        payer_number: Text,
        has_image: Flag,
        deduction_code: Int,
        messages: Texts,
        payer_name: Text,
        payer_extra_name: Text,
        payer_street: Text,
        payer_postcode: Text,
        payer_city: Text,
        payer_country: Text,
        payer_country_code: Text,
        payer_identity: Text,
        sender_account_type: Text,
        original_date: Date,
        reversal_code: Text,
        charges: Decimal,
        charges_currency: Text,
        original_amount: Decimal,
        original_currency: Text,
        exchange_rate: Decimal,
        period_code: Text = "autogiro.period_code",
        remaining_times: Int = "autogiro.remaining_times",
        file_identity: Text = "total_in.file_identity",
        receiving_bankgiro: Text = "total_in.receiving_bankgiro",
        statement_reference: Text = "total_in.statement_reference",
        sender_name: Text = "total_in.sender_name",
        sender_street: Text = "total_in.sender_street",
        sender_postcode: Text = "total_in.sender_postcode",
        sender_city: Text = "total_in.sender_city",
        sender_country_code: Text = "total_in.sender_country_code",
    }

    /// Columns of `payment_status`.
    PaymentStatus("payment_status") {
        status_id: Text,
        source_format: Text,
        report: Text,
        scope: Text,
        direction: Text,
        status: Text,
        kind: Text,
        account: Text,
        account_type: Text,
        counterpart_account: Text,
        counterpart_account_type: Text,
        counterpart_name: Text,
        payer_number: Text,
        payment_date: Date,
        new_payment_date: Date,
        reported_on: Date,
        currency: Text,
        amount: Decimal,
        reference: Text,
        own_reference: Text,
        bank_reference: Text,
        reasons: Items,
        reason_scheme: Text = "reasons.scheme",
        reason_code: Text = "reasons.code",
        reason_text: Text = "reasons.text",
        messages: Texts,
        ag_transaction_code: Text = "autogiro.transaction_code",
        ag_requested_code: Text = "autogiro.requested_code",
        ag_period_code: Text = "autogiro.period_code",
        ag_remaining_times: Int = "autogiro.remaining_times",
        ag_affected_payments: Int = "autogiro.affected_payments",
        ag_deposit_id: Text = "autogiro.deposit_id",
        ag_deposit_account: Text = "autogiro.deposit_account",
        lb_transaction_code: Text = "lb.transaction_code",
        lb_payment_type: Text = "lb.payment_type",
        lb_is_salary: Flag = "lb.is_salary",
        lb_monitored_until: Date = "lb.monitored_until",
        lb_credit_code: Text = "lb.credit_code",
        lb_credit_original: Decimal = "lb.credit_original",
        lb_credit_remaining: Decimal = "lb.credit_remaining",
        lb_credit_date: Date = "lb.credit_date",
        lb_street: Text = "lb.street",
        lb_postcode: Text = "lb.postcode",
        lb_city: Text = "lb.city",
        lb_returned_on: Date = "lb.returned_on",
        lb_amounts: Items,
        lb_amount_name: Text = "lb_amounts.name",
        lb_amount_date: Date = "lb_amounts.date",
        lb_amount: Decimal = "lb_amounts.amount",
    }

    /// Columns of `mandate_event`.
    MandateEvent("mandate_event") {
        event_id: Text,
        source_format: Text,
        report: Text,
        event: Text,
        receiver_account: Text,
        receiver_account_type: Text,
        payer_number: Text,
        payer_account: Text,
        payer_identity: Text,
        payer_identity_kind: Text,
        reported_on: Date,
        event_date: Date,
        valid_from: Date,
        info_code: Text,
        info: Text,
        comment_code: Text,
        comment: Text,
        messages: Texts,
        payer_name: Text,
        payer_extra_name: Text,
        payer_street: Text,
        payer_extra_street: Text,
        payer_postcode: Text,
        payer_city: Text,
        application_type: Text,
        register_type: Text = "register.type_code",
        register_year: Text = "register.year",
        register_first_date: Date = "register.first_date",
        register_second_date: Date = "register.second_date",
        register_status: Text = "register.status_code",
        register_max_amount: Decimal = "register.max_amount",
    }
}
