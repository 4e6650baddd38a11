//! Retention: which generations have served their time, and until when a raw file is kept.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};

/// How many generations stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So many of the newest, whatever their age. The last one always stays.
    pub newest: usize,
    /// All that were in service at this time or later.
    pub since: DateTime<Utc>,
}

impl Keep {
    /// Nothing but the generation in service.
    pub const LAST: Self = Self { newest: 1, since: DateTime::<Utc>::MAX_UTC };

    /// The numbers of those that may go. `published` are all generations, number and time, ascending; each is in
    /// service until the next one is published.
    #[must_use]
    pub fn beyond(&self, published: &[(u64, DateTime<Utc>)]) -> Vec<u64> {
        let newest = published.len().saturating_sub(self.newest.max(1));
        let served = published.windows(2).take(newest);
        served.filter(|pair| pair[1].1 < self.since).map(|pair| pair[0].0).collect()
    }
}

/// How long something is kept after a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// So many years from the day.
    FromDay(u32),
    /// Through so many calendar years after the end of the year of the day: Bokföringslagen 7 kap. 2 § counts from the
    /// end of the calendar year in which the financial year ended, which for a municipality is the calendar year.
    FromYearEnd(u32),
}

impl Term {
    /// The first day on which what is of `day` need not be kept; none where the calendar ends.
    #[must_use]
    pub fn ends(&self, day: NaiveDate) -> Option<NaiveDate> {
        match *self {
            Self::FromDay(years) => day.checked_add_months(Months::new(years.checked_mul(12)?)),
            Self::FromYearEnd(years) => {
                NaiveDate::from_ymd_opt(day.year().checked_add(i32::try_from(years).ok()?)?.checked_add(1)?, 1, 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn a_generation_is_counted_from_the_day_that_it_was_replaced() {
        let published = [(4, at(10)), (5, at(20)), (6, at(30))];
        let beyond = |newest, since| Keep { newest, since: at(since) }.beyond(&published);
        assert_eq!(beyond(1, 20), [0; 0], "4 was in service until 20");
        assert_eq!(beyond(1, 21), [4]);
        assert_eq!(beyond(2, 100), [4]);
        assert_eq!(beyond(0, 100), [4, 5], "the last one always stays");
        assert_eq!(Keep::LAST.beyond(&published), [4, 5]);
        assert_eq!(Keep::LAST.beyond(&[]), [0; 0]);
    }

    #[test]
    fn accounting_material_is_kept_through_the_seventh_year_after_its_own() {
        assert_eq!(Term::FromYearEnd(7).ends(day(2026, 1, 1)), Some(day(2034, 1, 1)));
        assert_eq!(Term::FromYearEnd(7).ends(day(2026, 12, 31)), Some(day(2034, 1, 1)));
    }

    #[test]
    fn a_copy_is_kept_for_years_from_its_day() {
        assert_eq!(Term::FromDay(2).ends(day(2026, 3, 31)), Some(day(2028, 3, 31)));
        assert_eq!(Term::FromDay(2).ends(day(2024, 2, 29)), Some(day(2026, 2, 28)));
        assert_eq!(Term::FromDay(u32::MAX).ends(day(2024, 2, 29)), None, "kept for ever");
    }

    proptest! {
        #[test]
        fn what_goes_is_old_and_not_the_newest(gaps in prop::collection::vec(0_i64..9, 0..30), newest in 0_usize..9, since in 0_i64..99) {
            let mut time = 0;
            let published: Vec<_> = (1..).zip(gaps).map(|(number, gap)| { time += gap; (number, at(time)) }).collect();
            let beyond = Keep { newest, since: at(since) }.beyond(&published);
            for pair in published.windows(2) {
                let last = published.len() as u64;
                let stays = pair[1].1 >= at(since) || pair[0].0 + newest.max(1) as u64 > last;
                prop_assert_eq!(beyond.contains(&pair[0].0), !stays);
            }
            prop_assert!(published.last().is_none_or(|last| !beyond.contains(&last.0)));
        }
    }
}
