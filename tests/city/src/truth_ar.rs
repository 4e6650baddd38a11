//! Ground truth of accounts receivable: payments, reconciliation.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How a payment was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentClass {
    /// Valid OCR of one open item, its remaining amount.
    Exact,
    /// The same by direct debit.
    ExactAutogiro,
    /// Less than what remains.
    Partial,
    /// More than what remains.
    Over,
    /// Several OCR without amounts; their items sum to the payment.
    SeveralReferences,
    /// Several OCR with amounts from extended registration.
    SeveralReferencesWithAmounts,
    /// As before, one of them a credit note that reduces the payment (TK23).
    CreditReference,
    /// Two payments with one OCR that sum to what remains.
    TwoPaymentsOneItem,
    /// The item's first full payment, when it was paid twice.
    DoublePaymentFirst,
    /// The second payment of an item that is already paid in full by the first.
    DoublePaymentSecond,
    /// OCR with a wrong check digit.
    WrongCheckDigit,
    /// Valid check digit, no such item.
    UnknownReference,
    /// A valid OCR among words in the reference field, the item's remaining amount.
    ReferenceInWords,
    /// The same with another amount: no proof.
    ReferenceInWordsOtherAmount,
    /// OCR only in the free text (TK25), which the bank has not checked.
    ReferenceInText,
    /// No reference, a known payer account, one open item of the amount.
    AccountAndAmount,
    /// No reference, a known payer account, one set of open items that sums to the amount.
    AccountAndSum,
    /// Two open items bear the OCR.
    AmbiguousReference,
    /// The item was paid before the extract.
    ClosedItem,
    /// In euro, with an OCR of an item in kronor.
    ForeignCurrency,
    /// A deduction (TK21).
    Deduction,
    /// Several OCR whose items do not sum to the payment.
    SeveralReferencesOtherSum,
    /// Nothing that says who or what.
    NoClue,
    /// The OCR with zeros in front.
    PaddedReference,
    /// The OCR in groups of digits with blanks between them.
    GroupedReference,
    /// The OCR between words and full stops, beside an amount with öre.
    PunctuatedReference,
    /// The OCR as a part of a longer word: no whole number.
    ReferenceInsideWord,
    /// Two neighbouring digits of the OCR changed places.
    TransposedDigits,
    /// Two OCR without amounts, one of them a credit note that the bank does not mark; the sum is exact.
    UnmarkedCredit,
    /// Three payments with one OCR, of which the last is too much.
    ThreePaymentsTooMuch,
    /// Two payments with one OCR on one day: this one is exactly what remains.
    ExactBesidePartial,
    /// The other one of the two, which finds nothing left.
    PartialBesideExact,
    /// The right OCR from the account of another customer.
    PaidByAnother,
}

/// What must become of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Matched without a handler.
    Confirmed,
    /// One proposal that a handler must confirm.
    Suggested,
    /// Handed to a handler with candidates at most.
    Unmatched,
}

/// A part of a payment on an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// Item.
    pub item_id: String,
    /// Amount; negative for a credit note.
    pub amount_ore: i64,
}

/// A payment and what must become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentTruth {
    /// How it was built.
    pub class: PaymentClass,
    /// Path of its file below `landing/`.
    pub file: String,
    /// Identity in the contract `payment_in`.
    pub payment_id: String,
    /// The bank's serial number, absent in Autogiro.
    pub bank_reference: Option<String>,
    /// Receiving bankgiro.
    pub receiver_account: String,
    /// Date of the deposit.
    pub payment_date: NaiveDate,
    /// Currency.
    pub currency: String,
    /// Amount, negative for a deduction.
    pub amount_ore: i64,
    /// What must become of it.
    pub outcome: Outcome,
    /// Items and amounts, confirmed or suggested.
    pub matches: Vec<Match>,
    /// What a confirmed payment pays too much.
    pub overpaid_ore: i64,
    /// For an unmatched payment: items that must be among the candidates, because a reference points at them.
    pub candidates: Vec<String>,
}

/// Why ledger and sub-ledger differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceCause {
    /// Booked by hand on the account, without an item.
    ManualBooking,
    /// An open item that was never booked.
    MissingInLedger,
    /// Booked for an item that the sub-ledger does not have.
    MissingInSubLedger,
    /// Booked with another amount than the item's.
    AmountDiffers,
    /// A payment booked on the day of the extract, which still shows the item as open.
    CutOff,
}

/// One explained difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Why.
    pub cause: DifferenceCause,
    /// Voucher, when there is one.
    pub voucher_no: Option<String>,
    /// Item, when there is one.
    pub item_id: Option<String>,
    /// Ledger minus sub-ledger.
    pub amount_ore: i64,
}

/// Ledger against sub-ledger of an account in a department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationTruth {
    /// Account.
    pub account: String,
    /// Department.
    pub department: String,
    /// Period `YYYYMM`.
    pub period: String,
    /// Closing balance in the ledger.
    pub ledger_ore: i64,
    /// Sum of the open items.
    pub sub_ledger_ore: i64,
    /// What explains the difference; empty when there is none.
    pub differences: Vec<Difference>,
}

/// A row on 9181 that nothing has cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnclearedTruth {
    /// Department.
    pub department: String,
    /// Voucher.
    pub voucher_no: String,
    /// Payment that the row books.
    pub payment_id: String,
    /// Amount on the account; negative: credit.
    pub amount_ore: i64,
}
