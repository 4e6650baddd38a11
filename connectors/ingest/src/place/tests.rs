use bytes::Bytes;

use super::*;
use crate::testing::memory;

fn rule(pattern: &str, format: &str) -> Rule {
    Rule { pattern: pattern.to_owned(), format: format.to_owned() }
}

#[tokio::test]
async fn complete_files_are_found_by_name_and_told_apart_by_the_first_rule() {
    let store = memory();
    let names = ["b.xml", "a.bgmax", "a.bgmax.tmp", ".a.bgmax", "c.PART", ".hidden/a.bgmax", "sub/d.XML", "e.pdf"];
    for name in names {
        assert!(store.put_new(name, Bytes::from_static(b"x")).await.unwrap());
    }
    let rules = vec![rule("*.bgmax", "bgmax"), rule("**/*.xml", "ubl")];
    let place = LandingPlace::new("inbox", store, rules).unwrap();
    let found: Vec<_> = place.scan().await.unwrap().into_iter().map(|found| (found.name, found.format)).collect();
    let format = |name: &str, format: Option<&str>| (name.to_owned(), format.map(str::to_owned));
    let expected = [
        format("a.bgmax", Some("bgmax")),
        format("b.xml", Some("ubl")),
        format("e.pdf", None),
        format("sub/d.XML", Some("ubl")),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_pattern_or_format_that_cannot_be_used_is_an_error_of_the_configuration() {
    for rule in [rule("*", "no-such-format"), rule("[", "bgmax")] {
        let error = LandingPlace::new("inbox", memory(), vec![rule]).unwrap_err();
        assert_eq!(error.whose(), crate::Whose::Configuration, "{error}");
    }
}
