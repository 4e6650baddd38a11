//! Swedbank's report: a title, a header, rows numbered from 1; texts in quotes, always in kronor.

use crate::fixed::Framer;

use super::{Fault, Line, Payment, Reading, Stop, amount, day, digits};

const TITLE: &str = "* swish-rapport";

/// Columns that a report must have; `Tid` and `Orderreferens` came later.
const REQUIRED: [&str; 10] = [
    "radnr",
    "clnr",
    "kontonr",
    "bokfdag",
    "transdag",
    "mottagarnr",
    "avsändarnr",
    "avsändarnamn",
    "meddelande",
    "belopp",
];

/// True for the first line of a report.
pub(super) fn is_title(line: &str) -> bool {
    line.to_lowercase().starts_with(TITLE)
}

/// True for the line with the columns' names.
pub(super) fn is_header(line: &str) -> bool {
    let line = line.to_lowercase();
    line.starts_with("radnr") && line.contains("kontonr") && line.contains("mottagarnr")
}

impl Reading<'_> {
    /// The report after its title; `header` is its second line when that has been read.
    pub(super) fn swedbank(&mut self, lines: &mut Framer<'_>, header: Option<String>) -> Result<(), Stop> {
        let header = match header {
            Some(header) => header,
            None => {
                let Some(frame) = self.next(lines)? else { return Err(super::not_swish()) };
                self.line(lines, frame).text.into_owned()
            }
        };
        let delimiter = if header.contains(';') { ';' } else { ',' };
        let names: Vec<String> = fields(&header, delimiter).unwrap_or_default();
        let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        if let Some(missing) = REQUIRED.iter().find(|name| place(name).is_none()) {
            let frame = crate::fixed::Frame { line: 2, start: 0, end: 0, line_break: crate::fixed::Break::None };
            return Err(Line { frame, raw: &[], text: "".into() }.refuse(
                "swish.columns",
                &format!("the report has no column {missing}"),
                &format!("rapporten saknar kolumnen {missing}"),
            ));
        }
        let mut number = 0_u64;
        while let Some(frame) = self.next(lines)? {
            let line = self.line(lines, frame);
            number += 1;
            let values = fields(&line.text, delimiter);
            let get = |name: &str| {
                let value = values.as_ref().and_then(|values| values.get(place(name)?));
                value.map(|value| value.trim()).unwrap_or_default()
            };
            if values.is_some() && get("radnr").parse() != Ok(number) {
                return Err(line.refuse(
                    "swish.row_number",
                    &format!("the row is not number {number}: rows are missing or out of order"),
                    &format!("raden har inte nummer {number}: rader saknas eller står i fel ordning"),
                ));
            }
            let complete = values.as_ref().is_some_and(|values| values.len() == names.len());
            let payment = payment(&line, complete, number, &get, if delimiter == ';' { ',' } else { '.' });
            self.row(&line, payment)?;
        }
        Ok(())
    }
}

fn payment<'a>(
    line: &Line<'_>,
    complete: bool,
    number: u64,
    get: &impl Fn(&str) -> &'a str,
    decimal: char,
) -> Result<Payment<'a>, Box<Fault>> {
    let amount = amount(get("belopp"), decimal);
    let fault = |code, english, swedish| {
        Box::new(Fault {
            finding: line.finding(code, english, swedish),
            amount: amount.filter(|_| complete),
            currency: (complete && amount.is_some()).then(|| "SEK".to_owned()),
        })
    };
    if !complete {
        return Err(fault(
            "swish.fields",
            "a row has another number of fields than the report has columns, or a quotation mark is not closed",
            "en rad har ett annat antal fält än rapporten har kolumner, eller ett citattecken avslutas inte",
        ));
    }
    let account = format!("{}{}", digits(get("clnr")), digits(get("kontonr")));
    if account.is_empty() {
        return Err(fault("swish.account", "a row has no account", "en rad saknar konto"));
    }
    let Some(booked_on) = day(get("bokfdag")) else {
        return Err(fault("swish.date", "the date of a row cannot be read", "en rads datum går inte att läsa"));
    };
    let Some(amount) = amount else {
        return Err(fault(
            "swish.amount",
            "the amount of a row cannot be read: at most two decimals",
            "en rads belopp går inte att läsa: högst två decimaler",
        ));
    };
    Ok(Payment {
        stand_in: format!("swish:{account}:{}:{number}", get("bokfdag")),
        account: account.into(),
        bank: get("clnr"),
        payee_number: get("mottagarnr"),
        payer_number: get("avsändarnr"),
        payer_name: get("avsändarnamn"),
        order: get("orderreferens"),
        message: get("meddelande"),
        time: get("tid"),
        currency: "SEK",
        amount,
        booked_on,
        transaction_on: day(get("transdag")),
        ..Payment::default()
    })
}

/// Fields of a line; a quotation mark in a quoted text is doubled. Nothing when a quoted text does not end.
fn fields(line: &str, delimiter: char) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        let field = fields.last_mut()?;
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            other if other == delimiter && !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    (!quoted).then_some(fields)
}
