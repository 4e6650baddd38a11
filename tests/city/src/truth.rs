//! The ground truth: what the city knows about what it wrote, because it built it so. No job's SQL is asked.
//!
//! Amounts are whole öre (`*_ore`); dates are ISO 8601. Written as `truth/*.json`, one file for each list.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use crate::truth_ap::{BalanceRule, BalanceTruth, DocumentKey, DuplicateClass, DuplicateTruth, VatCause, VatTruth};
pub use crate::truth_ar::{
    Difference, DifferenceCause, Match, Outcome, PaymentClass, PaymentTruth, ReconciliationTruth, UnclearedTruth,
};
pub use crate::truth_sla::{RequestStatus, RequestTruth};

/// Everything that is certain about a written city.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Seed, scale, business date and the sums over everything.
    pub city: CityTruth,
    /// One for each file at the landing places, in the order of their paths.
    pub files: Vec<FileTruth>,
    /// AR35 and AR23: every payment of an accepted file.
    pub payments: Vec<PaymentTruth>,
    /// AR52 (1512), per department.
    pub reconciliation: Vec<ReconciliationTruth>,
    /// AR63 (9181): rows that have not been cleared.
    pub uncleared: Vec<UnclearedTruth>,
    /// AP01: every pair that is a duplicate.
    pub duplicates: Vec<DuplicateTruth>,
    /// AP01: pairs that look alike and are no duplicates.
    pub near_misses: Vec<DuplicateTruth>,
    /// AP09: every document outside the bounds.
    pub vat_shares: Vec<VatTruth>,
    /// AP10: every broken rule of every document.
    pub balances: Vec<BalanceTruth>,
    /// FEE29: every municipal placement period and month.
    pub fees: Vec<FeeTruth>,
    /// FEE12: what is left to charge or to give back, by payer, placement and month.
    pub fee_differences: Vec<FeeDifferenceTruth>,
    /// RENT10: every notice.
    pub rent_notices: Vec<RentNoticeTruth>,
    /// RENT26: notices above the limit.
    pub rent_exceptions: Vec<RentExceptionTruth>,
    /// SLA15-SLA31: every request in the case system.
    pub requests: Vec<RequestTruth>,
}

/// The city as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CityTruth {
    /// Seed.
    pub seed: u64,
    /// Scale.
    pub scale: u32,
    /// Business date.
    pub as_of: NaiveDate,
    /// Payments in accepted files: sums by currency.
    pub payments: BTreeMap<String, PaymentTotals>,
    /// Open items at the as-of.
    pub open_items: u64,
    /// Their remaining amounts.
    pub open_ore: i64,
}

/// Sums of the payments of one currency. `read_ore = confirmed_ore + suggested_ore + unmatched_ore`, and what
/// the files hold is `read_ore + rejected_ore`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentTotals {
    /// Payments read.
    pub read: u64,
    /// Their sum, deductions negative.
    pub read_ore: i64,
    /// Of which confirmed: the whole payment, what was paid too much included.
    pub confirmed_ore: i64,
    /// Of which paid too much.
    pub overpaid_ore: i64,
    /// Of which suggested.
    pub suggested_ore: i64,
    /// Of which not matched.
    pub unmatched_ore: i64,
    /// Payments rejected.
    pub rejected: u64,
    /// Their sum, where it can be read.
    pub rejected_ore: i64,
}

/// What must become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Its rows count.
    Accepted,
    /// Nothing in it counts.
    Refused,
    /// It says of itself that it is a test.
    Test,
    /// The same bytes as another file, under another name: no second effect.
    Duplicate,
}

/// Why a file is not accepted, or what is special about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileReason {
    /// The end record declares another number of payments than there are.
    ControlCount,
    /// Not of the format at all.
    NotTheFormat,
    /// Marked as a test file.
    MarkedTest,
    /// Delivered before.
    SameBytes,
    /// Not well formed.
    Malformed,
}

/// A written file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTruth {
    /// Path below `landing/`, with `/`.
    pub path: String,
    /// Format for `reskontra parse`.
    pub format: String,
    /// Contract of its rows.
    pub contract: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// What must become of it.
    pub status: FileStatus,
    /// Why, when it is not accepted.
    pub reason: Option<FileReason>,
    /// Rows, accepted and rejected.
    pub records: u64,
    /// Rows that must be rejected.
    pub rejected: u64,
    /// Sums by currency.
    pub totals: BTreeMap<String, FileTotal>,
    /// Business date of a register extract.
    pub extracted_on: Option<NaiveDate>,
}

