//! The city's working days, as far as they are known.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc, Weekday};
use chrono_tz::Europe::Stockholm;

/// Working days between a first and a last known date.
///
/// Filled from the parameters (`ref_calendar`, `is_city_workday`). What lies outside is unknown, never guessed:
/// a number of working days that reaches outside is not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    first: NaiveDate,
    last: NaiveDate,
    days_off: BTreeSet<NaiveDate>,
}

impl Calendar {
    /// A calendar that covers `first..=last`, where Mondays to Fridays are worked except for `days_off`.
    #[must_use]
    pub fn new(first: NaiveDate, last: NaiveDate, days_off: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self { first, last, days_off: days_off.into_iter().collect() }
    }

    /// A calendar that knows nothing; deadlines are then told by date only.
    #[must_use]
    pub fn unknown() -> Self {
        Self { first: NaiveDate::MAX, last: NaiveDate::MIN, days_off: BTreeSet::new() }
    }

    /// True when the date is worked; nothing when the calendar does not cover it.
    #[must_use]
    pub fn is_workday(&self, date: NaiveDate) -> Option<bool> {
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        (self.first..=self.last).contains(&date).then(|| !weekend && !self.days_off.contains(&date))
    }

    /// Working days after `from` up to and including `to`: 0 when `to` is not later.
    ///
    /// Nothing when the calendar does not cover both dates.
    #[must_use]
    pub fn workdays_after(&self, from: NaiveDate, to: NaiveDate) -> Option<u32> {
        self.is_workday(from)?;
        self.is_workday(to)?;
        let mut workdays = 0;
        let mut date = from;
        while date < to {
            date = date.checked_add_days(Days::new(1))?;
            workdays += u32::from(self.is_workday(date)?);
        }
        Some(workdays)
    }
}

/// The date in Stockholm at this moment.
#[must_use]
pub fn stockholm_date(time: DateTime<Utc>) -> NaiveDate {
    time.with_timezone(&Stockholm).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn easter_2026() -> Calendar {
        Calendar::new(date("2026-01-01"), date("2026-12-31"), [date("2026-04-03"), date("2026-04-06")])
    }

    #[test]
    fn working_days_leave_out_weekends_and_days_off() {
        let calendar = easter_2026();
        assert_eq!(calendar.workdays_after(date("2026-04-02"), date("2026-04-07")), Some(1));
        assert_eq!(calendar.workdays_after(date("2026-04-02"), date("2026-04-06")), Some(0));
        assert_eq!(calendar.workdays_after(date("2026-03-30"), date("2026-04-02")), Some(3));
        assert_eq!(calendar.workdays_after(date("2026-04-07"), date("2026-04-02")), Some(0));
    }

    #[test]
    fn outside_its_years_a_calendar_says_nothing() {
        assert_eq!(easter_2026().workdays_after(date("2026-12-30"), date("2027-01-04")), None);
        assert_eq!(easter_2026().is_workday(date("2025-12-31")), None);
        assert_eq!(Calendar::unknown().workdays_after(date("2026-03-02"), date("2026-03-03")), None);
    }

    #[test]
    fn the_date_is_that_of_stockholm() {
        assert_eq!(stockholm_date("2026-03-31T22:30:00Z".parse().unwrap()), date("2026-04-01"));
        assert_eq!(stockholm_date("2026-01-31T22:30:00Z".parse().unwrap()), date("2026-01-31"));
    }
}
