//! Records that say what the file and its accounts are.

use super::text::Line;
use super::{MOST_UNKNOWN, Reading, Stop, rules};

/// Names and types of accounts that are kept.
const MOST_ACCOUNTS: usize = 1_000_000;

impl Reading<'_> {
    /// A record outside of vouchers that is no balance.
    pub(super) fn head(&mut self, line: &Line) -> Result<(), Stop> {
        let (complete, header) = (|field| line.get(field).is_some(), &mut self.header);
        let is_complete = match line.label() {
            "#FLAGGA" => {
                if line.get(1) == Some("1") {
                    self.remarks.note(&rules::FLAG_SET, || line.position(1));
                }
                true
            }
            "#SIETYP" => {
                header.type_number =
                    line.get(1).and_then(|text| text.parse().ok()).filter(|kind| (1..=4).contains(kind));
                if header.type_number.is_none() {
                    return Err(line.refuse(
                        "sie.type",
                        "the type of the file (#SIETYP) is none of 1 to 4",
                        "filens typ (#SIETYP) är ingen av 1 till 4",
                    ));
                }
                true
            }
            "#GEN" => {
                header.made_on = line.get(1).and_then(rules::date);
                header.made_on.is_some()
            }
            "#OMFATTN" => {
                header.until = line.get(1).and_then(rules::date);
                header.until.is_some()
            }
            "#FNR" => {
                line.get(1).unwrap_or_default().clone_into(&mut header.company);
                complete(1)
            }
            "#VALUTA" => {
                let code =
                    line.get(1).filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
                header.currency = code.map(str::to_owned);
                code.is_some()
            }
            "#PROGRAM" => {
                line.get(1).unwrap_or_default().clone_into(&mut header.program);
                complete(1)
            }
            "#RAR" => {
                let year = line.get(1).and_then(|text| text.parse().ok());
                let days = line.get(2).and_then(rules::date).zip(line.get(3).and_then(rules::date));
                if let Some((year, days)) = year.zip(days) {
                    header.years.insert(year, days);
                }
                year.is_some() && days.is_some()
            }
            "#KONTO" => {
                if let Some((account, name)) = line.get(1).zip(line.get(2))
                    && header.names.len() < MOST_ACCOUNTS
                {
                    header.names.insert(account.to_owned(), name.to_owned());
                }
                complete(1)
            }
            "#KTYP" => {
                let kind = line.get(2).filter(|kind| matches!(*kind, "T" | "S" | "K" | "I"));
                if let Some((account, kind)) = line.get(1).zip(kind)
                    && header.types.len() < MOST_ACCOUNTS
                {
                    header.types.insert(account.to_owned(), kind.to_owned());
                }
                complete(1) && kind.is_some()
            }
            "#ORGNR" | "#FORMAT" | "#FTYP" | "#KPTYP" | "#TAXAR" => complete(1),
            "#SRU" | "#ENHET" | "#DIM" | "#UNDERDIM" => complete(1) && complete(2),
            "#OBJEKT" => complete(1) && complete(2),
            "#KSUMMA" | "#PROSA" | "#FNAMN" | "#ADRESS" | "#BKOD" | "#MOMSKOD" | "#SERIE" | "#AVSLUTAT" => true,
            other => {
                let label =
                    if self.unknown.len() < MOST_UNKNOWN || self.unknown.contains_key(other) { other } else { "…" };
                // The label of a line that is no record may be anybody's text.
                let label = if other.starts_with('#') { label.chars().take(16).collect() } else { "…".to_owned() };
                self.unknown.entry(label).or_insert_with(|| (line.position(0), 0)).1 += 1;
                true
            }
        };
        if !is_complete {
            self.remarks.note(&rules::INCOMPLETE, || line.position(0));
        }
        Ok(())
    }
}
