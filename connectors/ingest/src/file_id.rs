use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// SHA-256 of a file's bytes: its name in the archive and the first column of every record read from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileId([u8; 32]);

impl FileId {
    /// The id with these bytes.
    #[must_use]
    pub const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The bytes of the hash.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The partition of `partitions` that all records of this file go to.
    #[must_use]
    pub fn partition(&self, partitions: i32) -> i32 {
        let [a, b, c, d, ..] = self.0;
        let spread = u32::from_be_bytes([a, b, c, d]) % u32::try_from(partitions.max(1)).unwrap_or(1);
        i32::try_from(spread).unwrap_or_default()
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for FileId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a file id: 64 lower-case hexadecimal digits");
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(wrong());
        }
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(wrong()),
        };
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for FileId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<FileId> for String {
    fn from(id: FileId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_are_the_same_id() {
        let id = FileId::new(std::array::from_fn(|index| u8::try_from(index * 8).unwrap()));
        assert_eq!(id.to_string().parse::<FileId>().unwrap(), id);
        assert!(id.to_string().to_uppercase().parse::<FileId>().is_err());
        assert!("00".parse::<FileId>().is_err());
    }

    #[test]
    fn a_partition_exists() {
        for first in 0..=255 {
            let mut hash = [0; 32];
            hash[3] = first;
            assert!((0..7).contains(&FileId::new(hash).partition(7)));
            assert_eq!(FileId::new(hash).partition(0), 0);
        }
    }
}
