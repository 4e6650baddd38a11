//! The document's elements, one event after the other: names resolved, rules of XML kept that the reader of events
//! leaves to its user, texts and attributes handed to the [`Visitor`].

use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart};
use quick_xml::name::{Namespace, NamespaceResolver, ResolveResult};

use super::finding::{Paths, Place, Stop};
use super::source::{MAX_EVENT, Source};
use crate::Finding;

/// Elements inside each other at most; the formats need about a dozen.
const MAX_DEPTH: usize = 64;
/// Attributes of an element at most.
const MAX_ATTRIBUTES: usize = 64;

/// The node of an element that the visitor does not know: passed over with all that it holds.
pub(crate) const UNMAPPED: u16 = 0;

/// What XML calls white space.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// An element's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'a> {
    /// Its namespace; empty where it has none.
    pub uri: &'a str,
    /// The name without prefix.
    pub local: &'a str,
}

/// Where an element is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    pub place: Place,
    pub path: &'a str,
}

/// What becomes of an element's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is wanted as a whole.
    Leaf,
    /// There should be none.
    Structure,
    /// It is streamed past.
    Passed,
}

/// Knows the elements of a format and takes what they say.
pub(crate) trait Visitor {
    /// How the namespace is written in paths.
    fn prefix(&self, uri: &str) -> &'static str;
    /// The node of the document element, or why the document is refused.
    fn root(&mut self, name: Name<'_>, place: Place) -> Result<u16, Stop>;
    /// The node of an element inside `parent`, or [`UNMAPPED`].
    fn child(&self, parent: u16, name: Name<'_>) -> u16;
    /// What becomes of the texts of a node.
    fn role(&self, node: u16) -> Role;
    /// True for a node below which nothing matters and nothing is remarked.
    fn is_known(&self, _node: u16) -> bool {
        false
    }
    /// An element begins.
    fn open(&mut self, node: u16, at: At<'_>, source: &mut Source<'_>) -> Result<(), Stop>;
    /// An attribute of the element that has just begun.
    fn attribute(&mut self, node: u16, name: &str, value: &str, at: At<'_>) -> Result<(), Stop>;
    /// An element ends; `text` is that of a leaf, without white space around it.
    fn close(&mut self, node: u16, text: &str, at: At<'_>, source: &mut Source<'_>) -> Result<(), Stop>;
    /// A piece of the text of an element that is streamed past.
    fn pass(&mut self, _piece: &[u8]) {}
}

/// An open element.
struct Level {
    node: u16,
    role: Role,
    /// It holds an element or text.
    content: bool,
    /// Length of the path without it.
    path: usize,
    place: Place,
}

pub(super) struct Walk<'v, V> {
    visitor: &'v mut V,
    resolver: NamespaceResolver,
    stack: Vec<Level>,
    rooted: bool,
    pub(super) path: String,
    /// Text of the open leaf.
    text: String,
    unmapped: Paths,
    empty: Paths,
}

impl<'v, V: Visitor> Walk<'v, V> {
    pub(super) fn new(visitor: &'v mut V) -> Self {
        Self {
            visitor,
            resolver: NamespaceResolver::default(),
            stack: Vec::with_capacity(16),
            rooted: false,
            path: String::with_capacity(256),
            text: String::new(),
            unmapped: Paths::default(),
            empty: Paths::default(),
        }
    }

    /// True inside of what is passed over without being held.
    pub(super) fn streams(&self) -> bool {
        self.stack.last().is_some_and(|level| level.role == Role::Passed)
    }

    /// True while an element is open.
    pub(super) fn inside(&self) -> bool {
        !self.stack.is_empty()
    }

    /// True once the document element has begun.
    pub(super) fn has_root(&self) -> bool {
        self.rooted
    }

    /// An element begins.
    pub(super) fn start(
        &mut self,
        element: &BytesStart<'_>,
        place: Place,
        source: &mut Source<'_>,
    ) -> Result<(), Stop> {
        if self.stack.is_empty() && self.rooted {
            return Err(place.not_well_formed("", "there is a second root element", "det finns ett andra rotelement"));
        }
        if self.stack.len() == MAX_DEPTH {
            return Err(place.refuse(
                "xml.depth",
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
        let local = name.into_inner();
        let uri = match space {
            ResolveResult::Bound(Namespace(uri)) => uri,
            ResolveResult::Unbound => "",
            ResolveResult::Unknown(_) => return Err(undeclared_prefix(&self.path, place)),
        };
        let name = Name { uri, local };
        let node = match self.stack.last_mut() {
            Some(parent) => {
                parent.content = true;
                if parent.node == UNMAPPED { UNMAPPED } else { self.visitor.child(parent.node, name) }
            }
            None => self.visitor.root(name, place)?,
        };
        self.rooted = true;
        let path = self.path.len();
        self.path.push('/');
        self.path.push_str(self.visitor.prefix(uri));
        self.path.push_str(local);
        let role = if node == UNMAPPED {
            check_name(local, &self.path, place)?;
            if self.stack.last().is_some_and(|parent| parent.node != UNMAPPED && !self.visitor.is_known(parent.node)) {
                self.unmapped.count(&self.path, place);
            }
            Role::Passed
        } else {
            self.visitor.role(node)
        };
        if role == Role::Leaf {
            self.text.clear();
        }
        self.stack.push(Level { node, role, content: false, path, place });
        if node != UNMAPPED {
            self.visitor.open(node, At { place, path: &self.path }, source)?;
        }
        if element.attributes_raw().is_empty() { Ok(()) } else { self.attributes(element, node, place) }
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
                    "xml.attributes",
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
                return Err(undeclared_prefix(&self.path, place));
            }
            let value = unescape(&attribute.value).map_err(|_| entity(&self.path, place))?;
            if node != UNMAPPED {
                self.visitor.attribute(node, name, value.trim(), At { place, path: &self.path })?;
            }
        }
        Ok(())
    }

    /// An element ends.
    pub(super) fn end(&mut self, source: &mut Source<'_>) -> Result<(), Stop> {
        let Some(level) = self.stack.pop() else { return Ok(()) };
        self.resolver.pop();
        let Level { node, role, content, path: parent, place } = level;
        if !content {
            self.empty.count(&self.path, place);
        }
        if node != UNMAPPED {
            let text = if role == Role::Leaf { self.text.trim_matches(WHITE_SPACE) } else { "" };
            self.visitor.close(node, text, At { place, path: &self.path }, source)?;
        }
        if role == Role::Leaf {
            self.text.clear();
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
        match level.role {
            Role::Leaf => self.push_text(piece, place)?,
            Role::Passed => self.pass(piece.as_bytes()),
            Role::Structure => self.unmapped.count(&format!("{}/text()", self.path), place),
        }
        Ok(())
    }

    /// Adds to the text of the open leaf, if there is one.
    fn push_text(&mut self, piece: &str, place: Place) -> Result<(), Stop> {
        if self.stack.last().is_none_or(|level| level.role != Role::Leaf) {
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
        self.visitor.pass(piece);
    }

    /// A reference: one of the five predefined entities or a character. Anything else would need a DTD.
    pub(super) fn reference(&mut self, reference: &BytesRef<'_>, place: Place) -> Result<(), Stop> {
        if !self.inside() {
            return Err(outside(place));
        }
        let mut buffer = [0; 4];
        let text = match reference.resolve_char_ref() {
            Ok(Some(character)) if is_xml_character(character) => &*character.encode_utf8(&mut buffer),
            Ok(None) => resolve_xml_entity(&reference.xml10_content()).ok_or_else(|| entity(&self.path, place))?,
            _ => return Err(entity(&self.path, place)),
        };
        self.text(text, place)
    }

    /// What was seen of the document's form.
    pub(super) fn remarks(&self) -> Vec<Finding> {
        let remarks = [
            self.unmapped.remark("xml.unmapped", "elements are not in the contract", "element ingår inte i kontraktet"),
            self.empty.remark("xml.empty_elements", "elements are empty", "element är tomma"),
        ];
        remarks.into_iter().flatten().collect()
    }
}

/// Element names that are mapped are right; of others the characters are looked at.
fn check_name(name: &str, path: &str, place: Place) -> Result<(), Stop> {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.') || !c.is_ascii();
    let first = name.chars().next();
    if first.is_some_and(|c| c.is_alphabetic() || c == '_') && name.chars().all(good) {
        return Ok(());
    }
    Err(place.not_well_formed(path, "an element has no valid name", "ett element har ett ogiltigt namn"))
}

fn undeclared_prefix(path: &str, place: Place) -> Stop {
    place.not_well_formed(path, "a prefix is not bound to a namespace", "ett prefix är inte knutet till någon namnrymd")
}

fn entity(path: &str, place: Place) -> Stop {
    place.refuse(
        "xml.entity",
        path,
        "a reference is neither to a character nor to one of the five predefined entities",
        "en referens gäller varken ett tecken eller någon av de fem fördefinierade entiteterna",
    )
}

const fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

pub(super) fn too_long(place: Place, path: &str) -> Stop {
    place.refuse(
        "xml.too_long",
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
