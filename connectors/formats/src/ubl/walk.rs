//! The document's elements, one event after the other: names resolved, rules of XML kept that the reader of events
//! leaves to its user, values handed to the [`Document`].

use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart};
use quick_xml::name::{Namespace, NamespaceResolver, ResolveResult};

use super::attachment::{Content, Decoded};
use super::columns::Columns;
use super::document::{Document, Kind};
use super::finding::{Paths, Place, Stop};
use super::map::{Action, Map, Mapping, ROOT, Space, UNMAPPED};
use super::source::MAX_EVENT;

/// Elements inside each other at most; UBL needs about a dozen.
const MAX_DEPTH: usize = 64;
/// Attributes of an element at most.
const MAX_ATTRIBUTES: usize = 64;

/// An open element.
struct Level {
    node: u16,
    /// It holds an element or text.
    content: bool,
    /// Length of the path without it.
    path: usize,
    place: Place,
}

pub(super) struct Walk {
    mapping: &'static Mapping,
    /// Until the document element says what it is.
    columns: Option<Columns>,
    pub(super) document: Option<Document>,
    map: &'static Map,
    resolver: NamespaceResolver,
    stack: Vec<Level>,
    pub(super) path: String,
    /// Text of the open leaf, and what its attributes said.
    text: String,
    currency: String,
    scheme: String,
    content: Option<Content>,
    unmapped: Paths,
    empty: Paths,
}

impl Walk {
    pub(super) fn new(mapping: &'static Mapping) -> Self {
        Self {
            mapping,
            columns: Some(Columns::new(&mapping.layout)),
            document: None,
            map: &mapping.invoice,
            resolver: NamespaceResolver::default(),
            stack: Vec::with_capacity(16),
            path: String::with_capacity(256),
            text: String::new(),
            currency: String::new(),
            scheme: String::new(),
            content: None,
            unmapped: Paths::default(),
            empty: Paths::default(),
        }
    }

    /// True inside of what is passed over without being held: elements that are not mapped, attachments.
    pub(super) fn streams(&self) -> bool {
        self.stack
            .last()
            .is_some_and(|level| matches!(self.map.node(level.node).action, Action::Unmapped | Action::Embedded { .. }))
    }

    /// True while an element is open.
    pub(super) fn inside(&self) -> bool {
        !self.stack.is_empty()
    }

    /// An element begins.
    pub(super) fn start(&mut self, element: &BytesStart<'_>, place: Place) -> Result<(), Stop> {
        if self.stack.is_empty() && self.document.is_some() {
            return Err(place.not_well_formed("", "there is a second root element", "det finns ett andra rotelement"));
        }
        if self.stack.len() == MAX_DEPTH {
            return Err(place.refuse(
                "ubl.depth",
                &self.path,
                format!("more than {MAX_DEPTH} elements inside each other"),
                format!("fler än {MAX_DEPTH} element i varandra"),
            ));
        }
        let namespaces = self.resolver.push(element);
        namespaces.map_err(|_| {
            place.not_well_formed(&self.path, "a namespace is declared wrongly", "en namnrymd är felaktigt angiven")
        })?;
        let (space, name) = self.resolver.resolve_element(element.name());
        let name = name.into_inner();
        let uri = match space {
            ResolveResult::Bound(Namespace(uri)) => uri,
            ResolveResult::Unbound => "",
            ResolveResult::Unknown(_) => return Err(self.undeclared_prefix(place)),
        };
        let space = Space::of(uri);
        let node = match self.stack.last_mut() {
            Some(parent) => {
                parent.content = true;
                self.map.child(parent.node, space, name)
            }
            None => {
                let kind = kind(space, name).ok_or_else(|| other_root(uri, name, place))?;
                self.map = match kind {
                    Kind::Invoice => &self.mapping.invoice,
                    Kind::CreditNote => &self.mapping.credit_note,
                };
                self.document = self.columns.take().map(|columns| Document::new(kind, columns, place));
                ROOT
            }
        };
        let path = self.path.len();
        self.path.push('/');
        self.path.push_str(space.prefix());
        self.path.push_str(name);
        if node == UNMAPPED {
            self.check_name(name, place)?;
            if self.stack.last().is_some_and(|parent| parent.node != UNMAPPED) {
                self.unmapped.count(&self.path, place);
            }
        }
        self.stack.push(Level { node, content: false, path, place });
        let action = self.map.node(node).action;
        match action {
            Action::One(group) | Action::Each(group, _) => self.open(group),
            Action::Embedded { .. } => self.content = Some(Content::new()),
            _ if action.is_leaf() => {
                self.text.clear();
                self.currency.clear();
                self.scheme.clear();
            }
            _ => {}
        }
        if element.attributes_raw().is_empty() { Ok(()) } else { self.attributes(element, node, place) }
    }

    fn open(&mut self, group: usize) {
        if let Some(document) = &mut self.document {
            document.columns.open(group);
        }
    }

