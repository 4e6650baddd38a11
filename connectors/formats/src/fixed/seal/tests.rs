use super::{Seal, SealKey, is_begin, is_end, normal, truncated};
use crate::Position;
use crate::fixed::{Remarks, Stop};
use hmac::Mac as _;

const KEY: &str = "1234567890ABCDEF1234567890ABCDEF";

fn key(text: &str) -> SealKey {
    SealKey::parse(text).unwrap()
}

/// The record after lines sealed with a key.
fn end(lines: &[&[u8]], key: &SealKey) -> Vec<u8> {
    let hex = |bytes: [u8; 16]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let mut check = key.mac().unwrap();
    check.update(b"00000000");
    let mut code = key.mac().unwrap();
    lines.iter().for_each(|line| code.update(&line.iter().copied().map(normal).collect::<Vec<_>>()));
    format!("99260302{}{}        ", hex(truncated(check)), hex(truncated(code))).into_bytes()
}

fn check(lines: &[&[u8]], last: &[u8], keys: &[SealKey]) -> Result<Vec<&'static str>, &'static str> {
    let mut seal = Seal::new(keys);
    lines.iter().for_each(|line| seal.take(line));
    let mut remarks = Remarks::default();
    match seal.check(last, Position::default(), &mut remarks) {
        Ok(()) => Ok(remarks.into_findings().iter().map(|finding| finding.code).collect()),
        Err(Stop::Refused(finding)) => Err(finding.code),
        Err(Stop::Failed(_)) => unreachable!(),
    }
}

#[test]
fn the_key_check_value_is_the_published_one() {
    assert!(end(&[], &key(KEY)).starts_with(b"99260302FF365893D899291C3BF505FB3175E880"));
}

#[test]
fn a_seal_is_verified_with_the_key_that_made_it_whichever_else_there_are() {
    let lines: [&[u8]; 3] = [b"00260302HMAC", b"one \xe5\xe4\xf6", b""];
    let own = key(KEY);
    let other = key("00112233445566778899aabbccddeeff");
    let last = end(&lines, &own);
    assert!(is_begin(lines[0]) && is_end(&last) && !is_end(lines[1]));
    assert_eq!(check(&lines, &last, &[other.clone(), own.clone()]), Ok(vec!["seal.verified"]));
    assert_eq!(check(&lines, &last, &[other]), Ok(vec!["seal.not_verified"]));
    assert_eq!(check(&lines, &last, &[]), Ok(vec!["seal.not_verified"]));
    assert_eq!(
        check(&lines[..2], &last, std::slice::from_ref(&own)),
        Ok(vec!["seal.verified"]),
        "a blank line is nothing"
    );
    assert_eq!(check(&[lines[0], b"one \xe5\xe4\xf7"], &last, &[own]), Err("seal.broken"));
}

#[test]
fn letters_beyond_ascii_are_sealed_in_their_seven_bit_form() {
    let given = b"\xc9\xc4\xd6\xc5\xdc\xe9\xe4\xf6\xe5\xfc aZ~\x1f\x7f\x80\xff";
    let normal: Vec<u8> = given.iter().copied().map(normal).collect();
    assert_eq!(normal, b"@[\\]^`{|}~ aZ~\xc3\xc3\xc3\xc3");
}

#[test]
fn a_key_is_32_hexadecimal_digits_and_is_never_shown() {
    assert!(SealKey::parse("1234").is_none() && SealKey::parse(&"g".repeat(32)).is_none());
    assert_eq!(key(KEY), key(&KEY.to_lowercase()));
    assert_eq!(format!("{:?}", key(KEY)), "SealKey(..)");
}
