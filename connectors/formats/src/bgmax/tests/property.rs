//! Random valid files are read back as they were meant, and no bytes make the reader fail.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::{deposit, end, latin1, payment, read, record, valid};

/// A payment as it is meant.
#[derive(Debug, Clone)]
struct Meant {
    deduction: bool,
    sender: Option<u32>,
    reference: String,
    right_aligned: bool,
    code: u8,
    channel: u8,
    amount: u64,
    image: bool,
    /// Reference, and its share of the amount if the references have amounts.
    references: Vec<(String, u64, bool)>,
    registered: bool,
    messages: Vec<String>,
    name: Option<(String, String)>,
    street: Option<(String, String)>,
    city: Option<(String, String, String)>,
    identity: Option<u32>,
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
struct Clothes {
    line_break: &'static str,
    utf_8: bool,
    trimmed: bool,
    blank_lines: bool,
    autogiro: bool,
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    let pattern = format!("[a-zåäöÅÄÖé0-9]([a-zåäöÅÄÖé0-9 ,.-]{{0,{}}}[a-zåäö0-9])?", longest - 2);
    proptest::string::string_regex(&pattern).unwrap()
}

fn meant() -> impl Strategy<Value = Meant> {
    let head = (any::<bool>(), proptest::option::of(1..99_999_999_u32), text(25), any::<bool>(), 2..6_u8, 1..4_u8);
    let rest = (1..99_999_999_u64, any::<bool>(), any::<bool>());
    let references = proptest::collection::vec((text(25), 1..9_999_u64, any::<bool>()), 0..5);
    let messages = proptest::collection::vec(text(50), 0..4);
    let name = proptest::option::of((text(35), text(35)));
    let street = proptest::option::of((text(35), text(9)));
    let city = proptest::option::of((text(35), text(35), select(vec!["NO".to_owned(), "DK".to_owned()])));
    let identity = proptest::option::of(any::<u32>());
    (head, rest, references, messages, name, street, city, identity).prop_map(
        |(head, rest, references, messages, name, street, city, identity)| {
            let (deduction, sender, reference, right_aligned, code, channel) = head;
            let (amount, image, registered) = rest;
            let registered = registered && !references.is_empty();
            Meant {
                deduction,
                sender,
                reference: reference.trim().to_owned(),
                right_aligned,
                code,
                channel,
                amount,
                image,
                references: references
                    .into_iter()
                    .map(|(r, share, minus)| (r.trim().to_owned(), share, minus))
                    .collect(),
                registered,
                messages,
                name,
                street,
                city,
                identity,
            }
        },
    )
}

fn clothes() -> impl Strategy<Value = Clothes> {
    let flags = any::<(bool, bool, bool, bool)>();
    (select(vec!["\r\n", "\n", "\r"]), flags).prop_map(|(line_break, (utf_8, trimmed, blank_lines, autogiro))| {
        Clothes { line_break, utf_8, trimmed, blank_lines, autogiro }
    })
}

/// Makes amounts possible: registered references add up to their payment, and deductions are not more than the
/// payments of their deposit, or they become payments.
fn settle(deposits: &mut [Vec<Meant>]) {
    for deposit in deposits {
        for payment in deposit.iter_mut().filter(|payment| payment.registered) {
            payment.references[0] = (payment.references[0].0.clone(), 60_000, false);
            let signed =
                payment.references.iter().map(|(_, share, minus)| i128::from(*share) * if *minus { -1 } else { 1 });
            payment.amount = u64::try_from(signed.sum::<i128>()).unwrap();
        }
        let mut left: u64 = deposit.iter().filter(|payment| !payment.deduction).map(|payment| payment.amount).sum();
        for payment in deposit.iter_mut().filter(|payment| payment.deduction) {
            payment.deduction = left >= payment.amount;
            left = if payment.deduction { left - payment.amount } else { left + payment.amount };
        }
    }
}

/// Writes the deposits as a file, and as the rows that it must give.
fn write(deposits: &[Vec<Meant>], clothes: Clothes) -> (Vec<u8>, Vec<Value>) {
    let mut records = vec![record(&[(1, "01BGMAX"), (23, "01"), (25, "20260302173035010331"), (45, "P")])];
    let mut rows = Vec::new();
    let (mut plus, mut minus, mut extra) = (0, 0, 0);
    for (index, payments) in deposits.iter().enumerate() {
        records.push(record(&[(1, "050009912346"), (23, "SEK")]));
        let serial = format!("{:05}", index + 1);
        let mut sum = 0_i128;
        for (place, meant) in payments.iter().enumerate() {
            let number = rows.len() + 1;
            let (lines, mut row) = meant.write(number, clothes);
            records.extend(lines);
            let id = if clothes.autogiro {
                format!("bgmax:9912346:2026:{serial}:{}", place + 1)
            } else {
                format!("bgmax:2026:{number:012}")
            };
            row["payment_id"] = id.into();
            row["deposit_id"] = format!("bgmax:9912346:2026:{serial}").into();
            rows.push(row);
            extra += meant.references.len() as u64;
            if meant.deduction {
                minus += 1;
                sum -= i128::from(meant.amount);
            } else {
                plus += 1;
                sum += i128::from(meant.amount);
            }
        }
        records.push(deposit("20260302", &serial, u64::try_from(sum).unwrap(), "SEK", payments.len() as u64));
    }
    records.push(end(plus, minus, extra, deposits.len() as u64));
    let mut all = String::new();
    for record in &records {
        all.push_str(if clothes.trimmed { record.trim_end() } else { record });
        all.push_str(clothes.line_break);
        if clothes.blank_lines {
            all.push_str(clothes.line_break);
        }
    }
    (if clothes.utf_8 { all.into_bytes() } else { latin1(&all) }, rows)
}

impl Meant {
    fn write(&self, number: usize, clothes: Clothes) -> (Vec<String>, Value) {
        let sender = format!("{:010}", self.sender.unwrap_or_default());
        let channel = if clothes.autogiro { 4 } else { self.channel };
        let serial = if clothes.autogiro { " ".repeat(12) } else { format!("{number:012}") };
        let codes = format!("{}{channel}{serial}{}", self.code, u8::from(self.image));
        let reference = if self.right_aligned { format!("{:>25}", self.reference) } else { self.reference.clone() };
        let kind = if self.deduction { "21" } else { "20" };
        let mut head = payment("20", &sender, &reference, self.amount, &codes);
        super::put(&mut head, 1, kind);
        if self.deduction {
            super::put(&mut head, 71, "1");
        }
        let mut records = vec![head];
        for (reference, share, negative) in &self.references {
            let kind = if *negative { "23" } else { "22" };
            records.push(payment(kind, &sender, reference, if self.registered { *share } else { 0 }, &codes));
        }
        records.extend(self.messages.iter().map(|message| record(&[(1, "25"), (3, message)])));
        records.extend(self.name.iter().map(|(name, more)| record(&[(1, "26"), (3, name), (38, more)])));
        records.extend(self.street.iter().map(|(street, code)| record(&[(1, "27"), (3, street), (38, code)])));
        let city = |(city, country, code): &(String, String, String)| {
            record(&[(1, "28"), (3, city), (38, country), (73, code)])
        };
        records.extend(self.city.iter().map(city));
        records.extend(self.identity.iter().map(|number| record(&[(1, "29"), (3, &format!("{number:012}"))])));
        (records, self.row(number, clothes, channel))
    }

