//! `#KSUMMA`: CRC-32 over labels and fields in CP437, without separators, quotes, braces and escapes, from after the
//! first `#KSUMMA` to before the last.

use super::rules::Stop;
use super::text::{Line, Text};

#[derive(Debug, Default)]
pub(super) struct Checksum {
    open: Option<(crc32fast::Hasher, crate::Position)>,
}

impl Checksum {
    /// Takes a line.
    pub fn add(&mut self, line: &Line, raw: &[u8], is_checksum: bool) -> Result<(), Stop> {
        if is_checksum {
            return self.mark(line);
        }
        let Some((hasher, _)) = &mut self.open else { return Ok(()) };
        if matches!(line.label(), "{" | "}") {
            return Ok(());
        }
        if line.content().is_ascii() {
            hasher.update(line.content().as_bytes());
        } else if line.is_cp437 {
            // Control characters and letters that the code page has twice keep their bytes this way.
            let mut content = Text::to_cp437(line.content());
            let letters = raw.iter().filter(|byte| !byte.is_ascii());
            for (place, byte) in content.iter_mut().filter(|byte| !byte.is_ascii()).zip(letters) {
                *place = *byte;
            }
            hasher.update(&content);
        } else {
            hasher.update(&Text::to_cp437(line.content()));
        }
        Ok(())
    }

    fn mark(&mut self, line: &Line) -> Result<(), Stop> {
        let Some(declared) = line.get(1) else {
            self.open = Some((crc32fast::Hasher::new(), line.position(0)));
            return Ok(());
        };
        let Some((hasher, _)) = self.open.take() else {
            return Err(line.refuse(
                "sie.checksum_unopened",
                "a checksum (#KSUMMA) stands where none was begun",
                "en kontrollsumma (#KSUMMA) står där ingen har påbörjats",
            ));
        };
        // Some write it as a signed number.
        let declared = declared.parse::<i64>().ok();
        let sum = hasher.finalize();
        if declared == Some(i64::from(sum)) || declared == Some(i64::from(sum.cast_signed())) {
            return Ok(());
        }
        Err(line.refuse(
            "sie.checksum",
            "the checksum (#KSUMMA) is not that of the file: something was changed on the way",
            "kontrollsumman (#KSUMMA) stämmer inte med filen: något har ändrats på vägen",
        ))
    }

    /// The file ends.
    pub fn end(&self) -> Result<(), Stop> {
        match &self.open {
            None => Ok(()),
            Some((_, position)) => Err(super::rules::refuse(
                "sie.checksum_missing",
                position.clone(),
                "a checksum (#KSUMMA) is begun here and never stated: the file was cut off",
                "en kontrollsumma (#KSUMMA) påbörjas här men anges aldrig: filen är avklippt",
            )),
        }
    }
}
