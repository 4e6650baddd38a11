use chrono::NaiveDate;
use schemas::identity::{Identity, OrganisationNumber, PersonNumber};
use schemas::{international, money, reference};

/// Checks the check digits and references on one input.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let today = NaiveDate::from_ymd_opt(2026, 3, 31).unwrap_or_default();
    if let Some(digit) = reference::luhn_check_digit(text) {
        let digits = (0..10).filter(|digit| reference::luhn_valid(&format!("{text}{digit}")));
        assert!(digits.eq([digit]), "one digit and no other checks {text}");
    }
    if reference::ocr_valid_with_length(text) {
        assert!(reference::ocr_valid(text));
    }
    let readers = [
        reference::bankgiro,
        reference::plusgiro,
        international::iban,
        international::bic,
        international::gln,
        international::creditor_reference,
    ];
    for reader in readers {
        if let Some(number) = reader(text) {
            assert_eq!(reader(&number), Some(number.clone()), "what was read is read again");
        }
    }
    if let Some(person) = PersonNumber::parse(text, today) {
        assert_eq!(PersonNumber::parse(person.digits(), today).as_ref(), Some(&person));
        assert!(person.birth_date().is_none_or(|birth| birth <= today));
        assert!(OrganisationNumber::parse(text).is_none(), "no number is a person's and an organisation's");
    }
    if let Some(organisation) = OrganisationNumber::parse(text) {
        assert_eq!(OrganisationNumber::parse(organisation.digits()).as_ref(), Some(&organisation));
    }
    if let Some(identity) = Identity::parse(text, today) {
        assert_eq!(Identity::parse(identity.digits(), today), Some(identity));
    }
    for scale in [0, 2, 5] {
        if let Some(value) = money::parse_decimal(text, scale) {
            assert_eq!(money::parse_decimal(&money::plain(value, scale), scale), Some(value), "{text}");
        }
    }
}