    /// Element names that are mapped are right; of others the first character is looked at.
    fn check_name(&self, name: &str, place: Place) -> Result<(), Stop> {
        let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.') || !c.is_ascii();
        let first = name.chars().next();
        if first.is_some_and(|c| c.is_alphabetic() || c == '_') && name.chars().all(good) {
            return Ok(());
        }
        Err(place.not_well_formed(&self.path, "an element has no valid name", "ett element har ett ogiltigt namn"))
    }

    fn undeclared_prefix(&self, place: Place) -> Stop {
        place.not_well_formed(
            &self.path,
            "a prefix is not bound to a namespace",
            "ett prefix är inte knutet till någon namnrymd",
        )
    }

    fn attributes(&mut self, element: &BytesStart<'_>, node: u16, place: Place) -> Result<(), Stop> {
        let wrong = |path: &str| {
            place.not_well_formed(path, "an attribute is written wrongly", "ett attribut är felaktigt skrivet")
        };
        // Looking for a name that stands twice costs an allocation, which the usual one attribute need not pay.
        let several = memchr::memchr_iter(b'=', element.attributes_raw().as_bytes()).nth(1).is_some();
        for (index, attribute) in element.attributes().with_checks(several).enumerate() {
            if index == MAX_ATTRIBUTES {
                return Err(place.refuse(
                    "ubl.attributes",
                    &self.path,
                    format!("an element has more than {MAX_ATTRIBUTES} attributes"),
                    format!("ett element har fler än {MAX_ATTRIBUTES} attribut"),
                ));
            }
            let attribute = attribute.map_err(|_| wrong(&self.path))?;
            let name = attribute.key.into_inner();
            if attribute.value.contains('<') {
                return Err(wrong(&self.path));
            }
            if name.contains(':')
                && !name.starts_with("xmlns:")
                && matches!(self.resolver.resolve_attribute(attribute.key).0, ResolveResult::Unknown(_))
            {
                return Err(self.undeclared_prefix(place));
            }
            let value = unescape(&attribute.value).map_err(|_| self.entity(place))?;
            self.attribute(node, name, value.trim(), place)?;
        }
        Ok(())
    }

    fn attribute(&mut self, node: u16, name: &str, value: &str, place: Place) -> Result<(), Stop> {
        match (self.map.node(node).action, name) {
            (Action::Amount(_) | Action::TaxTotal, "currencyID") => self.currency.push_str(value),
            (Action::Schemed(_), "schemeID") => self.scheme.push_str(value),
            (action, _) => {
                let found = self.map.node(node).attributes.iter().find(|(mapped, _)| *mapped == name);
                let (Some((_, target)), Some(document)) = (found, &mut self.document) else { return Ok(()) };
                // The attributes of a repeated element belong to a value that is not kept.
                let repeated = match action {
                    Action::Value(value) => !document.columns.is_empty(value),
                    Action::Embedded { size, .. } => !document.columns.is_empty(size),
                    _ => false,
                };
                if !value.is_empty() && !repeated {
                    document.value(*target, value, place, &self.path)?;
                }
            }
        }
        Ok(())
    }

