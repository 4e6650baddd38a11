//! A payment as the bank carries it, with what the city knows about it.

use chrono::NaiveDate;

use crate::truth::{Outcome, PaymentClass};

/// Which of the day's files a payment comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Payments through banks and suppliers' payment services.
    Bank,
    /// Slips and extended registration.
    Slip,
    /// Direct debits.
    Autogiro,
}

/// A reference as BgMax carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// None.
    Blank,
    /// Checked by the bank: right-aligned, code 2.
    Checked(String),
    /// As the payer wrote it: left-aligned, code 3.
    Written(String),
}

/// A further reference.
#[derive(Debug, Clone)]
pub struct Extra {
    /// TK23 instead of TK22.
    pub negative: bool,
    /// Reference.
    pub reference: String,
    /// 2 checked, 4 registered.
    pub code: u8,
    /// Amount, zero when the bank gives none.
    pub amount: i64,
}

/// A payment of the month.
#[derive(Debug, Clone)]
pub struct Payment {
    /// How it was built.
    pub class: PaymentClass,
    /// File of the day.
    pub channel: Channel,
    /// Index of the receiving bankgiro.
    pub bankgiro: usize,
    /// Date of the deposit.
    pub date: NaiveDate,
    /// Currency.
    pub currency: &'static str,
    /// Amount; negative for a deduction.
    pub amount: i64,
    /// Reference of TK20.
    pub reference: Reference,
    /// TK22, TK23.
    pub extra: Vec<Extra>,
    /// TK25.
    pub messages: Vec<String>,
    /// Customer who pays, when the file says so.
    pub payer: Option<usize>,
    /// True when the sender's bankgiro is in the file.
    pub from_account: bool,
    /// What must become of it.
    pub outcome: Outcome,
    /// Items (by index) and amounts.
    pub matches: Vec<(usize, i64)>,
    /// Paid too much.
    pub overpaid: i64,
    /// Items (by index) that a handler must be shown.
    pub candidates: Vec<usize>,
}
