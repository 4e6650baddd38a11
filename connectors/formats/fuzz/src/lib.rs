//! Fuzz targets: `check` says what must hold, and here memory is watched while it is checked.

use peak_alloc::PeakAlloc;

pub use libfuzzer_sys;

#[path = "check/mod.rs"]
mod check;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What a batch of every contract, the contracts themselves and the mappings take, with room to spare.
const MOST_MEMORY: usize = 64 << 20;
/// A byte can be an item of a list with a dozen columns, and all rows are kept twice to be compared.
const MOST_MEMORY_A_BYTE: usize = 1_000;

/// Checks a target on one input. Memory follows the bytes, and no byte makes much of it.
pub fn run(target: &str, input: &[u8]) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    check::run(target, input);
    let grown = MEMORY.peak_usage().saturating_sub(before);
    let most = MOST_MEMORY + MOST_MEMORY_A_BYTE * input.len();
    assert!(grown <= most, "{grown} bytes of memory for {} of input", input.len());
}

/// The program of a target.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        $crate::libfuzzer_sys::fuzz_target!(|input: &[u8]| $crate::run($name, input));
    };
}