    /// An element ends.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        let Some(level) = self.stack.pop() else { return Ok(()) };
        self.resolver.pop();
        let Level { node, content, path: parent, place } = level;
        if !content {
            self.empty.count(&self.path, place);
        }
        let Some(document) = &mut self.document else { return Ok(()) };
        let path = &self.path;
        let text = self.text.trim_matches(WHITE_SPACE);
        match self.map.node(node).action {
            Action::Unmapped | Action::Structure | Action::Known | Action::One(_) => {}
            Action::Value(target) if text.is_empty() && document.columns.layout().is_text(target) => {}
            Action::Value(target) => document.value(target, text, place, path)?,
            Action::Amount(target) => {
                document.currency_met(&self.currency, place, path);
                document.value(target, text, place, path)?;
            }
            Action::TaxTotal => document.tax_total(text, &self.currency, place, path),
            Action::Schemed(_) if text.is_empty() => {}
            Action::Schemed(target) if self.scheme.is_empty() => document.value(target, text, place, path)?,
            Action::Schemed(target) => document.value(target, &format!("{}:{text}", self.scheme), place, path)?,
            Action::Aside(aside) => document.set_aside(aside, text),
            Action::PartyTax { vat, other } => document.party_tax(vat, other, place, path)?,
            Action::Each(group, closing) => document.close_item(group, closing, place, path),
            Action::Embedded { size, sha256 } => match self.content.take().map(Content::finish) {
                Some(Decoded::Content { size: bytes, sha256: hash }) => {
                    if document.columns.is_empty(size) {
                        document.columns.put_long(size, bytes);
                        document.value(sha256, &hash, place, path)?;
                    } else {
                        document.ignored.count(path, place);
                    }
                }
                Some(Decoded::Broken) => document.remarks.push(place.finding(
                    "ubl.attachment",
                    path,
                    "the attachment is no base64; its size and hash are unknown",
                    "bilagan är inte base64-kodad; dess storlek och kontrollsumma är okända",
                )),
                Some(Decoded::Empty) | None => {}
            },
        }
        self.path.truncate(parent);
        Ok(())
    }

    /// Text as it stands between two tags or references.
    pub(super) fn text(&mut self, piece: &str, place: Place) -> Result<(), Stop> {
        let Some(first) = piece.bytes().position(|byte| !is_white_space(byte)) else {
            return self.push_text(piece, place);
        };
        let control = |byte| byte < b' ' && !is_white_space(byte);
        if piece.bytes().skip(first).any(control) {
            return Err(place.not_well_formed(
                &self.path,
                "a control character stands in the text",
                "texten innehåller ett styrtecken",
            ));
        }
        let Some(level) = self.stack.last_mut() else { return Err(outside(place)) };
        level.content = true;
        match self.map.node(level.node).action {
            action if action.is_leaf() => self.push_text(piece, place)?,
            Action::Unmapped | Action::Embedded { .. } => self.pass(piece.as_bytes()),
            _ => self.unmapped.count(&format!("{}/text()", self.path), place),
        }
        Ok(())
    }

    /// Adds to the text of the open leaf, if there is one.
    fn push_text(&mut self, piece: &str, place: Place) -> Result<(), Stop> {
        if !self.stack.last().is_some_and(|level| self.map.node(level.node).action.is_leaf()) {
            return Ok(());
        }
        if self.text.len() + piece.len() > MAX_EVENT {
            return Err(too_long(place, &self.path));
        }
        if piece.contains('\r') {
            self.text.push_str(&piece.replace("\r\n", "\n").replace('\r', "\n"));
        } else {
            self.text.push_str(piece);
        }
        Ok(())
    }

    /// A piece of text inside of what is streamed past.
    pub(super) fn pass(&mut self, piece: &[u8]) {
        if let Some(level) = self.stack.last_mut() {
            level.content = level.content || !piece.iter().all(u8::is_ascii_whitespace);
        }
        if let Some(content) = &mut self.content {
            content.feed(piece);
        }
    }

    /// A reference: one of the five predefined entities or a character. Anything else would need a DTD.
    pub(super) fn reference(&mut self, reference: &BytesRef<'_>, place: Place) -> Result<(), Stop> {
        if !self.inside() {
            return Err(outside(place));
        }
        let mut buffer = [0; 4];
        let text = match reference.resolve_char_ref() {
            Ok(Some(character)) if is_xml_character(character) => &*character.encode_utf8(&mut buffer),
            Ok(None) => resolve_xml_entity(&reference.xml10_content()).ok_or_else(|| self.entity(place))?,
            _ => return Err(self.entity(place)),
        };
        self.text(text, place)
    }

    fn entity(&self, place: Place) -> Stop {
        place.refuse(
            "ubl.entity",
            &self.path,
            "a reference is neither to a character nor to one of the five predefined entities",
            "en referens gäller varken ett tecken eller någon av de fem fördefinierade entiteterna",
        )
    }

    /// Adds what was seen of the document's form to its remarks.
    pub(super) fn remark_form(&mut self) {
        let remarks = [
            self.unmapped.remark("ubl.unmapped", "elements are not in the contract", "element ingår inte i kontraktet"),
            self.empty.remark("ubl.empty_elements", "elements are empty", "element är tomma"),
        ];
        if let Some(document) = &mut self.document {
            document.remarks.extend(remarks.into_iter().flatten());
        }
    }
}

fn kind(space: Space, name: &str) -> Option<Kind> {
    match (space, name) {
        (Space::Invoice, "Invoice") => Some(Kind::Invoice),
        (Space::CreditNote, "CreditNote") => Some(Kind::CreditNote),
        _ => None,
    }
}

/// Refuses a document of another kind; names those that suppliers are known to send.
fn other_root(uri: &str, name: &str, place: Place) -> Stop {
    let what = if uri.starts_with("urn:sfti:") {
        "Svefaktura 1.0".to_owned()
    } else if uri.starts_with("urn:un:unece:uncefact:data:standard:CrossIndustryInvoice") {
        "UN/CEFACT CII".to_owned()
    } else if uri.starts_with("http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader") {
        "SBDH".to_owned()
    } else {
        name.chars().take(64).collect()
    };
    place.refuse(
        "ubl.root",
        "",
        format!("the document ({what}) is neither a UBL 2 Invoice nor a UBL 2 CreditNote"),
        format!("dokumentet ({what}) är varken en UBL 2-faktura (Invoice) eller en UBL 2-kreditnota (CreditNote)"),
    )
}

/// What XML calls white space.
pub(super) const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

const fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

pub(super) fn too_long(place: Place, path: &str) -> Stop {
    place.refuse(
        "ubl.too_long",
        path,
        format!("a text, tag or comment is longer than {MAX_EVENT} bytes"),
        format!("en text, tagg eller kommentar är längre än {MAX_EVENT} byte"),
    )
}

fn outside(place: Place) -> Stop {
    place.not_well_formed("", "text stands outside the root element", "text står utanför rotelementet")
}

fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
