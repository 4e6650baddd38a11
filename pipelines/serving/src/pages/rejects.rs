//! `/avvisade`: refused pieces of input with their bytes.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;
use worklist::swedish;

use super::{Original, chosen};
use crate::address::{Address, PAGE_ROWS, Pages};
use crate::cells::currency;
use crate::cut::{Cut, Fresh};
use crate::failure::Failure;
use crate::frame::Frame;
use crate::items::moment;
use crate::rows::{Table, by, count, is, text};
use crate::source::{Filter, Order, RowQuery};

/// What the address asks for.
#[derive(Deserialize)]
pub struct Asked {
    fil: Option<String>,
    kod: Option<String>,
    sida: Option<u64>,
}

#[derive(Template)]
#[template(path = "rejects.html")]
struct Page {
    frame: Frame,
    file: String,
    code: String,
    pinned: Option<u64>,
    rejects: Vec<RejectLine>,
    pages: Pages,
}

/// A reject in a list.
pub struct RejectLine {
    /// The page of its file.
    pub file_href: Address,
    /// The beginning of the file's identity.
    pub file_short: String,
    /// Number in the file.
    pub ordinal: u64,
    /// Bytes in the file.
    pub bytes: String,
    /// Contract that it was meant for.
    pub contract: String,
    /// Reason code.
    pub code: String,
    /// Reason.
    pub message: String,
    /// Amount; empty when it could not be read.
    pub amount: String,
    /// When the file arrived.
    pub received_at: String,
    /// What the file says.
    pub original: Original,
}

/// Rejects, newest file first, in the order of the file.
///
/// # Errors
/// When they cannot be read.
pub async fn reject_lines(cut: &Cut, filters: Vec<Filter>, offset: u64) -> Result<Vec<RejectLine>, Failure> {
    let newest = Order { column: "received_at".to_owned(), descending: true };
    let order_by = std::iter::once(newest).chain(by(["file_id", "ordinal", "byte_start"])).collect();
    let query = RowQuery { filters, order_by, limit: Some(PAGE_ROWS), offset };
    let table = Table::read(cut, "reject", query).await?;
    let line = |index: usize| {
        let row = table.row(index);
        let file_id = text(&row, "file_id");
        let amount = text(&row, "amount");
        RejectLine {
            file_href: cut.link(Address::to("/filer", file_id)),
            file_short: file_id.chars().take(12).collect(),
            ordinal: count(&row, "ordinal"),
            bytes: format!("{}–{}", count(&row, "byte_start"), count(&row, "byte_end")),
            contract: text(&row, "contract").to_owned(),
            code: text(&row, "code").to_owned(),
            message: text(&row, "message_sv").to_owned(),
            amount: if amount.is_empty() { String::new() } else { swedish::amount(amount, currency(&row)) },
            received_at: moment(&row, "received_at").map(swedish::time).unwrap_or_default(),
            original: Original::new(table.bytes(index, "raw")),
        }
    };
    Ok((0..table.len()).map(line).collect())
}

/// The page.
pub async fn page(cut: Cut, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    if let Some(unchanged) = cut.not_modified(Fresh::WithGeneration) {
        return Ok(unchanged);
    }
    let (file, code) = (chosen(asked.fil.as_ref()), chosen(asked.kod.as_ref()));
    let filters: Vec<Filter> =
        file.map(|file| is("file_id", file)).into_iter().chain(code.map(|code| is("code", code))).collect();
    let total = cut.app.source.count(cut.number(), "reject", &filters).await?;
    let address =
        Address::path("/avvisade").with("fil", file.unwrap_or_default()).with("kod", code.unwrap_or_default());
    let pages = Pages::new(total, asked.sida, &address, cut.number());
    let page = Page {
        frame: cut.frame("Avvisade poster", "/avvisade"),
        file: file.unwrap_or_default().to_owned(),
        code: code.unwrap_or_default().to_owned(),
        pinned: cut.newer.map(|_| cut.number()),
        rejects: reject_lines(&cut, filters, pages.offset()).await?,
        pages,
    };
    cut.page(&page, Fresh::WithGeneration)
}
