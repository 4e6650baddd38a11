//! SLA15-SLA26, SLA31, SLA63: when requests are due, how they stand, and which are on the team leader's list.

use city::truth::{RequestStatus, Truth};

use crate::folder::Folder;
use crate::score::{Score, keyed};

const fn status(status: RequestStatus) -> &'static str {
    match status {
        RequestStatus::ClosedInTime => "closed_in_time",
        RequestStatus::ClosedLate => "closed_late",
        RequestStatus::Overdue => "overdue",
        RequestStatus::DueToday => "due_today",
        RequestStatus::AtRisk => "at_risk",
        RequestStatus::InTime => "in_time",
        RequestStatus::Paused => "paused",
        RequestStatus::Incomplete => "incomplete",
    }
}

pub fn score(score: &mut Score, folder: &Folder, truth: &Truth) {
    let expected = keyed(
        truth
            .requests
            .iter()
            .map(|request| (request.request_id.clone(), (request.due_day, status(request.status).to_owned()))),
    );
    let found = keyed(
        folder
            .query("select request_id, due_day, status from sla_request")
            .iter()
            .map(|row| (row.text("request_id"), (row.some_date("due_day"), row.text("status")))),
    );
    score.compare("requests and their due days (SLA15-SLA31)", &expected, &found);

    let urgent = [RequestStatus::Overdue, RequestStatus::DueToday, RequestStatus::AtRisk];
    let expected = keyed(
        truth
            .requests
            .iter()
            .filter(|request| urgent.contains(&request.status))
            .map(|request| (request.request_id.clone(), request.due_day)),
    );
    let found = keyed(
        folder
            .query("select request_id, due_on from sla_breach")
            .iter()
            .map(|row| (row.text("request_id"), row.some_date("due_on"))),
    );
    score.compare("exceptions: requests late or nearly so (SLA15-SLA31)", &expected, &found);
}
