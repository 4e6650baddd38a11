//! Handelsbanken's report (specification 3.1.3): records 01, 02 and 03, nothing quoted.

use crate::fixed::Framer;

use super::{CONCATENATED, Fault, Line, Payment, Reading, Stop, UNKNOWN, amount, day, digits};

/// Fields of a record 02 in older reports, and with booking day, instruction and end-to-end identity.
const FIELDS: [usize; 2] = [15, 18];

impl Reading<'_> {
    /// The report after its first record.
    pub(super) fn handelsbanken(&mut self, lines: &mut Framer<'_>, delimiter: char) -> Result<(), Stop> {
        let (mut rows, mut open, mut last) = (0, true, None);
        while let Some(frame) = self.next(lines)? {
            let line = self.line(lines, frame);
            last = Some(frame);
            let kind = line.text.split(delimiter).next().unwrap_or_default();
            match (kind, open) {
                ("02", true) => {
                    rows += 1;
                    let fields: Vec<&str> = line.text.split(delimiter).map(str::trim).collect();
                    let payment = payment(&line, &fields, delimiter);
                    self.row(&line, payment)?;
                }
                ("03", true) => {
                    let declared = line.text.split(delimiter).nth(1).and_then(|count| count.trim().parse::<u64>().ok());
                    if declared != Some(rows) {
                        return Err(line.refuse(
                            "swish.count",
                            &format!("the last record (03) does not say what was read: {rows} rows"),
                            &format!("slutposten (03) anger inte vad som lästs: {rows} rader"),
                        ));
                    }
                    self.declared = Some(self.declared.unwrap_or_default() + rows);
                    (rows, open) = (0, false);
                }
                ("01", false) => {
                    self.remarks.note(&CONCATENATED, || line.position());
                    open = true;
                }
                ("01" | "02" | "03", _) => {
                    return Err(line.refuse(
                        "swish.order",
                        "a record stands out of the order 01, 02, 03",
                        "en post står utanför ordningen 01, 02, 03",
                    ));
                }
                _ => self.remarks.note(&UNKNOWN, || line.position()),
            }
        }
        if open {
            let frame = last.unwrap_or(crate::fixed::Frame {
                line: 1,
                start: 0,
                end: 0,
                line_break: crate::fixed::Break::None,
            });
            let line = Line { frame, raw: &[], text: "".into() };
            return Err(line.refuse(
                "swish.truncated",
                "the report ends without its last record (03): it was cut off",
                "rapporten slutar utan slutpost (03): den är avklippt",
            ));
        }
        Ok(())
    }
}

fn payment<'a>(line: &Line<'_>, fields: &[&'a str], delimiter: char) -> Result<Payment<'a>, Box<Fault>> {
    let decimal = if delimiter == ';' { ',' } else { '.' };
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    let amount = amount(field(7), decimal).filter(|amount| *amount >= 0);
    let currency = field(8);
    let is_currency = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    let refund = field(6) == "SWR";
    let signed = amount.map(|amount| if refund { -amount } else { amount });
    let fault = |code, english, swedish| {
        Box::new(Fault {
            finding: line.finding(code, english, swedish),
            amount: signed.filter(|_| is_currency),
            currency: is_currency.then(|| currency.to_owned()),
        })
    };
    if !FIELDS.contains(&fields.len()) {
        return Err(fault(
            "swish.fields",
            "a row has neither 15 nor 18 fields: a text holds the delimiter",
            "en rad har varken 15 eller 18 fält: en text innehåller avgränsaren",
        ));
    }
    if !matches!(field(6), "SWH" | "SWR") {
        return Err(fault(
            "swish.type",
            "the type of a row is neither a payment (SWH) nor a refund (SWR), so its direction is unknown",
            "en rads typ är varken betalning (SWH) eller återbetalning (SWR), så dess riktning är okänd",
        ));
    }
    let account = digits(field(2));
    if account.is_empty() {
        return Err(fault("swish.account", "a row has no account", "en rad saknar konto"));
    }
    if !is_currency {
        return Err(fault("swish.currency", "a row has no currency", "en rad saknar valuta"));
    }
    let transaction_on = day(field(5));
    let booked_on = if field(15).is_empty() { transaction_on } else { day(field(15)) };
    let Some(booked_on) = booked_on else {
        return Err(fault("swish.date", "the date of a row cannot be read", "en rads datum går inte att läsa"));
    };
    let Some(amount) = signed else {
        return Err(fault(
            "swish.amount",
            "the amount of a row cannot be read: it must not be negative, with at most two decimals",
            "en rads belopp går inte att läsa: det får inte vara negativt, med högst två decimaler",
        ));
    };
    let stand_in = format!("swish:{account}:{}:{}", field(5), field(14));
    Ok(Payment {
        account,
        bank: field(3),
        payee_number: field(4),
        payer_number: field(9),
        payer_name: field(10),
        kind: field(6),
        reference: field(11),
        order: field(13),
        message: field(12),
        instruction: field(16),
        end_to_end: field(17),
        time: field(14),
        currency,
        amount,
        booked_on,
        transaction_on,
        stand_in,
    })
}
