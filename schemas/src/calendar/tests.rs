use std::sync::Arc;

use super::*;

/// March and April 2026: Good Friday is 3 April, Easter Monday 6 April.
fn spring() -> Calendar {
    Calendar::new(date("2026-03-01"), date("2026-04-30"), [date("2026-04-03"), date("2026-04-06")])
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn noon_counts_to_the_same_day_and_a_second_later_to_the_next() {
    let calendar = spring();
    assert_eq!(calendar.day_one(utc("2026-03-12T11:00:00Z")), Some(date("2026-03-12")), "12:00:00 in winter time");
    assert_eq!(calendar.day_one(utc("2026-03-12T11:00:01Z")), Some(date("2026-03-13")));
    assert_eq!(calendar.day_one(utc("2026-04-09T10:00:00Z")), Some(date("2026-04-09")), "12:00:00 in summer time");
    assert_eq!(calendar.day_one(utc("2026-04-09T10:00:01Z")), Some(date("2026-04-10")));
}

#[test]
fn what_comes_in_on_a_free_day_starts_on_the_next_working_day() {
    assert_eq!(spring().day_one(utc("2026-04-03T07:00:00Z")), Some(date("2026-04-07")), "Good Friday to Tuesday");
}

#[test]
fn day_one_is_counted() {
    let calendar = spring();
    assert_eq!(calendar.workday_add(date("2026-04-01"), 1), Some(date("2026-04-01")));
    assert_eq!(calendar.workday_add(date("2026-04-01"), 3), Some(date("2026-04-07")), "Easter is jumped over");
    let due = calendar.due(utc("2026-04-01T08:00:00Z"), &ServiceLevel::WorkingDays(3));
    assert_eq!(due, Some(utc("2026-04-07T22:00:00Z")), "the end of Tuesday 7 April in Stockholm");
}

#[test]
fn weekly_work_on_a_free_day_moves_to_the_next_working_day() {
    let due = spring().due(utc("2026-04-01T08:00:00Z"), &ServiceLevel::Weekly(Weekday::Fri));
    assert_eq!(due, Some(utc("2026-04-07T22:00:00Z")));
}

#[test]
fn monthly_work_that_is_past_moves_to_the_next_month() {
    let calendar = spring();
    let second = ServiceLevel::MonthlyWorkday(2);
    assert_eq!(calendar.due(utc("2026-03-03T08:00:00Z"), &second), Some(utc("2026-03-03T23:00:00Z")));
    assert_eq!(calendar.due(utc("2026-03-04T08:00:00Z"), &second), Some(utc("2026-04-02T22:00:00Z")));
}

#[test]
fn a_date_outside_the_calendar_has_no_answer() {
    let calendar = spring();
    assert_eq!(calendar.workday_add(date("2027-01-04"), 1), None);
    assert_eq!(calendar.previous_workday(date("2025-01-04")), None);
    assert_eq!(calendar.nth_workday(date("2026-03-15"), 40), None);
}

#[test]
fn months_are_counted_from_both_ends() {
    let calendar = spring();
    assert_eq!(calendar.nth_workday(date("2026-04-20"), 2), Some(date("2026-04-02")));
    assert_eq!(calendar.nth_last_workday(date("2026-03-02"), 2), Some(date("2026-03-30")));
    assert_eq!(calendar.previous_workday(date("2026-04-07")), Some(date("2026-04-02")));
    assert_eq!(calendar.workdays_after(date("2026-04-02"), date("2026-04-08")), Some(2));
    assert_eq!(calendar.workdays_after(date("2026-04-02"), date("2026-04-06")), Some(0));
    assert_eq!(calendar.workdays_after(date("2026-04-08"), date("2026-04-02")), Some(0));
    assert_eq!(calendar.workdays_after(date("2026-04-08"), date("2026-05-02")), None);
    assert_eq!(calendar.is_workday(date("2026-04-03")), Some(false));
    assert_eq!(calendar.is_workday(date("2026-04-07")), Some(true));
}

/// The turn of the year: Christmas Eve to Boxing Day, New Year's Eve and Day and Epiphany are free.
fn turn_of_the_year() -> Calendar {
    let off = ["2026-12-24", "2026-12-25", "2026-12-31", "2027-01-01", "2027-01-06"];
    Calendar::new(date("2026-11-01"), date("2027-02-28"), off.map(date))
}

#[test]
fn days_0_1_and_2_of_a_closing_are_counted_from_the_end_of_the_month() {
    let calendar = turn_of_the_year();
    let days: Vec<_> = (0..3).map(|n| calendar.closing_day(date("2026-12-10"), n).unwrap().to_string()).collect();
    assert_eq!(days, ["2026-12-30", "2027-01-04", "2027-01-05"]);
    let due = |received: &str, n| calendar.due(utc(received), &ServiceLevel::PeriodClose(n));
    assert_eq!(due("2026-12-10T08:00:00Z", 0), Some(utc("2026-12-30T23:00:00Z")));
    assert_eq!(
        due("2026-12-10T08:00:00Z", 2),
        Some(utc("2027-01-05T23:00:00Z")),
        "of this month, not day 2 of the last"
    );
    assert_eq!(due("2027-01-04T08:00:00Z", 2), Some(utc("2027-01-05T23:00:00Z")), "December is still being closed");
    assert_eq!(due("2027-01-05T11:00:01Z", 2), Some(utc("2027-02-02T23:00:00Z")), "after noon of day 2: January's");
}

#[test]
fn decided_closing_days_come_before_the_default() {
    use arrow::array::{ArrayRef, Date32Array};
    let column = |name: &str, day: &str| {
        (name.to_owned(), Arc::new(Date32Array::from(vec![Date32Type::from_naive_date(date(day))])) as ArrayRef)
    };
    let decided = RecordBatch::try_from_iter([
        column("period", "2026-12-01"),
        column("day_0", "2026-12-29"),
        column("day_1", "2027-01-05"),
        column("day_2", "2027-01-07"),
        column("valid_from", "2026-11-15"),
    ])
    .unwrap();
    let due = |on| {
        let calendar = turn_of_the_year().with_closings(&decided, date(on));
        calendar.due(utc("2026-12-10T08:00:00Z"), &ServiceLevel::PeriodClose(2))
    };
    assert_eq!(due("2026-11-15"), Some(utc("2027-01-07T23:00:00Z")));
    assert_eq!(due("2026-11-14"), Some(utc("2027-01-05T23:00:00Z")), "not yet decided");
}

#[test]
fn a_local_time_is_read_with_the_clock_of_its_day() {
    let moment = |text: &str| stockholm_time(text.parse().unwrap());
    assert_eq!(moment("2026-03-28T12:00:00"), Some(utc("2026-03-28T11:00:00Z")));
    assert_eq!(moment("2026-03-29T12:00:00"), Some(utc("2026-03-29T10:00:00Z")));
    assert_eq!(moment("2026-03-29T02:30:00"), None, "there is no such time");
    assert_eq!(moment("2026-10-25T02:30:00"), Some(utc("2026-10-25T00:30:00Z")), "the first of two");
}

#[test]
fn a_closing_day_of_zero_is_a_rule_and_one_of_three_is_none() {
    assert_eq!(ServiceLevel::parse("period_close", Some(0), None), Some(ServiceLevel::PeriodClose(0)));
    assert_eq!(ServiceLevel::parse("period_close", Some(3), None), None);
}
