//! An attachment's base64, decoded as it passes by: only its size and SHA-256 stay.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Characters decoded at a time; a multiple of four.
const BLOCK: usize = 4096;

pub(super) struct Content {
    characters: Vec<u8>,
    hash: Sha256,
    size: i64,
    padded: bool,
    broken: bool,
}

/// What an attachment was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// No content.
    Empty,
    /// The text is not base64.
    Broken,
    Content {
        size: i64,
        sha256: String,
    },
}

impl Content {
    pub(super) fn new() -> Self {
        Self { characters: Vec::with_capacity(BLOCK), hash: Sha256::new(), size: 0, padded: false, broken: false }
    }

    /// Takes a piece of the text; white space in it means nothing.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        for run in piece.split(u8::is_ascii_whitespace) {
            let mut run = run;
            while !run.is_empty() && !self.broken {
                let (now, later) = run.split_at(run.len().min(BLOCK - self.characters.len()));
                self.characters.extend_from_slice(now);
                run = later;
                if self.characters.len() == BLOCK {
                    self.decode();
                }
            }
        }
    }

    fn decode(&mut self) {
        let mut bytes = [0; BLOCK / 4 * 3];
        match STANDARD.decode_slice(&self.characters, &mut bytes) {
            // Nothing may follow padding.
            Ok(_) if self.padded && !self.characters.is_empty() => self.broken = true,
            Ok(decoded) => {
                self.padded |= self.characters.ends_with(b"=");
                self.hash.update(&bytes[..decoded]);
                self.size += i64::try_from(decoded).unwrap_or_default();
            }
            Err(_) => self.broken = true,
        }
        self.characters.clear();
    }

    pub(super) fn finish(mut self) -> Decoded {
        self.decode();
        match (self.broken, self.size) {
            (true, _) => Decoded::Broken,
            (false, 0) => Decoded::Empty,
            (false, size) => Decoded::Content { size, sha256: format!("{:x}", self.hash.finalize()) },
        }
    }
}
