//! Working days and the service-level clock, from the calendar table.
//!
//! Rules: catalogue SLA63 (received at or before 12:00:00 on a working day: that day is day 1, otherwise the next
//! working day; n days are due by the end of the n-th working day counting day 1) and SLA64 (the closing of a period has
//! days 0, 1 and 2).

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Date32Type;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Europe::Stockholm;
use serde::{Deserialize, Serialize};

/// The city's working days between a first and a last known date.
///
/// What lies outside is unknown, never guessed: an answer that reaches outside is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Calendar {
    known: Option<(NaiveDate, NaiveDate)>,
    workdays: Vec<NaiveDate>,
    /// Days 0, 1 and 2 of the periods for which they have been decided, by the first day of the period's month.
    #[serde(default)]
    closings: BTreeMap<NaiveDate, [NaiveDate; 3]>,
}

impl Calendar {
    /// A calendar that covers `first..=last`, where Mondays to Fridays are worked except for `days_off`.
    #[must_use]
    pub fn new(first: NaiveDate, last: NaiveDate, days_off: impl IntoIterator<Item = NaiveDate>) -> Self {
        let days_off: BTreeSet<NaiveDate> = days_off.into_iter().collect();
        let days = first.iter_days().take_while(|day| *day <= last);
        let worked = days.filter(|day| day.weekday().num_days_from_monday() < 5 && !days_off.contains(day));
        Self { known: Some((first, last)), workdays: worked.collect(), closings: BTreeMap::new() }
    }

    /// Reads the rows of `ref_calendar`: columns `date` and `is_city_workday`.
    #[must_use]
    pub fn from_rows(rows: &RecordBatch) -> Option<Self> {
        let dates = rows.column_by_name("date")?.as_primitive_opt::<Date32Type>()?;
        let worked = rows.column_by_name("is_city_workday")?.as_boolean_opt()?;
        let mut known = Vec::with_capacity(rows.num_rows());
        let mut workdays = Vec::new();
        for row in (0..rows.num_rows()).filter(|&row| dates.is_valid(row)) {
            let day = Date32Type::to_naive_date_opt(dates.value(row))?;
            known.push(day);
            if worked.is_valid(row) && worked.value(row) {
                workdays.push(day);
            }
        }
        workdays.sort_unstable();
        workdays.dedup();
        let known = known.iter().min().copied().zip(known.iter().max().copied());
        Some(Self { known, workdays, closings: BTreeMap::new() })
    }

    /// Adds the closing days that have been decided: rows of `ref_period_calendar` that are valid on a date. Of a
    /// period that has none, or not all three, the default holds ([`Self::closing_day`]).
    #[must_use]
    pub fn with_closings(mut self, rows: &RecordBatch, on: NaiveDate) -> Self {
        let column = |name: &str| rows.column_by_name(name)?.as_primitive_opt::<Date32Type>();
        let date = |name: &str, row: usize| {
            let days = column(name)?;
            if days.is_valid(row) { Date32Type::to_naive_date_opt(days.value(row)) } else { None }
        };
        for row in 0..rows.num_rows() {
            let valid = date("valid_from", row).is_none_or(|from| from <= on)
                && date("valid_to", row).is_none_or(|to| on <= to);
            let days = (date("day_0", row), date("day_1", row), date("day_2", row));
            if let (true, Some(period), (Some(zero), Some(one), Some(two))) = (valid, date("period", row), days) {
                self.closings.insert(period, [zero, one, two]);
            }
        }
        self
    }

    /// Day `n` of the closing of the date's month: what has been decided, or the last working day of the month for
    /// day 0 and the n-th working day of the next month for the others.
    #[must_use]
    pub fn closing_day(&self, date: NaiveDate, n: usize) -> Option<NaiveDate> {
        let period = date.with_day(1)?;
        if let Some(day) = self.closings.get(&period).and_then(|days| days.get(n)) {
            return Some(*day);
        }
        if n == 0 { self.nth_last_workday(period, 1) } else { self.nth_workday(period + Months::new(1), n) }
    }

    /// True when the date is worked; nothing when the calendar does not cover it.
    #[must_use]
    pub fn is_workday(&self, date: NaiveDate) -> Option<bool> {
        self.covered(date)?;
        Some(self.workdays.binary_search(&date).is_ok())
    }

