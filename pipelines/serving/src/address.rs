//! Addresses of pages and their parameters.

use std::fmt;

use url::form_urlencoded;

/// A path and its parameters, in order; a parameter without value is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    path: String,
    parameters: Vec<(&'static str, String)>,
}

impl Address {
    /// A path whose last segment is a name from outside.
    pub fn to(parent: &str, name: &str) -> Self {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        Self { path: format!("{parent}/{}", name.replace('+', "%20")), parameters: Vec::new() }
    }

    /// A fixed path.
    pub fn path(path: &str) -> Self {
        Self { path: path.to_owned(), parameters: Vec::new() }
    }

    /// The same address with this parameter; an empty value takes it away.
    #[must_use]
    pub fn with(&self, name: &'static str, value: impl fmt::Display) -> Self {
        let mut address = self.clone();
        let value = value.to_string();
        address.parameters.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            address.parameters.push((name, value));
        }
        address
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.parameters.is_empty() {
            return Ok(());
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.parameters).finish();
        write!(f, "?{query}")
    }
}

/// Rows on a page.
pub const PAGE_ROWS: u64 = 50;

/// Where a reader is in a long list, and the ways on.
#[derive(Debug)]
pub struct Pages {
    /// Rows in all.
    pub total: u64,
    /// Number of the first row shown, from 1; 0 when there is none.
    pub first: u64,
    /// Number of the last row shown.
    pub last: u64,
    /// This page, from 1.
    pub page: u64,
    /// Pages in all, at least 1.
    pub pages: u64,
    /// The page before.
    pub previous: Option<Address>,
    /// The page after.
    pub next: Option<Address>,
}

impl Pages {
    /// Page `page` (from 1) of `total` rows at `address`; the ways on stay in `generation`.
    pub fn new(total: u64, page: Option<u64>, address: &Address, generation: u64) -> Self {
        let pages = total.div_ceil(PAGE_ROWS).max(1);
        let page = page.unwrap_or(1).clamp(1, pages);
        let at = |page: u64| address.with("sida", page).with("generation", generation);
        Self {
            total,
            first: if total == 0 { 0 } else { (page - 1) * PAGE_ROWS + 1 },
            last: (page * PAGE_ROWS).min(total),
            page,
            pages,
            previous: (page > 1).then(|| at(page - 1)),
            next: (page < pages).then(|| at(page + 1)),
        }
    }

    /// Rows to pass over.
    pub fn offset(&self) -> u64 {
        (self.page - 1) * PAGE_ROWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_from_outside_cannot_break_out_of_an_address() {
        let address = Address::to("/filer", "a/b?c d").with("sok", "å&\"<").with("sida", "");
        assert_eq!(address.to_string(), "/filer/a%2Fb%3Fc%20d?sok=%C3%A5%26%22%3C");
    }

    #[test]
    fn a_parameter_stands_once() {
        let address = Address::path("/").with("sida", 1).with("sok", "x").with("sida", 2);
        assert_eq!(address.to_string(), "/?sok=x&sida=2");
        assert_eq!(address.with("sok", "").to_string(), "/?sida=2");
    }

    #[test]
    fn pages_cover_every_row_once() {
        let pages = |total, page| {
            let pages = Pages::new(total, page, &Address::path("/x"), 7);
            (pages.first, pages.last, pages.previous.is_some(), pages.next.map(|next| next.to_string()))
        };
        assert_eq!(pages(0, None), (0, 0, false, None));
        assert_eq!(pages(50, None), (1, 50, false, None));
        assert_eq!(pages(51, None), (1, 50, false, Some("/x?sida=2&generation=7".to_owned())));
        assert_eq!(pages(51, Some(2)), (51, 51, true, None));
        assert_eq!(pages(51, Some(u64::MAX)), (51, 51, true, None));
    }
}
