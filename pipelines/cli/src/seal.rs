//! Keys that the seals around files of Bankgirot are checked with.

use std::sync::Arc;

use anyhow::{Result, bail};
use formats::SealKey;

/// Holds the keys: 32 hexadecimal digits each, separated by commas. They are secrets, so they stand in no file of ours.
const VARIABLE: &str = "RESKONTRA_SEAL_KEYS";

/// The keys in the environment; none when the variable is not set.
pub fn keys() -> Result<Arc<[SealKey]>> {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    let mut keys = Vec::new();
    for (index, key) in text.split(',').filter(|key| !key.trim().is_empty()).enumerate() {
        match SealKey::parse(key) {
            Some(key) => keys.push(key),
            None => bail!("{VARIABLE}: key {} is not 32 hexadecimal digits", index + 1),
        }
    }
    Ok(keys.into())
}
