//! Tools that checks need, built once into the user's cache folder.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, must};

/// A tool that cargo installs.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Licences, bans, sources and advisories.
pub const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Builds fuzz targets.
pub const FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2" };
/// Unused dependencies.
pub const MACHETE: Tool = Tool { name: "cargo-machete", version: "0.9.2" };

impl Tool {
    /// The tool, installed if it is missing.
    pub fn command(self) -> Result<Command> {
        let home = cache().join("tools").join(format!("{}-{}", self.name, self.version));
        let program = home.join("bin").join(self.name);
        if !program.exists() {
            println!("   installing {} {}", self.name, self.version);
            let mut install =
                cargo(&["install", "--quiet", "--locked", self.name, "--version", self.version, "--root"]);
            must(install.arg(&home).env_remove("CARGO_TARGET_DIR"))?;
        }
        Ok(Command::new(program))
    }
}

/// Our part of the user's cache folder.
pub fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(".cache");
    base.unwrap_or_else(home).join("reskontra")
}