/// Sums of a file in one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTotal {
    /// What the file declares, if it does.
    pub declared_ore: Option<i64>,
    /// Sum of rows that are accepted.
    pub read_ore: i64,
    /// Sum of rejected rows whose amount can be read.
    pub rejected_ore: i64,
}

/// The fee for one placement period in one month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeTruth {
    /// Placement.
    pub placement_id: String,
    /// First day of the placement period.
    pub starts_on: NaiveDate,
    /// First day of the month.
    pub month: NaiveDate,
    /// Category of the tariff; none for protected households.
    pub category: Option<FeeCategory>,
    /// Whether there is a fee.
    pub status: FeeStatus,
    /// Place in the household's order of children on the period's last day in the month, youngest first, from 1.
    pub position: u32,
    /// True when the ceiling stands for an income that is missing, cannot be verified, or is above it.
    pub ceiling_used: bool,
    /// Days of the placement in the month.
    pub days: u32,
    /// Fee, whole kronor.
    pub fee_kr: Option<i64>,
}

/// What is left to charge or to give back of a placement and month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeDifferenceTruth {
    /// Customer number of the payer.
    pub payer: String,
    /// Placement.
    pub placement_id: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Why.
    pub change: FeeChange,
    /// Kronor, negative when given back.
    pub difference_kr: i64,
}

/// Why something is left to charge or to give back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeChange {
    /// The month of the as-of, not invoiced yet.
    Ordinary,
    /// An earlier month that has not been invoiced.
    NotInvoiced,
    /// Something else was invoiced.
    Changed,
    /// The payer owes nothing for it.
    NothingDue,
}

/// Category of the fee tariff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeCategory {
    /// 3, 2, 1 %: children of 1 and 2 years more than 30 hours a week.
    FullTime,
    /// 2, 1, 1 %: at most 30 hours, or from August of the year the child turns three.
    PartTime,
    /// 2, 1, 1 %: fritidshem.
    Fritidshem,
    /// Free general preschool.
    GeneralPreschool,
    /// Outside the maxtaxa.
    OtherTariff,
}

/// Whether a placement month has a fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeStatus {
    /// By the maxtaxa, zero kronor for low incomes and many children included.
    Charged,
    /// Free general preschool.
    Free,
    /// Fritidsklubb: a fee of another kind.
    OtherTariff,
    /// The household belongs to the restricted zone: no fee outside it.
    Protected,
}

/// A rent notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RentNoticeTruth {
    /// Lease.
    pub lease_id: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Days of the lease in the month.
    pub days: u32,
    /// Amount.
    pub amount_ore: i64,
    /// Last working day before the month.
    pub due_date: NaiveDate,
    /// True when the month is the lease's first.
    pub first_month: bool,
}

/// A notice that must be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RentExceptionTruth {
    /// Lease.
    pub lease_id: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Amount.
    pub amount_ore: i64,
    /// Why it must be looked at.
    pub cause: RentCause,
}

/// Why a notice must be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RentCause {
    /// Above 10 000 kr.
    HighAmount,
    /// Far from the other notices of its form of housing.
    Outlier,
    /// More than 10 % from the month before.
    Change,
}

macro_rules! lists {
    ($($name:ident),*) => {
        impl Truth {
            /// Writes every list to a file of its own in `folder`.
            ///
            /// # Errors
            /// When a file cannot be written.
            pub fn write(&self, folder: &Path) -> io::Result<()> {
                std::fs::create_dir_all(folder)?;
                $(write_json(&folder.join(concat!(stringify!($name), ".json")), &self.$name)?;)*
                Ok(())
            }

            /// Reads what [`Truth::write`] wrote.
            ///
            /// # Errors
            /// When a file is missing or is none of ours.
            pub fn read(folder: &Path) -> io::Result<Self> {
                Ok(Self { $($name: read_json(&folder.join(concat!(stringify!($name), ".json")))?,)* })
            }
        }
    };
}

lists!(
    city,
    files,
    payments,
    reconciliation,
    uncleared,
    duplicates,
    near_misses,
    vat_shares,
    balances,
    fees,
    fee_differences,
    rent_notices,
    rent_exceptions,
    requests
);

fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut file, value)?;
    file.write_all(b"\n")?;
    file.flush()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_reader(BufReader::new(File::open(path)?))?)
}
