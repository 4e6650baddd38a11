//! The seal around files of Bankgirot (*HMAC-sigill*): a record before the file, one after it with an authentication
//! code over everything before.
//!
//! ```text
//! 00YYMMDDHMAC                                       99YYMMDD, key check value (32 hex), code (32 hex)
//! ```
//!
//! The code is HMAC-SHA256 with a key of 16 bytes, cut to 16 bytes, over the lines without their line breaks, in an
//! alphabet that survives changes of encoding. The key check value is the code of `00000000`: it says which key made
//! the seal without giving it away. What cannot be checked, because no such key is configured, is remarked.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::scan::{Stop, refuse};
use super::{Remark, Remarks};
use crate::Position;

static NOT_VERIFIED: Remark = Remark {
    code: "seal.not_verified",
    english: "the file's seal was not verified: its key is not configured",
    swedish: "Filens sigill kontrollerades inte: nyckeln är inte konfigurerad",
};
static VERIFIED: Remark = Remark {
    code: "seal.verified",
    english: "the file's seal was verified",
    swedish: "Filens sigill är kontrollerat och stämmer",
};
pub(crate) static NOT_CLOSED: Remark = Remark {
    code: "seal.not_closed",
    english: "the file begins with a seal (TK00) but has no end of it (TK99)",
    swedish: "Filen börjar med ett sigill (TK00) men saknar dess slut (TK99)",
};

/// A key for seals. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; 16]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(..)")
    }
}

impl SealKey {
    /// Reads a key of 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hexadecimal(text.trim().as_bytes()).map(Self)
    }

    fn mac(&self) -> Option<Hmac<Sha256>> {
        Hmac::new_from_slice(&self.0).ok()
    }
}

/// A seal on its way through a file.
pub(super) struct Seal {
    /// For each configured key, the key check value of it and the code so far.
    codes: Vec<([u8; 16], Hmac<Sha256>)>,
    line: Vec<u8>,
}

/// True for the record before a sealed file.
pub(super) fn is_begin(line: &[u8]) -> bool {
    line.starts_with(b"00") && line.get(8..12) == Some(b"HMAC")
}

/// True for the record after a sealed file.
pub(super) fn is_end(line: &[u8]) -> bool {
    line.starts_with(b"99") && line.get(8..72).is_some_and(|codes| codes.iter().all(u8::is_ascii_hexdigit))
}

impl Seal {
    pub fn new(keys: &[SealKey]) -> Self {
        let code = |key: &SealKey| {
            let mut check = key.mac()?;
            check.update(b"00000000");
            Some((truncated(check), key.mac()?))
        };
        Self { codes: keys.iter().filter_map(code).collect(), line: Vec::new() }
    }

    /// Adds a line to what is sealed.
    pub fn take(&mut self, line: &[u8]) {
        if self.codes.is_empty() {
            return;
        }
        self.line.clear();
        self.line.extend(line.iter().copied().map(normal));
        for (_, code) in &mut self.codes {
            code.update(&self.line);
        }
    }

    /// Compares what was sealed with what the last record says.
    pub fn check(&mut self, last: &[u8], position: Position, remarks: &mut Remarks) -> Result<(), Stop> {
        let part = |from: usize, to| last.get(from..to).and_then(hexadecimal);
        let (Some(check), Some(code)) = (part(8, 40), part(40, 72)) else { return Ok(()) };
        match self.codes.iter().find(|(own, _)| *own == check) {
            None => remarks.note(&NOT_VERIFIED, || position),
            Some((_, own)) if own.clone().verify_truncated_left(&code).is_ok() => remarks.note(&VERIFIED, || position),
            Some(_) => {
                return Err(refuse(
                    "seal.broken",
                    position,
                    "the seal does not fit the file: it was changed after it was sealed",
                    "sigillet stämmer inte: filen har ändrats sedan den förseglades",
                ));
            }
        }
        Ok(())
    }
}

fn truncated(code: Hmac<Sha256>) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&code.finalize().into_bytes()[..16]);
    half
}

fn hexadecimal(text: &[u8]) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The byte that stands for a byte of ISO 8859-1 in what is sealed.
const fn normal(byte: u8) -> u8 {
    match byte {
        0xc9 => b'@',
        0xc4 => b'[',
        0xd6 => b'\\',
        0xc5 => b']',
        0xdc => b'^',
        0xe9 => b'`',
        0xe4 => b'{',
        0xf6 => b'|',
        0xe5 => b'}',
        0xfc => b'~',
        32..=126 => byte,
        _ => 0xc3,
    }
}

#[cfg(test)]
mod tests;
