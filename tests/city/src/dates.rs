//! Dates of the city: months, bank days and the city's working days.
//!
//! Rules: lag (1989:253) om allmänna helgdagar; bank days as in the BgMax manual's glossary ("Bankdag").

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

/// The date, or 1970-01-01 when there is no such day.
#[must_use]
pub fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// The first day of the date's month.
#[must_use]
pub fn month_start(day: NaiveDate) -> NaiveDate {
    date(day.year(), day.month(), 1)
}

/// The last day of the date's month.
#[must_use]
pub fn month_end(day: NaiveDate) -> NaiveDate {
    add_days(add_months(month_start(day), 1), -1)
}

/// The same day `months` later (or earlier), at most the last day of that month.
#[must_use]
pub fn add_months(day: NaiveDate, months: i32) -> NaiveDate {
    let count = Months::new(months.unsigned_abs());
    if months < 0 { day.checked_sub_months(count) } else { day.checked_add_months(count) }.unwrap_or(day)
}

/// `days` later, or earlier when negative.
#[must_use]
pub fn add_days(day: NaiveDate, days: i64) -> NaiveDate {
    let count = Days::new(days.unsigned_abs());
    if days < 0 { day.checked_sub_days(count) } else { day.checked_add_days(count) }.unwrap_or(day)
}

/// First days of the months from `first`'s to `last`'s.
#[must_use]
pub fn months(first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
    let mut list = Vec::new();
    let mut month = month_start(first);
    while month <= last {
        list.push(month);
        month = add_months(month, 1);
    }
    list
}

/// `YYYYMM`.
#[must_use]
pub fn period(day: NaiveDate) -> String {
    day.format("%Y%m").to_string()
}

/// Easter Sunday (anonymous Gregorian algorithm).
fn easter(year: i32) -> NaiveDate {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let month = (h + l - 7 * m + 114) / 31;
    let day = (h + l - 7 * m + 114) % 31 + 1;
    date(year, month.unsigned_abs(), day.unsigned_abs())
}

/// True for a day when banks are open; the city works on the same days.
#[must_use]
pub fn is_bank_day(day: NaiveDate) -> bool {
    if matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
        return false;
    }
    let fixed = [(1, 1), (1, 6), (5, 1), (6, 6), (12, 24), (12, 25), (12, 26), (12, 31)];
    let from_easter = day.signed_duration_since(easter(day.year())).num_days();
    let midsummer_eve = day.month() == 6 && day.weekday() == Weekday::Fri && (19..=25).contains(&day.day());
    !(fixed.contains(&(day.month(), day.day())) || [-2, 1, 39].contains(&from_easter) || midsummer_eve)
}

/// The last bank day strictly before `day`.
#[must_use]
pub fn previous_bank_day(day: NaiveDate) -> NaiveDate {
    let mut candidate = add_days(day, -1);
    while !is_bank_day(candidate) {
        candidate = add_days(candidate, -1);
    }
    candidate
}

/// The bank days of `day`'s month up to and including `day`.
#[must_use]
pub fn bank_days_to(day: NaiveDate) -> Vec<NaiveDate> {
    (0..31).map(|n| add_days(month_start(day), n)).filter(|d| *d <= day && is_bank_day(*d)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_last_working_days_of_2026_are_those_of_the_parameters() {
        let expected = [29, 26, 30, 29, 28, 29, 30, 28, 29, 29, 27, 29];
        for (index, day) in (1..).zip(expected) {
            let days = bank_days_to(month_end(date(2026, index, 1)));
            assert_eq!(days[days.len() - 2].day(), day, "month {index}");
        }
    }

    #[test]
    fn the_second_working_days_of_2025_are_those_of_the_parameters() {
        let expected = [3, 4, 4, 2, 5, 3, 2, 4, 2, 2, 4, 2];
        for (index, day) in (1..).zip(expected) {
            assert_eq!(bank_days_to(month_end(date(2025, index, 1)))[1].day(), day, "month {index}");
        }
    }
}
