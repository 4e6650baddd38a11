//! Ground truth of accounts payable: documents are named by supplier, number, date and file.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Names a supplier's document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentKey {
    /// Supplier identity as in the contract.
    pub seller_key: String,
    /// Number as written.
    pub invoice_no: String,
    /// Date.
    pub issue_date: NaiveDate,
    /// Path of the file below `landing/`.
    pub file: String,
}

/// Strength of a duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateClass {
    /// Same supplier, same normalised number, same sign.
    Exact,
    /// Same supplier, gross amount and date, another number.
    Strong,
    /// Same bankgiro under another supplier, same gross amount, at most 30 days apart.
    Suspect,
    /// No duplicate: a credit note with the number of its invoice.
    CreditOfInvoice,
    /// No duplicate: the same number from another supplier.
    SameNumberOtherSupplier,
    /// No duplicate: the same amount every month.
    Recurring,
    /// No duplicate: same bankgiro and amount, more than 30 days apart.
    FarApart,
    /// No duplicate: same number in the year before, outside the window of 365 days.
    OutsideWindow,
}

/// A pair of documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateTruth {
    /// Strength, or why it is none.
    pub class: DuplicateClass,
    /// The earlier document.
    pub first: DocumentKey,
    /// The later document.
    pub second: DocumentKey,
}

/// Why the VAT share is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VatCause {
    /// Exempt or no VAT.
    Exempt,
    /// Reverse charge.
    ReverseCharge,
    /// Taxed and untaxed lines.
    MixedRates,
    /// More VAT than any rate gives.
    ArithmeticError,
    /// No net amount.
    NetZero,
}

/// A document whose VAT share is below 5 % or above 25 %.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VatTruth {
    /// Document.
    pub document: DocumentKey,
    /// Why.
    pub cause: VatCause,
    /// Net amount as written, signed.
    pub net_ore: i64,
    /// VAT as written.
    pub vat_ore: i64,
}

/// Balance rules of EN 16931.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BalanceRule {
    /// Sum of the lines.
    #[serde(rename = "BR-CO-10")]
    LineSum,
    /// Net: lines, allowances, charges.
    #[serde(rename = "BR-CO-13")]
    Net,
    /// VAT: sum of the breakdown.
    #[serde(rename = "BR-CO-14")]
    VatSum,
    /// Gross: net and VAT.
    #[serde(rename = "BR-CO-15")]
    Gross,
    /// Payable: gross, prepaid, rounding.
    #[serde(rename = "BR-CO-16")]
    Payable,
    /// VAT of a rate within one krona.
    #[serde(rename = "BR-CO-17")]
    VatOfRate,
    /// Base of a rate: its lines, within one krona.
    #[serde(rename = "BR-S-08")]
    VatBase,
    /// Line: quantity times price, within two öre.
    #[serde(rename = "PEPPOL-EN16931-R120")]
    LineAmount,
}

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceTruth {
    /// Document.
    pub document: DocumentKey,
    /// Rule.
    pub rule: BalanceRule,
    /// What is written minus what it should be.
    pub difference_ore: i64,
}
