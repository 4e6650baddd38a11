//! camt.053 and camt.054 (ISO 20022): what a bank says of an account, as a statement or as it happens.
//!
//! A statement (camt.053) gives one row of `statement_entry` for each booked entry and one of `payment_in` for each
//! itemised customer payment in it. A notification (camt.054) gives payments only: what it tells is booked on a
//! statement too. Versions .001.02 to .001.13 are read; they differ in where an element stands, not in what it means.
//! camt.052 is refused: what it tells is not final and comes again.
//!
//! What this reader decides where the message definition is silent:
//!
//! - **A payment in** is a credit transaction, or a debit that takes an earlier one back (a return or a reversal),
//!   which is negative and of kind `reversal`. `CdtDbtInd` says which way the money goes; `RvslInd` does not turn it.
//!   In a notification an entry without transactions is one payment. In a statement it is none: a lump sum whose
//!   payments come by another file. Other debits of a statement stand in the entry's extension, those of a
//!   notification are remarked.
//! - **Its amount** is the transaction's own (`Amt`, else `TxAmt`, else the counter value) in the entry's currency,
//!   else the entry's if it is the only one. `InstdAmt` is what the payer ordered, never what came.
//! - **Only `BOOK`** is money; pending and other entries are counted in a remark.
//! - **Refused**, because then nothing proves that the file is whole: it is no such message, it has no statement, or
//!   the summary of a statement (`TxsSummry`) differs from its entries, counted with or without those not booked.
//! - **Rejected**, because it cannot be trusted: an entry without account, amount, direction or date and all its
//!   transactions; a transaction without an amount in the entry's currency; the rows of a statement that stands
//!   twice in the file.
//! - **Remarked**: balances that the entries do not lead from and to (no row then has a balance), transactions that do
//!   not sum to their entry, references that do not sum to their payment (they then have no amounts).
//! - **Identity** is `camt:`, the account and the bank's reference (`AcctSvcrRef`), so that a statement and a
//!   notification say the same of the same payment. Without one, or where it comes again in the file, it is the
//!   statement's identity and the number of the entry and the transaction in it, which a second delivery repeats.
//!
//! A transaction is written when it ends; an entry with a million transactions needs no more memory than one. Rows of
//! a statement are held until its end, some 16 MiB at most, because only then its balances are proven.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::Read;

use crate::fixed::Remarks;
use crate::xml::form::{Filler, Form, Id, Reader, Scopes};
use crate::xml::{self, At, Name, Place, Source, Stop};
use crate::{ParseError, Sink, Summary, Verdict};

use self::entry::{Entry, Pending};
use self::rows::{Entries, Payments};
use self::statement::Statement;
use self::totals::Totals;

pub(crate) mod account;
mod entry;
mod form;
mod reference;
mod rows;
pub(crate) mod rules;
mod statement;
#[cfg(test)]
mod tests;
mod totals;
mod transaction;

/// Namespace of all messages, before the message's name.
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:";

/// Which rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Payments and statement entries.
    All,
    /// Statement entries only, of camt.053: the payments of the account come by another file.
    Entries,
}

