//! The elements of an invoice, each handed to the [`Document`] as the [map](super::map) says.

use crate::columns::Columns;
use crate::xml::{At, Name, Place, Role, Source, Stop, Visitor};

use super::attachment::{Content, Decoded};
use super::document::{Document, Kind};
use super::map::{Action, Map, Mapping, ROOT, Space};

pub(super) struct Walk {
    mapping: &'static Mapping,
    /// Until the document element says what it is.
    columns: Option<Columns>,
    pub(super) document: Option<Document>,
    map: &'static Map,
    /// What the attributes of the open leaf said.
    currency: String,
    scheme: String,
    content: Option<Content>,
}

impl Walk {
    pub(super) fn new(mapping: &'static Mapping) -> Self {
        Self {
            mapping,
            columns: Some(Columns::new(&mapping.layout)),
            document: None,
            map: &mapping.invoice,
            currency: String::new(),
            scheme: String::new(),
            content: None,
        }
    }

    fn open_group(&mut self, group: usize) {
        if let Some(document) = &mut self.document {
            document.columns.open(group);
        }
    }
}

impl Visitor for Walk {
    fn prefix(&self, uri: &str) -> &'static str {
        Space::of(uri).prefix()
    }

    fn root(&mut self, name: Name<'_>, place: Place) -> Result<u16, Stop> {
        let kind = kind(Space::of(name.uri), name.local).ok_or_else(|| other_root(name, place))?;
        self.map = match kind {
            Kind::Invoice => &self.mapping.invoice,
            Kind::CreditNote => &self.mapping.credit_note,
        };
        self.document = self.columns.take().map(|columns| Document::new(kind, columns, place));
        Ok(ROOT)
    }

    fn child(&self, parent: u16, name: Name<'_>) -> u16 {
        self.map.child(parent, Space::of(name.uri), name.local)
    }

    fn role(&self, node: u16) -> Role {
        match self.map.node(node).action {
            Action::Unmapped | Action::Embedded { .. } => Role::Passed,
            action if action.is_leaf() => Role::Leaf,
            _ => Role::Structure,
        }
    }

    fn open(&mut self, node: u16, _: At<'_>, _: &mut Source<'_>) -> Result<(), Stop> {
        match self.map.node(node).action {
            Action::One(group) | Action::Each(group, _) => self.open_group(group),
            Action::Embedded { .. } => self.content = Some(Content::new()),
            _ => {
                self.currency.clear();
                self.scheme.clear();
            }
        }
        Ok(())
    }

    fn attribute(&mut self, node: u16, name: &str, value: &str, at: At<'_>) -> Result<(), Stop> {
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
                    document.value(*target, value, at.place, at.path)?;
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, node: u16, text: &str, at: At<'_>, _: &mut Source<'_>) -> Result<(), Stop> {
        let Some(document) = &mut self.document else { return Ok(()) };
        let At { place, path } = at;
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
        Ok(())
    }

    fn pass(&mut self, piece: &[u8]) {
        if let Some(content) = &mut self.content {
            content.feed(piece);
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
fn other_root(name: Name<'_>, place: Place) -> Stop {
    let what = if name.uri.starts_with("urn:sfti:") {
        "Svefaktura 1.0".to_owned()
    } else if name.uri.starts_with("urn:un:unece:uncefact:data:standard:CrossIndustryInvoice") {
        "UN/CEFACT CII".to_owned()
    } else if name.uri.starts_with("http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader") {
        "SBDH".to_owned()
    } else {
        name.local.chars().take(64).collect()
    };
    place.refuse(
        "ubl.root",
        "",
        format!("the document ({what}) is neither a UBL 2 Invoice nor a UBL 2 CreditNote"),
        format!("dokumentet ({what}) är varken en UBL 2-faktura (Invoice) eller en UBL 2-kreditnota (CreditNote)"),
    )
}
