//! The configuration that runs the stream on a city: which of its files are read as what.

use std::fmt::Write as _;
use std::path::Path;

use crate::City;

/// Landing places of the city: name, and which names are read as which format.
const PLACES: [(&str, &[(&str, &str)]); 5] = [
    ("bank", &[("KONTOUTDRAG*.csv", "bank_statement"), ("*", "bgmax")]),
    ("einvoice", &[("*.xml", "ubl")]),
    (
        "ber",
        &[
            ("*HUSHALL*", "ber_household"),
            ("*PLACERING*", "ber_placement"),
            ("BER_INKOMST*", "ber_income"),
            ("*DEBITERING*", "ber_charge"),
            ("SKV_INKOMST*", "skv_income"),
        ],
    ),
    ("lois", &[("*AVTAL*", "lois_lease"), ("*HYRESRAD*", "lois_rent_component")]),
    (
        "erp",
        &[
            ("*KUNDRESKONTRA*", "erp_customer_item"),
            ("*SALDO*", "erp_ledger_balance"),
            ("*TRANS*", "erp_ledger_transaction"),
            ("ARENDE_BEGARAN*", "arende_request"),
            ("ARENDE_PAUS*", "arende_pause"),
            ("*KVITTENS*", "erp_receipt"),
            ("*FELLISTA*", "erp_receipt_error"),
        ],
    ),
];

impl City {
    /// A `reskontra.toml` for the folder that the city is written to: `sql` and `examples` are the folders of the
    /// jobs and of their worked examples; everything else stays below the configuration file.
    #[must_use]
    pub fn configuration(&self, sql: &Path, examples: &Path) -> String {
        let mut text = format!(
            "# The stream on a synthetic city. Paths are relative to this file.\n\
             storage = \"store\"\nwork = \"work\"\nsql = {sql:?}\nexamples = {examples:?}\nas_of = \"{}\"\n",
            self.as_of
        );
        for (place, rules) in PLACES {
            let rules: Vec<String> = rules
                .iter()
                .map(|(pattern, format)| format!("{{ pattern = {pattern:?}, format = {format:?} }}"))
                .collect();
            let _ = write!(
                text,
                "\n[[landing]]\nname = {place:?}\nurl = \"landing/{place}\"\nrules = [{}]\n",
                rules.join(", ")
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_city_lies_at_a_place_that_reads_it_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let truth = City::generate(1, 1).write(folder.path()).unwrap();
        for file in &truth.files {
            let (place, name) = file.path.split_once('/').unwrap();
            let (_, rules) = PLACES.into_iter().find(|(known, _)| *known == place).unwrap();
            let fits = |pattern: &str| {
                let (head, tail) = pattern.split_once('*').unwrap();
                let (middle, tail) = tail.rsplit_once('*').unwrap_or(("", tail));
                name.starts_with(head) && name.ends_with(tail) && name.contains(middle)
            };
            let read_as = rules.iter().find(|(pattern, _)| fits(pattern)).map(|(_, format)| *format);
            assert_eq!(read_as, Some(file.format.as_str()), "{}", file.path);
        }
    }
}
