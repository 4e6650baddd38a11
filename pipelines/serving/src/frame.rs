//! What every page shows around its content.

use worklist::swedish;

use crate::source::Generation;

/// Head, navigation and foot of a page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// Section of the navigation that the page belongs to.
    pub section: &'static str,
    /// The generation that the page was read from.
    pub generation: Option<GenerationLine>,
}

/// A generation in one line.
#[derive(Debug, Clone)]
pub struct GenerationLine {
    /// Its number.
    pub number: u64,
    /// Its business date.
    pub as_of: String,
    /// When it was published, in Stockholm's time.
    pub published_at: String,
    /// The last one, when the reader looks at an older one.
    pub newer: Option<u64>,
}

/// A place in the navigation.
#[derive(Debug)]
pub struct Section {
    /// Address.
    pub href: &'static str,
    /// Name.
    pub name: &'static str,
}

/// The navigation.
pub const SECTIONS: [Section; 6] = [
    Section { href: "/", name: "Köer" },
    Section { href: "/filer", name: "Filer" },
    Section { href: "/avvisade", name: "Avvisade poster" },
    Section { href: "/tabeller", name: "Tabeller" },
    Section { href: "/korning", name: "Senaste körningen" },
    Section { href: "/api", name: "API" },
];

impl Frame {
    /// The frame of a page that was read from no generation.
    pub fn without_generation(title: &str) -> Self {
        Self { title: title.to_owned(), section: "", generation: None }
    }

    /// The frame of a page in `section` (an address of the navigation).
    pub fn new(title: &str, section: &'static str, generation: &Generation, newer: Option<u64>) -> Self {
        let line = GenerationLine {
            number: generation.number,
            as_of: generation.as_of.to_string(),
            published_at: swedish::time(generation.published_at),
            newer,
        };
        Self { title: title.to_owned(), section, generation: Some(line) }
    }

    /// The navigation.
    pub fn sections(&self) -> &'static [Section] {
        &SECTIONS
    }
}
