//! What can be wrong with a value of an invoice, in English and Swedish.

use crate::Finding;
use crate::columns::Wrong;
use crate::xml::Place;

/// A text is no value of its column.
pub(super) fn wrong(place: Place, path: &str, wrong: Wrong) -> Finding {
    match wrong {
        Wrong::Empty => place.finding("ubl.number_empty", path, "the number is empty", "talet är tomt"),
        Wrong::NotANumber => place.finding(
            "ubl.number",
            path,
            "the text is no decimal number (digits, a decimal point, a sign)",
            "texten är inte ett decimaltal (siffror, decimalpunkt, tecken)",
        ),
        Wrong::Decimals(allowed) => place.finding(
            "ubl.decimals",
            path,
            format!("the number has more than {allowed} decimals"),
            format!("talet har fler än {allowed} decimaler"),
        ),
        Wrong::Range => place.finding("ubl.range", path, "the number is too large", "talet är för stort"),
        Wrong::Date => place.finding(
            "ubl.date",
            path,
            "the text is no date of the form YYYY-MM-DD",
            "texten är inte ett datum på formen ÅÅÅÅ-MM-DD",
        ),
        Wrong::Flag => {
            place.finding("ubl.flag", path, "the text is neither true nor false", "texten är varken true eller false")
        }
    }
}

/// A value that every invoice must have is not there.
pub(super) fn missing(place: Place, path: &str, en: &str, sv: &str) -> Finding {
    place.finding("ubl.missing", path, format!("there is no {en}"), format!("{sv} saknas"))
}
