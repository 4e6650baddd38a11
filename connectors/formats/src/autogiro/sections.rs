//! TK15, TK16 and TK17: the deposits and withdrawals that a payment specification of the new layout is made of.

use std::collections::HashMap;

use super::header::Header;
use super::{CURRENCY, Reading, rules};
use crate::Position;
use crate::fixed::{Record, Stop, date8, number, refuse, significant_digits};

/// TK15, TK16 or TK17: a deposit or withdrawal that the records after it make up. The old layout has none; there it
/// stands for all records of one type.
pub(super) struct Section {
    pub kind: [u8; 2],
    pub id: String,
    pub account: Option<String>,
    /// Days since 1970-01-01.
    pub date: Option<i32>,
    amount: i128,
    count: u64,
    amount_at: Position,
    count_at: Position,
    read_amount: i128,
    read_count: u64,
}

impl Section {
    /// All records of a type, of a report without sections.
    pub fn whole(header: &Header, kind: [u8; 2]) -> Self {
        Self {
            kind,
            id: format!("{}:{}", header.stem, String::from_utf8_lossy(&kind)),
            account: None,
            date: None,
            amount: 0,
            count: 0,
            amount_at: Position::default(),
            count_at: Position::default(),
            read_amount: 0,
            read_count: 0,
        }
    }

    /// Counts a payment, if it was carried out.
    pub fn add(&mut self, amount: i128, is_done: bool) {
        if is_done {
            self.read_amount += amount;
            self.read_count += 1;
        }
    }
}

impl Reading<'_> {
    /// Begins a section with its first record.
    pub(super) fn open_section(
        &mut self,
        header: &Header,
        record: &Record<'_>,
        seen: &mut HashMap<String, u32>,
    ) -> Result<Section, Stop> {
        let kind = record.kind();
        let unreadable =
            |code, column, english: &str, swedish: &str| refuse(code, record.position(column), english, swedish);
        let Some(date) = date8(record.field(38, 45)) else {
            return Err(unreadable(
                "autogiro.section_date",
                38,
                "the payment date of the deposit or withdrawal is no date",
                "insättningens eller uttagets betalningsdag är inget datum",
            ));
        };
        let Some(amount) = number(record, 51, 68, &mut self.scan.remarks).map(i128::from) else {
            return Err(unreadable(
                "autogiro.section_amount",
                51,
                "the amount of the deposit or withdrawal cannot be read",
                "insättningens eller uttagets belopp går inte att läsa",
            ));
        };
        let Some(count) = number(record, 72, 79, &mut self.scan.remarks) else {
            return Err(unreadable(
                "autogiro.section_count",
                72,
                "the number of payments of the deposit or withdrawal cannot be read",
                "insättningens eller uttagets antal betalningar går inte att läsa",
            ));
        };
        let text = |from, to| record.text(from, to).unwrap_or_default();
        let mut id = format!("autogiro:{}:{}:{}:{}", header.bankgiro, text(38, 45), text(1, 2), text(46, 50));
        let times = seen.entry(id.clone()).or_default();
        *times += 1;
        if *times > 1 {
            self.scan.remarks.note(&rules::SECTION_REPEATED, || record.position(46));
            id = format!("{id}-{times}");
        }
        match &kind {
            b"15" => self.tally.declare_amount(CURRENCY, amount),
            b"17" => self.tally.declare_amount(CURRENCY, -amount),
            _ => {}
        }
        Ok(Section {
            kind,
            id,
            account: significant_digits(record.field(3, 37)).map(str::to_owned),
            date: Some(date),
            amount,
            count,
            amount_at: record.position(51),
            count_at: record.position(72),
            read_amount: 0,
            read_count: 0,
        })
    }

    /// Compares a section with what its first record says.
    pub(super) fn close_section(&mut self, section: Option<Section>) -> Result<(), Stop> {
        let Some(section) = section else { return Ok(()) };
        if section.read_count != section.count {
            let (declared, read) = (section.count, section.read_count);
            return Err(refuse(
                "autogiro.section_count",
                section.count_at,
                &format!("the deposit or withdrawal says {declared} payments carried out, it has {read}"),
                &format!("insättningen eller uttaget anger {declared} genomförda betalningar, det finns {read}"),
            ));
        }
        if section.read_amount != section.amount {
            let text = |ore| schemas::money::plain(ore, 2);
            let swedish = |ore| schemas::money::plain(ore, 2).replace('.', ",");
            let (declared, read) = (section.amount, section.read_amount);
            return Err(refuse(
                "autogiro.section_sum",
                section.amount_at,
                &format!("the deposit or withdrawal says {}, its payments sum to {}", text(declared), text(read)),
                &format!(
                    "insättningen eller uttaget anger {}, betalningarna är tillsammans {}",
                    swedish(declared),
                    swedish(read)
                ),
            ));
        }
        Ok(())
    }
}
