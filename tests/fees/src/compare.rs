//! The jobs' fees beside the law's.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::NaiveDate;
use city::dates::date;
use engine::Library;

use crate::draw::Draw;
use crate::jobs::{self, Row};
use crate::law::{Compared, Fee};
use crate::registers::{Family, Placement};

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Report {
    /// Households and their year.
    pub households: usize,
    /// Rows of placements and months that were compared.
    pub months: usize,
    /// Of them, those with a fee above nothing.
    pub paid: usize,
    /// The sum of all fees, kronor.
    pub kronor: i64,
    /// What differs: the months, and the family behind them.
    pub differences: Vec<String>,
    /// How long the jobs took.
    pub jobs: Duration,
    /// How long the law took.
    pub law: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} household-years, {} placement-months, {} of them paid for with {} kr; {} differ; jobs {:.1} s, law {:.1} s",
            self.households,
            self.months,
            self.paid,
            self.kronor,
            self.differences.len(),
            self.jobs.as_secs_f32(),
            self.law.as_secs_f32(),
        )?;
        self.differences.iter().take(5).try_for_each(|difference| writeln!(f, "{difference}"))
    }
}

impl Report {
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.households += other.households;
        self.months += other.months;
        self.paid += other.paid;
        self.kronor += other.kronor;
        self.differences.extend(other.differences);
        self.jobs += other.jobs;
        self.law += other.law;
    }
}

/// As the jobs say it.
fn said(placement: &Placement, month: NaiveDate, fee: &Fee) -> Row {
    let (status, refusal, kronor, place) = match fee {
        Fee::Charged(kronor, place) => ("charged", None, Some(*kronor), Some(*place)),
        Fee::Free => ("free", None, Some(0), None),
        Fee::OtherTariff => ("other_tariff", None, None, None),
        Fee::Refused(reason) => ("refused", Some((*reason).to_owned()), None, None),
    };
    Row {
        placement: placement.id.clone(),
        starts_on: placement.starts_on,
        month,
        status: status.to_owned(),
        refusal,
        fee: kronor.map(|kronor| kronor * 100),
        position: place.and_then(|place| i32::try_from(place).ok()),
    }
}

/// Draws households of the year that ends with `as_of`, and compares what the jobs and the law say of each month.
///
/// # Errors
/// When a job fails.
pub async fn compare(library: &Library, seed: u64, as_of: NaiveDate, households: usize) -> Result<Report> {
    let families = Draw::new(seed, as_of).families(households);
    let watch = Instant::now();
    let expected: Vec<Vec<Row>> = families
        .iter()
        .map(|family| {
            let fees = family.fees(as_of);
            fees.iter().map(|(index, month, fee)| said(&family.placements[*index], *month, fee)).collect()
        })
        .collect();
    let law = watch.elapsed();

    let watch = Instant::now();
    let context = jobs::session(library, &families, as_of)?;
    let mut last = Vec::new();
    for job in jobs::JOBS {
        last = jobs::compute(library, &context, as_of, job).await?;
    }
    let jobs = watch.elapsed();

    let mut report = Report { households, law, jobs, ..Report::default() };
    let key = |row: &Row| (row.placement.clone(), row.starts_on, row.month);
    let rows = jobs::rows(&last)?;
    let mut found: HashMap<_, Vec<Row>> = HashMap::new();
    for row in rows {
        found.entry(key(&row)).or_default().push(row);
    }
    for (family, expected) in families.iter().zip(expected) {
        let mut differ = Vec::new();
        for row in expected {
            report.months += 1;
            let kronor = row.fee.unwrap_or_default() / 100;
            report.kronor += kronor;
            report.paid += usize::from(kronor > 0);
            let is = found.remove(&key(&row)).unwrap_or_default();
            if is != [row.clone()] {
                differ.push(format!("  the law: {row:?}\n  the jobs: {is:?}"));
            }
        }
        if !differ.is_empty() {
            report.differences.push(format!("{}\n{}", differ.join("\n"), describe(family)));
        }
    }
    report.differences.extend(found.into_values().map(|rows| format!("  the jobs alone: {rows:?}")));
    Ok(report)
}

/// Draws households of the year that has two regimes, and compares what the jobs and the law say of each of its months
/// on taxed income, two years later.
///
/// # Errors
/// When a job fails.
pub async fn compare_taxed(library: &Library, seed: u64, households: usize) -> Result<Report> {
    let families = Draw::new(seed, date(jobs::COMPARED_YEAR, 12, 20)).families(households);
    let as_of = date(jobs::COMPARED_YEAR + 2, 3, 20);
    let watch = Instant::now();
    let expected: Vec<_> = families.iter().map(|family| family.compared(as_of, jobs::COMPARED_YEAR)).collect();
    let law = watch.elapsed();

    let watch = Instant::now();
    let context = jobs::session(library, &families, as_of)?;
    let mut last = Vec::new();
    for job in jobs::JOBS.into_iter().chain(jobs::COMPARISON) {
        last = jobs::compute(library, &context, as_of, job).await?;
    }
    let took = watch.elapsed();

    let mut report = Report { households, law, jobs: took, ..Report::default() };
    let mut found: HashMap<_, Vec<Compared>> = HashMap::new();
    for row in jobs::compared(&last)? {
        found.entry(row.key.clone()).or_default().push(row);
    }
    for (family, expected) in families.iter().zip(expected) {
        for row in expected {
            report.months += 1;
            let kronor = row.fee.unwrap_or_default() / 100;
            report.kronor += kronor;
            report.paid += usize::from(kronor > 0);
            let is = found.remove(&row.key).unwrap_or_default();
            if is != [row.clone()] {
                let told = format!("  the law: {row:?}\n  the jobs: {is:?}\n{}", describe(family));
                report.differences.push(told);
            }
        }
    }
    report.differences.extend(found.into_values().map(|rows| format!("  the jobs alone: {rows:?}")));
    Ok(report)
}

fn describe(family: &Family) -> String {
    format!("of the family\n{family}")
}
