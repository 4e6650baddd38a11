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

use std::io::{BufRead, Read};

use quick_xml::Error;
use quick_xml::errors::IllFormedError;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use schemas::Contract;

use crate::{ParseError, Reject, Sink, Summary, Total, Verdict};

use self::finding::{Place, Stop};
use self::source::{Failure, Source};
use self::walk::Walk;

mod attachment;
mod columns;
mod document;
mod finding;
mod map;
mod source;
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
        Err(Stop::Refused(finding)) => Ok(Summary {
            verdict: Verdict::Refused(finding),
            test: false,
            declared_records: None,
            read_records: 0,
            rejected_records: 0,
            totals: Vec::new(),
            remarks: Vec::new(),
            extracted_on: None,
        }),
    }
}

fn read(input: &mut dyn Read, contract: &'static Contract, sink: &mut dyn Sink) -> Result<Summary, Stop> {
    let mut walk = Walk::new(map::mapping()?);
    let mut source = Source::new(input);
    let empty = source.open().map_err(|failure| stopped(failure, Place::START, ""))?;
    if empty {
        return Err(Place::START.refuse("ubl.empty", "", "the file is empty", "filen är tom"));
    }
    let mut reader = Reader::from_reader(source);
    reader.config_mut().check_comments = true;
    read_events(&mut reader, &mut walk)?;
    deliver(reader.into_inner(), walk, contract, sink)
}

fn read_events(reader: &mut Reader<Source<'_>>, walk: &mut Walk) -> Result<(), Stop> {
    let mut buffer = Vec::with_capacity(1024);
    let mut first = true;
    loop {
        let source = reader.get_mut();
        source.begin_event();
        let place = Place { byte: source.byte, line: source.line };
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => walk.start(&element, place)?,
            Ok(Event::Empty(element)) => {
                walk.start(&element, place)?;
                walk.end()?;
            }
            Ok(Event::End(_)) => walk.end()?,
            Ok(Event::Text(text)) => walk.text(&text, place)?,
            Ok(Event::CData(text)) if walk.inside() => walk.text(&text, place)?,
            Ok(Event::GeneralRef(reference)) => walk.reference(&reference, place)?,
            Ok(Event::Decl(_)) if first => {}
            Ok(Event::Comment(_) | Event::PI(_)) => {}
            Ok(Event::DocType(_)) => {
                return Err(place.refuse(
                    "ubl.dtd",
                    "",
                    "the document has a document type declaration (DTD), which invoices must not have",
                    "dokumentet har en dokumenttypsdeklaration (DTD), vilket fakturor inte får ha",
                ));
            }
            Ok(Event::Decl(_) | Event::CData(_)) => {
                return Err(place.not_well_formed(
                    &walk.path,
                    "a declaration or CDATA section stands in the wrong place",
                    "en deklaration eller CDATA-sektion står på fel plats",
                ));
            }
            Ok(Event::Eof) if walk.inside() || walk.document.is_none() => {
                return Err(place.not_well_formed(
                    &walk.path,
                    "the document ends before its root element",
                    "dokumentet tar slut före rotelementet",
                ));
            }
            Ok(Event::Eof) => return Ok(()),
            Err(error) => return Err(broken(&error, reader.get_mut(), place, &walk.path)),
        }
        first = false;
        if walk.streams() {
            stream_past(reader, walk, place)?;
        }
    }
}

/// Passes over text up to the next markup or reference without holding it.
fn stream_past(reader: &mut Reader<Source<'_>>, walk: &mut Walk, place: Place) -> Result<(), Stop> {
    loop {
        reader.get_mut().begin_event();
        let mut stream = reader.stream();
        let Ok(piece) = stream.fill_buf() else {
            let failure = reader.get_mut().failure.take();
            return Err(stopped(failure.unwrap_or(Failure::TooLong), place, &walk.path));
        };
        let end = memchr::memchr2(b'<', b'&', piece);
        let passed = end.unwrap_or(piece.len());
        walk.pass(&piece[..passed]);
        stream.consume(passed);
        if end.is_some() || passed == 0 {
            return Ok(());
        }
    }
}

