use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The configuration file. Unknown keys are errors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of the jobs.
    pub sql: PathBuf,
    /// Folder of the worked examples.
    pub examples: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self { sql: "sql".into(), examples: "tests/examples".into() }
    }
}

impl Config {
    /// Reads `file`, or `reskontra.toml` when it exists, or takes the defaults.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let usual = Path::new("reskontra.toml");
        let Some(file) = file.or_else(|| usual.exists().then_some(usual)) else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let mut config: Self = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
        let base = file.parent().unwrap_or(Path::new("."));
        for path in [&mut config.sql, &mut config.examples] {
            *path = base.join(&*path);
        }
        Ok(config)
    }
}
