//! What the child and pupil register says, as its extracts do.

use std::fmt;

use chrono::NaiveDate;

/// Form of a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Preschool (förskola).
    Preschool,
    /// Pedagogisk omsorg.
    Pedagogisk,
    /// School-age care.
    Fritidshem,
    /// Club for older children, outside the maxtaxa.
    Fritidsklubb,
}

impl Form {
    /// Its text in the register.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Preschool => "forskola",
            Self::Pedagogisk => "pedagogisk_omsorg",
            Self::Fritidshem => "fritidshem",
            Self::Fritidsklubb => "fritidsklubb",
        }
    }

    /// Preschool in the widest sense: what comes before school.
    #[must_use]
    pub const fn is_preschool(self) -> bool {
        matches!(self, Self::Preschool | Self::Pedagogisk)
    }
}

/// A row of the placement register.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Placement.
    pub id: String,
    /// Personal number of the child.
    pub child: String,
    /// Its date of birth.
    pub born: NaiveDate,
    /// Household where the child is registered.
    pub household: String,
    /// Form.
    pub form: Form,
    /// Hundredths of hours a week.
    pub hours: Option<i64>,
    /// Only general preschool.
    pub general: bool,
    /// First day.
    pub starts_on: NaiveDate,
    /// Last day.
    pub ends_on: Option<NaiveDate>,
    /// The city invoices.
    pub municipal: bool,
}

/// A row of the household register.
#[derive(Debug, Clone)]
pub struct Household {
    /// Household.
    pub id: String,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day.
    pub valid_to: Option<NaiveDate>,
    /// Payer.
    pub customer: String,
    /// Personal numbers of its adults, at most two.
    pub adults: Vec<String>,
    /// Protected identity.
    pub protected: bool,
}

/// A declared income.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Declaration.
    pub id: String,
    /// Household.
    pub household: String,
    /// First day.
    pub valid_from: NaiveDate,
    /// Last day.
    pub valid_to: Option<NaiveDate>,
    /// Öre a month.
    pub income: Option<i64>,
    /// approved, missing or unverifiable.
    pub status: &'static str,
    /// When it was declared.
    pub received_on: NaiveDate,
}

/// What the Tax Agency says of a person's year.
#[derive(Debug, Clone)]
pub struct Taxed {
    /// Personal number.
    pub person: String,
    /// decided, undecided, deceased or protected.
    pub outcome: &'static str,
    /// Taxed income of employment, öre.
    pub employment: Option<i64>,
    /// Surplus of business, or deficit, öre.
    pub business: Option<i64>,
}

/// An invoice line.
#[derive(Debug, Clone)]
pub struct Charge {
    /// Line.
    pub id: String,
    /// fee, correction or comparison.
    pub kind: &'static str,
    /// Placement.
    pub placement: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Payer.
    pub customer: String,
    /// Öre.
    pub amount: i64,
}

/// Households that have to do with each other, and everything that is registered of them.
#[derive(Debug, Clone, Default)]
pub struct Family {
    /// Rows of the household register.
    pub households: Vec<Household>,
    /// Rows of the placement register.
    pub placements: Vec<Placement>,
    /// Rows of the income register.
    pub declarations: Vec<Declaration>,
    /// What the Tax Agency says of their adults.
    pub taxed: Vec<Taxed>,
    /// What has been invoiced.
    pub charges: Vec<Charge>,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.households.iter().try_for_each(|row| writeln!(f, "  {row:?}"))?;
        self.placements.iter().try_for_each(|row| writeln!(f, "  {row:?}"))?;
        self.declarations.iter().try_for_each(|row| writeln!(f, "  {row:?}"))
    }
}
