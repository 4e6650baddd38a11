//! Ground truth of the service-level clock.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How a request stands at the business date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
    /// Closed by the end of its due day.
    ClosedInTime,
    /// Closed later.
    ClosedLate,
    /// Open after its due day.
    Overdue,
    /// Due on the business date.
    DueToday,
    /// Due on the next working day.
    AtRisk,
    /// Due later.
    InTime,
    /// The clock stands still.
    Paused,
    /// The basis is not complete, so that the clock has not started.
    Incomplete,
}

/// SLA15-SLA26, SLA31, SLA63: a request and when it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestTruth {
    /// Case.
    pub request_id: String,
    /// Last day in time; none while the clock has not started or stands still.
    pub due_day: Option<NaiveDate>,
    /// How it stands.
    pub status: RequestStatus,
}