/// What stopped the reader of events.
fn broken(error: &Error, source: &mut Source<'_>, place: Place, path: &str) -> Stop {
    if let Some(failure) = source.failure.take() {
        return stopped(failure, place, path);
    }
    let (en, sv) = match error {
        Error::Encoding(_) => {
            return place.refuse(
                "ubl.encoding",
                path,
                "the text is neither UTF-8 throughout nor ISO-8859-1 throughout",
                "texten är varken genomgående UTF-8 eller genomgående ISO-8859-1",
            );
        }
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)) => {
            ("an end tag does not match its start tag", "en sluttagg hör inte ihop med sin starttagg")
        }
        Error::IllFormed(IllFormedError::UnclosedReference) => {
            ("an & does not begin a reference", "ett &-tecken inleder ingen referens")
        }
        Error::IllFormed(IllFormedError::DoubleHyphenInComment) => {
            ("a comment holds two hyphens", "en kommentar innehåller två bindestreck")
        }
        Error::Syntax(_) => {
            ("a tag, comment or section is not closed", "en tagg, kommentar eller sektion är inte avslutad")
        }
        _ => ("the markup is written wrongly", "uppmärkningen är felaktigt skriven"),
    };
    place.not_well_formed(path, en, sv)
}

fn stopped(failure: Failure, place: Place, path: &str) -> Stop {
    match failure {
        Failure::Input(error) => Stop::Failed(error.into()),
        Failure::TooLong => walk::too_long(place, path),
        Failure::Wide => place.refuse(
            "ubl.encoding",
            path,
            "the file is UTF-16 or UTF-32; e-invoices are UTF-8",
            "filen är i UTF-16 eller UTF-32; e-fakturor ska vara i UTF-8",
        ),
    }
}

fn deliver(
    mut source: Source<'_>,
    mut walk: Walk,
    contract: &'static Contract,
    sink: &mut dyn Sink,
) -> Result<Summary, Stop> {
    walk.remark_form();
    let Some(mut document) = walk.document else {
        return Err(Stop::Failed(ParseError::Configuration("a document without a root was read".to_owned())));
    };
    let end = source.byte;
    let rejected = document.finish(end)?;
    document.remarks.extend(encoding_remarks(&source));
    let (amount, currency) = (document.payable(), document.currency());
    let remarks = std::mem::take(&mut document.remarks);
    let is_rejected = rejected.is_some();
    let delivered = match rejected {
        None => sink.rows(contract, document.into_row()?),
        Some(finding) => {
            let (amount, currency, raw) = (amount, currency.clone(), source.head());
            sink.reject(contract, Reject { ordinal: 1, start: 0, end, finding, amount, currency, raw })
        }
    };
    delivered.map_err(|error| Stop::Failed(ParseError::Sink(error)))?;
    let total = amount.zip(currency).map(|(amount, currency)| {
        let (read, rejected) = if is_rejected { (0, amount) } else { (amount, 0) };
        Total { currency, declared: None, read, rejected }
    });
    Ok(Summary {
        verdict: Verdict::Accepted,
        test: false,
        declared_records: None,
        read_records: 1,
        rejected_records: u64::from(is_rejected),
        totals: total.into_iter().collect(),
        remarks,
        extracted_on: None,
    })
}

fn encoding_remarks(source: &Source<'_>) -> Vec<crate::Finding> {
    let place = Place::START;
    let mut remarks = Vec::new();
    if let Some(read_as) = source.encoded.read_as {
        let declared = if source.encoded.declared.is_some() { "" } else { " (by silence)" };
        let tyst = if source.encoded.declared.is_some() { "" } else { " (genom att ingen anges)" };
        remarks.push(place.finding(
            "ubl.encoding_declared",
            "",
            format!("the document is {read_as}, not the encoding it declares{declared}"),
            format!("dokumentet är i {read_as}, inte i den teckenkodning som det anger{tyst}"),
        ));
    }
    if source.encoded.late_declaration {
        remarks.push(place.finding(
            "ubl.space_before_declaration",
            "",
            "white space stands before the XML declaration",
            "blanktecken står före XML-deklarationen",
        ));
    }
    remarks
}
