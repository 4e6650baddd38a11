//! What a queue holds: counts, sums and deadlines, from groups that the tables count.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::due::Due;
use schemas::calendar::Calendar;

/// Exceptions of one table with the same department, deadline and currency, counted by the table.
///
/// There are few of them however many exceptions there are, and they do not depend on the time of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Department; nothing where the job does not know it.
    pub department: Option<String>,
    /// When they are due.
    pub due_at: Option<DateTime<Utc>>,
    /// How many.
    pub count: u64,
    /// Currency of the amounts; nothing where the job does not tell, which means kronor.
    pub currency: Option<String>,
    /// Sum of the job's amount, in öre; nothing where it has none.
    pub sum: Option<i128>,
}

/// Sums in öre by currency: amounts in different currencies are never added. Empty where there are no amounts.
pub type Sums = BTreeMap<String, i128>;

/// A queue, or the part of it that a filter left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Exceptions.
    pub count: u64,
    /// Sums of their amounts.
    pub sums: Sums,
    /// The deadline that comes next, or the longest passed.
    pub nearest_due: Option<DateTime<Utc>>,
    /// Past their deadline.
    pub overdue: u64,
    /// Due today.
    pub today: u64,
    /// Due soon (see [`crate::due::SOON_WORKDAYS`]).
    pub soon: u64,
    /// Exceptions by department, with sums.
    pub departments: BTreeMap<Option<String>, (u64, Sums)>,
}

/// Adds up groups as they stand at `now`.
#[must_use]
pub fn summary<'a>(groups: impl IntoIterator<Item = &'a Group>, now: DateTime<Utc>, calendar: &Calendar) -> Summary {
    let mut summary = Summary::default();
    for group in groups.into_iter().filter(|group| group.count > 0) {
        summary.count += group.count;
        add(&mut summary.sums, group);
        summary.nearest_due = [summary.nearest_due, group.due_at].into_iter().flatten().min();
        match Due::at(now, group.due_at, calendar) {
            Due::Overdue { .. } => summary.overdue += group.count,
            Due::Today => summary.today += group.count,
            Due::Soon { .. } => summary.soon += group.count,
            Due::InTime { .. } | Due::Open => {}
        }
        let (count, sums) = summary.departments.entry(group.department.clone()).or_default();
        *count += group.count;
        add(sums, group);
    }
    summary
}

fn add(sums: &mut Sums, group: &Group) {
    let Some(sum) = group.sum else { return };
    let total = sums.entry(group.currency.clone().unwrap_or_else(|| "SEK".to_owned())).or_default();
    *total = total.saturating_add(sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(department: Option<&str>, due_at: Option<&str>, count: u64, sum: Option<i128>) -> Group {
        let due_at = due_at.map(|at| at.parse().unwrap());
        Group { department: department.map(str::to_owned), due_at, count, currency: None, sum }
    }

    fn sek(ore: i128) -> Sums {
        Sums::from([("SEK".to_owned(), ore)])
    }

    #[test]
    fn groups_add_up_to_the_queue() {
        let day = |text: &str| text.parse().unwrap();
        let calendar = Calendar::new(day("2026-01-01"), day("2026-12-31"), []);
        let groups = [
            group(Some("190"), Some("2026-03-30T22:00:00Z"), 2, Some(100)),
            group(Some("190"), Some("2026-03-31T22:00:00Z"), 3, Some(-250)),
            group(None, Some("2026-04-01T22:00:00Z"), 5, None),
            group(Some("311"), Some("2026-04-09T22:00:00Z"), 7, Some(7)),
            group(Some("311"), None, 11, Some(0)),
            group(Some("999"), Some("2020-01-01T22:00:00Z"), 0, None),
        ];
        let summary = summary(&groups, "2026-03-31T10:00:00Z".parse().unwrap(), &calendar);
        assert_eq!(summary.count, 28);
        assert_eq!(summary.sums, sek(-143));
        assert_eq!((summary.overdue, summary.today, summary.soon), (2, 3, 5));
        assert_eq!(summary.nearest_due, Some("2026-03-30T22:00:00Z".parse().unwrap()));
        let department = |name: Option<&str>| summary.departments.get(&name.map(str::to_owned)).cloned();
        assert_eq!(department(Some("190")), Some((5, sek(-150))));
        assert_eq!(department(None), Some((5, Sums::new())));
        assert_eq!(department(Some("311")), Some((18, sek(7))));
        assert_eq!(department(Some("999")), None);
    }

    #[test]
    fn a_queue_without_amounts_has_no_sum() {
        let groups = [group(None, None, 2, None)];
        assert_eq!(summary(&groups, DateTime::UNIX_EPOCH, &Calendar::default()).sums, Sums::new());
    }

    #[test]
    fn currencies_are_never_added() {
        let euro = Group { currency: Some("EUR".to_owned()), ..group(None, None, 1, Some(500)) };
        let groups = [euro.clone(), group(None, None, 1, Some(7)), euro];
        let sums = summary(&groups, DateTime::UNIX_EPOCH, &Calendar::default()).sums;
        assert_eq!(sums, Sums::from([("EUR".to_owned(), 1000), ("SEK".to_owned(), 7)]));
    }
}
