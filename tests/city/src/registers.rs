//! Register extracts as `connectors/registers/*.toml` describe them: delimiter, encoding, header, trailer.

use std::io::{self, Write};

use chrono::NaiveDate;

use crate::output::{Landing, Output, comma, latin1};
use crate::truth::{FileTotal, FileTruth};

/// How a register's files look.
#[derive(Debug)]
pub struct Register {
    /// Mapping's name.
    pub format: &'static str,
    /// Contract of its rows.
    pub contract: &'static str,
    /// Header line.
    pub header: &'static str,
    /// True for UTF-8, else one byte a letter.
    pub utf8: bool,
    /// Number of sums in the trailer; none: no trailer.
    pub trailer: Option<usize>,
}

/// BER households.
pub const HOUSEHOLD: Register = Register {
    format: "ber_household",
    contract: "household",
    header: "HUSHALLSID;GILTIG_FROM;GILTIG_TOM;VARDNADSHAVARE1;VARDNADSHAVARE2;KUNDNR;SDF;SKYDD",
    utf8: false,
    trailer: None,
};

/// BER placements.
pub const PLACEMENT: Register = Register {
    format: "ber_placement",
    contract: "placement",
    header: "PLACERINGSID;BARN_PNR;FODELSEDATUM;HUSHALLSID;VERKSAMHET;TIMMAR_VECKA;ALLMAN_FSK;STARTDATUM;SLUTDATUM;\
             KOMMUNAL;ENHET;SDF",
    utf8: false,
    trailer: None,
};

/// BER incomes.
pub const INCOME: Register = Register {
    format: "ber_income",
    contract: "income_declaration",
    header: "INKOMSTID;HUSHALLSID;GILTIG_FROM;GILTIG_TOM;MANADSINKOMST;STATUS;INKOM_DATUM",
    utf8: false,
    trailer: None,
};

/// BER invoice lines.
pub const CHARGE: Register = Register {
    format: "ber_charge",
    contract: "fee_charge",
    header: "RADID;TYP;PLACERINGSID;MANAD;KUNDNR;BELOPP;FAKTURANR;FAKTURADATUM;SDF",
    utf8: false,
    trailer: Some(1),
};

/// LOIS leases.
pub const LEASE: Register = Register {
    format: "lois_lease",
    contract: "lease",
    header: "Avtalsnr;Objektsnr;Hyresgästnr;Hyresgäst;Personnr;Förvaltning;Boendeform;Startdatum;Slutdatum;\
             Stadsintern;Vakans;Registrerad",
    utf8: true,
    trailer: None,
};

/// LOIS rent components.
pub const RENT_COMPONENT: Register = Register {
    format: "lois_rent_component",
    contract: "rent_component",
    header: "Avtalsnr;Radnr;Radtyp;Belopp/mån;Fr o m;T o m;Avitext",
    utf8: true,
    trailer: None,
};

/// ERP customer items.
pub const CUSTOMER_ITEM: Register = Register {
    format: "erp_customer_item",
    contract: "customer_item",
    header: "POSTID;KUNDNR;KUNDNAMN;ORGNR;FÖRVALTNING;KONTO;VERNR;VERTYP;FAKTURANR;OCR;FAKTURADATUM;FÖRFALLODATUM;\
             VALUTA;BELOPP;REST;PERIOD;KÄLLA;BETALARNR;AVSÄNDARKONTO",
    utf8: false,
    trailer: Some(1),
};

/// ERP ledger balances.
pub const LEDGER_BALANCE: Register = Register {
    format: "erp_ledger_balance",
    contract: "ledger_balance",
    header: "FÖRVALTNING;KONTO;PERIOD;VALUTA;INGÅENDE;DEBET;KREDIT;UTGÅENDE",
    utf8: false,
    trailer: Some(2),
};

/// ERP ledger transactions.
pub const LEDGER_TRANSACTION: Register = Register {
    format: "erp_ledger_transaction",
    contract: "ledger_transaction",
    header: "VERNR;RADNR;VERTYP;FÖRVALTNING;KONTO;PERIOD;VERDATUM;VALUTA;BELOPP;POSTID;BETALNINGSID;VERTEXT",
    utf8: false,
    trailer: Some(1),
};

