//! The case system: requests and questions with every way in which the service-level clock starts, stands still and ends,
//! and the day on which each is due, counted day by day.

use std::io;

use chrono::{Datelike, NaiveDate, NaiveTime};

use crate::dates::{add_days, is_bank_day};
use crate::names::DEPARTMENTS;
use crate::output::Landing;
use crate::registers::{Extract, PAUSE, REQUEST, compact};
use crate::rng::Rng;
use crate::truth::{FileTruth, RequestStatus, RequestTruth};

/// Kinds as the case system writes them, and the working days that their service levels allow.
const KINDS: [(&str, u32); 15] = [
    ("ÅTERBETALNING", 3),
    ("ANSTÅND", 1),
    ("ANSTÅND AUTOGIRO", 3),
    ("AVBETALNING", 2),
    ("KREDIT", 2),
    ("MAKULERING", 2),
    ("INKASSO", 2),
    ("FELLISTA", 1),
    ("BETALNINGSFÖRSLAG", 3),
    ("KRONOFOGDEN", 2),
    ("E-FAKTURA", 2),
    ("SERGEL", 3),
    ("AUTOGIRO", 5),
    ("FRÅGA KUND", 2),
    ("FRÅGA LEVERANTÖR", 2),
];
/// Times of day around noon and the ends of the day.
const CLOCKS: [(u32, u32, u32); 6] = [(8, 0, 0), (11, 59, 59), (12, 0, 0), (12, 0, 1), (15, 30, 0), (23, 59, 59)];
const CASES: i64 = 150;

/// A time by the clock in Stockholm.
type Moment = (NaiveDate, NaiveTime);

/// A request and what the case system says of it.
struct Request {
    id: String,
    kind: &'static str,
    days: u32,
    arrived: Moment,
    complete: Option<Moment>,
    pause: Option<(Moment, Option<Moment>)>,
    closed: Option<Moment>,
}

/// Writes the requests and the pauses as of a business date; gives the files and the truth.
///
/// # Errors
/// When a file cannot be written.
pub fn write(
    landing: &Landing,
    seed: u64,
    scale: u32,
    as_of: NaiveDate,
) -> io::Result<(Vec<FileTruth>, Vec<RequestTruth>)> {
    let mut rng = Rng::stream(seed, "requests");
    let requests: Vec<Request> = (0..CASES * i64::from(scale)).map(|number| request(&mut rng, number, as_of)).collect();
    let path = |name: &str| format!("erp/ARENDE_{name}_{}.csv", compact(Some(as_of)));
    let mut cases = Extract::create(landing, &path("BEGARAN"), &REQUEST, Some(as_of))?;
    let mut pauses = Extract::create(landing, &path("PAUS"), &PAUSE, Some(as_of))?;
    for (case, (department, _)) in requests.iter().zip(DEPARTMENTS.iter().cycle()) {
        let (complete, closed) = (written(case.complete), written(case.closed));
        let outcome = if case.closed.is_some() { "UTFÖRT" } else { "" };
        let arrived = written(Some(case.arrived));
        cases
            .row(&[&case.id, case.kind, department, "", "", "", "", "", &arrived, &complete, &closed, outcome], &[])?;
        if let Some((from, to)) = case.pause {
            pauses.row(&[&case.id, "1", &written(Some(from)), &written(to), "FÖRVALTNING"], &[])?;
        }
    }
    // 02:30 on the last Sunday in March is no time.
    let (first, last) = (&requests[0], "2026-03-29 02:30:00");
    cases.bad_row(&["X1", first.kind, "110", "", "", "", "", "", last, last, "", ""], &[])?;
    pauses.bad_row(&["X1", "1", last, "", "FÖRVALTNING"], &[])?;
    let truth = requests.iter().map(|case| truth(case, as_of)).collect();
    Ok((vec![cases.finish(None)?, pauses.finish(None)?], truth))
}

fn request(rng: &mut Rng, number: i64, as_of: NaiveDate) -> Request {
    let (kind, days) = KINDS[usize::try_from(number).unwrap_or_default() % KINDS.len()];
    let arrived = moment(rng, as_of, -80, 0);
    let complete = match rng.between(0, 9) {
        0 => None,
        1 | 2 => Some(moment(rng, arrived.0, 1, 4)),
        _ => Some(arrived),
    };
    let pause = rng.chance(25).then(|| {
        let from = moment(rng, arrived.0, 0, 6);
        let to = rng.chance(80).then(|| moment(rng, from.0, 1, 6));
        (from, to)
    });
    let closed = rng.chance(60).then(|| moment(rng, arrived.0, 4, 12));
    // nothing is known of what comes after the business date
    let known = |moment: &Moment| moment.0 <= as_of;
    Request {
        id: format!("A{:06}", 100_000 + number),
        kind,
        days,
        arrived,
        complete: complete.filter(known),
        pause: pause.filter(|(from, _)| known(from)).map(|(from, to)| (from, to.filter(known))),
        closed: closed.filter(known),
    }
}

fn truth(case: &Request, as_of: NaiveDate) -> RequestTruth {
    let due = due(case);
    let status = match (case.closed, due) {
        (Some((closed, _)), Some(due)) if closed > due => RequestStatus::ClosedLate,
        (Some(_), _) => RequestStatus::ClosedInTime,
        (None, _) if case.complete.is_none() => RequestStatus::Incomplete,
        (None, None) => RequestStatus::Paused,
        (None, Some(due)) if due < as_of => RequestStatus::Overdue,
        (None, Some(due)) if due == as_of => RequestStatus::DueToday,
        (None, Some(due)) if workdays(as_of, due) == 1 => RequestStatus::AtRisk,
        (None, Some(_)) => RequestStatus::InTime,
    };
    RequestTruth { request_id: case.id.clone(), due_day: due, status }
}

/// Counts working days from day 1, leaving out those of the pause.
fn due(case: &Request) -> Option<NaiveDate> {
    let mut day = day_one(case.complete?);
    let mut left = case.days;
    loop {
        let stands_still = match case.pause {
            Some((from, Some(to))) => day >= from.0 && day < day_one(to),
            Some((from, None)) if day >= from.0 => return None,
            _ => false,
        };
        if is_bank_day(day) && !stands_still {
            left -= 1;
            if left == 0 {
                return Some(day);
            }
        }
        day = add_days(day, 1);
    }
}

/// The first working day that counts.
fn day_one((date, clock): Moment) -> NaiveDate {
    let in_time = clock <= NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default();
    let mut day = add_days(date, if in_time { 0 } else { 1 });
    while !is_bank_day(day) {
        day = add_days(day, 1);
    }
    day
}

fn workdays(after: NaiveDate, to: NaiveDate) -> usize {
    (after.num_days_from_ce() + 1..=to.num_days_from_ce())
        .filter_map(NaiveDate::from_num_days_from_ce_opt)
        .filter(|day| is_bank_day(*day))
        .count()
}

/// A moment some days, `least` to `most`, after a date.
fn moment(rng: &mut Rng, date: NaiveDate, least: i64, most: i64) -> Moment {
    let date = add_days(date, rng.between(least, most));
    let (hour, minute, second) = CLOCKS[rng.index(CLOCKS.len())];
    (date, NaiveTime::from_hms_opt(hour, minute, second).unwrap_or_default())
}

fn written(moment: Option<Moment>) -> String {
    moment.map(|(date, clock)| format!("{date} {clock}")).unwrap_or_default()
}
