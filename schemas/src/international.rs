//! Numbers of the world beyond the giros: IBAN, BIC, GLN and the creditor reference of ISO 11649.
//!
//! Each is read as people write it, with blanks and in either case, and given as it is compared: without blanks, in
//! capitals. Nothing is given where the number cannot be one.

use std::iter::once;

/// Characters of an IBAN by country: the IBAN registry of SWIFT (ISO 13616).
#[rustfmt::skip]
const IBAN_LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22),
    (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27),
    (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26),
    (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20),
    (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20),
    (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24),
    (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25),
    (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20),
    (b"YE", 30),
];

/// An account number of ISO 13616: country, length, and check digits by modulus 97.
#[must_use]
pub fn iban(text: &str) -> Option<String> {
    let iban = compact(text)?;
    let country = iban.as_bytes().first_chunk::<2>()?;
    let (_, length) = IBAN_LENGTHS.iter().find(|(known, _)| *known == country)?;
    (iban.len() == *length && has_check_digits(&iban)).then_some(iban)
}

/// A creditor reference of ISO 11649: `RF`, check digits by modulus 97, and 1 to 21 characters.
#[must_use]
pub fn creditor_reference(text: &str) -> Option<String> {
    let reference = compact(text)?;
    let is_one = reference.starts_with("RF") && (5..=25).contains(&reference.len());
    (is_one && has_check_digits(&reference)).then_some(reference)
}

/// A bank's identifier of ISO 9362: 8 characters, or 11 with a branch.
#[must_use]
pub fn bic(text: &str) -> Option<String> {
    let bic = compact(text)?;
    let country = bic.get(4..6)?;
    (matches!(bic.len(), 8 | 11) && country.bytes().all(|byte| byte.is_ascii_uppercase())).then_some(bic)
}

/// A location number of GS1: 13 digits, the last a check digit with weights 3 and 1.
#[must_use]
pub fn gln(text: &str) -> Option<String> {
    let gln = compact(text)?;
    if gln.len() != 13 || !gln.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let weighted = gln.bytes().rev().zip([1, 3].into_iter().cycle());
    let sum: u32 = weighted.map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    sum.is_multiple_of(10).then_some(gln)
}

/// Letters and digits of ASCII, in capitals, without the blanks between and around them.
fn compact(text: &str) -> Option<String> {
    let characters = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}'));
    characters.map(|c| c.is_ascii_alphanumeric().then(|| c.to_ascii_uppercase())).collect()
}

/// ISO 7064, MOD 97-10: with the first four characters last and letters as 10 to 35, the remainder is 1. What has
/// check digits 00, 01 or 99 was not made by the rule, though the remainder may fit.
fn has_check_digits(text: &str) -> bool {
    let Some((first, rest)) = text.split_at_checked(4) else { return false };
    let check = &first[2..];
    let digits = rest.bytes().chain(first.bytes()).flat_map(|byte| {
        let value = if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' + 10 };
        once((value / 10) % 10).filter(move |_| value > 9).chain(once(value % 10))
    });
    let remainder = digits.fold(0_u32, |remainder, digit| (remainder * 10 + u32::from(digit)) % 97);
    remainder == 1 && ("02"..="98").contains(&check) && check.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standards_are_read_as_they_are_written() {
        assert_eq!(iban("SE45 5000 0000 0583 9825 7466").as_deref(), Some("SE4550000000058398257466"));
        assert_eq!(iban("gb29 nwbk 6016 1331 9268 19").as_deref(), Some("GB29NWBK60161331926819"));
        assert_eq!(iban("NO93 8601 1117 947").as_deref(), Some("NO9386011117947"));
        assert_eq!(creditor_reference("RF18 5390 0754 7034").as_deref(), Some("RF18539007547034"));
        assert_eq!(bic("nded sess").as_deref(), Some("NDEDSESS"));
        assert_eq!(bic("ESSESESSXXX").as_deref(), Some("ESSESESSXXX"));
        assert_eq!(gln("4006381333931").as_deref(), Some("4006381333931"));
    }

    #[test]
    fn of_all_check_digits_one_is_right() {
        for (rest, first, reader) in [
            ("50000000058398257466", "SE", iban as fn(&str) -> Option<String>),
            ("539007547034", "RF", creditor_reference),
        ] {
            let right = (0..100).filter(|check| reader(&format!("{first}{check:02}{rest}")).is_some()).count();
            assert_eq!(right, 1, "{first}");
        }
        assert_eq!((0..10).filter(|check| gln(&format!("735000000000{check}")).is_some()).count(), 1);
    }

    #[test]
    fn two_digits_that_change_places_are_seen() {
        assert_eq!(iban("SE4550000000058398257646"), None);
        assert_eq!(creditor_reference("RF18539007547043"), None);
        assert_eq!(gln("4006381333391"), None);
    }

    #[test]
    fn what_is_too_long_too_short_or_of_no_country_is_none() {
        for text in
            ["", "S", "SE45", "SE455000000005839825746", "SE45500000000583982574660", "ZZ4550000000058398257466"]
        {
            assert_eq!(iban(text), None, "{text}");
        }
        for text in ["", "RF", "RF18", "RF1853900754703412345678901", "XX18539007547034", "RF18-539007547034"] {
            assert_eq!(creditor_reference(text), None, "{text}");
        }
        for text in ["", "NDEDSES", "NDEDSESSX", "NDED5ESS", "NDEDSESSXXXX", "NDÉDSESS"] {
            assert_eq!(bic(text), None, "{text}");
        }
        for text in ["", "400638133393", "40063813339310", "400638133393A"] {
            assert_eq!(gln(text), None, "{text}");
        }
    }

    #[test]
    fn check_digits_that_the_rule_never_gives_are_none() {
        // 97 more than 02 is 99: the remainder is the same.
        let low = (1_u32..100_000).find(|n| creditor_reference(&format!("RF02{n}")).is_some()).unwrap();
        assert_eq!(creditor_reference(&format!("RF99{low}")), None);
    }
}