    /// The n-th working day at or after `date`, counting from 1; nothing outside the calendar.
    #[must_use]
    pub fn workday_add(&self, date: NaiveDate, n: usize) -> Option<NaiveDate> {
        self.covered(date)?;
        let first = self.workdays.partition_point(|day| *day < date);
        self.workdays.get(first + n.checked_sub(1)?).copied()
    }

    /// The last working day strictly before `date`.
    #[must_use]
    pub fn previous_workday(&self, date: NaiveDate) -> Option<NaiveDate> {
        self.covered(date)?;
        self.workdays.get(self.workdays.partition_point(|day| *day < date).checked_sub(1)?).copied()
    }

    /// The n-th working day of the date's month, counting from 1.
    #[must_use]
    pub fn nth_workday(&self, date: NaiveDate, n: usize) -> Option<NaiveDate> {
        let day = self.workday_add(date.with_day(1)?, n)?;
        (day.month() == date.month() && day.year() == date.year()).then_some(day)
    }

    /// The n-th last working day of the date's month, counting from 1.
    #[must_use]
    pub fn nth_last_workday(&self, date: NaiveDate, n: usize) -> Option<NaiveDate> {
        let next_month = date.with_day(1)?.checked_add_months(Months::new(1))?;
        self.covered(next_month.pred_opt()?)?;
        let end = self.workdays.partition_point(|day| *day < next_month);
        let day = *self.workdays.get(end.checked_sub(n)?)?;
        (day.month() == date.month() && day.year() == date.year() && n > 0).then_some(day)
    }

    /// Working days after `from` up to and including `to`: 0 when `to` is not later.
    #[must_use]
    pub fn workdays_after(&self, from: NaiveDate, to: NaiveDate) -> Option<u32> {
        self.covered(from)?;
        self.covered(to)?;
        let up_to = |date: NaiveDate| self.workdays.partition_point(|day| *day <= date);
        u32::try_from(up_to(to).saturating_sub(up_to(from))).ok()
    }

    /// Day 1 of the service-level clock for something received at `received`.
    #[must_use]
    pub fn day_one(&self, received: DateTime<Utc>) -> Option<NaiveDate> {
        let local = received.with_timezone(&Stockholm).naive_local();
        let noon = NaiveTime::from_hms_opt(12, 0, 0)?;
        let after_noon = local.time() > noon;
        self.workday_add(if after_noon { local.date().succ_opt()? } else { local.date() }, 1)
    }

    /// When something received at `received` is due under a service level; nothing when the rule sets no time.
    #[must_use]
    pub fn due(&self, received: DateTime<Utc>, rule: &ServiceLevel) -> Option<DateTime<Utc>> {
        let day_one = self.day_one(received)?;
        let day = match rule {
            ServiceLevel::WorkingDays(n) => self.workday_add(day_one, *n)?,
            ServiceLevel::Daily => day_one,
            ServiceLevel::Weekly(weekday) => {
                let ahead = (7 + weekday.num_days_from_monday() - day_one.weekday().num_days_from_monday()) % 7;
                self.workday_add(day_one.checked_add_days(Days::new(u64::from(ahead)))?, 1)?
            }
            ServiceLevel::MonthlyWorkday(n) => self.next_monthly(day_one, |date| self.nth_workday(date, *n))?,
            ServiceLevel::MonthlyLastWorkday(n) => {
                self.next_monthly(day_one, |date| self.nth_last_workday(date, *n))?
            }
            ServiceLevel::MonthlyDay(n) => self.next_monthly(day_one, |date| {
                let target = date.with_day(*n)?;
                if self.workday_add(target, 1)? == target { Some(target) } else { self.previous_workday(target) }
            })?,
            // The closing of the month before may still be under way.
            ServiceLevel::PeriodClose(n) => {
                let last_month = day_one.with_day(1)?.checked_sub_months(Months::new(1))?;
                let months = (0..4).filter_map(|ahead| last_month.checked_add_months(Months::new(ahead)));
                months.filter_map(|month| self.closing_day(month, *n)).find(|day| *day >= day_one)?
            }
            ServiceLevel::None => return None,
        };
        end_of_day(day)
    }