    fn row(&self, number: usize, clothes: Clothes, channel: u8) -> Value {
        let sign = if self.deduction { -1 } else { 1 };
        let money = |ore: i128| schemas::money::plain(ore, 2);
        let quality = ["none", "none", "checked", "unchecked", "registered", "wrong"][usize::from(self.code)];
        let references = self.references.iter().enumerate().map(|(index, (reference, share, negative))| {
            let amount = i128::from(*share) * sign * if *negative { -1 } else { 1 };
            json!({
                "ordinal": index + 1, "reference": reference, "negative": negative, "reference_code": self.code,
                "amount": if self.registered { money(amount).into() } else { Value::Null },
                "reference_quality": quality,
            })
        });
        let references: Vec<Value> = references.collect();
        let channel_name = ["bank", "lb", "slip", "autogiro"][usize::from(channel) - 1];
        let of = |text: Option<&String>| text.map_or(Value::Null, |text| text.trim().into());
        json!({
            "ordinal": number, "source_format": "bgmax",
            "kind": if self.deduction { "deduction" } else { "payment" },
            "receiver_account": "9912346", "receiver_account_type": "bankgiro",
            "deposit_account": "58410000010098232", "payment_date": "2026-03-02", "currency": "SEK",
            "amount": money(i128::from(self.amount) * sign),
            "reference": self.reference, "reference_code": self.code, "reference_quality": quality,
            "references": references,
            "channel": channel_name,
            "bank_reference": if clothes.autogiro { Value::Null } else { format!("{number:012}").into() },
            "sender_account": self.sender.map_or(Value::Null, |sender| sender.to_string().into()),
            "payer_number": null, "has_image": self.image,
            "deduction_code": if self.deduction { json!(1) } else { Value::Null },
            "messages": self.messages,
            "payer_name": of(self.name.as_ref().map(|name| &name.0)),
            "payer_extra_name": of(self.name.as_ref().map(|name| &name.1)),
            "payer_street": of(self.street.as_ref().map(|street| &street.0)),
            "payer_postcode": of(self.street.as_ref().map(|street| &street.1)),
            "payer_city": of(self.city.as_ref().map(|city| &city.0)),
            "payer_country": of(self.city.as_ref().map(|city| &city.1)),
            "payer_country_code": of(self.city.as_ref().map(|city| &city.2)),
            "payer_identity": self.identity.map_or(Value::Null, |number| format!("{number:012}").into()),
        })
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        mut deposits in proptest::collection::vec(proptest::collection::vec(meant(), 1..6), 1..4),
        clothes in clothes(),
    ) {
        settle(&mut deposits);
        let (bytes, expected) = write(&deposits, clothes);
        let outcome = read(&bytes);
        prop_assert_eq!(outcome.verdict(), "accepted", "{:?}", outcome.summary.verdict);
        prop_assert!(outcome.rejects.is_empty(), "{:?}", outcome.rejects);
        let mut end = 0;
        let mut rows = Vec::new();
        for mut row in outcome.rows {
            let (start, after) = (row.remove("byte_start").unwrap(), row.remove("byte_end").unwrap());
            let place = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
            prop_assert!(place(&start) >= end, "rows overlap");
            end = place(&after);
            let own = &bytes[place(&start)..end];
            prop_assert!(own.starts_with(b"20") || own.starts_with(b"21"));
            for reference in row["references"].as_array_mut().unwrap() {
                let reference = reference.as_object_mut().unwrap();
                let (from, to) = (reference.remove("byte_start").unwrap(), reference.remove("byte_end").unwrap());
                prop_assert!(place(&from) > place(&start) && place(&to) <= end);
                prop_assert!(bytes[place(&from)..].starts_with(b"22") || bytes[place(&from)..].starts_with(b"23"));
            }
            rows.push(Value::Object(row));
        }
        for (row, expected) in rows.iter().zip(&expected) {
            prop_assert_eq!(row, expected);
        }
        prop_assert_eq!(rows.len(), expected.len());
    }

    /// Whatever is done to the bytes, reading ends, and of an accepted file every öre is accounted for.
    #[test]
    fn no_change_of_bytes_breaks_the_reader_or_its_sums(
        changes in proptest::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let mut bytes = super::file(&valid());
        for (place, byte, what) in changes {
            let place = place.index(bytes.len());
            match what {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => drop(bytes.remove(place)),
                _ => bytes[place] = b"0123456789 \r\n\t\x1a"[usize::from(byte) % 15],
            }
        }
        let outcome = read(&bytes);
        if outcome.verdict() == "accepted" {
            prop_assert_eq!(outcome.summary.read_records, (outcome.rows.len() + outcome.rejects.len()) as u64);
            for total in &outcome.summary.totals {
                prop_assert_eq!(total.declared, Some(total.read + total.rejected));
            }
            prop_assert_eq!(outcome.summary.declared_records, Some(outcome.summary.read_records));
        }
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), start in any::<bool>()) {
        let mut file = if start { latin1(&valid()[..2].join("\n")) } else { Vec::new() };
        file.extend(bytes);
        prop_assert_ne!(read(&file).verdict(), "accepted");
    }
}
