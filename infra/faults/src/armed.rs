//! What the points of this process have been told to do.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{REACHED, STAGES};

/// How often is looked whether a file is there.
const LOOK: Duration = Duration::from_millis(5);

#[derive(Debug)]
struct Order {
    /// So many times the point is passed before anything happens.
    spared: AtomicU64,
    action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Kill,
    Say,
    /// Says so, and waits until there is a file of this name.
    Hold(PathBuf),
}

/// Does what this process was told to do at a point.
pub fn reach(point: &str) {
    static ORDERS: OnceLock<BTreeMap<String, Order>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let told = std::env::var("FAILPOINTS").unwrap_or_default();
        // A misspelt point would let a test pass that tests nothing.
        parse(&told).unwrap_or_else(|wrong| {
            let _ = writeln!(std::io::stderr(), "FAILPOINTS: {wrong}");
            std::process::abort()
        })
    });
    let Some(order) = orders.get(point) else { return };
    let take = |spared: u64| spared.checked_sub(1);
    if order.spared.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
        return;
    }
    match &order.action {
        // Nothing comes after this: no destructor, no flush, no other thread.
        Action::Kill => drop(signal_hook::low_level::raise(signal_hook::consts::SIGKILL)),
        Action::Say => say(point),
        Action::Hold(file) => {
            say(point);
            while !file.exists() {
                std::thread::sleep(LOOK);
            }
        }
    }
}

fn say(point: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "{REACHED}{point}");
}

fn parse(told: &str) -> Result<BTreeMap<String, Order>, String> {
    told.split(';').filter(|order| !order.is_empty()).map(parse_one).collect()
}

fn parse_one(told: &str) -> Result<(String, Order), String> {
    let (point, order) = told.split_once('=').ok_or_else(|| format!("{told} is not point=action"))?;
    if !STAGES.iter().any(|stage| [stage.before.name, stage.after.name].contains(&point)) {
        return Err(format!("there is no point {point}"));
    }
    let (spared, action) = order.split_once('*').unwrap_or(("0", order));
    let spared = spared.parse().map_err(|_| format!("{spared} is no number of times"))?;
    let action = match (action, action.strip_prefix("hold(").and_then(|rest| rest.strip_suffix(')'))) {
        ("kill", _) => Action::Kill,
        ("say", _) => Action::Say,
        (_, Some(file)) => Action::Hold(file.into()),
        _ => return Err(format!("there is no action {action}; there are kill, say and hold(file)")),
    };
    Ok((point.to_owned(), Order { spared: AtomicU64::new(spared), action }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_name_a_point_how_often_it_is_spared_and_an_action() {
        let orders = parse("journal:after=2*kill;publish:before=hold(/x/go);archive:before=say").unwrap();
        let read = |point: &str| (orders[point].spared.load(Ordering::SeqCst), orders[point].action.clone());
        assert_eq!(read("journal:after"), (2, Action::Kill));
        assert_eq!(read("publish:before"), (0, Action::Hold("/x/go".into())));
        assert_eq!(read("archive:before"), (0, Action::Say));
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn misspelt_orders_are_refused() {
        for wrong in ["journal=kill", "journal:after", "journal:after=die", "journal:after=x*kill"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
