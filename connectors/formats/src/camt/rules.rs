//! What can be said of a camt file, and the values that its elements share.

use schemas::money;

use crate::Finding;
use crate::columns::date;
use crate::fixed::remarks;
use crate::xml::Place;
use crate::xml::form::Found;

remarks! {
    NOT_BOOKED "camt.not_booked"
        "an entry is not booked (pending or information) and is no money"
        "En post är inte bokförd (preliminär eller information) och är inga pengar"
    STATUS "camt.status_missing"
        "an entry has no status and is taken as booked"
        "En post saknar status och antas vara bokförd"
    BOOKING_DATE "camt.booking_date"
        "an entry has no booking date; its value date stands in for it"
        "En post saknar bokföringsdag; dess valutadag används i stället"
    BALANCE "camt.balance"
        "the entries of a statement do not lead from its opening to its closing balance; its rows have no balance"
        "Posterna i ett kontoutdrag leder inte från ingående till utgående saldo; raderna får inget saldo"
    BALANCE_UNPROVEN "camt.balance_unproven"
        "a statement is too large to be held until its closing balance is proven; its rows have no balance"
        "Ett kontoutdrag är för stort för att hållas tills utgående saldo är bevisat; raderna får inget saldo"
    BALANCE_UNREADABLE "camt.balance_unreadable"
        "a balance cannot be read"
        "Ett saldo går inte att läsa"
    ENTRY_SUM "camt.entry_sum"
        "the transactions of an entry do not sum to it, nor do its charges explain the difference"
        "En posts transaktioner summerar inte till posten, och avgifterna förklarar inte skillnaden"
    CHARGES "camt.charges"
        "the transactions of an entry differ from it by its charges"
        "En posts transaktioner skiljer sig från posten med dess avgifter"
    BATCH_COUNT "camt.batch_count"
        "a batch declares another number of transactions than are itemised"
        "En bunt anger ett annat antal transaktioner än som är specificerade"
    REFERENCE_SUM "camt.reference_sum"
        "the references of a payment do not sum to it; they are kept without amounts"
        "En betalnings referenser summerar inte till betalningen; de sparas utan belopp"
    REFERENCES "camt.references"
        "a payment has more than 1 000 references; the first are kept"
        "En betalning har fler än 1 000 referenser; de första sparas"
    TRANSACTIONS "camt.transactions"
        "an entry has more than 1 000 transactions that are no payments in; the first are kept"
        "En post har fler än 1 000 transaktioner som inte är inbetalningar; de första sparas"
    IDENTITY_REPEATED "camt.identity_repeated"
        "a bank's reference stands on an earlier row of the file"
        "En bankreferens finns på en tidigare rad i filen"
    COPY "camt.copy"
        "the bank says that a statement is a copy or a duplicate"
        "Banken anger att ett kontoutdrag är en kopia eller en dubblett"
    RECEIVER_CHECK_DIGIT "camt.receiver_check_digit"
        "the receiving giro number has a wrong check digit"
        "Mottagarens gironummer har fel kontrollsiffra"
    SENDER_CHECK_DIGIT "camt.sender_check_digit"
        "a sender's giro number has a wrong check digit"
        "Ett avsändande gironummer har fel kontrollsiffra"
    CHARGE_UNREADABLE "camt.charge"
        "the charges of an entry or a transaction cannot be read"
        "Avgifterna för en post eller transaktion går inte att läsa"
}

/// A finding at a field; `path` leads to it.
pub(super) fn finding(place: Place, code: &'static str, path: &str, en: &str, sv: &str) -> Finding {
    place.finding(code, path, en, sv)
}

/// An amount in the smallest unit; the standard has no negative ones.
pub(crate) fn amount(text: &str) -> Option<i128> {
    let amount = money::parse_decimal(text, 2)?;
    let fits = amount < 10_i128.pow(u32::from(money::PRECISION));
    (fits && !text.starts_with(['-', '+'])).then_some(amount)
}

/// `CRDT` is positive, `DBIT` negative.
pub(super) fn sign(direction: Option<&str>) -> Option<i128> {
    match direction? {
        "CRDT" => Some(1),
        "DBIT" => Some(-1),
        _ => None,
    }
}

/// The day of a date or a time; the day is the bank's own, whatever the offset.
pub(crate) fn day(text: &str) -> Option<i32> {
    let (day, rest) = text.split_at_checked(10)?;
    let follows = rest.is_empty() || rest.starts_with(['T', 'Z', '+', '-']);
    date(day).ok().filter(|_| follows)
}

/// True for an ISO 4217 code by its form.
pub(crate) fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Charges with their currency: the total, else the sum of the records. `None` when they cannot be read.
pub(super) fn charges<'a>(
    total: Option<&'a str>,
    total_currency: Option<&'a str>,
    records: impl Iterator<Item = Found<'a>>,
    currency: Option<&'a str>,
) -> Option<Option<(i128, &'a str)>> {
    let sum = match total {
        Some(total) => Some((amount(total)?, total_currency?)),
        None => {
            let mut records = records.peekable();
            if records.peek().is_none() {
                return Some(None);
            }
            let sum = records.try_fold(0, |sum: i128, record| sum.checked_add(amount(record.text)?))?;
            Some((sum, currency?))
        }
    };
    Some(sum)
}