/// Requests of the case system.
pub const REQUEST: Register = Register {
    format: "arende_request",
    contract: "service_request",
    header: "ARENDEID;TYP;FÖRVALTNING;KUNDNR;FAKTURANR;BELOPP;ATTESTERAD_AV;ATTESTDATUM;INKOM;KOMPLETT;AVSLUTAT;RESULTAT",
    utf8: false,
    trailer: None,
};

/// Pauses of the case system.
pub const PAUSE: Register = Register {
    format: "arende_pause",
    contract: "request_pause",
    header: "ARENDEID;NR;PAUS_FROM;PAUS_TOM;ORSAK",
    utf8: false,
    trailer: None,
};

/// Bank statement.
pub const STATEMENT: Register = Register {
    format: "bank_statement",
    contract: "statement_entry",
    header: "POSTREF;KONTO;KONTOTYP;BOKFÖRINGSDAG;VALUTADAG;VALUTA;BELOPP;SALDO;REFERENS;BANKREFERENS;TEXT",
    utf8: true,
    trailer: Some(1),
};

/// An extract being written.
#[derive(Debug)]
pub struct Extract {
    register: &'static Register,
    output: Output,
    extracted_on: Option<NaiveDate>,
    records: u64,
    rejected: u64,
    sums: [i64; 2],
    total: FileTotal,
}

impl Extract {
    /// Starts an extract with its header.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(
        landing: &Landing,
        path: &str,
        register: &'static Register,
        extracted_on: Option<NaiveDate>,
    ) -> io::Result<Self> {
        let output = landing.create(path)?;
        let mut extract =
            Self { register, output, extracted_on, records: 0, rejected: 0, sums: [0; 2], total: FileTotal::default() };
        extract.line(register.header)?;
        Ok(extract)
    }

    /// Writes a good row; `sums` are the amounts that the trailer sums, the first also counts for the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn row(&mut self, fields: &[&str], sums: &[i64]) -> io::Result<()> {
        self.records += 1;
        self.total.read_ore += sums.first().copied().unwrap_or_default();
        self.add(sums);
        self.fields(fields)
    }

    /// Writes a row that must be rejected, although its amounts can be read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn bad_row(&mut self, fields: &[&str], sums: &[i64]) -> io::Result<()> {
        self.records += 1;
        self.rejected += 1;
        self.total.rejected_ore += sums.first().copied().unwrap_or_default();
        self.add(sums);
        self.fields(fields)
    }

    /// Writes the trailer and ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, currency: Option<&str>) -> io::Result<FileTruth> {
        if let Some(count) = self.register.trailer {
            let sums: String = self.sums[..count].iter().map(|sum| format!(";{}", comma(*sum))).collect();
            self.line(&format!("SUMMA;{}{sums}", self.records))?;
            self.total.declared_ore = Some(self.sums[0]);
        }
        let mut file = self.output.finish(self.register.format, self.register.contract)?;
        file.records = self.records;
        file.rejected = self.rejected;
        file.extracted_on = self.extracted_on;
        if let Some(currency) = currency {
            file.totals.insert(currency.to_owned(), self.total);
        }
        Ok(file)
    }

    fn add(&mut self, sums: &[i64]) {
        for (sum, amount) in self.sums.iter_mut().zip(sums) {
            *sum += amount;
        }
    }

    fn fields(&mut self, fields: &[&str]) -> io::Result<()> {
        let quoted: Vec<String> = fields.iter().map(|field| quote(field)).collect();
        self.line(&quoted.join(";"))
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        if self.register.utf8 { self.output.write_all(text.as_bytes()) } else { self.output.write_all(&latin1(text)) }?;
        self.output.write_all(b"\r\n")
    }
}

fn quote(field: &str) -> String {
    if field.contains([';', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

/// `J` or `N`.
#[must_use]
pub fn yes(value: bool) -> &'static str {
    if value { "J" } else { "N" }
}

/// `2026-08-31`, or nothing.
#[must_use]
pub fn iso(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// `20260831`, or nothing.
#[must_use]
pub fn compact(day: Option<NaiveDate>) -> String {
    day.map(|day| day.format("%Y%m%d").to_string()).unwrap_or_default()
}
