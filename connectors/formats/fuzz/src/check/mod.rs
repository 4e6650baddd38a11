//! What must hold of every parser, whatever bytes it is given. Fuzz targets check it on inputs that libFuzzer makes,
//! the test `corpus` on those that are kept.
//!
//! - Nothing panics, and no input is an error: a wrong file is refused with a finding.
//! - The same bytes give the same result, however they come: at once or in pieces.
//! - Every row and reject stands where it says, in the order of the file, and is one of those that are counted.
//! - Sums are those of the rows: what is told of the money is what came.
//! - What is wrong is told in two languages with a place inside the file.

#![allow(clippy::panic, reason = "what does not hold must stop the target")]

mod file;
mod numbers;
mod sink;

/// Formats with a target of their own; all registers share one.
pub use formats::OWN as FORMATS;

/// What a target does with an input. Of the target `register` the first byte chooses the register.
pub fn run(target: &str, input: &[u8]) {
    match target {
        "numbers" => numbers::check(input),
        "register" => {
            let registers: Vec<_> = formats::formats().into_iter().filter(|name| !FORMATS.contains(name)).collect();
            if let Some((choice, bytes)) = input.split_first() {
                file::check(registers[usize::from(*choice) % registers.len()], bytes);
            }
        }
        format => file::check(format, input),
    }
}
