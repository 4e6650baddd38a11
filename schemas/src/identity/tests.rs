use super::*;
use serde_json::Value;
use std::path::Path;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 31).unwrap()
}

fn person(text: &str) -> Option<PersonNumber> {
    PersonNumber::parse(text, today())
}

fn digits(text: &str, today: NaiveDate) -> Option<String> {
    PersonNumber::parse(text, today).map(|number| number.digits)
}

#[test]
fn every_way_of_writing_a_number_gives_the_same_twelve_digits() {
    for text in ["200002292399", "20000229-2399", "0002292399", "000229-2399", " 000229-2399\u{a0}"] {
        let number = person(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((number.digits(), number.kind()), ("200002292399", PersonKind::Personal));
        assert_eq!(number.birth_date(), NaiveDate::from_ymd_opt(2000, 2, 29));
    }
}

#[test]
fn the_plus_sign_is_written_from_the_year_of_turning_a_hundred() {
    let on = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
    assert_eq!(digits("090527+1474", today()).as_deref(), Some("190905271474"));
    assert_eq!(digits("090527-1474", today()).as_deref(), Some("200905271474"));
    assert_eq!(digits("000229+2399", on(2100, 1, 1)).as_deref(), Some("200002292399"));
    assert_eq!(digits("000229-2399", on(2099, 12, 31)).as_deref(), Some("200002292399"));
    // 1900 had no 29 February: the plus sign points at a day that never was.
    assert_eq!(digits("000229+2399", today()), None);
}

#[test]
fn a_birth_after_the_reference_date_is_a_hundred_years_earlier_or_no_birth() {
    let eve = NaiveDate::from_ymd_opt(2009, 5, 26).unwrap();
    assert_eq!(digits("0905271474", eve).as_deref(), Some("190905271474"));
    assert_eq!(digits("200905271474", eve), None);
}

#[test]
fn a_coordination_number_may_lack_month_or_day_or_have_a_day_that_never_was() {
    for (text, birth) in [
        ("197302889931", NaiveDate::from_ymd_opt(1973, 2, 28)),
        ("191500722390", None),
        (&with_check_digit("19730060238"), None),
        (&with_check_digit("19730260238"), None),
        ("192004912388", None),
    ] {
        let number = person(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((number.kind(), number.birth_date()), (PersonKind::Coordination, birth), "{text}");
    }
}

#[test]
fn a_personal_number_may_not_lack_month_or_day() {
    // 92 and 61 of month 13 are no days of a samordningsnummer either.
    for eleven in
        ["19730292238", "19731361238", "19730028238", "19730200238", "19731301238", "19730229238", "19730259238"]
    {
        assert_eq!(person(&with_check_digit(eleven)), None, "{eleven}");
    }
}

#[test]
fn another_check_digit_or_birth_number_000_is_refused() {
    assert!(person("200002292399").is_some());
    for check in [0, 1, 2, 3, 4, 5, 6, 7, 8] {
        assert_eq!(person(&format!("20000229239{check}")), None);
    }
    assert_eq!(person(&with_check_digit("20150916000")), None);
}

#[test]
fn what_is_no_number_is_refused() {
    let texts =
        ["", "-", "1234", "000229 2399", "000229*2399", "00022-92399", "2000022923991", "٢٠٠٠٠٢٢٩٢٣٩٩", "åååååååååååå"];
    for text in texts {
        assert_eq!(person(text), None, "{text}");
        assert_eq!(OrganisationNumber::parse(text), None, "{text}");
    }
}

#[test]
fn organisations_are_read_with_and_without_their_prefix() {
    for text in ["5560160680", "556016-0680", "165560160680", "16556016-0680", "005560160680"] {
        let number = OrganisationNumber::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((number.digits(), number.kind()), ("5560160680", OrganisationKind::LimitedCompany));
    }
    for text in ["995560160680", "556016+0680", "5560160681", "4560160682", "1212121212"] {
        assert_eq!(OrganisationNumber::parse(text), None, "{text}");
    }
}

#[test]
fn a_column_may_mix_persons_and_organisations() {
    let digits = |text| Identity::parse(text, today()).map(|identity| identity.digits().to_owned());
    assert_eq!(digits("556016-0680").as_deref(), Some("5560160680"));
    assert_eq!(digits("000229-2399").as_deref(), Some("200002292399"));
    assert_eq!(digits("000229-2390"), None);
}

fn with_check_digit(eleven: &str) -> String {
    format!("{eleven}{}", crate::reference::luhn_check_digit(&eleven[2..]).unwrap())
}

/// The published cases of personnummer/meta and others, when they lie beside the checkout.
#[expect(clippy::print_stderr, reason = "a skipped oracle is said aloud")]
fn oracle(path: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples/bank").join(path);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no oracle at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[test]
fn oracle_personal_and_coordination_numbers() {
    let Some(cases) = oracle("personnummer/personnummer__meta/list.json") else { return };
    for case in list(&cases) {
        for form in ["long_format", "short_format", "separated_format", "separated_long"] {
            let text = case[form].as_str().unwrap();
            let read = person(text);
            assert_eq!(read.is_some(), case["valid"].as_bool().unwrap(), "{text}");
            let Some(read) = read else { continue };
            assert_eq!(read.kind() == PersonKind::Coordination, case["type"] == "con", "{text}");
            if form != "short_format" {
                assert_eq!(read.digits(), case["long_format"].as_str().unwrap(), "{text}");
            }
        }
    }
    let Some(cases) = oracle("personnummer/personnummer__meta/structured.json") else { return };
    for kind in ["ssn", "con"] {
        for (verdict, valid) in [("valid", true), ("invalid", false)] {
            for text in list(&cases[kind]["string"][verdict]) {
                assert_eq!(person(text.as_str().unwrap()).is_some(), valid, "{text}");
            }
        }
    }
}

#[test]
fn oracle_interim_numbers() {
    let Some(cases) = oracle("personnummer/personnummer__meta/interim.json") else { return };
    for case in list(&cases) {
        for form in ["long_format", "short_format", "separated_format", "separated_long"] {
            let text = case[form].as_str().unwrap();
            let read = person(text).map(|number| (number.kind(), number.digits));
            let long = case["long_format"].as_str().unwrap().to_owned();
            assert_eq!(read, case["valid"].as_bool().unwrap().then_some((PersonKind::Interim, long)), "{text}");
        }
    }
}

#[test]
fn oracle_test_numbers_of_skatteverket() {
    for (file, kind) in [("allPins", PersonKind::Personal), ("allCoords", PersonKind::Coordination)] {
        let Some(numbers) = oracle(&format!("personnummer/personnummer__meta/{file}.json")) else { return };
        let (mut all, mut in_series) = (0, 0);
        for text in list(&numbers) {
            let text = text.as_str().unwrap();
            let number = person(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((number.digits(), number.kind()), (text, kind));
            assert_eq!(OrganisationNumber::parse(text), None, "{text}");
            all += 1;
            in_series += usize::from(number.is_in_test_series());
        }
        assert!(in_series * 100 >= all * 94, "{file}: {in_series} of {all}");
    }
}

#[test]
fn oracle_organisation_numbers() {
    let Some(cases) = oracle("personnummer/personnummer__meta/orgnumber.json") else { return };
    for case in list(&cases) {
        for form in ["short_format", "separated_format"] {
            let text = case[form].as_str().unwrap();
            assert_eq!(person(text), None, "{text} is an organisation's");
            assert!(OrganisationNumber::parse(text).is_some(), "{text}");
        }
    }
    let Some(cases) = oracle("checkdigits/organisationsnummer__meta/list.json") else { return };
    for case in list(&cases) {
        let text = case["input"].as_str().unwrap();
        let sole_trader = case["type"] == "Enskild firma";
        let read = Identity::parse(text, today());
        assert_eq!(read.is_some(), case["valid"].as_bool().unwrap(), "{text}");
        assert_eq!(matches!(read, Some(Identity::Person(_))), sole_trader, "{text}");
        if let Some(Identity::Organisation(number)) = read {
            assert_eq!(number.digits(), case["short_format"].as_str().unwrap());
        }
    }
}
