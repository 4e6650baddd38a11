//! Documents that are records of texts: ISO 20022 messages, vouchers.
//!
//! A [`Form`] says which elements matter: some are *scopes* (a statement, an entry, a transaction), some are *fields*
//! whose text belongs to the innermost open scope. A [`Reader`] is told when a scope begins and ends and finds the
//! fields by number; nothing is held beyond the open scopes.
//!
//! A form's element may stand at several paths, because versions of a message differ: all of them lead to the same
//! field. A field may occur several times in its scope.

use std::ops::Range;

use super::finding::{Place, Stop};
use super::source::Source;
use super::walk::{At, Name, Role, UNMAPPED, Visitor};

/// Number of a scope or a field, given by the format.
pub(crate) type Id = u8;

/// Texts and their marks that a scope may hold.
const MAX_HELD: usize = 16 << 20;

/// A line of a form. Paths begin below the root element; `@` before the last step makes it an attribute.
pub(crate) enum Line {
    /// A scope, with the lines inside it.
    Scope(&'static str, Id, &'static [Line]),
    /// A field.
    Field(&'static str, Id),
    /// Lines that stand below another path.
    Within(&'static str, &'static [Line]),
    /// Known, and of no use but for the lines that lead into it: passed over without a remark.
    Known(&'static str),
}

#[derive(Debug, Default)]
struct Node {
    name: &'static str,
    scope: Option<Id>,
    field: Option<Id>,
    known: bool,
    attributes: Vec<(&'static str, Id)>,
    /// With [`Form::mark`] of their names.
    children: Vec<(u32, u16)>,
}

/// The elements of a format that matter, compiled.
#[derive(Debug)]
pub(crate) struct Form {
    nodes: Vec<Node>,
}

const ROOT: u16 = 1;

impl Form {
    pub fn new(lines: &'static [Line]) -> Self {
        let mut form = Self { nodes: vec![Node::default(), Node::default()] };
        form.add(ROOT, lines);
        form.inherit(ROOT, false);
        form
    }

    fn add(&mut self, at: u16, lines: &'static [Line]) {
        for line in lines {
            match line {
                Line::Scope(path, scope, lines) => {
                    let node = self.path(at, path);
                    self.nodes[usize::from(node)].scope = Some(*scope);
                    self.add(node, lines);
                }
                Line::Field(path, field) => match path.split_once('@') {
                    Some((path, attribute)) => {
                        let node = self.path(at, path);
                        self.nodes[usize::from(node)].attributes.push((attribute, *field));
                    }
                    None => {
                        let node = self.path(at, path);
                        self.nodes[usize::from(node)].field = Some(*field);
                    }
                },
                Line::Within(path, lines) => {
                    let node = self.path(at, path);
                    self.add(node, lines);
                }
                Line::Known(path) => {
                    let node = self.path(at, path);
                    self.nodes[usize::from(node)].known = true;
                }
            }
        }
    }

    /// What stands inside of something known is known.
    fn inherit(&mut self, at: u16, known: bool) {
        let node = &mut self.nodes[usize::from(at)];
        node.known |= known;
        let known = node.known;
        for (_, child) in node.children.clone() {
            self.inherit(child, known);
        }
    }

    /// The node at `path` under `at`, made where it is not yet there.
    fn path(&mut self, at: u16, path: &'static str) -> u16 {
        path.split('/').filter(|step| !step.is_empty()).fold(at, |node, name| match self.child(node, name) {
            UNMAPPED => {
                let made = u16::try_from(self.nodes.len()).unwrap_or(UNMAPPED);
                self.nodes.push(Node { name, ..Node::default() });
                self.nodes[usize::from(node)].children.push((Self::mark(name), made));
                made
            }
            found => found,
        })
    }

    fn child(&self, parent: u16, name: &str) -> u16 {
        let mark = Self::mark(name);
        let mut marked = self.nodes[usize::from(parent)].children.iter().filter(|(other, _)| *other == mark);
        let found = marked.find(|(_, child)| self.nodes[usize::from(*child)].name == name);
        found.map_or(UNMAPPED, |(_, child)| *child)
    }

    /// Tells most names apart without comparing them: length, first, middle and last byte.
    fn mark(name: &str) -> u32 {
        let byte = |index: usize| name.as_bytes().get(index).copied().unwrap_or_default();
        let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
        u32::from_le_bytes([length, byte(0), byte(name.len() / 2), byte(name.len().saturating_sub(1))])
    }
}

/// A text of a scope.
#[derive(Debug, Clone)]
struct Value {
    field: Id,
    text: Range<usize>,
    place: Place,
}

/// The texts of an open scope.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    text: String,
    values: Vec<Value>,
}

/// A text with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub text: &'a str,
    pub place: Place,
}

impl Fields {
    /// The first text of a field.
    pub fn get(&self, field: Id) -> Option<&str> {
        self.find(field).map(|found| found.text)
    }

    /// The first text of a field, with its place.
    pub fn find(&self, field: Id) -> Option<Found<'_>> {
        self.all(field).next()
    }

