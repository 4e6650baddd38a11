//! XML documents as a stream of named elements, for every format that is XML.
//!
//! [`read`] takes a document from its first byte to its last with bounded memory and tells a [`Visitor`] of each
//! element that it knows; what it does not know is passed over and counted. Namespaces count, prefixes do not. No
//! DTD, no entity but the five predefined, nothing external. A document that is not well-formed is refused: the
//! rules of XML that the reader of events leaves to its user are kept here.
//!
//! [`form`] is the visitor for documents that are records of texts; `ubl` has a visitor of its own.

use std::io::{BufRead, Read};

use quick_xml::Error;
use quick_xml::errors::IllFormedError;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::{Finding, Summary, Total, Verdict};

pub(crate) use self::finding::{Paths, Place, Stop};
use self::source::Failure;
pub(crate) use self::source::Source;
use self::walk::Walk;
pub(crate) use self::walk::{At, Name, Role, UNMAPPED, Visitor};

mod finding;
pub(crate) mod form;
pub(crate) mod source;
mod walk;

/// What a document was like, when it has been read.
pub(crate) struct Whole<'a> {
    source: Source<'a>,
    /// What was tolerated or passed over.
    pub remarks: Vec<Finding>,
}

impl Whole<'_> {
    /// Bytes of the file.
    pub fn end(&self) -> u64 {
        self.source.byte
    }

    /// The raw bytes from the file's first mark, which is its beginning unless the visitor moved it.
    pub fn raw(&self) -> Vec<u8> {
        self.source.raw(0)
    }
}

/// Reads a document to its end.
pub(crate) fn read<'a, V: Visitor>(input: &'a mut dyn Read, visitor: &mut V) -> Result<Whole<'a>, Stop> {
    let mut source = Source::new(input);
    source.mark(0);
    let empty = source.open().map_err(|failure| stopped(failure, Place::START, ""))?;
    if empty {
        return Err(Place::START.refuse("xml.empty", "", "the file is empty", "filen är tom"));
    }
    let mut reader = Reader::from_reader(source);
    reader.config_mut().check_comments = true;
    let mut walk = Walk::new(visitor);
    read_events(&mut reader, &mut walk)?;
    let source = reader.into_inner();
    let mut remarks = walk.remarks();
    remarks.extend(encoding_remarks(&source));
    Ok(Whole { source, remarks })
}

/// The summary of a file that is refused.
pub(crate) fn refused(finding: Finding) -> Summary {
    summary(Verdict::Refused(finding), 0, 0, Vec::new(), Vec::new())
}

/// A summary without the parts that only some formats have.
pub(crate) fn summary(
    verdict: Verdict,
    read_records: u64,
    rejected_records: u64,
    totals: Vec<Total>,
    remarks: Vec<Finding>,
) -> Summary {
    Summary {
        verdict,
        test: false,
        declared_records: None,
        read_records,
        rejected_records,
        totals,
        remarks,
        extracted_on: None,
    }
}

fn read_events<V: Visitor>(reader: &mut Reader<Source<'_>>, walk: &mut Walk<'_, V>) -> Result<(), Stop> {
    let mut buffer = Vec::with_capacity(1024);
    let mut first = true;
    loop {
        let source = reader.get_mut();
        source.begin_event();
        let place = Place { byte: source.byte, line: source.line };
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => walk.start(&element, place, reader.get_mut())?,
            Ok(Event::Empty(element)) => {
                walk.start(&element, place, reader.get_mut())?;
                walk.end(reader.get_mut())?;
            }
            Ok(Event::End(_)) => walk.end(reader.get_mut())?,
            Ok(Event::Text(text)) => walk.text(&text, place)?,
            Ok(Event::CData(text)) if walk.inside() => walk.text(&text, place)?,
            Ok(Event::GeneralRef(reference)) => walk.reference(&reference, place)?,
            Ok(Event::Decl(_)) if first => {}
            Ok(Event::Comment(_) | Event::PI(_)) => {}
            Ok(Event::DocType(_)) => {
                return Err(place.refuse(
                    "xml.dtd",
                    "",
                    "the document has a document type declaration (DTD), which is never read",
                    "dokumentet har en dokumenttypsdeklaration (DTD), vilket aldrig läses",
                ));
            }
            Ok(Event::Decl(_) | Event::CData(_)) => {
                return Err(place.not_well_formed(
                    &walk.path,
                    "a declaration or CDATA section stands in the wrong place",
                    "en deklaration eller CDATA-sektion står på fel plats",
                ));
            }
            Ok(Event::Eof) if walk.inside() || !walk.has_root() => {
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
fn stream_past<V: Visitor>(reader: &mut Reader<Source<'_>>, walk: &mut Walk<'_, V>, place: Place) -> Result<(), Stop> {
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
                "xml.encoding",
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
            "xml.encoding",
            path,
            "the file is UTF-16 or UTF-32; it should be UTF-8",
            "filen är i UTF-16 eller UTF-32; den ska vara i UTF-8",
        ),
    }
}

fn encoding_remarks(source: &Source<'_>) -> Vec<Finding> {
    let place = Place::START;
    let mut remarks = Vec::new();
    if let Some(read_as) = source.encoded.read_as {
        let declared = if source.encoded.declared.is_some() { "" } else { " (by silence)" };
        let tyst = if source.encoded.declared.is_some() { "" } else { " (genom att ingen anges)" };
        remarks.push(place.finding(
            "xml.encoding_declared",
            "",
            format!("the document is {read_as}, not the encoding it declares{declared}"),
            format!("dokumentet är i {read_as}, inte i den teckenkodning som det anger{tyst}"),
        ));
    }
    if source.encoded.byte_order_mark {
        remarks.push(place.finding(
            "xml.byte_order_mark",
            "",
            "a byte order mark was skipped",
            "en byteordningsmarkering (BOM) hoppades över",
        ));
    }
    if source.encoded.late_declaration {
        remarks.push(place.finding(
            "xml.space_before_declaration",
            "",
            "white space stands before the XML declaration",
            "blanktecken står före XML-deklarationen",
        ));
    }
    remarks
}
