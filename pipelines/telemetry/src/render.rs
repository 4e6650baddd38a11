//! The metrics of this process as text, as Prometheus reads it.

use prometheus::TextEncoder;

use crate::family::REGISTRY;
use crate::metrics::MEMORY;
use crate::{lag, wait};

/// All metrics at a time, in milliseconds since 1970.
#[must_use]
pub fn render(now_millis: i64) -> String {
    wait::count();
    lag::tell(now_millis);
    if let Some(bytes) = resident() {
        MEMORY.set(&[], bytes);
    }
    TextEncoder::new().encode_to_string(&REGISTRY.gather()).unwrap_or_default()
}

/// Memory in use, where the system says so.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<i64>().ok()?.checked_mul(1024)
}