    /// All texts of a field.
    pub fn all(&self, field: Id) -> impl Iterator<Item = Found<'_>> {
        let of_field = self.values.iter().filter(move |value| value.field == field);
        of_field.map(|value| Found { text: &self.text[value.text.clone()], place: value.place })
    }

    fn clear(&mut self) {
        self.text.clear();
        self.values.clear();
    }

    fn push(&mut self, field: Id, text: &str, at: At<'_>) -> Result<(), Stop> {
        let start = self.text.len();
        if start + text.len() + self.values.len() * size_of::<Value>() > MAX_HELD {
            return Err(at.place.refuse(
                "xml.too_large",
                at.path,
                "a record holds more than can be kept in memory",
                "en post innehåller mer än vad som kan hållas i minnet",
            ));
        }
        self.text.push_str(text);
        self.values.push(Value { field, text: start..self.text.len(), place: at.place });
        Ok(())
    }
}

/// The bytes of a scope in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub start: u64,
    pub end: u64,
    pub line: u64,
}

impl Span {
    /// Where it begins.
    pub fn place(self) -> Place {
        Place { byte: self.start, line: self.line }
    }
}

/// Reads the records of a format.
pub(crate) trait Reader {
    /// Scopes of the form: their numbers are below this.
    const SCOPES: usize;

    /// The form of a document, or why it is refused.
    fn form(&mut self, name: Name<'_>, place: Place) -> Result<&'static Form, Stop>;
    /// True for a namespace that counts as the document's own.
    fn is_namespace(&self, _uri: &str) -> bool {
        false
    }
    /// A scope begins.
    fn begin(&mut self, scope: Id, scopes: &mut Scopes, at: At<'_>, source: &mut Source<'_>) -> Result<(), Stop>;
    /// A scope ends: its fields are complete.
    fn end(&mut self, scope: Id, scopes: &mut Scopes, at: At<'_>, source: &mut Source<'_>) -> Result<(), Stop>;
}

/// The fields of all scopes; those of a scope stay until it begins again.
#[derive(Debug)]
pub(crate) struct Scopes {
    fields: Vec<Fields>,
    starts: Vec<Place>,
}

impl Scopes {
    /// The fields of a scope.
    pub fn of(&self, scope: Id) -> &Fields {
        &self.fields[usize::from(scope)]
    }

    /// Takes the fields of a scope.
    pub fn take(&mut self, scope: Id) -> Fields {
        std::mem::take(&mut self.fields[usize::from(scope)])
    }

    /// Where a scope began.
    pub fn place(&self, scope: Id) -> Place {
        self.starts[usize::from(scope)]
    }

    /// The bytes of a scope, which ends where the source is.
    pub fn span(&self, scope: Id, source: &Source<'_>) -> Span {
        let Place { byte, line } = self.place(scope);
        Span { start: byte, end: source.byte, line }
    }
}

/// Hands a document's scopes to a reader.
pub(crate) struct Filler<R> {
    form: &'static Form,
    uri: String,
    scopes: Scopes,
    open: Vec<Id>,
    pub reader: R,
}

impl<R: Reader> Filler<R> {
    pub fn new(form: &'static Form, reader: R) -> Self {
        let scopes = Scopes {
            fields: (0..R::SCOPES).map(|_| Fields::default()).collect(),
            starts: vec![Place::START; R::SCOPES],
        };
        Self { form, uri: String::new(), scopes, open: Vec::new(), reader }
    }

    fn node(&self, node: u16) -> &'static Node {
        &self.form.nodes[usize::from(node)]
    }

    fn push(&mut self, field: Id, text: &str, at: At<'_>) -> Result<(), Stop> {
        let scope = self.open.last().copied().unwrap_or_default();
        self.scopes.fields[usize::from(scope)].push(field, text, at)
    }
}

impl<R: Reader> Visitor for Filler<R> {
    fn prefix(&self, uri: &str) -> &'static str {
        if uri == self.uri || self.reader.is_namespace(uri) { "" } else { "?:" }
    }

    fn root(&mut self, name: Name<'_>, place: Place) -> Result<u16, Stop> {
        self.form = self.reader.form(name, place)?;
        name.uri.clone_into(&mut self.uri);
        Ok(ROOT)
    }

    fn child(&self, parent: u16, name: Name<'_>) -> u16 {
        let own = name.uri == self.uri || self.reader.is_namespace(name.uri);
        if own { self.form.child(parent, name.local) } else { UNMAPPED }
    }

    fn role(&self, node: u16) -> Role {
        let node = self.node(node);
        match node {
            Node { field: Some(_), .. } => Role::Leaf,
            Node { known: true, .. } => Role::Passed,
            _ => Role::Structure,
        }
    }

    fn is_known(&self, node: u16) -> bool {
        self.node(node).known
    }

    fn open(&mut self, node: u16, at: At<'_>, source: &mut Source<'_>) -> Result<(), Stop> {
        let Some(scope) = self.node(node).scope else { return Ok(()) };
        self.reader.begin(scope, &mut self.scopes, at, source)?;
        self.open.push(scope);
        self.scopes.fields[usize::from(scope)].clear();
        self.scopes.starts[usize::from(scope)] = at.place;
        Ok(())
    }

    fn attribute(&mut self, node: u16, name: &str, value: &str, at: At<'_>) -> Result<(), Stop> {
        let found = self.node(node).attributes.iter().find(|(known, _)| *known == name);
        found.map_or(Ok(()), |(_, field)| self.push(*field, value, at))
    }

    fn close(&mut self, node: u16, text: &str, at: At<'_>, source: &mut Source<'_>) -> Result<(), Stop> {
        let node = self.node(node);
        if let Some(field) = node.field
            && !text.is_empty()
        {
            self.push(field, text, at)?;
        }
        if let Some(scope) = node.scope {
            self.open.pop();
            self.reader.end(scope, &mut self.scopes, at, source)?;
        }
        Ok(())
    }
}
