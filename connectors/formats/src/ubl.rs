//! UBL 2.1 invoices and credit notes (Peppol BIS Billing 3, EN 16931): one document is one row of
//! `supplier_invoice`.
//!
//! The document is read as a stream. What it says goes straight into Arrow columns; attachments pass by and leave
//! their size and hash. Namespaces count, prefixes do not. No DTD, no entity but the five predefined, nothing
//! external.
//!
//! *Refused* is a file that is no such document: not well-formed, another root, a DTD, over a limit. *Rejected* is a
//! document whose values cannot be used: a mandatory value is missing, an amount is no number or has too many
//! decimals, a date is none, amounts are in another currency, a value stands twice with different content.
//! Everything else is read and, where it deviates, remarked.
//!
//! Amounts are kept as written; `document_kind` tells their direction. Control totals count a credit note's amount
//! payable as negative.
//!
//! Start at [`parse`]; [`map`] says which element goes where.

use std::io::Read;

use schemas::Contract;

use crate::xml::Stop;
use crate::{ParseError, Reject, Sink, Summary, Total, Verdict, xml};

use self::walk::Walk;

mod attachment;
mod document;
mod fault;
mod map;
#[cfg(test)]
mod tests;
mod walk;

/// Reads a UBL file.
///
/// # Errors
/// When reading fails or the sink stops. A file that is wrong is no error: see [`Verdict`].
pub fn parse(input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let contract = schemas::contract(map::CONTRACT).map_err(|error| ParseError::Configuration(error.to_string()))?;
    match read(input, contract, sink) {
        Ok(summary) => Ok(summary),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Refused(finding)) => Ok(xml::refused(finding)),
    }
}

fn read(input: &mut dyn Read, contract: &'static Contract, sink: &mut dyn Sink) -> Result<Summary, Stop> {
    let mut walk = Walk::new(map::mapping()?);
    let whole = xml::read(input, &mut walk)?;
    let Some(mut document) = walk.document else {
        return Err(Stop::Failed(ParseError::Configuration("a document without a root was read".to_owned())));
    };
    let end = whole.end();
    let rejected = document.finish(end)?;
    document.remarks.extend_from_slice(&whole.remarks);
    let (amount, currency) = (document.payable(), document.currency());
    let remarks = std::mem::take(&mut document.remarks);
    let is_rejected = rejected.is_some();
    let delivered = match rejected {
        None => sink.rows(contract, document.into_row()?),
        Some(finding) => {
            let (amount, currency, raw) = (amount, currency.clone(), whole.raw());
            sink.reject(contract, Reject { ordinal: 1, start: 0, end, finding, amount, currency, raw })
        }
    };
    delivered.map_err(|error| Stop::Failed(ParseError::Sink(error)))?;
    let total = amount.zip(currency).map(|(amount, currency)| {
        let (read, rejected) = if is_rejected { (0, amount) } else { (amount, 0) };
        Total { currency, declared: None, read, rejected }
    });
    let totals = total.into_iter().collect();
    Ok(xml::summary(Verdict::Accepted, 1, u64::from(is_rejected), totals, remarks))
}
