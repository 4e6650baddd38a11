//! What can be wrong with a BgMax file and how it is said, and the fields that records share.

use crate::fixed::{digits, remarks};

remarks! {
    TIMESTAMP "bgmax.timestamp"
        "the time at which the file was made cannot be read"
        "Tidpunkten då filen skapades går inte att läsa"
    RECEIVER_CHECK_DIGIT "bgmax.receiver_check_digit"
        "the receiving giro number has a wrong check digit"
        "Mottagarens gironummer har fel kontrollsiffra"
    SENDER_CHECK_DIGIT "bgmax.sender_check_digit"
        "a sender's bankgiro number has a wrong check digit"
        "Ett avsändande bankgironummer har fel kontrollsiffra"
    ORGANISATION_NUMBER "bgmax.organisation_number"
        "an organisation number has a wrong length or check digit"
        "Ett organisationsnummer har fel längd eller kontrollsiffra"
    CHANNEL "bgmax.channel"
        "a payment's channel is none of 1 to 4"
        "Betalningskanalen är ingen av 1 till 4"
    IMAGE "bgmax.image"
        "the mark for a slip's image is neither 0 nor 1"
        "Markeringen för avibild är varken 0 eller 1"
    REFERENCE_MISSING "bgmax.reference_missing"
        "a reference code says that there is a reference, but there is none"
        "En referenskod säger att det finns en referens, men den saknas"
    DEPOSIT_TYPE "bgmax.deposit_type"
        "the type of a deposit is neither K, D nor blank"
        "Insättningens typ är varken K, D eller blank"
    DEPOSIT_SERIAL "bgmax.deposit_serial"
        "a deposit has no serial number; a digest of its content stands in for it"
        "En insättning saknar löpnummer; ett fingeravtryck av innehållet används i stället"
    DEPOSIT_REPEATED "bgmax.deposit_repeated"
        "two deposits have the same account, year and serial number, but are not the same"
        "Två insättningar har samma konto, år och löpnummer men är inte samma"
    DEDUCTION_PAYER "bgmax.deduction_payer"
        "a sender's deductions (TK21) are larger than its payments in the deposit"
        "En avsändares avdrag (TK21) är större än dess betalningar i insättningen"
    SERIAL_REPEATED "bgmax.serial_repeated"
        "a payment's serial number stands on an earlier payment of the file"
        "En betalnings löpnummer finns på en tidigare betalning i filen"
    PAYMENT_DATE "bgmax.payment_date_unlikely"
        "a payment date lies before 1990 or after 2100"
        "Ett betalningsdatum ligger före 1990 eller efter 2100"
}

pub(super) fn or_unreadable(number: Option<u64>) -> (String, String) {
    match number {
        Some(number) => (number.to_string(), number.to_string()),
        None => ("an unreadable number of".to_owned(), "ett oläsligt antal".to_owned()),
    }
}

/// `YYYYMMDDhhmmss` and six digits of a second.
pub(super) fn is_timestamp(field: &[u8]) -> bool {
    let part = |from: usize, to: usize| digits(field.get(from..to)?)?.parse::<u32>().ok();
    let date = part(0, 4).zip(part(4, 6)).zip(part(6, 8));
    let valid_date = date.is_some_and(|((year, month), day)| {
        i32::try_from(year).is_ok_and(|year| chrono::NaiveDate::from_ymd_opt(year, month, day).is_some())
    });
    valid_date
        && field.iter().all(u8::is_ascii_digit)
        && part(8, 10).is_some_and(|hour| hour < 24)
        && part(10, 12).is_some_and(|minute| minute < 60)
        && part(12, 14).is_some_and(|second| second < 61)
}