    fn next_monthly(&self, from: NaiveDate, day: impl Fn(NaiveDate) -> Option<NaiveDate>) -> Option<NaiveDate> {
        let this = day(from)?;
        if this >= from { Some(this) } else { day(from.with_day(1)?.checked_add_months(Months::new(1))?) }
    }

    fn covered(&self, date: NaiveDate) -> Option<()> {
        let (first, last) = self.known?;
        (first <= date && date <= last).then_some(())
    }
}

/// The date in Stockholm at this moment.
#[must_use]
pub fn stockholm_date(time: DateTime<Utc>) -> NaiveDate {
    time.with_timezone(&Stockholm).date_naive()
}

/// The moment of a local time in Stockholm: the earlier of two when clocks are set back, none in the hour that is left
/// out when they are set forward.
#[must_use]
pub fn stockholm_time(local: NaiveDateTime) -> Option<DateTime<Utc>> {
    Some(Stockholm.from_local_datetime(&local).earliest()?.with_timezone(&Utc))
}

/// The end of a day in Stockholm: the first moment after it.
#[must_use]
pub fn end_of_day(day: NaiveDate) -> Option<DateTime<Utc>> {
    stockholm_time(day.succ_opt()?.and_time(NaiveTime::MIN))
}

/// When a piece of work is due.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ServiceLevel {
    /// By the end of the n-th working day, day 1 counted.
    WorkingDays(usize),
    /// By the end of day 1.
    Daily,
    /// On this weekday at or after day 1, the next working day when it is free.
    Weekly(Weekday),
    /// On the n-th working day of a month, the next that comes.
    MonthlyWorkday(usize),
    /// On the n-th last working day of a month, the next that comes.
    MonthlyLastWorkday(usize),
    /// On a day of the month, the working day before it when it is free.
    MonthlyDay(u32),
    /// On day 0, 1 or 2 of the closing of a period, the next that comes.
    PeriodClose(usize),
    /// No time is set.
    None,
}

impl ServiceLevel {
    /// Reads a rule from the columns `kind`, `n` and `weekday` (1 is Monday) of `ref_service_level`.
    #[must_use]
    pub fn parse(kind: &str, n: Option<i32>, weekday: Option<i32>) -> Option<Self> {
        let count = || usize::try_from(n?).ok().filter(|n| *n > 0);
        Some(match kind {
            "working_days" => Self::WorkingDays(count()?),
            "daily" => Self::Daily,
            "weekly" => {
                let index = u8::try_from(weekday.unwrap_or(5) - 1).ok()?;
                Self::Weekly(Weekday::try_from(index).ok()?)
            }
            "monthly_nth_workday" => Self::MonthlyWorkday(count()?),
            "monthly_nth_last_workday" => Self::MonthlyLastWorkday(count()?),
            "monthly_last_workday" => Self::MonthlyLastWorkday(1),
            "monthly_day" => Self::MonthlyDay(u32::try_from(n?).ok()?),
            "period_close" => Self::PeriodClose(usize::try_from(n?).ok().filter(|n| *n <= 2)?),
            "none" => Self::None,
            _ => return None,
        })
    }

    /// The time that the rule allows, in Swedish; nothing when it sets none.
    #[must_use]
    pub fn text_sv(&self) -> Option<String> {
        const WEEKDAYS: [&str; 7] = ["måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"];
        Some(match self {
            Self::WorkingDays(1) => "1 arbetsdag".to_owned(),
            Self::WorkingDays(n) => format!("{n} arbetsdagar"),
            Self::Daily => "samma arbetsdag".to_owned(),
            Self::Weekly(day) => format!("en gång i veckan, {}", WEEKDAYS[day.num_days_from_monday() as usize]),
            Self::MonthlyWorkday(n) => format!("arbetsdag {n} i månaden"),
            Self::MonthlyLastWorkday(1) => "sista arbetsdagen i månaden".to_owned(),
            Self::MonthlyLastWorkday(2) => "näst sista arbetsdagen i månaden".to_owned(),
            Self::MonthlyLastWorkday(n) => format!("{n} arbetsdagar från månadens slut"),
            Self::MonthlyDay(day) => format!("runt den {day}:e varje månad"),
            Self::PeriodClose(n) => format!("dag {n} i periodavslutet"),
            Self::None => return None,
        })
    }
}

#[cfg(test)]
mod tests;
