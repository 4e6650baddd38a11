//! Tests of the camt reader, by what they hold to account.

use crate::testing::{Outcome, read};

mod conformance;
mod hostile;
mod mutations;
mod property;
mod values;

/// A statement with a batch, an outgoing payment and a lump sum; test identities only.
const STATEMENT: &str = include_str!("tests/statement.xml");
/// A notification with a payment, a reversal and a payment with charges.
const NOTIFICATION: &str = include_str!("tests/notification.xml");

fn camt(document: impl AsRef<[u8]>) -> Outcome {
    read("camt", document)
}

/// A document with one piece replaced; the first of several.
fn with(document: &str, from: &str, to: &str) -> String {
    assert!(document.contains(from), "{from}");
    document.replacen(from, to, 1)
}
