//! Numbers that look random and are the same in every run (splitmix64).

use std::collections::BTreeSet;

/// The random number of a number.
pub const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// A sequence.
pub struct Random(pub u64);

impl Random {
    /// So many different numbers below `end`, ascending.
    pub fn numbers(&mut self, count: u64, end: u64) -> BTreeSet<u64> {
        let mut numbers = BTreeSet::new();
        while (numbers.len() as u64) < count {
            self.0 += 1;
            numbers.insert(mix(self.0) % end);
        }
        numbers
    }
}