/// Reads a camt.053 or camt.054 file.
///
/// # Errors
/// When reading fails or the sink stops. A file that is wrong is no error: see [`Verdict`].
pub fn parse(wanted: Wanted, input: &mut dyn Read, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
    let mut filler = Filler::new(form::form(), Camt::new(wanted, sink)?);
    let outcome = match xml::read(input, &mut filler) {
        Ok(whole) => filler.reader.finish().map(|()| whole.remarks),
        Err(stop) => Err(stop),
    };
    let camt = filler.reader;
    match outcome {
        Ok(form) => {
            let mut remarks = camt.remarks.into_findings();
            remarks.extend(camt.debits.remark());
            remarks.extend(form);
            let (read, rejected) = (camt.ordinal, camt.rejected);
            Ok(xml::summary(Verdict::Accepted, read, rejected, camt.totals.finish(), remarks))
        }
        Err(Stop::Refused(finding)) => Ok(xml::refused(finding)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Which of the two messages it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Statement,
    Notification,
}

/// One file on its way through.
struct Camt<'s> {
    sink: &'s mut dyn Sink,
    wanted: Wanted,
    message: Message,
    /// Message and version: `camt.054.001.08`.
    message_name: String,
    payments: Payments,
    entries: Entries,
    /// Rows so far, accepted and rejected.
    ordinal: u64,
    rejected: u64,
    totals: Totals,
    remarks: Remarks,
    debits: totals::Debits,
    statements: u64,
    statement: Option<Statement>,
    entry: Option<Entry>,
    pending: Option<Pending>,
    references: reference::References,
    /// Identities that were given. Hashed with a random key, so that no input can make it slow.
    identities: Identities,
}

/// What has been met, in some ten bytes each.
#[derive(Default)]
struct Identities {
    keys: RandomState,
    met: HashSet<u64>,
}

impl Identities {
    /// True when it is met for the first time.
    fn is_new(&mut self, identity: &str) -> bool {
        self.met.insert(self.keys.hash_one(identity))
    }
}

impl<'s> Camt<'s> {
    fn new(wanted: Wanted, sink: &'s mut dyn Sink) -> Result<Self, ParseError> {
        Ok(Self {
            sink,
            wanted,
            message: Message::Statement,
            message_name: String::new(),
            payments: Payments::new()?,
            entries: Entries::new()?,
            ordinal: 0,
            rejected: 0,
            totals: Totals::default(),
            remarks: Remarks::default(),
            debits: totals::Debits::default(),
            statements: 0,
            statement: None,
            entry: None,
            pending: None,
            references: reference::References::default(),
            identities: Identities::default(),
        })
    }

    /// The document has ended.
    fn finish(&mut self) -> Result<(), Stop> {
        if self.statements == 0 {
            return Err(Place::START.refuse(
                "camt.no_statement",
                "/Document",
                "the message has no statement or notification",
                "meddelandet innehåller inget kontoutdrag och ingen avisering",
            ));
        }
        self.entries.flush(self.sink)?;
        self.payments.flush(self.sink)?;
        Ok(())
    }
}

impl Reader for Camt<'_> {
    const SCOPES: usize = form::SCOPES;

    fn form(&mut self, name: Name<'_>, place: Place) -> Result<&'static Form, Stop> {
        let message = name.uri.strip_prefix(NAMESPACE).filter(|_| name.local == "Document");
        self.message = match message.and_then(|message| message.split_once(".001.")) {
            Some(("camt.053", version)) if is_version(version) => Message::Statement,
            Some(("camt.054", version)) if is_version(version) && self.wanted == Wanted::All => Message::Notification,
            Some(("camt.052", _)) => {
                return Err(place.refuse(
                    "camt.interim",
                    "/Document",
                    "this is an interim report (camt.052): what it tells is not final and comes again in a statement",
                    "det här är en preliminär kontorapport (camt.052): det den anger är inte slutligt och kommer igen \
                     i ett kontoutdrag",
                ));
            }
            _ => {
                return Err(place.refuse(
                    "camt.root",
                    "",
                    "this is neither a camt.053 nor a camt.054 message of version .001.02 to .001.13",
                    "det här är varken ett camt.053- eller ett camt.054-meddelande i version .001.02 till .001.13",
                ));
            }
        };
        message.unwrap_or_default().clone_into(&mut self.message_name);
        Ok(form::form())
    }

    fn begin(&mut self, scope: Id, scopes: &mut Scopes, _: At<'_>, source: &mut Source<'_>) -> Result<(), Stop> {
        match scope {
            form::STATEMENT => {
                self.statements += 1;
                self.statement = Some(Statement::new(self.statements));
            }
            form::ENTRY => {
                self.open_statement(scopes);
                self.begin_entry();
                source.mark(0);
            }
            form::TRANSACTION => {
                self.settle_pending(scopes, false)?;
                self.open_entry(scopes);
                self.references.clear();
                source.mark(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, scope: Id, scopes: &mut Scopes, _: At<'_>, source: &mut Source<'_>) -> Result<(), Stop> {
        match scope {
            form::STATEMENT => self.end_statement(scopes),
            form::BALANCE => {
                if let Some(statement) = &mut self.statement {
                    statement.balance(scopes.of(form::BALANCE));
                }
                Ok(())
            }
            form::ENTRY => self.end_entry(scopes, source),
            form::TRANSACTION => self.end_transaction(scopes, source),
            form::STRUCTURED => {
                let span = scopes.span(form::STRUCTURED, source);
                self.references.push(scopes.of(form::STRUCTURED), span);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// 02 to 13: what was published when this was written; .01 differs in its structure.
fn is_version(version: &str) -> bool {
    version.len() == 2 && version.parse::<u8>().is_ok_and(|version| (2..=13).contains(&version))
}
