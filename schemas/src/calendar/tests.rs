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
