//! How a deadline stands now. Jobs write `due_at`; what grows by the minute is computed here, when read.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde::Serialize;

use schemas::calendar::{Calendar, stockholm_date};

/// An exception that is due within so many working days after today is at risk.
pub const SOON_WORKDAYS: u32 = 1;

/// How a deadline stands. Working days are missing where the calendar does not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Due {
    /// The deadline has passed.
    Overdue {
        /// Working days after the due day, today included; 0 when none has begun.
        workdays: Option<u32>,
    },
    /// Today is the due day.
    Today,
    /// Due within [`SOON_WORKDAYS`] working days after today.
    Soon {
        /// Working days after today, the due day included.
        workdays: u32,
    },
    /// Due later.
    InTime {
        /// Working days after today, the due day included.
        workdays: Option<u32>,
    },
    /// There is no deadline.
    Open,
}

impl Due {
    /// How `due_at` stands at `now`.
    ///
    /// `due_at` is the first moment that is too late: the end of the due day in Stockholm, or an earlier hour of it.
    #[must_use]
    pub fn at(now: DateTime<Utc>, due_at: Option<DateTime<Utc>>, calendar: &Calendar) -> Self {
        let Some(due_at) = due_at else { return Self::Open };
        let (today, due_day) = (stockholm_date(now), due_day(due_at));
        if now >= due_at {
            return Self::Overdue { workdays: calendar.workdays_after(due_day, today) };
        }
        if today == due_day {
            return Self::Today;
        }
        match calendar.workdays_after(today, due_day) {
            Some(workdays) if workdays <= SOON_WORKDAYS => Self::Soon { workdays },
            workdays => Self::InTime { workdays },
        }
    }

    /// A word for machines: `overdue`, `today`, `soon`, `in_time` or `open`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Overdue { .. } => "overdue",
            Self::Today => "today",
            Self::Soon { .. } => "soon",
            Self::InTime { .. } => "in_time",
            Self::Open => "open",
        }
    }

    /// The time left in Swedish, for example `2 arbetsdagar kvar` or `försenad 1 arbetsdag`.
    #[must_use]
    pub fn swedish(self) -> String {
        match self {
            Self::Overdue { workdays: Some(0) | None } => "försenad".to_owned(),
            Self::Overdue { workdays: Some(days) } => format!("försenad {}", workdays(days)),
            Self::Today => "i dag".to_owned(),
            Self::Soon { workdays: 0 } => "före nästa arbetsdag".to_owned(),
            Self::Soon { workdays: days } | Self::InTime { workdays: Some(days) } => {
                format!("{} kvar", workdays(days))
            }
            Self::InTime { workdays: None } => "i tid".to_owned(),
            Self::Open => "ingen tidsgräns".to_owned(),
        }
    }
}

/// The last day on which the work is in time, in Stockholm.
#[must_use]
pub fn due_day(due_at: DateTime<Utc>) -> NaiveDate {
    stockholm_date(due_at - Duration::milliseconds(1))
}

fn workdays(days: u32) -> String {
    format!("{days}\u{a0}{}", if days == 1 { "arbetsdag" } else { "arbetsdagar" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now: &str, due_at: &str) -> Due {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let holidays = [day("2026-04-03"), day("2026-04-06")];
        let calendar = Calendar::new(day("2026-01-01"), day("2026-12-31"), holidays);
        Due::at(now.parse().unwrap(), Some(due_at.parse().unwrap()), &calendar)
    }

    /// The end of Thursday 2 April 2026 in Stockholm; Friday is Good Friday, Monday Easter Monday.
    const END_OF_THURSDAY: &str = "2026-04-02T22:00:00Z";

    #[test]
    fn the_whole_due_day_is_in_time_and_the_next_moment_is_not() {
        assert_eq!(at("2026-04-01T22:00:00Z", END_OF_THURSDAY), Due::Today);
        assert_eq!(at("2026-04-02T21:59:59Z", END_OF_THURSDAY), Due::Today);
        assert_eq!(at(END_OF_THURSDAY, END_OF_THURSDAY), Due::Overdue { workdays: Some(0) });
    }

    #[test]
    fn a_deadline_within_the_day_is_late_from_that_hour() {
        assert_eq!(at("2026-04-02T09:59:00Z", "2026-04-02T10:00:00Z"), Due::Today);
        assert_eq!(at("2026-04-02T10:00:00Z", "2026-04-02T10:00:00Z"), Due::Overdue { workdays: Some(0) });
    }

    #[test]
    fn days_late_and_days_left_are_working_days() {
        assert_eq!(at("2026-04-07T08:00:00Z", END_OF_THURSDAY), Due::Overdue { workdays: Some(1) });
        assert_eq!(at("2026-04-01T08:00:00Z", END_OF_THURSDAY), Due::Soon { workdays: 1 });
        assert_eq!(at("2026-03-31T08:00:00Z", END_OF_THURSDAY), Due::InTime { workdays: Some(2) });
        assert_eq!(at("2026-04-02T23:00:00Z", "2026-04-07T22:00:00Z"), Due::Soon { workdays: 1 });
    }

    #[test]
    fn a_deadline_that_the_calendar_does_not_reach_is_told_without_days() {
        assert_eq!(at("2026-12-30T08:00:00Z", "2027-01-04T23:00:00Z"), Due::InTime { workdays: None });
        assert_eq!(at("2027-01-05T08:00:00Z", "2026-12-30T23:00:00Z"), Due::Overdue { workdays: None });
        assert_eq!(Due::at(DateTime::UNIX_EPOCH, None, &Calendar::default()), Due::Open);
    }

    #[test]
    fn the_time_left_is_plain_swedish() {
        assert_eq!(Due::Overdue { workdays: Some(1) }.swedish(), "försenad 1\u{a0}arbetsdag");
        assert_eq!(Due::Overdue { workdays: Some(12) }.swedish(), "försenad 12\u{a0}arbetsdagar");
        assert_eq!(Due::Overdue { workdays: Some(0) }.swedish(), "försenad");
        assert_eq!(Due::Soon { workdays: 1 }.swedish(), "1\u{a0}arbetsdag kvar");
        assert_eq!(Due::InTime { workdays: Some(2) }.swedish(), "2\u{a0}arbetsdagar kvar");
        assert_eq!(Due::InTime { workdays: None }.swedish(), "i tid");
    }

    #[test]
    fn the_most_urgent_sorts_first() {
        let mut order = [Due::Open, Due::InTime { workdays: Some(9) }, Due::Today, Due::Overdue { workdays: Some(1) }];
        order.sort();
        assert_eq!(order.map(Due::code), ["overdue", "today", "in_time", "open"]);
    }
}
