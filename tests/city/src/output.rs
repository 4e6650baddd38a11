//! Writing files: bytes go straight to disk, with their hash and count.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::truth::{FileStatus, FileTruth};

/// The landing places.
#[derive(Debug, Clone)]
pub struct Landing {
    root: PathBuf,
}

/// A file being written.
#[derive(Debug)]
pub struct Output {
    file: BufWriter<File>,
    hash: Sha256,
    size: u64,
    path: String,
}

impl Landing {
    /// The landing places below `dir`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { root: dir.join("landing") }
    }

    /// Starts the file `path` (below `landing/`).
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(&self, path: &str) -> io::Result<Output> {
        let target = self.root.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = BufWriter::with_capacity(1 << 16, File::create(target)?);
        Ok(Output { file, hash: Sha256::new(), size: 0, path: path.to_owned() })
    }

    /// Copies a file of the landing places to another name.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn copy(&self, from: &str, to: &str) -> io::Result<()> {
        fs::copy(self.root.join(from), self.root.join(to)).map(|_| ())
    }
}

impl Output {
    /// Ends the file; the caller fills in what the rows are.
    ///
    /// # Errors
    /// When the last bytes cannot be written.
    pub fn finish(mut self, format: &str, contract: &str) -> io::Result<FileTruth> {
        self.file.flush()?;
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(FileTruth {
            path: self.path,
            format: format.to_owned(),
            contract: contract.to_owned(),
            sha256,
            size: self.size,
            status: FileStatus::Accepted,
            reason: None,
            records: 0,
            rejected: 0,
            totals: std::collections::BTreeMap::new(),
            extracted_on: None,
        })
    }

    /// Path below `landing/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Text as ISO 8859-1 (for our letters the same as Windows-1252); what it does not hold becomes `?`.
#[must_use]
pub fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
}

/// Öre with a decimal point: `1234.50`.
#[must_use]
pub fn point(ore: i64) -> String {
    schemas::money::plain(i128::from(ore), 2)
}

/// Öre with a decimal comma and blanks between thousands: `1 234,50`.
#[must_use]
pub fn comma(ore: i64) -> String {
    let sign = if ore < 0 { "-" } else { "" };
    let whole = (ore.unsigned_abs() / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped},{:02}", ore.unsigned_abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_registers_write_them() {
        assert_eq!(comma(157_200), "1 572,00");
        assert_eq!(comma(-123_456_789), "-1 234 567,89");
        assert_eq!(comma(5), "0,05");
        assert_eq!(point(-5), "-0.05");
    }

    #[test]
    fn letters_become_one_byte_each() {
        assert_eq!(latin1("Åäö"), [0xc5, 0xe4, 0xf6]);
        assert_eq!(latin1("€"), b"?");
    }
}
